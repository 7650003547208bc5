"""Tests as MockForge's documentation writes them, with `AsyncClient(app=…)`: httpx had that until 0.27, which is laid aside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = """
import pytest
from httpx import AsyncClient
from quickstart import MyAuthPlugin


@pytest.fixture(params=["fastapi", "asgi"])
def plugin(request):
    return MyAuthPlugin(framework=request.param)


@pytest.fixture
async def client(plugin):
    async with AsyncClient(app=plugin.app, base_url="http://test") as client:
        yield client


def credentials(token):
    context = {"method": "GET", "uri": "/api/users", "headers": {}}
    return {"context": context, "credentials": {"type": "bearer", "token": token}}


async def test_health(client):
    response = await client.get("/health")
    assert response.status_code == 200
    assert response.json()["status"] == "healthy"


@pytest.mark.parametrize("token", ["valid-token", "invalid"])
async def test_tokens(client, token):
    response = await client.post("/plugin/authenticate", json=credentials(token))
    assert response.status_code == 200
    data = response.json()
    assert data["success"] is True
    assert data["result"]["authenticated"] is (token == "valid-token")


def test_the_defaults():
    assert MyAuthPlugin().app
"""


def test_the_documented_tests(tmp_path: Path) -> None:
    old = os.environ.get("OLD_HTTPX")
    if not old:
        if os.environ.get("CI") == "true":
            pytest.fail("in CI OLD_HTTPX must be set")
        pytest.skip("OLD_HTTPX isn't set")
    (tmp_path / "test_plugin.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    paths = [old, str(HERE.parent / "src"), str(HERE.parent / "examples")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout
