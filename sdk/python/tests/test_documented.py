"""Shapes that MockForge's documentation has and the examples haven't: handlers without annotations, whoever catches everything and
raises it again, arguments by position, `run` with less than it takes."""

from __future__ import annotations

import inspect
import json
import logging
from typing import Any, Callable

from mockforge_plugin import (
    AuthResult,
    ColumnInfo,
    DataResult,
    FunctionParameter,
    RemotePlugin,
    ResponseData,
    TemplateFunction,
)

logger = logging.getLogger(__name__)
CONTEXT = {"method": "GET", "uri": "/api/users", "headers": {}}


class Answer:
    valid, user_id, claims = True, "ada", {"role": "admin"}


class Robust(RemotePlugin):
    """Who catches everything, says it, and raises it again."""

    async def authenticate(self, ctx, creds) -> AuthResult:  # type: ignore[no-untyped-def]
        try:
            result = await self._validate_token(creds.token)
            return AuthResult(authenticated=result.valid, user_id=result.user_id, claims=result.claims)
        except ConnectionError as error:
            logger.error(f"Connection error during auth: {error}")
            return AuthResult(authenticated=False, user_id="", claims={"error": "service_unavailable"})
        except Exception:
            logger.exception("Unexpected error during authentication")
            raise

    async def _validate_token(self, token: str) -> Answer:
        if token == "down":
            raise ConnectionError("nobody's there")
        if token == "boom":
            raise KeyError("token")
        return Answer()


class Untyped(RemotePlugin):
    """As a list in the documentation's words is: `args: list`, `-> list`."""

    async def execute_template_function(self, function_name, args, ctx):  # type: ignore[no-untyped-def]
        if function_name == "join":
            return args[0].join(str(item) for item in args[1:])
        raise ValueError(f"Unknown function: {function_name}")

    def get_functions(self) -> list:  # type: ignore[type-arg]
        parameters = [
            FunctionParameter("separator", "string", True, "What's between"),
            FunctionParameter("item", "string", False, "One"),
        ]
        return [TemplateFunction(name="join", description="All in one", parameters=parameters, return_type="string")]

    async def generate_response(self, ctx, req):  # type: ignore[no-untyped-def]
        path_parts = req.path.strip("/").split("/")
        body = json.dumps({"path": path_parts, "uri": ctx.uri})
        content_type = "application/json"
        return ResponseData(status_code=200, headers={"Content-Type": content_type}, body=body.encode(), content_type=content_type)

    async def query_datasource(self, query, ctx):  # type: ignore[no-untyped-def]
        rows = [{"n": value} for value in list(query.parameters.values())]
        if not rows:
            return DataResult(columns=[], rows=[])
        return DataResult(columns=[ColumnInfo(name=key, data_type="integer") for key in rows[0]], rows=rows)


async def test_what_is_caught_and_raised_again(framework: str, serve: Callable[..., Any], caplog: Any) -> None:
    client = await serve(Robust(framework=framework))

    async def ask(token: str) -> Any:
        request = {"context": CONTEXT, "credentials": {"type": "bearer", "token": token}}
        return await client.post("/plugin/authenticate", json=request)

    assert (await ask("good")).json()["result"] == {"authenticated": True, "user_id": "ada", "claims": {"role": "admin"}}
    down = await ask("down")
    assert down.status_code == 200
    assert down.json()["result"] == {"authenticated": False, "user_id": "", "claims": {"error": "service_unavailable"}}
    assert "Connection error during auth: nobody's there" in caplog.text
    boom = await ask("boom")
    assert boom.status_code == 500
    assert boom.json()["success"] is False
    assert "Unexpected error during authentication" in caplog.text


async def test_handlers_without_annotations(framework: str, serve: Callable[..., Any]) -> None:
    plugin = Untyped(framework=framework)
    client = await serve(plugin)

    async def post(path: str, request: Any) -> Any:
        return (await client.post(f"/plugin/{path}", json=request)).json()

    joined = await post("template/execute", {"function_name": "join", "args": ["-", 1, "b"], "context": {}})
    assert joined == {"success": True, "result": "1-b"}
    unknown = await post("template/execute", {"function_name": "split", "args": [], "context": {}})
    assert unknown == {"success": False, "error": "Unknown function: split"}
    assert [function.name for function in plugin.get_functions()] == ["join"]
    generated = await post("response/generate", {"context": CONTEXT, "request": {"method": "GET", "path": "/users/5"}})
    assert generated["result"]["content_type"] == "application/json"
    table = await post("datasource/query", {"context": CONTEXT, "query": {"query": "x", "parameters": {"b": 2, "a": 1}}})
    assert table["result"] == {"columns": [{"name": "n", "data_type": "integer"}], "rows": [{"n": 2}, {"n": 1}]}
    nothing = await post("datasource/query", {"context": CONTEXT, "query": {"query": "x", "parameters": {}}})
    assert nothing["result"] == {"columns": [], "rows": []}


def test_run_knows_host_and_port_by_themselves() -> None:
    parameters = inspect.signature(RemotePlugin.run).parameters
    assert [(name, parameters[name].default) for name in list(parameters)[1:3]] == [("host", "0.0.0.0"), ("port", 8080)]
    assert all(parameters[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for name in ("host", "port"))
