"""The reference plugin of `fixtures/conformance`, over the SDK: as a service, and as a component."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from mockforge_plugin import (
    AuthCredentials,
    AuthResult,
    ColumnInfo,
    DataQuery,
    DataResult,
    FunctionParameter,
    PluginContext,
    PluginError,
    RawJson,
    RemotePlugin,
    ResolutionContext,
    ResponseData,
    ResponseRequest,
    TemplateFunction,
)

CONFIG = {"greeting": "grüß dich 🦀", "limits": [1, 2.5, None], "nested": {"on": True}, "empty": ""}
PLAIN = "text/plain; charset=utf-8"

# Name, description, parameters with their kinds, and what it gives.
FUNCTIONS: Dict[str, Any] = {
    "echo": ("Its arguments, as they came", {}, "list"),
    "context": ("The context of the call", {}, "object"),
    "config": ("The configuration", {}, "object"),
    "log": ("Write a line to the log", {"level": "string", "text": "string"}, "null"),
    "now": ("Milliseconds since 1970", {}, "number"),
    "random": ("Length and sum of random bytes", {"count": "number"}, "object"),
    "asset": ("A file of the package, in base64", {"path": "string"}, "string"),
    "call": ("Ask a dependency", {"dependency": "string", "call": "string", "request": "object"}, "any"),
    "fail": ("Fail with this text", {"text": "string"}, "null"),
    "length": ("How many characters a text has", {"text": "string"}, "number"),
    "repeat": ("A text, so many times", {"text": "string", "count": "number"}, "string"),
    "raw": ("A text as the JSON of the answer", {"text": "string"}, "any"),
    "spin": ("Never answer", {}, "null"),
}


def said(body: Any) -> Any:
    """A body as the suite wants it said."""
    return None if body is None else {"text" if isinstance(body, str) else "json": body}


def said_of(context: PluginContext) -> Dict[str, Any]:
    return {"method": context.method, "uri": context.uri, "headers": context.headers, "body": said(context.body)}


def after(text: str, prefix: str) -> Optional[int]:
    """The number that follows `prefix`, if that's what the text is."""
    number = text[len(prefix) :]
    return int(number) if text.startswith(prefix) and number.isascii() and number.isdecimal() else None


class Args:
    def __init__(self, function: str, values: List[Any]) -> None:
        self.function, self.values = function, values

    def wrong(self) -> PluginError:
        return PluginError(f"{self.function} takes ({', '.join(FUNCTIONS[self.function][1])})")

    def text(self, at: int) -> str:
        value = self.values[at] if at < len(self.values) else None
        if not isinstance(value, str):
            raise self.wrong()
        return value

    def count(self, at: int) -> int:
        value = self.values[at] if at < len(self.values) else None
        if type(value) is not int or value < 0:
            raise self.wrong()
        return value


