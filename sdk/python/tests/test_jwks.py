"""The example `jwt_auth.py` against a real JWKS server on loopback, with real RS256 and ES256 keys, which rotate."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from jwt_auth import JWTAuthPlugin

CONTEXT = {"method": "GET", "uri": "/api/users", "headers": {}}


class Issuer:
    """Publishes its keys, and signs tokens with them."""

    def __init__(self) -> None:
        self.keys: Dict[str, Any] = {}
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": issuer.published()}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/.well-known/jwks.json"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def published(self) -> List[Dict[str, Any]]:
        out = []
        for kid, key in self.keys.items():
            algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
            out.append({**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"})
        return out

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def token(self, kid: Optional[str], key: Any = None, algorithm: Optional[str] = None, **claims: Any) -> str:
        key = key or self.keys[kid or ""]
        payload = {"sub": "ada", "aud": "my-api", "exp": int(time.time()) + 60, "email": "ada@example.com", "roles": ["admin"]}
        payload = {name: value for name, value in {**payload, **claims}.items() if value is not None}
        algorithm = algorithm or ("RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256")
        return jwt.encode(payload, key, algorithm, headers={} if kid is None else {"kid": kid})


@pytest.fixture(scope="module")
def key() -> Any:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def issuer(key: Any) -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.keys = {"rsa": key, "ec": ec.generate_private_key(ec.SECP256R1())}
    yield issuer
    issuer.close()


@pytest.fixture
async def ask(issuer: Issuer, serve: Callable[..., Any]) -> Callable[..., Any]:
    client = await serve(JWTAuthPlugin(issuer.url))

    async def asking(token: Optional[str]) -> Any:
        request = {"context": CONTEXT, "credentials": {"type": "bearer", "token": token}}
        return await client.post("/plugin/authenticate", json=request)

    return asking


@pytest.mark.parametrize("kid", ["rsa", "ec"])
async def test_a_good_token(kid: str, issuer: Issuer, ask: Callable[..., Any]) -> None:
    response = await ask(issuer.token(kid))
    assert response.status_code == 200
    result = response.json()["result"]
    assert result["authenticated"] is True
    assert result["user_id"] == "ada"
    assert result["claims"]["email"] == "ada@example.com"
    assert result["claims"]["roles"] == ["admin"]
    assert isinstance(result["claims"]["exp"], int)


async def test_bad_tokens(issuer: Issuer, key: Any, ask: Callable[..., Any]) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = issuer.token("rsa")
    nothing: Any = None
    head, payload, signature = good.split(".")
    for why, token in {
        "no token": None,
        "an empty one": "",
        "no JWT": "nonsense",
        "expired": issuer.token("rsa", exp=int(time.time()) - 60),
        "no end": issuer.token("rsa", exp=None),
        "nobody's": issuer.token("rsa", sub=None),
        "for somebody else": issuer.token("rsa", aud="other"),
        "for nobody": issuer.token("rsa", aud=None),
        "not yet": issuer.token("rsa", nbf=int(time.time()) + 60),
        "a stranger's": issuer.token("rsa", stranger),
        "of an unknown key": issuer.token("other", stranger),
        "of no key": issuer.token(None, stranger),
        "unsigned": jwt.encode({"sub": "ada", "aud": "my-api"}, nothing, "none", headers={"kid": "rsa"}),
        "signed with the public key as a secret": forged(public),
        "changed": f"{head}.{payload[:-2]}AA.{signature}",
        "another algorithm": issuer.token("rsa", algorithm="RS512"),
    }.items():
        response = await ask(token)
        assert response.status_code == 200, (why, response.text)
        result = response.json()["result"]
        assert result["authenticated"] is False, why
        assert result["user_id"] == ""
        assert isinstance(result["claims"]["error"], str)


def forged(secret: bytes) -> str:
    """HS256 with a public key as the secret. PyJWT itself refuses to sign that."""

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    payload = {"sub": "ada", "aud": "my-api", "exp": int(time.time()) + 60}
    text = part({"alg": "HS256", "kid": "rsa"}) + b"." + part(payload)
    signature = base64.urlsafe_b64encode(hmac.new(secret, text, hashlib.sha256).digest()).rstrip(b"=")
    return (text + b"." + signature).decode()


async def test_keys_rotate(issuer: Issuer, serve: Callable[..., Any]) -> None:
    plugin = JWTAuthPlugin(issuer.url)
    client = await serve(plugin)

    async def ask(token: str) -> Any:
        request = {"context": CONTEXT, "credentials": {"type": "bearer", "token": token}}
        return await client.post("/plugin/authenticate", json=request)

    assert (await ask(issuer.token("rsa"))).json()["result"]["authenticated"] is True
    asked = issuer.asked
    assert (await ask(issuer.token("ec"))).json()["result"]["authenticated"] is True
    assert issuer.asked == asked, "the keys are remembered"
    issuer.keys = {"new": ec.generate_private_key(ec.SECP256R1())}
    new = issuer.token("new")
    assert (await ask(new)).json()["result"]["authenticated"] is False, "strangers can't make it ask all the time"
    assert issuer.asked == asked
    # As if that had been half a minute ago.
    plugin.jwks_client._last_successful_fetch = time.monotonic() - plugin.jwks_client.cooldown_duration
    assert (await ask(new)).json()["result"]["authenticated"] is True
    assert issuer.asked == asked + 1, "and asked for again when there's a new one"


async def test_an_issuer_that_cannot_be_reached_is_an_error_and_no_verdict(key: Any, serve: Callable[..., Any]) -> None:
    issuer = Issuer()
    issuer.keys = {"rsa": key}
    token = issuer.token("rsa")
    issuer.close()
    client = await serve(JWTAuthPlugin(issuer.url))
    response = await client.post(
        "/plugin/authenticate", json={"context": CONTEXT, "credentials": {"type": "bearer", "token": token}}
    )
    assert response.status_code == 500
    assert response.json()["success"] is False


def test_its_capabilities_name_the_issuer() -> None:
    network = JWTAuthPlugin("https://auth.example.com/.well-known/jwks.json").get_capabilities().network
    assert (network.allow_http_outbound, network.allowed_hosts) == (True, ["auth.example.com"])


async def test_the_audience_may_be_left_out_and_an_issuer_named(issuer: Issuer, serve: Callable[..., Any]) -> None:
    client = await serve(JWTAuthPlugin(issuer.url, audience=None, issuer="https://auth.example.com"))
    cases: List[Any] = [({"aud": None, "iss": "https://auth.example.com"}, True), ({"iss": "https://other"}, False), ({}, False)]
    for claims, good in cases:
        request = {"context": CONTEXT, "credentials": {"type": "bearer", "token": issuer.token("rsa", **claims)}}
        result = (await client.post("/plugin/authenticate", json=request)).json()["result"]
        assert result["authenticated"] is good
