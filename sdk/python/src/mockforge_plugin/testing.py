"""For tests of plugins: an httpx client that talks to the plugin without a network. Needs httpx."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, AsyncIterator, Dict, Optional

import httpx

from .plugin import RemotePlugin


@contextlib.asynccontextmanager
async def client(plugin: RemotePlugin, *, token: Optional[str] = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the plugin's service, which has started up and shuts down at the end."""
    app: Any = plugin.app
    async with running(app):
        headers: Dict[str, str] = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as opened:
            yield opened


@contextlib.asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """An ASGI app between its startup and its shutdown, which httpx leaves to others."""
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))

    async def tell(what: str) -> None:
        await inbox.put({"type": f"lifespan.{what}"})
        message = await outbox.get()
        if message["type"] != f"lifespan.{what}.complete":
            with contextlib.suppress(Exception):
                await task
            raise RuntimeError(f"{what} failed: {message.get('message', '')}")

    await tell("startup")
    try:
        yield
    finally:
        await tell("shutdown")
        await task