class Reference(RemotePlugin):
    async def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        token = creds.token or ""
        if creds.credential_type == "error":
            raise PluginError(token)
        claims = {"type": creds.credential_type, "data": creds.data or None, "context": said_of(ctx)}
        return AuthResult(token != "", token, claims)

    # Not a coroutine: one of the handlers runs in a thread, or in a component without one.
    def execute_template_function(self, function_name: str, args: List[Any], ctx: ResolutionContext) -> Any:
        if function_name not in FUNCTIONS:
            raise PluginError(f"there's no function `{function_name}`")
        return getattr(self, f"do_{function_name}")(Args(function_name, args), ctx)

    def get_functions(self) -> List[TemplateFunction]:
        return [
            TemplateFunction(name, description, [FunctionParameter(of, kind, True, "") for of, kind in takes.items()], gives)
            for name, (description, takes, gives) in FUNCTIONS.items()
        ]

    def do_echo(self, args: Args, _: ResolutionContext) -> Any:
        return args.values

    def do_context(self, _: Args, context: ResolutionContext) -> Any:
        inner = context.request_context
        return {"environment": context.environment, "request_context": None if inner is None else said_of(inner)}

    def do_config(self, *_: Any) -> Any:
        return self.host.config()

    def do_log(self, args: Args, _: ResolutionContext) -> None:
        level, text = args.text(0), args.text(1)
        if level not in ("trace", "debug", "info", "warn", "error"):
            raise args.wrong()
        self.host.log(level, text)

    def do_now(self, *_: Any) -> int:
        return self.host.now_ms()

    def do_random(self, args: Args, _: ResolutionContext) -> Any:
        data = self.host.random(args.count(0))
        return {"length": len(data), "sum": sum(data)}

    def do_asset(self, args: Args, _: ResolutionContext) -> str:
        return base64.b64encode(self.host.asset(args.text(0))).decode()

    def do_call(self, args: Args, _: ResolutionContext) -> Any:
        dependency, call = args.text(0), args.text(1)
        if len(args.values) < 3:
            raise args.wrong()
        return self.host.call(dependency, call, args.values[2])

    def do_fail(self, args: Args, _: ResolutionContext) -> None:
        raise PluginError(args.text(0))

    def do_length(self, args: Args, _: ResolutionContext) -> int:
        return len(args.text(0))

    def do_repeat(self, args: Args, _: ResolutionContext) -> str:
        return args.text(0) * args.count(1)

    def do_raw(self, args: Args, _: ResolutionContext) -> RawJson:
        return RawJson(args.text(0))

    def do_spin(self, *_: Any) -> None:
        while True:
            pass

    async def generate_response(self, ctx: PluginContext, req: ResponseRequest) -> ResponseData:
        status, count = after(req.path, "/status/"), after(req.path, "/bytes/")
        if status is not None:
            return ResponseData(status)
        if count is not None:
            return ResponseData(200, {}, (bytes(range(256)) * (count // 256 + 1))[:count], "application/octet-stream")
        if req.path == "/echo":
            echo = {"method": req.method, "path": req.path, "headers": req.headers, "body": said(req.body)}
            return ResponseData(200, {}, json.dumps({"context": said_of(ctx), "request": echo}).encode(), "application/json")
        if req.path == "/headers":
            return ResponseData(200, req.headers)
        if req.path == "/text":
            if not isinstance(req.body, str):
                raise PluginError("there's no text")
            return ResponseData(200, {}, req.body, PLAIN)
        if req.path == "/fail":
            raise PluginError("nothing comes of /fail")
        return ResponseData(404, {"X-Reason": "no such path"}, f"there's nothing at {req.path}", PLAIN)

    async def query_datasource(self, query: DataQuery, ctx: PluginContext) -> DataResult:
        text = query.query
        count = after(text, "count ")
        if count is not None:
            return DataResult([ColumnInfo("n", "integer")], [{"n": n} for n in range(count)])
        if text == "echo":
            columns = [ColumnInfo("query", "string"), ColumnInfo("parameters", "json"), ColumnInfo("context", "json")]
            return DataResult(columns, [{"query": text, "parameters": query.parameters or None, "context": said_of(ctx)}])
        if text == "nothing":
            return DataResult()
        if text == "types":
            row: Dict[str, Any] = {
                "null": None,
                "truth": True,
                "whole": -7,
                "real": 0.5,
                "text": "ü",
                "list": [1, []],
                "object": {"a": {}},
            }
            kinds = {"null": "null", "truth": "boolean", "whole": "integer", "real": "float", "text": "string"}
            kinds = {**kinds, "list": "json", "object": "json"}
            return DataResult([ColumnInfo(name, kind) for name, kind in kinds.items()], [row])
        if text == "fail":
            raise PluginError("the query failed")
        raise PluginError(f"`{text}` isn't a query")


def reference(**options: Any) -> Reference:
    """The reference plugin as a service, with its configuration and files."""
    package = Path(__file__).parents[3] / "fixtures/conformance/package"
    return Reference("reference", "1.0.0", config=CONFIG, assets=package, **options)


if __name__ == "__main__":
    import sys

    reference(framework=sys.argv[2]).run("127.0.0.1", int(sys.argv[1]))
