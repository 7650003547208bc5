"""Real processes and real sockets: uvicorn, and the server of this package."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, AsyncIterator, Dict, Iterator, List, Tuple

import httpx
import pytest

from mockforge_plugin import RemotePlugin
from mockforge_plugin.server import Server

HERE = Path(__file__).parent
SCRIPT = """
import asyncio, sys, time
sys.path[:0] = [{src!r}]
if {without}:
    sys.modules["uvicorn"] = None
from mockforge_plugin import RemotePlugin

class Plugin(RemotePlugin):
    def startup(self):
        print("started", flush=True)
    async def shutdown(self):
        print("stopped", flush=True)
    async def execute_template_function(self, name, args, ctx):
        print("called", flush=True)
        try:
            await asyncio.sleep(args[0])
        except asyncio.CancelledError:
            print("cancelled", flush=True)
            raise
        return name

Plugin("slow", "1.0.0", framework={framework!r}).run("127.0.0.1", {port}, grace={grace})
"""
SERVERS = [("uvicorn", "fastapi"), ("uvicorn", "asgi"), ("own", "asgi"), ("own", "fastapi")]


class Process:
    """A plugin that's run."""

    def __init__(self, server: str, framework: str, port: int, grace: float) -> None:
        code = SCRIPT.format(src=str(HERE.parent / "src"), without=server == "own", framework=framework, port=port, grace=grace)
        self.child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            assert self.child.poll() is None, self.child.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)

    def until(self, line: str) -> None:
        """Until it has said this."""
        while self.child.stdout is not None:
            said = self.child.stdout.readline()
            assert said, "it has ended"
            if said.strip() == line:
                return

    def end(self, number: int = signal.SIGTERM) -> Tuple[str, str]:
        self.child.send_signal(number)
        return self.child.communicate(timeout=60)


@pytest.fixture(params=SERVERS, ids=lambda value: "-".join(value))
def process(request: Any, free_port: int) -> Iterator[Process]:
    server, app = request.param
    started = Process(server, app, free_port, grace=10)
    yield started
    started.child.kill()
    started.child.communicate()


def execute(seconds: float) -> Dict[str, Any]:
    return {"function_name": "done", "args": [seconds]}


def test_it_serves_and_ends_by_sigterm(process: Process) -> None:
    assert httpx.get(f"{process.url}/health").json() == {"status": "healthy", "plugin": "slow", "version": "1.0.0"}
    response = httpx.post(f"{process.url}/plugin/template/execute", json=execute(0), headers={"X-Request-Id": "id-9"})
    assert response.json() == {"success": True, "result": "done"}
    assert (
        httpx.post(f"{process.url}/plugin/template/execute", content="[", headers={"content-type": "application/json"}).status_code
        == 400
    )
    out, err = process.end()
    assert out.split() == ["started", "called", "stopped"]
    assert "[id-9] POST '/plugin/template/execute' 200" in err
    assert process.child.returncode in (0, -signal.SIGTERM)


async def test_a_request_that_runs_is_answered_before_it_ends(process: Process) -> None:
    async with httpx.AsyncClient() as client:
        request = asyncio.ensure_future(client.post(f"{process.url}/plugin/template/execute", json=execute(1)))
        await asyncio.to_thread(process.until, "called")
        process.child.send_signal(signal.SIGTERM)
        response = await request
        assert response.json() == {"success": True, "result": "done"}
        with pytest.raises(httpx.TransportError):
            await client.get(f"{process.url}/health")
    out, _ = await asyncio.to_thread(process.child.communicate)
    assert out.split() == ["stopped"]


def test_a_client_that_goes_away_cancels_its_handler(process: Process) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{process.url}/plugin/template/execute", json=execute(60), timeout=2)
    process.until("called")
    process.until("cancelled")
    out, _ = process.end()
    assert out.split() == ["stopped"]


@pytest.mark.parametrize("server", ["uvicorn", "own"])
def test_a_request_that_does_not_end_is_cut_off(server: str, free_port: int) -> None:
    process = Process(server, "asgi", free_port, grace=1)
    try:
        threading.Timer(0.5, lambda: process.child.send_signal(signal.SIGTERM)).start()
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{process.url}/plugin/template/execute", json=execute(60), timeout=15)
        process.child.communicate(timeout=15)
    finally:
        process.child.kill()
        process.child.communicate()


