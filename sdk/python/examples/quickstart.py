"""The smallest plugin: one token is good."""

from __future__ import annotations

import hmac

from mockforge_plugin import AuthCredentials, AuthResult, PluginContext, RemotePlugin


class MyAuthPlugin(RemotePlugin):
    async def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        if hmac.compare_digest((creds.token or "").encode(), b"valid-token"):
            return AuthResult(authenticated=True, user_id="user123", claims={"role": "admin"})
        return AuthResult(authenticated=False, user_id="", claims={})


if __name__ == "__main__":
    MyAuthPlugin(name="My Auth Plugin", version="1.0.0").run(host="0.0.0.0", port=8080)
