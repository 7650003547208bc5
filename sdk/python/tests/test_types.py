"""Every class of the documentation: its fields in their order, and their defaults."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

import mockforge_plugin
from mockforge_plugin import (
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
    RemotePlugin,
    ResolutionContext,
    ResourceLimits,
    ResponseData,
    ResponseRequest,
    TemplateFunction,
)

REQUIRED = dataclasses.MISSING
CLASSES: List[Tuple[Any, Dict[str, Any]]] = [
    (PluginContext, {"method": REQUIRED, "uri": REQUIRED, "headers": {}, "body": None}),
    (AuthCredentials, {"credential_type": REQUIRED, "token": None, "data": {}}),
    (AuthResult, {"authenticated": REQUIRED, "user_id": "", "claims": {}}),
    (ResolutionContext, {"environment": {}, "request_context": None}),
    (TemplateFunction, {"name": REQUIRED, "description": "", "parameters": [], "return_type": "string"}),
    (FunctionParameter, {"name": REQUIRED, "param_type": REQUIRED, "required": True, "description": ""}),
    (ResponseRequest, {"method": REQUIRED, "path": REQUIRED, "headers": {}, "body": None}),
    (ResponseData, {"status_code": 200, "headers": {}, "body": b"", "content_type": None}),
    (DataQuery, {"query": REQUIRED, "parameters": {}}),
    (DataResult, {"columns": [], "rows": []}),
    (ColumnInfo, {"name": REQUIRED, "data_type": REQUIRED}),
    (NetworkCapabilities, {"allow_http_outbound": False, "allowed_hosts": []}),
    (FilesystemCapabilities, {"allow_read": False, "allow_write": False, "allowed_paths": []}),
    (ResourceLimits, {"max_memory_bytes": 10 * 1024 * 1024, "max_cpu_time_ms": 1000}),
    (
        PluginCapabilities,
        {"network": NetworkCapabilities(), "filesystem": FilesystemCapabilities(), "resources": ResourceLimits()},
    ),
]


@pytest.mark.parametrize(("kind", "fields"), CLASSES, ids=lambda value: getattr(value, "__name__", ""))
def test_fields_and_defaults(kind: Any, fields: Dict[str, Any]) -> None:
    found = {}
    for field in dataclasses.fields(kind):
        made = field.default_factory() if field.default_factory is not REQUIRED else field.default
        found[field.name] = made
    assert list(found) == list(fields), "in this order: they're given by position too"
    assert found == fields
    assert kind.__name__ in mockforge_plugin.__all__


def test_no_default_is_shared() -> None:
    PluginContext("GET", "/").headers["A"] = "b"
    AuthResult(True).claims["a"] = 1
    assert PluginContext("GET", "/").headers == {}
    assert AuthResult(True).claims == {}


def test_everything_that_is_exported_is_there() -> None:
    for name in mockforge_plugin.__all__:
        assert getattr(mockforge_plugin, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = mockforge_plugin.nothing


def test_the_documented_ways_to_make_a_plugin() -> None:
    class MyPlugin(RemotePlugin):
        pass

    class Own(RemotePlugin):
        def __init__(self, url: str) -> None:
            super().__init__(name="Own", version="2.0.0")
            self.url = url

    assert (MyPlugin().name, MyPlugin().version) == ("MyPlugin", "0.1.0")
    assert (MyPlugin(name="My Auth Plugin", version="1.0.0").name) == "My Auth Plugin"
    assert (Own("x").name, Own("x").version, Own("x").url) == ("Own", "2.0.0", "x")
    assert MyPlugin().get_capabilities() == PluginCapabilities()
    assert MyPlugin().get_capabilities() is not MyPlugin().get_capabilities()


def test_headers_are_found_whatever_their_case() -> None:
    context = PluginContext("GET", "/", {"X-Api-Key": "k", "x-api-key": "second"})
    assert context.header("x-api-KEY") == "k"
    assert context.header("nothing") is None
    assert context.header("nothing", "default") == "default"
    assert ResponseRequest("GET", "/", {"A": ""}).header("a", "default") == ""


def test_options_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="framework"):
        RemotePlugin(framework="flask")
    with pytest.raises(ValueError, match="token"):
        RemotePlugin(token="")


def test_files_are_those_of_the_plugins_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    folder = tmp_path / "assets"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/file").write_bytes(b"\x00hi")
    (folder / "link").symlink_to(tmp_path / "secret")
    host = RemotePlugin(assets=folder).host
    assert host.asset("inner/file") == b"\x00hi"
    for path in ["../secret", "inner/../../secret", str(tmp_path / "secret"), "link", "inner", "", "\0", "nothing", "."]:
        with pytest.raises(PluginError, match="the plugin has no file"):
            host.asset(path)
    with pytest.raises(PluginError):
        RemotePlugin().host.asset("inner/file")


def test_a_service_has_a_host_of_its_own(caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    config = {"a": [1]}
    host = RemotePlugin(config=config).host
    host.config()["a"].append(2)
    assert host.config() == config == {"a": [1]}, "nobody changes it for others"
    assert RemotePlugin().host.config() == {}
    assert abs(host.now_ms() / 1000 - time.time()) < 5
    assert len(host.random(7)) == 7
    host.log("warn", "100% of it")
    assert "100% of it" in caplog.text
    with pytest.raises(ValueError, match="loud"):
        host.log("loud", "x")
    with pytest.raises(PluginError, match="only a component"):
        host.call("friend", "query", {})
