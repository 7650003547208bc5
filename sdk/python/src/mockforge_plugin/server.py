"""Serving an ASGI app: with uvicorn where that's installed, else with the small HTTP/1.1 server here.

The small one is strict where HTTP is lenient: a request that two programs could read in two ways is refused, and its connection
closed. It knows no TLS, no HTTP/2 and no WebSocket: put something in front that does, or install uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import socket
import sys
from http import HTTPStatus
from typing import Any, Dict, List, Optional, Set, Tuple
from urllib.parse import unquote_to_bytes

from . import wire
from .service import ASGIApp, Message

logger = logging.getLogger("mockforge_plugin.server")

_MAX_HEAD = 64 * 1024
_MAX_HEADERS = 200
#: Seconds in which a request's head must have come, and for which a connection may be idle.
_HEAD_SECONDS = 15.0
#: What a chunk may be at most before it's handed on.
_PIECE = 64 * 1024
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (/[\x21-\x7e]*|\*|https?://[\x21-\x7e]+) HTTP/1\.([01])\Z")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\Z")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n\Z")


class BadRequest(Exception):
    """What came isn't HTTP, or isn't to be trusted to be."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def run(app: Any, host: str, port: int, grace: float, options: Dict[str, Any]) -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        import uvicorn
    except ImportError:
        if options:
            raise TypeError(f"without uvicorn there's no option {', '.join(sorted(options))}") from None
        if not logging.getLogger().handlers:
            logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
        Server(app, grace=grace).run(host, port)
        return
    if "log_config" not in options:
        options["log_config"] = _logging(uvicorn.config.LOGGING_CONFIG)
    # The guard writes a line for each request, with its id.
    options.setdefault("access_log", False)
    options.setdefault("server_header", False)
    uvicorn.run(app, host=host, port=port, timeout_graceful_shutdown=max(1, round(grace)), **options)


def _logging(uvicorns: Dict[str, Any]) -> Dict[str, Any]:
    """uvicorn's configuration, with this package's log in it."""
    ours = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return {**uvicorns, "loggers": {**uvicorns["loggers"], "mockforge_plugin": ours}}


# --- reading a request --------------------------------------------------------------------------------------------------


class Head:
    """A request's first lines."""

    def __init__(self, data: bytes) -> None:
        lines = data[:-4].split(b"\r\n")
        line = _REQUEST_LINE.match(lines[0])
        if line is None:
            raise BadRequest(400, "that's no request")
        self.method, self.target, self.minor = line[1].decode("ascii"), line[2], int(line[3])
        if len(lines) - 1 > _MAX_HEADERS:
            raise BadRequest(431, "too many headers")
        self.headers: List[Tuple[bytes, bytes]] = []
        for text in lines[1:]:
            found = _FIELD.match(text)
            if found is None:
                raise BadRequest(400, "a header that isn't one")
            self.headers.append((found[1].lower(), found[2].rstrip(b" \t")))
        if self.minor and len(self.all(b"host")) != 1:
            raise BadRequest(400, "there must be one Host")
        self.length, self.chunked = self._framing()
        tokens = [token.strip().lower() for value in self.all(b"connection") for token in value.split(b",")]
        self.keep = b"close" not in tokens if self.minor else False

    def all(self, name: bytes) -> List[bytes]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]

    def _framing(self) -> Tuple[int, bool]:
        """How long the body is, or that it comes in chunks. Where both are said, somebody is lying."""
        lengths, codings = self.all(b"content-length"), self.all(b"transfer-encoding")
        if codings:
            if lengths or not self.minor or len(codings) != 1 or codings[0].lower() != b"chunked":
                raise BadRequest(400, "the body's length isn't clear")
            return 0, True
        if not lengths:
            return 0, False
        if len(lengths) != 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
            raise BadRequest(400, "the body's length isn't clear")
        return int(lengths[0]), False


