"""The service as a FastAPI app. Imported only where FastAPI is installed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, AsyncIterator, Dict

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import service, wire

if TYPE_CHECKING:
    from .plugin import RemotePlugin


async def _failed(_request: Request, _error: Exception) -> Response:
    """A plugin's own route failed: the server logs how, the client isn't told."""
    return Response(wire.failure("internal error"), 500, media_type="application/json")


def build(plugin: RemotePlugin) -> FastAPI:
    """The app. The protocol's routes are ASGI apps, which neither validate nor encode anything a second time."""

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with service.lifespan(plugin):
            yield

    app = FastAPI(title=plugin.name, version=plugin.version, lifespan=life, redirect_slashes=False)
    routes: Dict[str, Any] = {"/health": service.Health(plugin)}
    routes.update({call.path: service.Endpoint(plugin, call) for call in wire.CALLS})
    app.router.routes.extend(Route(path, endpoint=endpoint, include_in_schema=False) for path, endpoint in routes.items())
    nothing: Any = service.not_found
    app.router.default = nothing
    guard: Any = service.Guard
    app.add_middleware(guard, plugin=plugin)
    app.add_exception_handler(Exception, _failed)
    return app
