"""Verdicts and errors.

Credentials that aren't good are a verdict, and an answer like any other. That nobody can tell is an error: what a handler raises
becomes HTTP 500 with `{"success":false,"error":"…"}` and the exception's text. Its traceback is in the log and goes nowhere else.
"""

from __future__ import annotations

import logging
from typing import Awaitable, Callable, Optional

from mockforge_plugin import AuthCredentials, AuthResult, PluginContext, PluginError, RemotePlugin, request_id

logger = logging.getLogger(__name__)


async def nobody(token: str) -> Optional[str]:
    """Whose token it is: replace it by a directory's client."""
    raise ConnectionError("no directory is configured")


class RobustPlugin(RemotePlugin):
    def __init__(self, who: Callable[[str], Awaitable[Optional[str]]] = nobody) -> None:
        super().__init__(name="Robust", version="1.0.0")
        self.who = who

    async def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        if creds.credential_type != "bearer":
            # The plugin's own words, and no traceback in the log: this is nobody's mistake here.
            raise PluginError(f"only bearer tokens are known, not `{creds.credential_type}`")
        try:
            user = await self.who(creds.token or "")
        except ConnectionError:
            # Closed, and not open: a directory that's down lets nobody in.
            logger.warning("[%s] the directory is down", request_id())
            return AuthResult(authenticated=False, user_id="", claims={"error": "service_unavailable"})
        return AuthResult(authenticated=user is not None, user_id=user or "", claims={})


if __name__ == "__main__":
    RobustPlugin().run(port=8080)
