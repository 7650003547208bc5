{% set class = {"auth": "Tokens", "template": "Greetings", "response": "Message", "datasource": "Items", "full": "Everything"}[kind] %}
"""The plugin as a service: what's asked over HTTP, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from mockforge_plugin import wire
from mockforge_plugin.testing import client

from plugin import {$ class $}
from service import made

HERE = Path(__file__).parent
MANIFEST = yaml.safe_load((HERE.parent / "plugin.yaml").read_text("utf-8"))
CASES = yaml.safe_load((HERE / "cases.yaml").read_text("utf-8"))["tests"]
PATHS = {
    "authenticate": "/plugin/authenticate",
    "execute": "/plugin/template/execute",
    "generate": "/plugin/response/generate",
    "query": "/plugin/datasource/query",
}


def test_the_configuration_is_what_the_schema_says() -> None:
    jsonschema.validate(made().host.config(), MANIFEST["configuration"]["schema"])


async def test_it_is_well() -> None:
    async with client(made()) as http:
        assert (await http.get("/health")).json()["status"] == "healthy"


async def test_who_has_no_token_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGIN_TOKEN", "secret")
    call = PATHS["{$ {"auth": "authenticate", "template": "execute", "response": "generate", "datasource": "query"}[types[0]] $}"]
    async with client(made()) as http:
        assert (await http.post(call, json={})).status_code == 401
        assert (await http.get("/health")).status_code == 200
    async with client(made(), token="secret") as http:
        assert (await http.post(call, json={})).status_code == 422


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_case(case: dict[str, Any]) -> None:
    plugin = {$ class $}(config=case.get("config"))
    if case["call"] == "functions":
        # The protocol has no call for them.
        assert wire.functions(plugin.get_functions()) == case["expect"]
        return
    async with client(plugin) as http:
        answer = (await http.post(PATHS[case["call"]], json=case["request"])).json()
    if "expect-error" in case:
        assert case["expect-error"] in answer["error"]
    elif "expect" in case:
        assert answer["result"] == case["expect"]
    else:
        assert {key: answer["result"][key] for key in case["expect-partial"]} == case["expect-partial"]
