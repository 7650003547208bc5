"""How handlers are called: as coroutines and in threads, many at once, until the client goes away."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import threading
import time
from typing import Any, Callable, List

import pytest

from mockforge_plugin import AuthResult, PluginError, RemotePlugin, request_id, testing
from mockforge_plugin.types import ResponseData
from test_protocol import AUTH, GENERATE

EXECUTE = "/plugin/template/execute"


class Runner(RemotePlugin):
    """Runs the function that it's given as its handler."""

    def __init__(self, function: Any, **options: Any) -> None:
        super().__init__(**options)
        self.execute_template_function = function  # type: ignore[method-assign]


async def ask(client: Any, name: str = "f", **options: Any) -> Any:
    return await client.post(EXECUTE, json={"function_name": name, "args": [name]}, **options)


async def test_plain_functions_run_in_threads(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Runner(lambda *_: threading.current_thread().name, framework=framework))
    assert (await ask(client)).json()["result"].startswith("mockforge-plugin")

    async def here(*_: Any) -> str:
        return threading.current_thread().name

    client = await serve(Runner(here, framework=framework))
    assert (await ask(client)).json()["result"] == threading.current_thread().name


async def test_what_gives_a_coroutine_is_awaited(framework: str, serve: Callable[..., Any]) -> None:
    async def later(_: str, args: List[Any], __: Any) -> Any:
        await asyncio.sleep(0)
        return args

    client = await serve(Runner(lambda *args: later(*args), framework=framework))
    assert (await ask(client, "x")).json()["result"] == ["x"]
    client = await serve(Runner(functools.partial(later), framework=framework))
    assert (await ask(client, "x")).json()["result"] == ["x"]


async def test_many_at_once(framework: str, serve: Callable[..., Any]) -> None:
    waiting = threading.Barrier(10)

    def together(_: str, args: List[Any], __: Any) -> Any:
        waiting.wait(60)
        return args[0]

    client = await serve(Runner(together, framework=framework))
    answers = await asyncio.gather(*(ask(client, str(n)) for n in range(10)))
    assert [answer.json()["result"] for answer in answers] == [str(n) for n in range(10)], "nobody gets another's answer"


async def test_only_so_many_threads(framework: str, serve: Callable[..., Any]) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def count(*_: Any) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    client = await serve(Runner(count, framework=framework, threads=2))
    await asyncio.gather(*(ask(client) for _ in range(12)))
    assert most == 2


async def test_a_slow_handler_keeps_nobody_waiting(framework: str, serve: Callable[..., Any]) -> None:
    done = threading.Event()
    client = await serve(Runner(lambda *_: done.wait(60), framework=framework))
    slow = asyncio.ensure_future(ask(client))
    await asyncio.sleep(0.05)
    assert (await client.get("/health")).status_code == 200
    done.set()
    assert (await slow).json()["result"] is True


@pytest.mark.parametrize(
    "error", [StopIteration("x"), SystemExit("x"), asyncio.CancelledError("x"), RecursionError("x"), MemoryError("x")]
)
async def test_whatever_a_handler_raises(error: BaseException, framework: str, serve: Callable[..., Any]) -> None:
    def plain(*_: Any) -> None:
        raise error

    async def coroutine(*_: Any) -> None:
        raise error

    for handler in (plain, coroutine):
        client = await serve(Runner(handler, framework=framework))
        response = await asyncio.wait_for(ask(client), 60)
        assert response.status_code == 500
        assert response.json()["success"] is False
        assert (await client.get("/health")).status_code == 200, "the service goes on"


async def test_a_traceback_is_logged_and_not_sent(framework: str, serve: Callable[..., Any], caplog: Any) -> None:
    def secret_place(*_: Any) -> None:
        raise RuntimeError("words")

    client = await serve(Runner(secret_place, framework=framework))
    response = await ask(client, headers={"X-Request-Id": "id-7"})
    assert response.json() == {"success": False, "error": "words"}
    assert "secret_place" in caplog.text
    assert "[id-7] execute_template_function failed" in caplog.text


def http(app: Any, path: str, body: bytes, gone: asyncio.Event, headers: Any = ()) -> Any:
    """A request whose client goes away when `gone` is set, and what's sent to it."""
    sent: List[Any] = []
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if first:
            return first.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), *headers],
        "http_version": "1.1",
        "scheme": "http",
    }
    return app(scope, receive, send), sent


async def test_a_client_that_goes_away_cancels_its_handler(framework: str) -> None:
    begun, cancelled, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(*_: Any) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    request, sent = http(Runner(wait, framework=framework).app, EXECUTE, b'{"function_name":"f"}', gone)
    task = asyncio.ensure_future(request)
    await begun.wait()
    gone.set()
    await asyncio.wait_for(task, 60)
    assert cancelled.is_set()
    assert sent == []


