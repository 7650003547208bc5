"""`RemotePlugin`: the class that plugins derive from.

The handlers are what a plugin overrides, as coroutines or as plain functions. Whoever calls them, `service` over HTTP or
`component` in WebAssembly, does so through `wire`. Nothing of a web framework is imported before `app` or `run` is asked for.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable, List, Mapping, Optional, TypeVar, Union

from .host import Host
from .types import (
    AuthCredentials,
    AuthResult,
    DataQuery,
    DataResult,
    FunctionParameter,
    PluginCapabilities,
    PluginContext,
    ResolutionContext,
    ResponseData,
    ResponseRequest,
    TemplateFunction,
)

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from fastapi import FastAPI
    from typing_extensions import ParamSpec

    _P = ParamSpec("_P")

_T = TypeVar("_T")
#: What a handler may answer: it's a coroutine or a plain function.
MaybeAwaitable = Union[_T, Awaitable[_T]]


def _either(handler: Callable[_P, Awaitable[_T]]) -> Callable[_P, MaybeAwaitable[_T]]:
    """A handler that a plugin may override by a coroutine or by a plain function: that's for who checks types.

    The ones here are coroutines, so that `await super().generate_response(…)` works.
    """
    return handler


DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024


class Settings:
    """What the service needs of its plugin, in one attribute: all other names belong to whoever writes the plugin."""

    def __init__(self, token: Optional[str], framework: str, max_body_bytes: int, body_timeout: float, threads: int) -> None:
        self.framework, self.max_body_bytes, self.body_timeout = framework, max_body_bytes, body_timeout
        self.app: Any = None
        self._token = None if token is None else token.encode()
        self._threads = threads
        self._pool: Optional[ThreadPoolExecutor] = None

    def allows(self, authorization: Optional[bytes]) -> bool:
        """Whether this `Authorization` header lets its sender in. Takes equally long for every wrong token."""
        if self._token is None:
            return True
        scheme, _, token = (authorization or b"").partition(b" ")
        # Digests are equally long whatever the token is.
        same = hmac.compare_digest(hashlib.sha256(token.strip()).digest(), hashlib.sha256(self._token).digest())
        return same and scheme.lower() == b"bearer"

    def pool(self) -> ThreadPoolExecutor:
        """Where handlers run that aren't coroutines."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="mockforge-plugin")
        return self._pool

    def close_pool(self) -> None:
        """Let its threads end. Doesn't wait for a handler that never does."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


class RemotePlugin:
    """A plugin, as a service or as a component.

    `name` and `version` are what `GET /health` says. The rest are options of the service, all by name:

    - `token`: who calls must send `Authorization: Bearer TOKEN`; `GET /health` stays open.
    - `framework`: `"fastapi"`, `"asgi"` (this package's own small app), or `"auto"`: FastAPI where it's installed.
    - `max_body_bytes`: a larger request is refused with 413.
    - `body_timeout`: seconds in which a request's body must have come; a slower one is refused with 408.
    - `threads`: how many handlers that aren't coroutines run at once.
    - `config`, `assets`: what `host.config()` and `host.asset()` give. A component has its host's instead.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        version: str = "0.1.0",
        *,
        token: Optional[str] = None,
        framework: str = "auto",
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        body_timeout: float = 30.0,
        threads: int = 32,
        config: Optional[Mapping[str, Any]] = None,
        assets: Union[str, Path, None] = None,
    ) -> None:
        if framework not in ("auto", "fastapi", "asgi"):
            raise ValueError(f"framework must be 'auto', 'fastapi' or 'asgi', not {framework!r}")
        if token is not None and not token:
            # Somebody's variable is empty: that mustn't open the service.
            raise ValueError("token must not be empty; leave it out for a service that answers everybody")
        self.name = type(self).__name__ if name is None else name
        self.version = version
        self.host = Host(config, assets)
        self._mockforge = Settings(token, framework, max_body_bytes, body_timeout, threads)

    # --- what a plugin overrides ---

    @_either
    async def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        """Are these credentials good? By default they aren't."""
        return AuthResult(authenticated=False, user_id="", claims={})

    @_either
    async def execute_template_function(self, function_name: str, args: List[Any], ctx: ResolutionContext) -> Any:
        """Run a template function. By default there are `now`, `env`, `header`, `upper` and `lower`."""
        return _built_in(function_name, args, ctx)

    @_either
    async def generate_response(self, ctx: PluginContext, req: ResponseRequest) -> ResponseData:
        """Make up a response. By default that's a 404."""
        body = b'{"error":"Not found"}'
        return ResponseData(404, {"Content-Type": "application/json"}, body, "application/json")

    @_either
    async def query_datasource(self, query: DataQuery, ctx: PluginContext) -> DataResult:
        """Answer a query. By default there's nothing."""
        return DataResult(columns=[], rows=[])

    @_either
    async def startup(self) -> None:
        """Called once before the service answers: the place to open connections."""

    @_either
    async def shutdown(self) -> None:
        """Called once after the service's last answer: the place to close them."""

    def get_functions(self) -> List[TemplateFunction]:
        """The template functions that there are, for people. The protocol doesn't ask a service; a component is asked."""
        own = type(self).execute_template_function is not RemotePlugin.execute_template_function
        return [] if own else list(_BUILT_IN)

    def get_capabilities(self) -> PluginCapabilities:
        """What the plugin needs. By default no network, no files, 10 MiB and a second."""
        return PluginCapabilities()

    # --- the service ---

    @property
    def app(self) -> FastAPI:
        """The ASGI app: a `FastAPI` where that's installed, else an `App` of this package with the same decorators."""
        if self._mockforge.app is None:
            from . import service

            self._mockforge.app = service.build(self, self._mockforge.framework)
        app: FastAPI = self._mockforge.app
        return app

    def run(self, host: str = "0.0.0.0", port: int = 8080, *, grace: float = 30.0, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT; requests that are running then have `grace` seconds to end.

        With uvicorn, where that's installed, and `options` are its own; else with a small server of this package.
        """
        from . import server

        server.run(self.app, host, port, grace, options)


_BUILT_IN = (
    TemplateFunction("now", "The time, as ISO 8601 in UTC", [], "string"),
    TemplateFunction("env", "A variable that was approved", [FunctionParameter("name", "string", True, "Its name")], "string"),
    TemplateFunction("header", "A header of the request", [FunctionParameter("name", "string", True, "Its name")], "string"),
    TemplateFunction("upper", "In capitals", [FunctionParameter("input", "string", True, "A text")], "string"),
    TemplateFunction("lower", "In small letters", [FunctionParameter("input", "string", True, "A text")], "string"),
)


def _built_in(name: str, args: List[Any], ctx: ResolutionContext) -> Any:
    known = next((function for function in _BUILT_IN if function.name == name), None)
    if known is None:
        raise ValueError(f"Unknown function: {name}")
    if len(args) < len(known.parameters):
        raise ValueError(f"{name} takes ({', '.join(of.name for of in known.parameters)})")
    if name == "now":
        return datetime.datetime.now(datetime.timezone.utc).isoformat()
    text = str(args[0])
    if name == "env":
        return ctx.environment.get(text)
    if name == "header":
        return ctx.request_context.header(text) if ctx.request_context is not None else None
    return text.upper() if name == "upper" else text.lower()
