"""The SDK's service gives the answers that every port of the reference plugin gives."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict

import pytest

import conformance
from reference import reference

SKIPPED = conformance.skipped()
CASES = [pytest.param(case, id=name) for name, case in conformance.cases() if name not in SKIPPED]


@pytest.mark.parametrize("case", CASES)
async def test_a_case(case: Dict[str, Any], framework: str, serve: Callable[..., Any]) -> None:
    client = await serve(reference(framework=framework))
    request = conformance.spelled(case["request"])
    response = await client.post(conformance.PATHS[case["call"]], content=json.dumps(request), headers=JSON)
    error = case.get("error")
    if error is None:
        assert response.status_code == 200, response.text
        assert response.text.startswith('{"success":true,"result":')
        assert conformance.same(conformance.spelled(case["answer"]), conformance.load(response.text)["result"])
    elif error["code"] == "mfp::run::plugin-error":
        assert response.status_code == 500
        assert response.json() == {"success": False, "error": conformance.spelled(error["message"])}
    elif error["code"] == "mfp::run::request":
        assert response.status_code == 422
        assert response.json()["success"] is False
    elif error["code"] == "mfp::sandbox::answer":
        # The service answers what the plugin said; the host refuses it.
        too_large = len(response.content) > 8 << 20
        prefix = '{"success":true,"result":'
        assert response.status_code == 200
        assert too_large or not conformance.usable(case["call"], response.text[len(prefix) : -1])
    else:
        raise AssertionError(error)


def test_the_cases_are_there_and_skipped_ones_exist() -> None:
    names = {name for name, _ in conformance.cases()}
    assert len(CASES) > 90
    assert set(SKIPPED) <= names


JSON = {"Content-Type": "application/json"}
