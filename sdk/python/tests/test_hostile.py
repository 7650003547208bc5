"""What strangers send: never a 500, never a handler that's asked, always the envelope."""

from __future__ import annotations

import contextlib
import json
import random
import time
from typing import Any, AsyncIterator, Callable, Dict, List, Optional

import pytest

from mockforge_plugin import wire
from reference import reference
from test_protocol import AUTH, CONTEXT, GENERATE, QUERY, Recorder

PATHS = ["/plugin/authenticate", "/plugin/template/execute", "/plugin/response/generate", "/plugin/datasource/query"]
JSON = {"content-type": "application/json"}

BODIES = [
    b"",
    b" ",
    b"nonsense",
    b"{",
    b'{"a":1',
    b'{"a":1}}',
    b"{'a':1}",
    b"{} {}",
    b"\xef\xbb\xbf{}",
    b'{"a":"\xff"}',
    '{"a":1}'.encode("utf-16"),
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":-Infinity}',
    b'{"a":1e999}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":"\\ud83e"}',
    b'{"\\udc00":1}',
    b'{"a":"\x00"}',
    b"[" * 200 + b"]" * 200,
    b"[" * 1_000_000,
    b'{"a":' * 1_000_000,
    b'"' + b"[" * 1_000_000,
    b"\x00" * 10,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize("path", PATHS[:2])
async def test_bodies_that_are_not_json(body: bytes, path: str, framework: str, serve: Callable[..., Any]) -> None:
    plugin = Recorder(framework=framework)
    client = await serve(plugin)
    response = await client.post(path, content=body, headers=JSON)
    assert response.status_code == 400, response.text
    assert response.json()["success"] is False
    assert response.json()["error"].startswith("the body isn't JSON")
    assert plugin.asked == []


def without(request: Dict[str, Any], key: str) -> Dict[str, Any]:
    return {name: value for name, value in request.items() if name != key}


def context(**keys: Any) -> Dict[str, Any]:
    return {**AUTH, "context": {**CONTEXT, **keys}}


WHOLE: List[Any] = [None, 1, "text", [], True, [{}], {}]
SHAPES = [
    *[(path, value) for path in PATHS for value in WHOLE],
    (PATHS[0], without(AUTH, "context")),
    (PATHS[0], without(AUTH, "credentials")),
    (PATHS[0], {**AUTH, "credentials": {}}),
    (PATHS[0], {**AUTH, "credentials": {"type": 1}}),
    (PATHS[0], {**AUTH, "credentials": {"type": "bearer", "token": 1}}),
    (PATHS[0], {**AUTH, "credentials": {"type": "bearer", "data": []}}),
    (PATHS[0], {**AUTH, "credentials": "bearer"}),
    (PATHS[0], context(method=1)),
    (PATHS[0], context(uri=None)),
    (PATHS[0], context(headers=[])),
    (PATHS[0], context(headers={"A": 1})),
    (PATHS[0], context(headers={"A": ["b"]})),
    (PATHS[1], {"function_name": 1}),
    (PATHS[1], {"function_name": None}),
    (PATHS[1], {"function_name": "f", "args": {}}),
    (PATHS[1], {"function_name": "f", "args": "ab"}),
    (PATHS[1], {"function_name": "f", "context": []}),
    (PATHS[1], {"function_name": "f", "context": {"environment": []}}),
    (PATHS[1], {"function_name": "f", "context": {"request_context": "x"}}),
    (PATHS[1], {"function_name": "f", "context": {"request_context": {}}}),
    (PATHS[2], without(GENERATE, "request")),
    (PATHS[2], {**GENERATE, "request": {"method": "GET"}}),
    (PATHS[2], {**GENERATE, "request": {"method": "GET", "path": 1}}),
    (PATHS[2], {**GENERATE, "request": {"method": "GET", "path": "/", "headers": {"A": None}}}),
    (PATHS[3], without(QUERY, "context")),
    (PATHS[3], {**QUERY, "query": "select 1"}),
    (PATHS[3], {**QUERY, "query": {}}),
    (PATHS[3], {**QUERY, "query": {"query": ["select 1"]}}),
]


@pytest.mark.parametrize(("path", "request_"), SHAPES)
async def test_json_of_the_wrong_shape(path: str, request_: Any, framework: str, serve: Callable[..., Any]) -> None:
    plugin = Recorder(framework=framework)
    client = await serve(plugin)
    response = await client.post(path, content=json.dumps(request_), headers=JSON)
    assert response.status_code == 422, response.text
    assert response.json()["success"] is False
    assert plugin.asked == []


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data", "application"]
)
async def test_other_content_types(kind: Optional[str], framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Recorder(framework=framework))
    headers = {} if kind is None else {"content-type": kind}
    response = await client.post(PATHS[0], content=json.dumps(AUTH), headers=headers)
    assert response.status_code == 415
    assert response.json()["success"] is False