class Exchange:
    """One request and its response: what ASGI calls `receive` and `send`."""

    def __init__(self, connection: Connection, head: Head) -> None:
        self.connection, self.head = connection, head
        self.left, self.ended = head.length, not head.chunked and not head.length
        self.told = False
        self.asked_on = not any(value.lower() == b"100-continue" for value in head.all(b"expect"))
        self.status = 0
        self.chunked = self.complete = False
        self.without_body = False
        self.length: Optional[int] = None

    def scope(self) -> Dict[str, Any]:
        """The request as ASGI says it."""
        target = re.sub(rb"\Ahttps?://[^/?#]*", b"", self.head.target) or b"/"
        path, _, query = target.partition(b"#")[0].partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": f"1.{self.head.minor}",
            "method": self.head.method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self.head.headers,
            "client": self.connection.peer,
            "server": self.connection.here,
        }

    async def receive(self) -> Message:
        """The next piece of the body; after all of it, that the client went away, once it did."""
        if self.told or self.complete:
            await self.connection.gone(self.complete)
            return {"type": "http.disconnect"}
        if not self.asked_on:
            self.asked_on = True
            self.connection.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            piece = b"" if self.ended else await self._piece()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, BadRequest, ConnectionError):
            self.connection.broken = True
            return {"type": "http.disconnect"}
        self.told = self.ended
        return {"type": "http.request", "body": piece, "more_body": not self.ended}

    async def _piece(self) -> bytes:
        if self.head.chunked and not self.left:
            size = _CHUNK.match(await self.connection.until(b"\r\n"))
            if size is None:
                raise BadRequest(400, "a chunk that isn't one")
            self.left = int(size[1], 16)
            if not self.left:
                # Trailers are read and forgotten.
                for _ in range(_MAX_HEADERS):
                    if await self.connection.until(b"\r\n") == b"\r\n":
                        self.ended = True
                        return b""
                raise BadRequest(431, "too many trailers")
        piece = await self.connection.some(min(self.left, _PIECE))
        self.left -= len(piece)
        if not self.left:
            if self.head.chunked and await self.connection.exactly(2) != b"\r\n":
                raise BadRequest(400, "a chunk that isn't one")
            self.ended = not self.head.chunked
        return piece

    async def send(self, message: Message) -> None:
        """A part of the response."""
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "http.response.body" and not self.complete:
            self._body(bytes(message.get("body", b"")), bool(message.get("more_body", False)))
            await self.connection.drain()

    def _start(self, message: Message) -> None:
        if self.status:
            raise RuntimeError("a response begins once")
        status = int(message["status"])
        headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
        for name, value in headers:
            if _FIELD.match(name + b":" + value) is None:
                raise RuntimeError(f"a response's header {name!r} isn't one")
        self.status = status
        self.without_body = self.head.method == "HEAD" or status < 200 or status in (204, 304)
        lengths = [value for name, value in headers if name == b"content-length"]
        self.length = int(lengths[0]) if lengths else None
        if self.length is None and not self.without_body:
            self.chunked = bool(self.head.minor)
            if self.chunked:
                headers.append((b"transfer-encoding", b"chunked"))
            else:
                self.connection.keep = False
        # A body that wasn't read stands in the way of the next request.
        if not self.ended or any(name == b"connection" and value.lower() == b"close" for name, value in headers):
            self.connection.keep = False
        headers = [(name, value) for name, value in headers if name != b"connection"]
        headers.append((b"connection", b"keep-alive" if self.connection.keep else b"close"))
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = ""
        head = [b"HTTP/1.1 %d %s" % (status, phrase.encode("ascii")), *(name + b": " + value for name, value in headers)]
        self.connection.writer.write(b"\r\n".join(head) + b"\r\n\r\n")

    def _body(self, piece: bytes, more: bool) -> None:
        if not self.status:
            raise RuntimeError("a response's head comes first")
        write = self.connection.writer.write
        if not self.without_body:
            if self.length is not None:
                self.length -= len(piece)
                if self.length < 0 or (self.length and not more):
                    self.connection.keep = False
                    raise RuntimeError("a response of another length than it said")
            if piece:
                write(b"%x\r\n%s\r\n" % (len(piece), piece) if self.chunked else piece)
            if self.chunked and not more:
                write(b"0\r\n\r\n")
        self.complete = not more


