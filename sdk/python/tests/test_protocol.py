"""The protocol, over both apps: what's asked, what's answered, and how that looks on the wire."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import uuid
from pathlib import PurePosixPath
from typing import Any, Callable, Dict, List

import pytest

from mockforge_plugin import (
    AuthCredentials,
    AuthResult,
    ColumnInfo,
    DataQuery,
    DataResult,
    PluginContext,
    PluginError,
    RawJson,
    RemotePlugin,
    ResolutionContext,
    ResponseData,
    ResponseRequest,
)

CONTEXT: Dict[str, Any] = {"method": "GET", "uri": "/api/users?a=1"}
AUTH: Dict[str, Any] = {"context": CONTEXT, "credentials": {"type": "bearer"}}
GENERATE: Dict[str, Any] = {"context": CONTEXT, "request": {"method": "GET", "path": "/x"}}
QUERY: Dict[str, Any] = {"query": {"query": "q"}, "context": CONTEXT}


class Recorder(RemotePlugin):
    """Remembers what it was asked."""

    def __init__(self, answer: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.asked: List[Any] = []
        self.answer = answer

    async def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        self.asked.append((ctx, creds))
        return AuthResult(True) if self.answer is None else self.answer

    async def execute_template_function(self, function_name: str, args: List[Any], ctx: ResolutionContext) -> Any:
        self.asked.append((function_name, args, ctx))
        return self.answer

    async def generate_response(self, ctx: PluginContext, req: ResponseRequest) -> ResponseData:
        self.asked.append((ctx, req))
        return ResponseData() if self.answer is None else self.answer

    async def query_datasource(self, query: DataQuery, ctx: PluginContext) -> DataResult:
        self.asked.append((query, ctx))
        return DataResult() if self.answer is None else self.answer


async def test_health(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(RemotePlugin("Ö", "1.2.3", framework=framework))
    response = await client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "healthy", "plugin": "Ö", "version": "1.2.3"}
    assert response.headers["content-type"] == "application/json"
    assert (await client.head("/health")).status_code == 200


async def test_what_handlers_get(framework: str, serve: Callable[..., Any]) -> None:
    plugin = Recorder(framework=framework)
    client = await serve(plugin)
    whole = {"method": "POST", "uri": "/", "headers": {"A": "b"}, "body": [1], "unknown": 1}
    asked = [
        ("/plugin/authenticate", AUTH),
        (
            "/plugin/authenticate",
            {"context": whole, "credentials": {"type": "basic", "token": "t", "data": {"a": 1}, "more": 1}, "more": 1},
        ),
        ("/plugin/template/execute", {"function_name": "f", "args": [1], "context": {"environment": {"E": "1"}, "more": 1}}),
        ("/plugin/template/execute", {"function_name": "f", "context": {"request_context": whole}}),
        ("/plugin/response/generate", {**GENERATE, "request": {**GENERATE["request"], "headers": {"A": "b"}, "body": "t", "x": 1}}),
        ("/plugin/datasource/query", QUERY),
        ("/plugin/datasource/query", {"query": {"query": "q", "parameters": {"b": 1, "a": 2}, "more": 1}, "context": whole}),
    ]
    for path, request in asked:
        response = await client.post(path, json=request)
        assert response.status_code == 200, response.text
        assert response.json()["success"] is True
    short, long = PluginContext("GET", "/api/users?a=1"), PluginContext("POST", "/", {"A": "b"}, [1])
    assert plugin.asked == [
        (short, AuthCredentials("bearer", None, {})),
        (long, AuthCredentials("basic", "t", {"a": 1})),
        ("f", [1], ResolutionContext({"E": "1"}, None)),
        ("f", [], ResolutionContext({}, long)),
        (short, ResponseRequest("GET", "/x", {"A": "b"}, "t")),
        (DataQuery("q", {}), short),
        (DataQuery("q", {"b": 1, "a": 2}), long),
    ]
    assert list(plugin.asked[-1][0].parameters) == ["b", "a"], "in the order in which they came"


async def test_what_handlers_answer(framework: str, serve: Callable[..., Any]) -> None:
    async def answer(path: str, request: Any, value: Any) -> Any:
        client = await serve(Recorder(value, framework=framework))
        response = await client.post(path, json=request)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()

    assert await answer("/plugin/authenticate", AUTH, AuthResult(False, "", {"error": "no"})) == {
        "success": True,
        "result": {"authenticated": False, "user_id": "", "claims": {"error": "no"}},
    }
    assert await answer("/plugin/template/execute", {"function_name": "f"}, [None, {"ü": 1.5}]) == {
        "success": True,
        "result": [None, {"ü": 1.5}],
    }
    data = ResponseData(status_code=201, headers={"X-A": "b"}, body=b"\x00\xff", content_type="image/png")
    assert await answer("/plugin/response/generate", GENERATE, data) == {
        "success": True,
        "result": {"status_code": 201, "headers": {"X-A": "b"}, "body": "AP8=", "content_type": "image/png"},
    }
    assert (await answer("/plugin/response/generate", GENERATE, ResponseData(body="ü")))["result"]["body"] == "w7w="
    table = DataResult(columns=[ColumnInfo(name="n", data_type="integer")], rows=[{"n": 1}, {"n": None}])
    assert await answer("/plugin/datasource/query", QUERY, table) == {
        "success": True,
        "result": {"columns": [{"name": "n", "data_type": "integer"}], "rows": [{"n": 1}, {"n": None}]},
    }


class Colour(enum.Enum):
    RED = "red"


VALUES = [
    (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "2026-01-02T03:04:05+00:00"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.timedelta(seconds=90), 90.0),
    (decimal.Decimal("5.20"), 5.2),
    (decimal.Decimal("12345678901234567890"), 12345678901234567890),
    (decimal.Decimal("1E+2"), 100),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (b"\x00\xff", "AP8="),
    (Colour.RED, "red"),
    ({1: (1, 2)}, {"1": [1, 2]}),
    (frozenset([1]), [1]),
    (PurePosixPath("/a"), "/a"),
    (ColumnInfo("n", "integer"), {"name": "n", "data_type": "integer"}),
    (2**200, 2**200),
    (RawJson('{"exact": 0.10000000000000000001}'), {"exact": 0.1}),
    ("\u2028\x00🦀", "\u2028\x00🦀"),
]


@pytest.mark.parametrize(("value", "said"), VALUES, ids=[type(value).__name__ for value, _ in VALUES])
async def test_values_that_json_has_no_word_for(value: Any, said: Any, framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Recorder(value, framework=framework))
    response = await client.post("/plugin/template/execute", json={"function_name": "f"})
    assert response.json() == {"success": True, "result": said}


def circular() -> Any:
    value: List[Any] = []
    value.append(value)
    return value


def deep() -> Any:
    value: List[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        decimal.Decimal("NaN"),
        object(),
        {"a": object()},
        "\ud83e",
        {"\udc00": 1},
        10**5000,
        circular(),
        deep(),
    ],
    ids=["nan", "inf", "decimal nan", "object", "inner object", "surrogate", "surrogate key", "digits", "circular", "deep"],
)
async def test_values_that_json_cannot_say(value: Any, framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Recorder(value, framework=framework))
    response = await client.post("/plugin/template/execute", json={"function_name": "f"})
    assert response.status_code == 500
    assert response.json()["success"] is False
    assert response.json()["error"].startswith("the plugin's answer ")


WRONG = [
    ("/plugin/authenticate", AUTH, {"authenticated": True}),
    ("/plugin/authenticate", AUTH, AuthResult("yes")),  # type: ignore[arg-type]
    ("/plugin/authenticate", AUTH, AuthResult(1)),  # type: ignore[arg-type]
    ("/plugin/authenticate", AUTH, AuthResult(True, 7)),  # type: ignore[arg-type]
    ("/plugin/authenticate", AUTH, AuthResult(True, "u", [1])),  # type: ignore[arg-type]
    ("/plugin/response/generate", GENERATE, b"bytes"),
    ("/plugin/response/generate", GENERATE, ResponseData("200")),  # type: ignore[arg-type]
    ("/plugin/response/generate", GENERATE, ResponseData(True)),
    ("/plugin/response/generate", GENERATE, ResponseData(200, {"A": 1})),  # type: ignore[dict-item]
    ("/plugin/response/generate", GENERATE, ResponseData(200, [])),  # type: ignore[arg-type]
    ("/plugin/response/generate", GENERATE, ResponseData(200, {}, {"a": 1})),  # type: ignore[arg-type]
    ("/plugin/response/generate", GENERATE, ResponseData(200, {}, "\ud83e")),
    ("/plugin/datasource/query", QUERY, [{"a": 1}]),
    ("/plugin/datasource/query", QUERY, DataResult([], [[1]])),  # type: ignore[list-item]
    ("/plugin/datasource/query", QUERY, DataResult([ColumnInfo("n", None)], [])),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("path", "request_", "answer"), WRONG)
async def test_answers_of_the_wrong_kind(path: str, request_: Any, answer: Any, framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(Recorder(answer, framework=framework))
    response = await client.post(path, json=request_)
    assert response.status_code == 500
    assert response.json()["success"] is False
    assert "Traceback" not in response.text


async def test_nobody_is_let_in_by_default(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(RemotePlugin(framework=framework))
    result = (await client.post("/plugin/authenticate", json=AUTH)).json()["result"]
    assert result == {"authenticated": False, "user_id": "", "claims": {}}
    result = (await client.post("/plugin/response/generate", json=GENERATE)).json()["result"]
    assert result["status_code"] == 404
    assert result["content_type"] == "application/json"
    result = (await client.post("/plugin/datasource/query", json=QUERY)).json()["result"]
    assert result == {"columns": [], "rows": []}


async def test_the_functions_that_every_plugin_has(framework: str, serve: Callable[..., Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    client = await serve(RemotePlugin(framework=framework))

    async def run(name: str, *args: Any, **context: Any) -> Any:
        request = {"function_name": name, "args": list(args), "context": context}
        return (await client.post("/plugin/template/execute", json=request)).json()

    assert (await run("upper", "grüß"))["result"] == "GRÜSS"
    assert (await run("lower", "ÄB"))["result"] == "äb"
    assert (await run("env", "A", environment={"A": "b"}))["result"] == "b"
    assert (await run("env", "SECRET"))["result"] is None, "a process's environment is nobody's business"
    context = {**CONTEXT, "headers": {"X-Request": "7"}}
    assert (await run("header", "x-request", request_context=context))["result"] == "7"
    assert (await run("header", "x-request"))["result"] is None
    assert datetime.datetime.fromisoformat((await run("now"))["result"]).tzinfo is not None
    assert await run("upper") == {"success": False, "error": "upper takes (input)"}
    assert await run("nothing") == {"success": False, "error": "Unknown function: nothing"}


def test_functions_are_listed_for_people() -> None:
    names = [function.name for function in RemotePlugin().get_functions()]
    assert names == ["now", "env", "header", "upper", "lower"]
    assert Recorder().get_functions() == [], "its own function isn't described by those"


async def test_errors_are_500_with_their_words(framework: str, serve: Callable[..., Any], caplog: Any) -> None:
    class Failing(RemotePlugin):
        async def execute_template_function(self, function_name: str, args: List[Any], ctx: ResolutionContext) -> Any:
            raise {
                "value": ValueError("Unknown function: x"),
                "key": KeyError("credentials"),
                "empty": ValueError(),
                "own": PluginError("no"),
                "own, empty": PluginError(""),
                "long": PluginError("ä" * 10_000),
                "odd": PluginError("half \ud83e and\x00\n"),
                "silent": Silent(),
            }[function_name]

    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    client = await serve(Failing(framework=framework))
    for name, words in [
        ("value", "Unknown function: x"),
        ("key", "'credentials'"),
        ("empty", "ValueError"),
        ("own", "no"),
        ("own, empty", ""),
        ("long", "ä" * 2048),
        ("odd", "half ? and\x00\n"),
        ("silent", "Silent"),
    ]:
        caplog.clear()
        response = await client.post("/plugin/template/execute", json={"function_name": name})
        assert response.status_code == 500
        assert json.loads(response.content) == {"success": False, "error": words}
        traceback = any(record.exc_info for record in caplog.records)
        assert traceback is (not name.startswith(("own", "long", "odd"))), "a plugin's own error is nobody's mistake"


async def test_there_are_no_other_endpoints(framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(RemotePlugin(framework=framework))
    for path in ["/plugin/capabilities", "/plugin/functions", "/plugin", "/plugin/authenticate/", "//health", "/Health"]:
        response = await client.get(path)
        assert response.status_code == 404, path
        assert response.json() == {"success": False, "error": "there's nothing at this path"}
    for method, path, allow in [("GET", "/plugin/authenticate", "POST"), ("DELETE", "/health", "GET, HEAD")]:
        response = await client.request(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == allow
        assert response.json()["success"] is False