def test_a_startup_that_fails_ends_the_process(free_port: int) -> None:
    for without in (True, False):
        code = SCRIPT.format(src=str(HERE.parent / "src"), without=without, framework="asgi", port=free_port, grace=1).replace(
            'print("started", flush=True)', 'raise RuntimeError("no database")'
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 3
        assert "no database" in ended.stderr


def test_options_are_uvicorns(free_port: int) -> None:
    code = f"import sys; sys.path[:0] = [{str(HERE.parent / 'src')!r}]; sys.modules['uvicorn'] = None\n"
    code += f"from mockforge_plugin import RemotePlugin; RemotePlugin().run('127.0.0.1', {free_port}, workers=2)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "without uvicorn there's no option workers" in ended.stderr


# --- the server of this package, byte by byte ---


class Echo(RemotePlugin):
    async def execute_template_function(self, function_name: str, args: List[Any], ctx: Any) -> Any:
        return args


@contextlib.asynccontextmanager
async def serving(plugin: RemotePlugin) -> AsyncIterator[Tuple[str, int]]:
    server = Server(plugin.app, grace=2)
    listener = await asyncio.start_server(server._accept, "127.0.0.1", 0, limit=64 * 1024)
    try:
        yield listener.sockets[0].getsockname()
    finally:
        await server._finish(listener)


async def said(address: Tuple[str, int], *parts: bytes, close: bool = True) -> bytes:
    """What the server answers to these bytes, until it closes the connection or says nothing for a while."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        if close:
            writer.write_eof()
        answer = b""
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            while True:
                piece = await asyncio.wait_for(reader.read(65536), 0.25)
                if not piece:
                    break
                answer += piece
        return answer
    finally:
        writer.close()


BODY = json.dumps({"function_name": "f", "args": ["ü"]}).encode()
HEAD = b"POST /plugin/template/execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
DONE = '{"success":true,"result":["ü"]}'.encode()


def chunked(*sizes: int) -> bytes:
    out, at = HEAD + b"Transfer-Encoding: chunked\r\n\r\n", 0
    for size in sizes:
        out += b"%x;a=b\r\n%s\r\n" % (size, BODY[at : at + size])
        at += size
    assert at == len(BODY)
    return out + b"0\r\nTrailer: x\r\n\r\n"


@pytest.mark.parametrize("app", ["asgi", "fastapi"])
async def test_good_requests(app: str) -> None:
    async with serving(Echo(framework=app)) as address:
        for parts in [
            [WHOLE],
            [WHOLE[:20], WHOLE[20:100], WHOLE[100:]],
            [chunked(len(BODY))],
            [chunked(1, 2, len(BODY) - 3)],
            [chunked(1, len(BODY) - 1)[:-9], chunked(1, len(BODY) - 1)[-9:]],
            [WHOLE.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nExpect: 100-continue\r\n")],
            [WHOLE.replace(b"HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.0\r\n")],
            [WHOLE.replace(b" /plugin", b" http://a:80/plugin")],
            [WHOLE.replace(b"execute HTTP", b"execut%65?x=%00 HTTP")],
        ]:
            answer = await said(address, *parts, close=False)
            assert answer.count(DONE) == 1, (parts, answer)
        assert b"100 Continue\r\n\r\nHTTP/1.1 200 OK" in await said(
            address, WHOLE.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nExpect: 100-continue\r\n")
        )


async def test_one_connection_many_requests() -> None:
    async with serving(Echo(framework="asgi")) as address:
        answer = await said(address, WHOLE * 3 + b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", close=False)
        assert answer.count(DONE) == 3
        assert answer.count(b'"healthy"') == 1
        answer = await said(address, WHOLE.replace(b"Host: a", b"Host: a\r\nConnection: close") + WHOLE)
        assert answer.count(DONE) == 1
        assert b"connection: close" in answer
        answer = await said(address, b"HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n", WHOLE)
        assert answer.count(b"\r\n\r\n") == 2
        assert answer.endswith(DONE)


BAD = [
    b"nonsense\r\n\r\n",
    b"\r\n\r\n",
    b"GET /health\r\n\r\n",
    b"GET /health HTTP/2.0\r\nHost: a\r\n\r\n",
    b"GET  /health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    # Whoever believed the first one would answer.
    HEAD + b"Content-Length: %d\r\nContent-Length: 1\r\n\r\n" % len(BODY) + BODY,
    HEAD + b"Content-Length: +1\r\n\r\na",
    HEAD + b"Content-Length: 1, 1\r\n\r\na",
    HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 300 + b"\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("request_", BAD, ids=lambda value: repr(value[-40:]))
async def test_bad_requests(request_: bytes) -> None:
    async with serving(Echo(framework="asgi")) as address:
        answer = await said(address, request_ + WHOLE)
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")), answer
        assert b'{"success":false,"error":' in answer
        assert DONE not in answer, "nothing that stands behind it is taken for a request"
        assert b'"healthy"' not in answer


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nab\r\n",
        b"zz\r\n\r\n",
        b"2\r\n{}X\r\n0\r\n\r\n",
        b"-1\r\n\r\n",
        b"1" * 100_000,
        b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 500,
    ],
)
async def test_bad_chunks(body: bytes) -> None:
    async with serving(Echo(framework="asgi")) as address:
        answer = await said(address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + WHOLE)
        assert DONE not in answer
        assert b" 200 " not in answer


async def test_bodies_that_are_not_read_do_not_become_requests() -> None:
    async with serving(Echo(framework="asgi", max_body_bytes=100)) as address:
        inner = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
        hidden = b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner
        answer = await said(address, hidden)
        assert b" 404 " in answer
        assert b'"healthy"' not in answer
        large = HEAD + b"Content-Length: 10000000\r\n\r\n" + inner * 100
        answer = await said(address, large)
        assert b" 413 " in answer
        assert b'"healthy"' not in answer
        answer = await said(
            address, chunked(len(BODY)).replace(BODY, BODY + b" " * 200).replace(b"%x;" % len(BODY), b"%x;" % (len(BODY) + 200))
        )
        assert b" 413 " in answer


async def test_half_a_request_costs_nobody_anything() -> None:
    async with serving(Echo(framework="asgi")) as address:
        for part in [b"", b"P", WHOLE[:60], WHOLE[:-1], chunked(len(BODY))[:-3]]:
            assert await said(address, part) == b""
        assert DONE in await said(address, WHOLE)


async def test_responses_of_every_kind() -> None:
    """An app that streams, one that lies about its length, one that fails halfway."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        start: Dict[str, Any] = {"type": "http.response.start", "status": 299, "headers": []}
        if scope["path"] == "/stream":
            await send(start)
            for piece in (b"a", b"", b"bc"):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
        elif scope["path"] == "/lie":
            await send({**start, "headers": [(b"content-length", b"5")]})
            await send({"type": "http.response.body", "body": b"abc"})
        elif scope["path"] == "/split":
            await send({**start, "headers": [(b"x", b"a\r\nb: c")]})
        elif scope["path"] == "/none":
            await send({**start, "status": 204})
            await send({"type": "http.response.body"})
        elif scope["path"] == "/half":
            await send(start)
            await send({"type": "http.response.body", "body": b"abc", "more_body": True})
            raise RuntimeError

    server = Server(app, grace=1)
    listener = await asyncio.start_server(server._accept, "127.0.0.1", 0)
    address = listener.sockets[0].getsockname()

    async def get(path: str, version: str = "1.1") -> bytes:
        return await said(address, f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode(), close=False)

    assert (await get("/stream")).endswith(b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
    assert (await get("/stream", "1.0")).endswith(b"connection: close\r\n\r\nabc")
    assert b"content-length: 5" in (await get("/lie"))
    assert b"b: c" not in await get("/split")
    assert (await get("/split")).startswith(b"HTTP/1.1 500 ")
    assert (await get("/none")).startswith(b"HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n")
    assert b"0\r\n\r\n" not in await get("/half")
    await server._finish(listener)