async def test_content_types_that_will_do(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Recorder(framework=framework))
    for kind in ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x=y"]:
        response = await client.post(PATHS[0], content=json.dumps(AUTH), headers={"content-type": kind})
        assert response.status_code == 200, kind
    response = await client.post(PATHS[0], content=json.dumps(AUTH), headers={**JSON, "content-encoding": "gzip"})
    assert response.status_code == 415


async def test_too_large(framework: str, serve: Callable[..., Any]) -> None:
    plugin = Recorder(framework=framework, max_body_bytes=1000)
    client = await serve(plugin)
    fits = json.dumps(AUTH)
    fits += " " * (1000 - len(fits))
    assert (await client.post(PATHS[0], content=fits, headers=JSON)).status_code == 200
    assert (await client.post(PATHS[0], content=fits + " ", headers=JSON)).status_code == 413

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    response = await client.post(PATHS[0], content=stream(), headers=JSON)
    assert response.status_code == 413
    assert response.json() == {"success": False, "error": "the body is larger than 1000 bytes"}
    response = await client.post(PATHS[0], content=fits, headers={**JSON, "content-length": "9" * 50})
    assert response.status_code == 413
    assert len(plugin.asked) == 1


async def test_too_slow(framework: str) -> None:
    """Through ASGI itself: a client that never sends the rest."""
    import asyncio

    app: Any = Recorder(framework=framework, body_timeout=0.05).app
    sent = []
    first = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Any:
        return first.pop() if first else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATHS[0],
        "raw_path": PATHS[0].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json")],
        "http_version": "1.1",
        "scheme": "http",
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["success"] is False


async def test_as_deep_as_may_be(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Recorder(framework=framework))
    for depth, status in [(126, 200), (127, 400)]:
        # In the envelope's object and in the list of arguments.
        nested = "[" * depth + "]" * depth
        body = f'{{"function_name":"f","args":[{nested}]}}'
        response = await client.post(PATHS[1], content=body, headers=JSON)
        assert response.status_code == status, depth
    brackets = json.dumps({"function_name": "f", "args": ['\\"' + "[{" * 1000]})
    assert (await client.post(PATHS[1], content=brackets, headers=JSON)).status_code == 200, "brackets in text aren't nesting"


def test_large_bodies_are_read_in_time() -> None:
    """Eight mebibytes of the worst kinds: no reader may be quadratic in them."""
    size = wire.MAX_DEPTH * 1024 * 64
    for body in [
        b"[" + b"[]," * (size // 3) + b"1]",
        b'"' + b"\\" * size + b'"',
        b'["' + b'","' * (size // 3) + b'"]',
        b"[" * size,
        b'"' + b'\\"[' * (size // 3),
        b"1" * size,
    ]:
        # Of this thread: other processes have no part in it.
        begun = time.thread_time()
        with contextlib.suppress(wire.NotJson):
            wire.read_json(body)
        assert time.thread_time() - begun < 15, body[:16]


async def test_noise(framework: str, serve: Callable[..., Any]) -> None:
    """Bytes turned over in good requests: whatever comes of it is an answer in the envelope."""
    client = await serve(reference(framework=framework))
    chance = random.Random(7)
    for path, request in zip(PATHS * 50, [AUTH, {"function_name": "echo", "args": ["ü", 1.5]}, GENERATE, QUERY] * 50):
        body = bytearray(json.dumps(request).encode())
        for _ in range(chance.randrange(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        response = await client.post(path, content=bytes(body), headers=JSON)
        assert response.status_code in (200, 400, 422, 500)
        assert response.json()["success"] is (response.status_code == 200)