async def test_a_client_that_goes_away_before_it_said_all(framework: str) -> None:
    gone = asyncio.Event()
    gone.set()
    app: Any = RemotePlugin(framework=framework).app
    sent: List[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    request, _ = http(app, EXECUTE, b"", gone)
    request.close()
    scope = {"type": "http", "method": "POST", "path": EXECUTE, "headers": [(b"content-type", b"application/json")]}
    await app(
        {**scope, "query_string": b"", "root_path": "", "raw_path": b"", "scheme": "http", "http_version": "1.1"}, receive, send
    )
    assert sent == []


async def test_request_ids(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Runner(lambda *_: request_id(), framework=framework))
    for good in ["a", "A-b_c.d:1", "x" * 64]:
        response = await ask(client, headers={"X-Request-Id": good})
        assert response.headers["x-request-id"] == good
        assert response.json()["result"] == good, "in a thread too"
    for bad in ["", "x" * 65, "a b", "a\tb", 'a"b']:
        response = await ask(client, headers={"X-Request-Id": bad})
        assert response.headers["x-request-id"] != bad
        assert len(response.headers["x-request-id"]) == 32
    assert request_id() == "-"


async def test_a_line_for_each_request(framework: str, serve: Callable[..., Any], caplog: Any) -> None:
    caplog.set_level(logging.INFO, "mockforge_plugin")
    client = await serve(RemotePlugin(framework=framework, token="s3cret"))
    await client.post("/a%0Ab", headers={"X-Request-Id": "7"})
    await client.post("/plugin/authenticate", json=AUTH, headers={"Authorization": "Bearer s3cret"})
    lines = [record.getMessage() for record in caplog.records if record.name == "mockforge_plugin"]
    assert lines[0].startswith("[7] POST '/a\\nb' 401 ")
    assert " POST '/plugin/authenticate' 200 " in lines[1]
    assert "s3cret" not in caplog.text


# --- tokens ---


async def test_who_may_come_in(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(RemotePlugin(framework=framework, token="s3cret"))
    for header in ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer S3CRET"]:
        for path in ["/plugin/authenticate", "/nothing", "/health/", "/docs", "/openapi.json"]:
            response = await client.post(path, json=AUTH, headers={"Authorization": header})
            assert response.status_code == 401, (header, path)
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json() == {"success": False, "error": "a valid bearer token is needed"}
    assert (await client.post("/plugin/authenticate", json=AUTH)).status_code == 401
    assert (await client.get("/health")).status_code == 200, "probes have no token"
    for header in ["Bearer s3cret", "bearer  s3cret"]:
        response = await client.post("/plugin/authenticate", json=AUTH, headers={"Authorization": header})
        assert response.status_code == 200


async def test_a_custom_route_is_behind_the_token_too(framework: str, serve: Callable[..., Any]) -> None:
    plugin = RemotePlugin(framework=framework, token="s3cret")

    @plugin.app.get("/own")
    async def own() -> str:
        return "mine"

    client = await serve(plugin)
    assert (await client.get("/own")).status_code == 401
    assert (await client.get("/own", headers={"Authorization": "Bearer s3cret"})).json() == "mine"


async def test_a_websocket_without_the_token_is_closed(framework: str) -> None:
    app: Any = RemotePlugin(framework=framework, token="s3cret").app
    sent: List[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await app({"type": "websocket", "path": "/x", "headers": [], "query_string": b"", "root_path": ""}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_tokens_are_compared_by_their_digests(monkeypatch: Any) -> None:
    """In constant time: the comparison that's used is hmac's, over digests, which are equally long."""
    import hmac

    compared = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    settings = RemotePlugin(token="a")._mockforge
    assert not settings.allows(b"Bearer " + b"b" * 1000)
    assert settings.allows(b"Bearer a")
    assert compared == [(32, 32), (32, 32)]


# --- startup and shutdown ---


@pytest.mark.parametrize("plain", [True, False])
async def test_startup_and_shutdown(plain: bool, framework: str) -> None:
    happened: List[str] = []

    class Async(RemotePlugin):
        async def startup(self) -> None:
            happened.append("startup")

        async def shutdown(self) -> None:
            happened.append("shutdown")

        async def authenticate(self, ctx: Any, creds: Any) -> AuthResult:
            happened.append("call")
            return AuthResult(True)

    class Plain(Async):
        def startup(self) -> None:  # type: ignore[override]
            happened.append("startup")

        def shutdown(self) -> None:  # type: ignore[override]
            happened.append("shutdown")

    plugin = Plain(framework=framework) if plain else Async(framework=framework)
    for _ in range(2):
        happened.clear()
        async with testing.client(plugin) as client:
            await client.post("/plugin/authenticate", json=AUTH)
            assert happened == ["startup", "call"]
        assert happened == ["startup", "call", "shutdown"]


async def test_a_startup_that_fails(framework: str) -> None:
    class Failing(RemotePlugin):
        async def startup(self) -> None:
            raise PluginError("no database")

    with pytest.raises((RuntimeError, PluginError), match="no database"):
        async with testing.client(Failing(framework=framework)):
            raise AssertionError("it mustn't be served")


# --- a plugin's own routes ---


async def test_own_routes(framework: str, serve: Callable[..., Any]) -> None:
    plugin = RemotePlugin(framework=framework)
    app = plugin.app

    @app.get("/items/{name}")
    def item(name: str) -> Any:
        return {"name": name, "thread": threading.current_thread() is threading.main_thread()}

    @app.put("/items/{name}")
    async def put(name: str, data: dict) -> Any:  # type: ignore[type-arg]
        return [name, data]

    @app.delete("/items/{name}")
    @app.patch("/items/{name}")
    async def other(name: str) -> Any:
        return name

    client = await serve(plugin)
    assert (await client.get("/items/ü")).json() == {"name": "ü", "thread": False}
    assert (await client.put("/items/a", json={"b": 1})).json() == ["a", {"b": 1}]
    assert (await client.delete("/items/a")).json() == "a"
    assert (await client.patch("/items/a")).json() == "a"
    assert (await client.put("/items/a", json=[1])).status_code == 422
    assert (await client.put("/items/a", content=b"{", headers={"content-type": "application/json"})).status_code in (400, 422)
    assert (await client.post("/items/a")).status_code == 405
    assert (await client.get("/items/a/b")).status_code == 404


async def test_an_own_route_that_fails_tells_nothing(framework: str, caplog: Any) -> None:
    import httpx

    plugin = RemotePlugin(framework=framework)

    @plugin.app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("the password is 7")

    transport = httpx.ASGITransport(app=plugin.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/fails")
    assert response.status_code == 500
    assert response.json() == {"success": False, "error": "internal error"}


async def test_requests_and_responses_of_the_small_app(serve: Callable[..., Any]) -> None:
    from mockforge_plugin import App, Request, Response

    plugin = RemotePlugin(framework="asgi")
    app: Any = plugin.app
    assert isinstance(app, App)

    @app.post("/raw/{kind}")
    async def raw(request: Request) -> Response:
        body = await request.body()
        words = f"{request.method} {request.path} {request.path_params['kind']} {request.query_string} {request.headers['x-a']}"
        return Response(words.encode() + b" " + body, 201, {"X-B": "c"}, "text/plain")

    @app.post("/json")
    async def as_json(request: Request) -> Any:
        return await request.json()

    client = await serve(plugin)
    response = await client.post("/raw/k?a=1", content=b"\xff", headers={"X-A": "b"})
    assert (response.status_code, response.headers["x-b"], response.content) == (201, "c", b"POST /raw/k k a=1 b \xff")
    assert (await client.post("/json", content="[1]")).json() == [1]
    assert (await client.post("/json", content="[")).status_code == 400


def test_which_app_there_is(monkeypatch: Any) -> None:
    from fastapi import FastAPI

    from mockforge_plugin import App

    assert isinstance(RemotePlugin().app, FastAPI)
    assert isinstance(RemotePlugin(framework="fastapi").app, FastAPI)
    assert isinstance(RemotePlugin(framework="asgi").app, App)
    plugin = RemotePlugin()
    assert plugin.app is plugin.app
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "mockforge_plugin.with_fastapi")
    monkeypatch.delattr("mockforge_plugin.with_fastapi", raising=False)
    assert isinstance(RemotePlugin().app, App), "where FastAPI isn't installed"
    with pytest.raises(ImportError):
        _ = RemotePlugin(framework="fastapi").app


def test_the_openapi_document_has_only_the_plugins_own_routes() -> None:
    plugin = RemotePlugin("N", "1.0.0", framework="fastapi")

    @plugin.app.get("/own")
    async def own() -> str:
        return ""

    document = plugin.app.openapi()
    assert list(document["paths"]) == ["/own"]
    assert document["info"] == {"title": "N", "version": "1.0.0"}


async def test_a_handler_may_ask_its_parent(framework: str, serve: Callable[..., Any]) -> None:
    class Child(RemotePlugin):
        async def execute_template_function(self, function_name: str, args: List[Any], ctx: Any) -> Any:
            return await super().execute_template_function("upper", args, ctx) + "!"

        async def generate_response(self, ctx: Any, req: Any) -> ResponseData:
            response: ResponseData = await super().generate_response(ctx, req)  # type: ignore[misc]
            response.status_code += 6
            return response

    client = await serve(Child(framework=framework))
    assert (await ask(client, "a")).json()["result"] == "A!"
    assert (await client.post("/plugin/response/generate", json=GENERATE)).json()["result"]["status_code"] == 410


async def test_a_plugins_own_attributes_may_have_any_name(framework: str, serve: Callable[..., Any]) -> None:
    """The documented examples have a `pool`: nothing of the service may be in its way, least of all the token."""

    class Own(RemotePlugin):
        def __init__(self) -> None:
            super().__init__(framework=framework, token="s3cret")
            for name in ("pool", "_pool", "token", "_token", "_app", "framework", "threads", "config", "settings", "host", "fake"):
                setattr(self, name, None)

        def execute_template_function(self, function_name: str, args: List[Any], ctx: Any) -> Any:
            return function_name

    client = await serve(Own(), token="s3cret")
    assert (await ask(client, "x")).json()["result"] == "x"
    assert (await ask(client, "x", headers={"Authorization": "Bearer None"})).status_code == 401
