from __future__ import annotations

import socket
from typing import Any, AsyncIterator, Callable

import pytest
import pytest_asyncio

from mockforge_plugin import RemotePlugin, testing


@pytest.fixture(params=["fastapi", "asgi"])
def framework(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs over both apps."""
    return str(request.param)


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Clients of plugins, which are closed at the end."""
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:

        async def open_client(plugin: RemotePlugin, **options: Any) -> Any:
            return await stack.enter_async_context(testing.client(plugin, **options))

        yield open_client


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