class Connection:
    """A client's connection: one request after the other."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.peer, self.here = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        self.keep, self.broken, self.busy = True, False, False
        # A byte of the next request, which came while the client was watched.
        self.early = b""
        self.task: Optional[asyncio.Task[Any]] = None

    async def until(self, end: bytes) -> bytes:
        """All up to this end."""
        early, self.early = self.early, b""
        return early + await self.reader.readuntil(end)

    async def exactly(self, count: int) -> bytes:
        """So many bytes."""
        early, self.early = self.early, b""
        return early + await self.reader.readexactly(count - len(early))

    async def some(self, most: int) -> bytes:
        """What there is, at least a byte."""
        if self.early:
            early, self.early = self.early, b""
            return early
        data = await self.reader.read(most)
        if not data:
            raise asyncio.IncompleteReadError(b"", most)
        return data

    async def gone(self, now: bool) -> None:
        """Wait until the client is."""
        while not (now or self.broken):
            if self.early:
                # It sent its next request already; that it goes away is seen when it's answered.
                await asyncio.Event().wait()
            self.early = await self.reader.read(1)
            self.broken = not self.early

    async def drain(self) -> None:
        """Let the client read; one that doesn't is given up."""
        try:
            await asyncio.wait_for(self.writer.drain(), self.server.grace)
        except (ConnectionError, asyncio.TimeoutError):
            self.broken, self.keep = True, False

    async def serve(self) -> None:
        """All requests of this connection."""
        try:
            while self.keep and not self.broken and not self.server.stopping:
                try:
                    data = await asyncio.wait_for(self.until(b"\r\n\r\n"), _HEAD_SECONDS)
                    head = Head(data)
                except asyncio.LimitOverrunError:
                    raise BadRequest(431, "the head is too large") from None
                self.busy = True
                await self.answer(head)
                self.busy = False
        except BadRequest as error:
            self._refuse(error.status, str(error))
            # What it sent isn't read. Closing at once would take the answer back.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.reader.read(_MAX_HEAD), 1)
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            self.busy = False
            self.writer.close()
            with contextlib.suppress(Exception):
                await self.writer.wait_closed()

    async def answer(self, head: Head) -> None:
        """One request."""
        self.keep = head.keep and not self.server.stopping
        exchange = Exchange(self, head)
        try:
            await self.server.app(exchange.scope(), exchange.receive, exchange.send)
        except Exception:
            logger.error("the app failed", exc_info=True)
            self.keep = False
            if not exchange.status:
                self._refuse(500, "internal error")
            return
        if not exchange.complete:
            # Nothing came of it, or half of it: the client must see that.
            self.keep = False

    def _refuse(self, status: int, error: str) -> None:
        body = wire.failure(error)
        self.writer.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (status, HTTPStatus(status).phrase.encode("ascii"), len(body), body)
        )


class Server:
    """A small HTTP/1.1 server for one ASGI app."""

    def __init__(self, app: ASGIApp, *, grace: float = 30.0) -> None:
        self.app, self.grace = app, grace
        self.stopping = False
        self._connections: Set[Connection] = set()
        self._stop: Optional[asyncio.Event] = None

    def run(self, host: str, port: int) -> None:
        """Serve until a signal."""
        asyncio.run(self.serve(host, port))

    async def serve(self, host: str, port: int) -> None:
        """Serve until a signal; says where, with the port that was free if 0 was asked for."""
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(number, self._stop.set)
        async with self._lifespan():
            server = await asyncio.start_server(self._accept, host, port, limit=_MAX_HEAD, reuse_address=True)
            for listener in server.sockets:
                name = listener.getsockname()
                shown = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
                logger.info("serving on http://%s:%d", shown, name[1])
            try:
                await self._stop.wait()
            finally:
                await self._finish(server)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, reader, writer)
        connection.task = asyncio.current_task()
        self._connections.add(connection)
        try:
            await connection.serve()
        except asyncio.CancelledError:
            # Only this server cancels, when it stops.
            pass
        finally:
            self._connections.discard(connection)

    async def _finish(self, server: asyncio.AbstractServer) -> None:
        """No new connections; idle ones are closed; the others have their grace."""
        logger.info("stopping")
        self.stopping = True
        server.close()
        for connection in list(self._connections):
            if not connection.busy:
                connection.writer.close()
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self.grace)
            for task in late:
                task.cancel()
            if late:
                logger.warning("%d requests were cut off", len(late))
                await asyncio.wait(late, timeout=1)

    @contextlib.asynccontextmanager
    async def _lifespan(self) -> Any:
        """The app's `startup`, and its `shutdown` after the last answer."""
        inbox: asyncio.Queue[Message] = asyncio.Queue()
        outbox: asyncio.Queue[Message] = asyncio.Queue()
        task = asyncio.ensure_future(self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, inbox.get, outbox.put))
        await self._tell(task, inbox, outbox, "startup")
        try:
            yield
        finally:
            await self._tell(task, inbox, outbox, "shutdown")

    @staticmethod
    async def _tell(task: asyncio.Future[Any], inbox: asyncio.Queue[Message], outbox: asyncio.Queue[Message], what: str) -> None:
        if task.done():
            return
        await inbox.put({"type": f"lifespan.{what}"})
        said = asyncio.ensure_future(outbox.get())
        await asyncio.wait({said, task}, return_when=asyncio.FIRST_COMPLETED)
        if not said.done():
            said.cancel()
            if task.done() and task.exception() is not None:
                logger.error("%s failed", what, exc_info=task.exception())
                sys.exit(3)
            return
        message = said.result()
        if message["type"].endswith(".failed"):
            logger.error("%s failed: %s", what, message.get("message", ""))
            sys.exit(3)
