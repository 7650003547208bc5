"""The same handlers as a component: the adapter alone, and a real one, which mfp runs.

For the real one set `MFP` to mfp's program and `COMPONENTS` to anything: it takes minutes, so it's done weekly. What
componentize-py makes of the WIT is stood in for by `wit`. All cases of `fixtures/conformance` are asked of a real one by their
own suite, whose port `component-python` is made of this SDK.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import random
import subprocess
import sys
import types
from enum import Enum
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import httpx
import pytest

from mockforge_plugin import AuthResult, ColumnInfo, DataResult, PluginError, RemotePlugin, ResponseData
from reference import FUNCTIONS, Reference
from test_mfp import serving

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def record(name: str, *fields: str) -> Any:
    return dataclasses.make_dataclass(name, fields)


class Err(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Level(Enum):
    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


@pytest.fixture
def wit(monkeypatch: Any) -> Iterator[Any]:
    """Modules as componentize-py makes them, and the host's log."""

    def module(name: str, **names: Any) -> Any:
        made = types.ModuleType(name)
        made.__dict__.update(names)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    lines: List[Tuple[str, str]] = []

    def refused(*_: Any) -> Any:
        raise Err("the host's error")

    module("componentize_py_types", Err=Err)
    for name in ("wit_world", "wit_world.exports", "wit_world.imports"):
        module(name)
    module("wit_world.imports.types", Body_Text=record("Body_Text", "value"), Body_Json=record("Body_Json", "value"))
    module("wit_world.exports.auth", Verdict=record("Verdict", "authenticated", "user_id", "claims"))
    module(
        "wit_world.exports.template",
        Function=record("Function", "name", "description", "parameters", "return_type"),
        Parameter=record("Parameter", "name", "kind", "required", "description"),
    )
    module("wit_world.exports.response", ResponseData=record("ResponseData", "status_code", "headers", "body", "content_type"))
    module(
        "wit_world.exports.datasource",
        Column=record("Column", "name", "data_type"),
        DataResult=record("DataResult", "columns", "rows"),
    )
    module(
        "wit_world.imports.host",
        Level=Level,
        log=lambda level, text: lines.append((level.name, text)),
        config=lambda: '{"a": [1]}',
        now_ms=lambda: 7,
        random=lambda length: b"\x07" * length,
        asset=lambda path: b"hi" if path == "hi" else refused(),
        call=lambda dependency, call, request: request if dependency == "friend" else refused(),
    )
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield types.SimpleNamespace(
        lines=lines, text=sys.modules["wit_world.imports.types"].Body_Text, json=sys.modules["wit_world.imports.types"].Body_Json
    )
    root.handlers[:], root.level = handlers, level


CONTEXT = types.SimpleNamespace(method="GET", uri="/", headers=[("A", "b")], body=None)


def exported(plugin: RemotePlugin) -> Any:
    from mockforge_plugin.component import export

    return [kind() for kind in export(plugin)]


def test_the_four_interfaces(wit: Any) -> None:
    auth, template, response, datasource = exported(Reference())
    credentials = types.SimpleNamespace(kind="bearer", token="t", data='{"a": 1}')
    verdict = auth.authenticate(CONTEXT, credentials)
    assert (verdict.authenticated, verdict.user_id) == (True, "t")
    claims = {name: json.loads(value) for name, value in verdict.claims}
    assert claims["data"] == {"a": 1}
    assert claims["context"] == {"method": "GET", "uri": "/", "headers": {"A": "b"}, "body": None}

    given = types.SimpleNamespace(environment=[("E", '"x"')], request_context=CONTEXT)
    assert json.loads(template.execute("echo", ["1", '"ü"'], given)) == [1, "ü"]
    assert json.loads(template.execute("context", [], given))["environment"] == {"E": "x"}
    assert [function.name for function in template.functions()] == list(FUNCTIONS)
    assert template.functions()[3].parameters[0].kind == "string"

    request = types.SimpleNamespace(method="GET", path="/echo", headers=[], body=wit.json("[1]"))
    made = response.generate(types.SimpleNamespace(**{**vars(CONTEXT), "body": wit.text("t")}), request)
    assert json.loads(made.body)["request"]["body"] == {"json": [1]}
    assert json.loads(made.body)["context"]["body"] == {"text": "t"}
    assert (made.status_code, made.headers, made.content_type) == (200, [], "application/json")

    table = datasource.query(types.SimpleNamespace(query="types", parameters=None), CONTEXT)
    assert [column.name for column in table.columns] == ["null", "truth", "whole", "real", "text", "list", "object"]
    assert [[json.loads(value) for value in row] for row in table.rows] == [[None, True, -7, 0.5, "ü", [1, []], {"a": {}}]]


def test_what_the_host_gives(wit: Any) -> None:
    plugin = Reference()
    exported(plugin)
    host = plugin.host
    assert host.config() == {"a": [1]}
    assert host.now_ms() == 7
    assert host.random(3) == b"\x07\x07\x07"
    assert host.asset("hi") == b"hi"
    assert host.call("friend", "query", {"a": "ü"}) == {"a": "ü"}
    for refused in (lambda: host.asset("no"), lambda: host.call("stranger", "query", {})):
        with pytest.raises(PluginError, match="the host's error"):
            refused()
    with pytest.raises(ValueError, match="loud"):
        host.log("loud", "x")
    host.log("trace", "x")
    record = logging.makeLogRecord({"levelno": logging.WARNING, "msg": "half \ud83e %s", "args": (1,)})
    logging.getLogger().handlers[-1].handle(record)
    assert wit.lines == [("TRACE", "x"), ("WARN", "half ? 1")]


