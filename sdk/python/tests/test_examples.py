"""The other examples, over HTTP; one of them as a process of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import httpx
import pytest

from capabilities import MyPlugin as Capable
from crypto_functions import CryptoPlugin
from custom_routes import MyPlugin as WithRoutes
from error_handling import RobustPlugin
from fake_data import FakeDataPlugin
from mockforge_plugin import FilesystemCapabilities, NetworkCapabilities, PluginCapabilities, ResourceLimits
from quickstart import MyAuthPlugin

EXAMPLES = Path(__file__).parent.parent / "examples"
CONTEXT = {"method": "GET", "uri": "/api/users", "headers": {}}


def credentials(token: Any, kind: str = "bearer") -> Any:
    return {"context": CONTEXT, "credentials": {"type": kind, "token": token}}


async def test_quickstart(serve: Callable[..., Any]) -> None:
    client = await serve(MyAuthPlugin(name="My Auth Plugin", version="1.0.0"))
    assert (await client.get("/health")).json() == {"status": "healthy", "plugin": "My Auth Plugin", "version": "1.0.0"}
    response = await client.post("/plugin/authenticate", json=credentials("valid-token"))
    assert response.json() == {
        "success": True,
        "result": {"authenticated": True, "user_id": "user123", "claims": {"role": "admin"}},
    }
    for token in ["invalid", None, "", "ü"]:
        response = await client.post("/plugin/authenticate", json=credentials(token))
        assert response.status_code == 200
        assert response.json()["result"] == {"authenticated": False, "user_id": "", "claims": {}}


async def test_crypto_functions(serve: Callable[..., Any]) -> None:
    plugin = CryptoPlugin(name="Crypto Functions", version="1.0.0")
    client = await serve(plugin)

    async def run(name: str, *args: Any) -> Any:
        request = {"function_name": name, "args": list(args), "context": {}}
        return (await client.post("/plugin/template/execute", json=request)).json()

    assert (await run("sha256", "ü"))["result"] == hashlib.sha256("ü".encode()).hexdigest()
    assert (await run("sha256", 7))["result"] == hashlib.sha256(b"7").hexdigest()
    assert (await run("hmac_sha256", "k", "m"))["result"] == hmac.new(b"k", b"m", hashlib.sha256).hexdigest()
    assert (await run("base64_encode", "ü"))["result"] == "w7w="
    assert (await run("base64_decode", "w7w="))["result"] == "ü"
    assert (await run("nothing", 1)) == {"success": False, "error": "Unknown function: nothing"}
    assert (await run("hmac_sha256", "k")) == {"success": False, "error": "hmac_sha256 takes (key, message)"}
    assert (await run("base64_decode", "!"))["success"] is False
    listed = [(function.name, [of.name for of in function.parameters], function.return_type) for function in plugin.get_functions()]
    assert listed == [
        ("sha256", ["input"], "string"),
        ("hmac_sha256", ["key", "message"], "string"),
        ("base64_encode", ["input"], "string"),
        ("base64_decode", ["input"], "string"),
    ]


async def test_fake_data(serve: Callable[..., Any]) -> None:
    client = await serve(FakeDataPlugin())

    async def get(path: str) -> Any:
        response = await client.post(
            "/plugin/response/generate", json={"context": CONTEXT, "request": {"method": "GET", "path": path}}
        )
        assert response.status_code == 200
        result = response.json()["result"]
        assert result["headers"] == {"Content-Type": "application/json"}
        assert result["content_type"] == "application/json"
        return result["status_code"], json.loads(base64.b64decode(result["body"]))

    status, user = await get("/users")
    assert status == 200
    assert set(user) == {"id", "name", "email", "phone", "address", "created_at"}
    assert set(user["address"]) == {"street", "city", "country"}
    status, users = await get("/users/5/")
    assert (status, len(users)) == (200, 5)
    assert len({one["id"] for one in users}) == 5
    status, orders = await get("/orders/3")
    assert (status, len(orders)) == (200, 3)
    for order in orders:
        assert set(order) == {"id", "customer_id", "items", "status", "created_at"}
        assert order["id"].startswith("ORD-")
        assert order["status"] in ("pending", "shipped", "delivered")
        assert all(set(item) == {"sku", "name", "quantity", "price"} for item in order["items"])
        assert all(isinstance(item["price"], float) and 1 <= item["quantity"] <= 5 for item in order["items"])
    assert await get("/orders/0") == (200, [])
    assert await get("/nothing") == (404, {"error": "Unknown resource"})
    assert await get("/") == (404, {"error": "Unknown resource"})
    for wrong in ["x", "-1", "1001", "9" * 5000, "٣"]:
        assert (await get(f"/users/{wrong}"))[0] == 400


def test_capabilities() -> None:
    assert Capable().get_capabilities() == PluginCapabilities(
        network=NetworkCapabilities(allow_http_outbound=True, allowed_hosts=["api.example.com", "auth.example.com"]),
        filesystem=FilesystemCapabilities(allow_read=True, allow_write=False, allowed_paths=["/app/config", "/app/data"]),
        resources=ResourceLimits(max_memory_bytes=52428800, max_cpu_time_ms=5000),
    )


async def test_custom_routes(framework: str, serve: Callable[..., Any]) -> None:
    plugin = WithRoutes(framework=framework)
    client = await serve(plugin)
    assert (await client.get("/custom/status")).json() == {"custom": "data", "status": "ok"}
    assert (await client.post("/custom/webhook", json={"a": 1})).json() == {"received": True}
    assert plugin.received == [{"a": 1}]
    assert (await client.post("/custom/webhook", json=[1])).status_code == 422
    assert (await client.get("/health")).status_code == 200


async def test_error_handling(serve: Callable[..., Any], caplog: Any) -> None:
    async def who(token: str) -> Any:
        if token == "boom":
            raise ZeroDivisionError("a mistake")
        if token == "down":
            raise ConnectionError
        return {"t": "ada"}.get(token)

    client = await serve(RobustPlugin(who))

    async def ask(*args: Any) -> Any:
        return await client.post("/plugin/authenticate", json=credentials(*args))

    assert (await ask("t")).json()["result"] == {"authenticated": True, "user_id": "ada", "claims": {}}
    assert (await ask("x")).json()["result"]["authenticated"] is False
    assert (await ask("down")).json()["result"] == {
        "authenticated": False,
        "user_id": "",
        "claims": {"error": "service_unavailable"},
    }
    response = await ask("boom")
    assert (response.status_code, response.json()) == (500, {"success": False, "error": "a mistake"})
    assert "ZeroDivisionError" in caplog.text
    response = await ask("t", "basic")
    assert response.json() == {"success": False, "error": "only bearer tokens are known, not `basic`"}
    client = await serve(RobustPlugin())
    assert (await ask("t")).json()["result"]["claims"] == {"error": "service_unavailable"}


def test_an_example_as_a_process(free_port: int) -> None:
    """As its Dockerfile runs it: by uvicorn, on the port that it says, which is another one here."""
    code = (EXAMPLES / "quickstart.py").read_text().replace("port=8080", f"port={free_port}").replace("0.0.0.0", "127.0.0.1")
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent / "src")}
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                assert httpx.get(f"http://127.0.0.1:{free_port}/health").json()["status"] == "healthy"
                break
            except httpx.ConnectError:
                assert child.poll() is None, child.communicate()
                assert time.monotonic() < until
                time.sleep(0.05)
        response = httpx.post(f"http://127.0.0.1:{free_port}/plugin/authenticate", json=credentials("valid-token"))
        assert response.json()["result"]["user_id"] == "user123"
    finally:
        child.terminate()
        _, log = child.communicate(timeout=60)
    assert "Uvicorn running" in log
    assert "Shutting down" in log


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_is_in_the_readme_and_has_a_test(path: Path) -> None:
    assert f"`{path.name}`" in (EXAMPLES / "README.md").read_text()
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert f"from {path.stem} import" in tests or f'"{path.stem}"' in tests
