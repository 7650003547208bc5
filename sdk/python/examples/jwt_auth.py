"""JSON Web Tokens against the keys that an issuer publishes (JWKS).

`JWKS_URL` is where; `JWT_AUDIENCE` and `JWT_ISSUER` are what a token must say, if they're set.
"""

from __future__ import annotations

import os
from typing import Optional
from urllib.parse import urlsplit

import jwt

from mockforge_plugin import (
    AuthCredentials,
    AuthResult,
    NetworkCapabilities,
    PluginCapabilities,
    PluginContext,
    RemotePlugin,
)


class JWTAuthPlugin(RemotePlugin):
    def __init__(self, jwks_url: str, audience: Optional[str] = "my-api", issuer: Optional[str] = None) -> None:
        super().__init__(name="JWT Auth", version="1.0.0")
        self.jwks_url, self.audience, self.issuer = jwks_url, audience, issuer
        # It remembers the keys for five minutes. For a token whose key it doesn't know it asks again, at most every half minute:
        # keys may rotate.
        self.jwks_client = jwt.PyJWKClient(jwks_url, timeout=5)

    # No coroutine, since the client blocks while it fetches keys: it runs in a thread.
    def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        try:
            key = self.jwks_client.get_signing_key_from_jwt(creds.token or "")
            payload = jwt.decode(
                creds.token or "",
                key.key,
                # Never what the token says: it could say HS256, with the public key as the secret.
                algorithms=["RS256", "ES256"],
                audience=self.audience,
                issuer=self.issuer,
                leeway=10,
                options={"require": ["exp", "sub"], "verify_aud": self.audience is not None},
            )
        except jwt.PyJWKClientConnectionError:
            raise  # Nobody can tell: that's an error, and no verdict.
        except jwt.PyJWTError as error:
            return AuthResult(authenticated=False, user_id="", claims={"error": str(error)})
        claims = {"email": payload.get("email"), "roles": payload.get("roles", []), "exp": payload["exp"]}
        return AuthResult(authenticated=True, user_id=payload["sub"], claims=claims)

    def get_capabilities(self) -> PluginCapabilities:
        host = urlsplit(self.jwks_url).hostname or ""
        return PluginCapabilities(network=NetworkCapabilities(allow_http_outbound=True, allowed_hosts=[host]))


if __name__ == "__main__":
    JWTAuthPlugin(os.environ["JWKS_URL"], os.environ.get("JWT_AUDIENCE"), os.environ.get("JWT_ISSUER")).run(port=8080)
