"""The service: MockForge's remote-plugin protocol as ASGI.

`Endpoint` answers one call, `Health` says how the plugin is, `Guard` stands before everything: tokens, request ids, the log.
FastAPI and `App`, this package's own small framework, are given the same three, so that no client can tell which it talks to.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import logging
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, AsyncIterator, Awaitable, Callable, Dict, List, MutableMapping, Optional, Sequence, Tuple

from . import wire
from .types import PluginError

if TYPE_CHECKING:
    from .plugin import RemotePlugin

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[Tuple[bytes, bytes]]

logger = logging.getLogger("mockforge_plugin")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9\-_.:]{1,64}\Z")
_current_id: contextvars.ContextVar[str] = contextvars.ContextVar("mockforge_plugin_request_id", default="-")
#: How long a handler that was cancelled may take to notice.
_CANCEL_SECONDS = 5.0


def request_id() -> str:
    """The id of the request that's being answered, `-` outside of one: the `X-Request-Id` of its answer."""
    return _current_id.get()


class Refusal(Exception):
    """A request that no handler is asked about."""

    def __init__(self, status: int, error: str, headers: Headers = ()) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers


class Disconnected(Exception):
    """Whoever asked is gone."""


def header(scope: Scope, name: bytes) -> Optional[bytes]:
    """The first header of this name, which is in small letters."""
    return next((bytes(value) for key, value in scope["headers"] if key.lower() == name), None)


async def respond(send: Send, status: int, body: bytes, headers: Headers = (), kind: bytes = b"application/json") -> None:
    """Send a whole response."""
    start = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, refusal: Refusal) -> None:
    """Send a refusal in the protocol's envelope."""
    await respond(send, refusal.status, wire.failure(refusal.error), refusal.headers)


def only(scope: Scope, *methods: str) -> None:
    """Refuse other methods."""
    if scope["method"] not in methods:
        allow = ", ".join(methods)
        raise Refusal(405, f"{scope['method']} isn't allowed here, only {allow}", [(b"allow", allow.encode("ascii"))])


# --- a request's body ---------------------------------------------------------------------------------------------------


