"""Plugins for MockForge in Python: as services that it calls over HTTP, or as WebAssembly components.

`RemotePlugin` is what a plugin derives from; the dataclasses are what its handlers get and give.
"""

from typing import TYPE_CHECKING, Any

from .plugin import MaybeAwaitable, RemotePlugin
from .types import (
    AuthCredentials,
    AuthResult,
    ColumnInfo,
    DataQuery,
    DataResult,
    FilesystemCapabilities,
    FunctionParameter,
    NetworkCapabilities,
    PluginCapabilities,
    PluginContext,
    PluginError,
    RawJson,
    ResolutionContext,
    ResourceLimits,
    ResponseData,
    ResponseRequest,
    TemplateFunction,
)

if TYPE_CHECKING:
    from .service import App, Request, Response, request_id

__version__ = "0.1.0"

__all__ = [
    "App",
    "AuthCredentials",
    "AuthResult",
    "ColumnInfo",
    "DataQuery",
    "DataResult",
    "FilesystemCapabilities",
    "FunctionParameter",
    "MaybeAwaitable",
    "NetworkCapabilities",
    "PluginCapabilities",
    "PluginContext",
    "PluginError",
    "RawJson",
    "RemotePlugin",
    "Request",
    "ResolutionContext",
    "ResourceLimits",
    "Response",
    "ResponseData",
    "ResponseRequest",
    "TemplateFunction",
    "__version__",
    "request_id",
]


def __getattr__(name: str) -> Any:
    """What belongs to the service is imported when it's asked for: a component has no use for it."""
    if name in ("App", "Request", "Response", "request_id"):
        from . import service

        return getattr(service, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