def test_errors(wit: Any) -> None:
    class Failing(RemotePlugin):
        async def authenticate(self, ctx: Any, creds: Any) -> AuthResult:
            raise KeyError("x")

        def execute_template_function(self, function_name: str, args: Any, ctx: Any) -> Any:
            raise PluginError("ä" * 4000)

        async def generate_response(self, ctx: Any, req: Any) -> ResponseData:
            return ResponseData(70000)

        async def query_datasource(self, query: Any, ctx: Any) -> DataResult:
            return DataResult([ColumnInfo("a", "integer")], [{"a": 1}, {}, {"b": 1}][: 2 if query.query == "fits" else 3])

    auth, template, response, datasource = exported(Failing())
    with pytest.raises(Err) as caught:
        auth.authenticate(CONTEXT, types.SimpleNamespace(kind="bearer", token=None, data=None))
    assert caught.value.value == "'x'"
    assert wit.lines[0][0] == "ERROR"
    assert "KeyError" in wit.lines[0][1]
    with pytest.raises(Err) as caught:
        template.execute("f", [], types.SimpleNamespace(environment=[], request_context=None))
    assert caught.value.value == "ä" * 2048
    assert len(wit.lines) == 1, "a plugin's own error is nobody's mistake"
    with pytest.raises(Err) as caught:
        response.generate(CONTEXT, types.SimpleNamespace(method="GET", path="/", headers=[], body=None))
    assert caught.value.value == "`status_code` is 70000, which isn't a status"
    assert datasource.query(types.SimpleNamespace(query="fits", parameters=None), CONTEXT).rows == [["1"], ["null"]]
    with pytest.raises(Err) as caught:
        datasource.query(types.SimpleNamespace(query="", parameters=None), CONTEXT)
    assert caught.value.value == "a row has the key `b`, which is no column"


def test_coroutines_without_a_network(wit: Any) -> None:
    """Sleeping, waiting for one another and time-outs work; what would wait for ever is an error."""

    class Waiting(RemotePlugin):
        async def execute_template_function(self, function_name: str, args: List[Any], ctx: Any) -> Any:
            if function_name == "gather":
                return await asyncio.gather(*(asyncio.sleep(0.001, n) for n in range(3)))
            if function_name == "timeout":
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(asyncio.Event().wait(), 0.001)
                return "late"
            return await asyncio.get_running_loop().create_future()

    _, template, _, _ = exported(Waiting())
    given = types.SimpleNamespace(environment=[], request_context=None)
    for _ in range(2):
        assert template.execute("gather", [], given) == "[0,1,2]"
        assert template.execute("timeout", [], given) == '"late"'
    with pytest.raises(Err) as caught:
        template.execute("never", [], given)
    assert caught.value.value == "the handler waits for what never comes"


def test_random_numbers_are_seeded_by_the_host(wit: Any) -> None:
    class Dice(RemotePlugin):
        def execute_template_function(self, function_name: str, args: List[Any], ctx: Any) -> Any:
            return random.random()

    _, template, _, _ = exported(Dice())
    random.seed(0)
    given = types.SimpleNamespace(environment=[], request_context=None)
    expected = random.Random(b"\x07" * 32).random()
    assert json.loads(template.execute("f", [], given)) == expected


# --- a real one ---

MANIFEST = """mfp: 1
plugin:
  id: crypto
  version: 1.0.0
  name: crypto
  description: From the SDK's tests
  types: [template]
  entry: plugin.wasm
  license: MIT
  author: { name: the mfp authors }
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: Any) -> Any:
    """A project with the example as a component, and a function that runs mfp there."""
    mfp = os.environ.get("MFP")
    if not mfp or not os.environ.get("COMPONENTS"):
        pytest.skip("MFP and COMPONENTS aren't set: no component is built")
    folder: Path = tmp_path_factory.mktemp("project")
    plugin = folder / "crypto"
    plugin.mkdir()
    command: List[Any] = [Path(sys.executable).parent / "componentize-py", "-d", ROOT / "sdk/wit", "-w", "template-plugin"]
    paths: List[Any] = ["-p", HERE.parent / "examples", "-p", HERE.parent / "src"]
    output: List[Any] = ["componentize", *paths, "component_app", "-o", plugin / "plugin.wasm"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    built = subprocess.run([*command, *output], capture_output=True, text=True, check=False, env=environment)
    assert built.returncode == 0, built.stderr
    (plugin / "plugin.yaml").write_text(MANIFEST)
    (folder / "mockforge-plugins.toml").write_text('[plugins]\ncrypto = { path = "crypto" }\n')

    def run(*arguments: str) -> Tuple[int, str, str]:
        environment = {"HOME": str(folder / "home"), "PATH": os.environ["PATH"]}
        ended = subprocess.run([mfp, *arguments], cwd=folder, capture_output=True, text=True, check=False, env=environment)
        return ended.returncode, ended.stdout, ended.stderr

    return types.SimpleNamespace(folder=folder, run=run)


def test_mfp_runs_the_example(project: Any) -> None:
    code, out, err = project.run("run", "crypto", "sha256", '["abc"]')
    assert (code, json.loads(out or "null")) == (0, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), err
    code, _, err = project.run("run", "crypto", "nothing", "[]")
    assert code == 1
    assert "Unknown function: nothing" in err
    code, out, _ = project.run("run", "crypto", "functions")
    assert [function["name"] for function in json.loads(out)] == ["sha256", "hmac_sha256", "base64_encode", "base64_decode"]


def test_mfp_serves_the_example(project: Any, free_port: int) -> None:
    with serving(project.folder, free_port) as base:
        request = {"function_name": "sha256", "args": ["abc"], "context": {}}
        answer = httpx.post(f"{base}/plugins/crypto/plugin/template/execute", json=request, timeout=60)
        assert answer.json()["result"].startswith("ba7816bf")