async def _read(receive: Receive, limit: int) -> bytes:
    parts: List[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise Refusal(413, f"the body is larger than {limit} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """A request's body, if it's neither too large nor too slow."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        raise Refusal(413, f"the body is larger than {limit} bytes")
    try:
        return await asyncio.wait_for(_read(receive, limit), seconds)
    except asyncio.TimeoutError:
        raise Refusal(408, "the body came too slowly", [(b"connection", b"close")]) from None


async def read_json(scope: Scope, receive: Receive, limit: int, seconds: float) -> Any:
    """A request's body, if it's JSON and says so."""
    kind = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise Refusal(415, "the Content-Type of a call must be application/json")
    if (header(scope, b"content-encoding") or b"identity").strip().lower() != b"identity":
        raise Refusal(415, "a body with a Content-Encoding isn't read")
    body = await read_body(scope, receive, limit, seconds)
    try:
        return wire.read_json(body)
    except wire.NotJson as error:
        raise Refusal(400, f"the body isn't JSON: {error}") from None


# --- calling a handler --------------------------------------------------------------------------------------------------


async def invoke(plugin: RemotePlugin, handler: Callable[..., Any], args: Sequence[Any]) -> Any:
    """Call a handler: a coroutine here, anything else in a thread of the plugin's pool."""
    if inspect.iscoroutinefunction(handler):
        return await handler(*args)
    context = contextvars.copy_context()

    def run() -> Any:
        try:
            return context.run(handler, *args)
        except StopIteration as error:
            # A future can't hold one: who waits for it would wait for ever.
            raise RuntimeError(wire.words(error)) from error

    result = await asyncio.get_running_loop().run_in_executor(plugin._mockforge.pool(), run)
    return await result if inspect.isawaitable(result) else result


async def _answer(plugin: RemotePlugin, call: wire.Call, args: Sequence[Any]) -> Tuple[int, bytes]:
    """A handler's answer, or its error as the protocol wants it: a 500 with the error's words and nothing else."""
    handler = getattr(plugin, call.handler)
    try:
        return 200, wire.success(call.write(await invoke(plugin, handler, args)))
    except PluginError as error:
        # As `%r`: there may be a stranger's text in it, which mustn't write lines of its own.
        logger.warning("[%s] %s says: %r", request_id(), call.handler, wire.words(error))
        return 500, wire.failure(wire.words(error))
    except (Exception, SystemExit) as error:
        logger.error("[%s] %s failed", request_id(), call.handler, exc_info=True)
        return 500, wire.failure(wire.words(error))


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(receive: Receive, answer: Awaitable[Tuple[int, bytes]]) -> Tuple[int, bytes]:
    """An answer, unless the client goes away: then the work is cancelled. A thread can't be; its answer is dropped."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Disconnected
        try:
            return work.result()
        except asyncio.CancelledError:
            # Something in the handler was cancelled; the request wasn't.
            return 500, wire.failure("cancelled")
    finally:
        gone.cancel()
        work.cancel()
        await asyncio.wait({work, gone}, timeout=_CANCEL_SECONDS)


class Endpoint:
    """One call of the protocol."""

    def __init__(self, plugin: RemotePlugin, call: wire.Call) -> None:
        self._plugin, self._call = plugin, call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            only(scope, "POST")
            request = await read_json(scope, receive, self._plugin._mockforge.max_body_bytes, self._plugin._mockforge.body_timeout)
            try:
                args = self._call.read(request)
            except wire.WrongShape as error:
                raise Refusal(422, str(error)) from None
            status, body = await unless_gone(receive, _answer(self._plugin, self._call, args))
        except Refusal as refusal:
            await refuse(send, refusal)
        except Disconnected:
            logger.info("[%s] the client went away", request_id())
        else:
            await respond(send, status, body)


class Health:
    """How the plugin is. While its process answers, it's healthy."""

    def __init__(self, plugin: RemotePlugin) -> None:
        self._plugin = plugin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            only(scope, "GET", "HEAD")
        except Refusal as refusal:
            await refuse(send, refusal)
            return
        state = {"status": "healthy", "plugin": self._plugin.name, "version": self._plugin.version}
        await respond(send, 200, wire.write_json(state).encode("utf-8"))


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """What there is at a path where there's nothing."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    elif scope["type"] == "http":
        await refuse(send, Refusal(404, "there's nothing at this path"))


class Guard:
    """Before everything else: who may come in, which id a request has, and a line in the log for each."""

    def __init__(self, app: ASGIApp, plugin: RemotePlugin) -> None:
        self._app, self._plugin = app, plugin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-request-id") or b""
        ours = given.decode("ascii") if _REQUEST_ID.match(given) else uuid.uuid4().hex
        current = _current_id.set(ours)
        begun, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", ours.encode("ascii"))]
            await send(message)

        try:
            if self._lets_in(scope):
                await self._app(scope, receive, sending)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await refuse(sending, Refusal(401, "a valid bearer token is needed", [(b"www-authenticate", b"Bearer")]))
        finally:
            took = (time.perf_counter() - begun) * 1000
            # The path is what the client sent: as `%r`, so that it can't write lines of its own.
            logger.info("[%s] %s %r %d %.1f ms", ours, scope.get("method", "WS"), scope["path"], status, took)
            _current_id.reset(current)

    def _lets_in(self, scope: Scope) -> bool:
        if scope["type"] == "http" and scope["path"] == "/health":
            return True
        return self._plugin._mockforge.allows(header(scope, b"authorization"))


# --- lifespan -----------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def lifespan(plugin: RemotePlugin) -> AsyncIterator[None]:
    """`startup` before the first request, `shutdown` after the last one."""
    try:
        await invoke(plugin, plugin.startup, ())
        yield
        await invoke(plugin, plugin.shutdown, ())
    finally:
        plugin._mockforge.close_pool()


# --- an app without FastAPI ---------------------------------------------------------------------------------------------


class Request:
    """What a route of `App` gets if it asks for a parameter of this type."""

    def __init__(self, scope: Scope, body: bytes, path_params: Dict[str, str]) -> None:
        self.scope, self.path_params = scope, path_params
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string = bytes(scope.get("query_string", b"")).decode("latin-1")
        self.headers: Dict[str, str] = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        self._body = body

    async def body(self) -> bytes:
        """The whole body."""
        return self._body

    async def json(self) -> Any:
        """The body as JSON."""
        try:
            return wire.read_json(self._body)
        except wire.NotJson as error:
            raise Refusal(400, f"the body isn't JSON: {error}") from None


class Response:
    """What a route of `App` may answer that isn't JSON."""

    def __init__(
        self,
        content: Any = b"",
        status_code: int = 200,
        headers: Optional[Dict[str, str]] = None,
        media_type: str = "text/plain; charset=utf-8",
    ) -> None:
        self.body = content.encode("utf-8") if isinstance(content, str) else bytes(content)
        self.status_code, self.headers, self.media_type = status_code, dict(headers or {}), media_type


class _Route:
    def __init__(self, path: str, methods: Sequence[str], handler: Callable[..., Any]) -> None:
        parts = re.split(r"\{(\w+)\}", path)
        pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        self.pattern, self.methods, self.handler = re.compile(pattern + r"\Z"), tuple(methods), handler
        self.parameters = inspect.signature(handler).parameters


class App:
    """A small ASGI app: the protocol's routes, and a plugin's own by the decorators that FastAPI has too.

    A route's parameters are those of its path, as text; one of the type `Request`; and one more, which is the body as JSON.
    It answers anything that's JSON, or a `Response`.
    """

    def __init__(self, plugin: RemotePlugin) -> None:
        self._plugin = plugin
        self._fixed: Dict[str, ASGIApp] = {"/health": Health(plugin)}
        self._fixed.update({call.path: Endpoint(plugin, call) for call in wire.CALLS})
        self._routes: List[_Route] = []
        self._guarded = Guard(self._dispatch, plugin)
        #: For what a plugin's routes share.
        self.state: Any = type("State", (), {})()

    def route(self, path: str, methods: Sequence[str] = ("GET",)) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a route."""

        def add(handler: Callable[..., Any]) -> Callable[..., Any]:
            self._routes.append(_Route(path, [method.upper() for method in methods], handler))
            return handler

        return add

    def get(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a route that's asked by GET."""
        return self.route(path, ("GET",))

    def post(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a route that's asked by POST."""
        return self.route(path, ("POST",))

    def put(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a route that's asked by PUT."""
        return self.route(path, ("PUT",))

    def patch(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a route that's asked by PATCH."""
        return self.route(path, ("PATCH",))

    def delete(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a route that's asked by DELETE."""
        return self.route(path, ("DELETE",))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._guarded(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        life = lifespan(self._plugin)
        try:
            await life.__aenter__()
        except Exception as error:
            logger.error("startup failed", exc_info=True)
            await send({"type": "lifespan.startup.failed", "message": wire.words(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await life.__aexit__(None, None, None)
        except Exception as error:
            logger.error("shutdown failed", exc_info=True)
            await send({"type": "lifespan.shutdown.failed", "message": wire.words(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        fixed = self._fixed.get(scope["path"]) if scope["type"] == "http" else None
        if fixed is not None:
            await fixed(scope, receive, send)
            return
        try:
            await self._own(scope, receive, send)
        except Refusal as refusal:
            await refuse(send, refusal)

    async def _own(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One of the plugin's own routes."""
        found = [(route, match) for route in self._routes for match in [route.pattern.match(scope["path"])] if match]
        if scope["type"] != "http" or not found:
            await not_found(scope, receive, send)
            return
        fits = [(route, match) for route, match in found if scope["method"] in route.methods]
        if not fits:
            only(scope, *sorted({method for route, _ in found for method in route.methods}))
            return
        route, match = fits[0]
        try:
            args = await self._arguments(scope, receive, route, match.groupdict())
            answer = await invoke(self._plugin, functools.partial(route.handler, **args), ())
            response = answer if isinstance(answer, Response) else None
            body = response.body if response is not None else wire.write_json(answer).encode("utf-8")
        except Refusal:
            raise
        except Disconnected:
            return
        except Exception:
            logger.error("[%s] a route failed", request_id(), exc_info=True)
            raise Refusal(500, "internal error") from None
        if response is None:
            await respond(send, 200, body)
        else:
            headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
            await respond(send, response.status_code, body, headers, response.media_type.encode("latin-1"))

    async def _arguments(self, scope: Scope, receive: Receive, route: _Route, path: Dict[str, str]) -> Dict[str, Any]:
        limit, seconds = self._plugin._mockforge.max_body_bytes, self._plugin._mockforge.body_timeout
        args: Dict[str, Any] = {}
        for name, parameter in route.parameters.items():
            kind = parameter.annotation
            if name in path:
                args[name] = path[name]
            elif kind is Request or kind in ("Request", "mockforge_plugin.Request"):
                args[name] = Request(scope, await read_body(scope, receive, limit, seconds), path)
            else:
                body = await read_json(scope, receive, limit, seconds)
                if kind in (dict, list, "dict", "list") and type(body).__name__ != getattr(kind, "__name__", kind):
                    raise Refusal(422, f"the body must be {'an object' if kind in (dict, 'dict') else 'a list'}")
                args[name] = body
        return args


# --- either app ---------------------------------------------------------------------------------------------------------


def build(plugin: RemotePlugin, framework: str) -> Any:
    """The plugin's app: FastAPI's if it's wanted, or there."""
    if framework != "asgi":
        try:
            from . import with_fastapi
        except ImportError:
            if framework == "fastapi":
                raise
        else:
            return with_fastapi.build(plugin)
    return App(plugin)
