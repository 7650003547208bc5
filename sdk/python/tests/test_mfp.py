"""mfp's own client at the other end: the conformance cases through `mfp serve`, for which the SDK's service is a remote plugin."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import httpx
import pytest

import conformance

HERE = Path(__file__).parent
MFP = os.environ.get("MFP")


def wait_for(url: str, child: Any) -> None:
    """Until this is well."""
    until = time.monotonic() + 180
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.1)


def fits(case: Dict[str, Any], response: Any, refused: int) -> bool:
    """Whether `mfp serve` says what the case expects; `refused` is its status for an answer that it can't use."""
    error = case.get("error")
    if error is None:
        found = conformance.load(response.text).get("result")
        return bool(response.status_code == 200 and conformance.same(conformance.spelled(case["answer"]), found))
    if error["code"] == "mfp::run::request":
        return response.status_code in (400, 422)
    if error["code"] == "mfp::run::plugin-error":
        return bool(response.status_code == 500 and response.json()["error"] == conformance.spelled(error["message"]))
    return bool(response.status_code == refused and response.json()["success"] is False)


def replay(base: str, skip: Any, refused: int) -> None:
    """All cases that aren't skipped, through `mfp serve`."""
    asked, differ = 0, []
    with httpx.Client(timeout=120) as client:
        for name, case in conformance.cases():
            if skip(name, case):
                continue
            body = json.dumps(conformance.spelled(case["request"]))
            response = client.post(
                base + conformance.PATHS[case["call"]], content=body, headers={"content-type": "application/json"}
            )
            asked += 1
            if not fits(case, response, refused):
                differ.append((name, response.status_code, response.text[:300]))
    assert differ == []
    assert asked > 90


@contextlib.contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """`mfp serve` in this project."""
    environment = {"HOME": str(folder / "home"), "PATH": os.environ["PATH"]}
    command = [str(MFP), "serve", "--listen", f"127.0.0.1:{port}"]
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.communicate(timeout=30)


@pytest.mark.skipif(not MFP, reason="MFP isn't set")
@pytest.mark.parametrize("app", ["fastapi", "asgi"])
def test_the_conformance_cases_through_mfps_client(app: str, tmp_path: Path, free_port: int) -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        other = int(listener.getsockname()[1])
    # FastAPI behind uvicorn, and this package's own app behind its own server.
    code = f"import sys; sys.path[:0] = [{str(conformance.FOLDER / 'sdk-python')!r}, {str(HERE.parent / 'src')!r}]\n"
    code += "" if app == "fastapi" else "sys.modules['uvicorn'] = None\n"
    code += f"from reference import reference; reference(framework={app!r}).run('127.0.0.1', {free_port})"
    service = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{free_port}/health", service)
        types = '["auth", "template", "response", "datasource"]'
        (tmp_path / "mockforge-plugins.toml").write_text(
            f'[plugins]\nreference = {{ remote = "http://127.0.0.1:{free_port}", types = {types}, timeout-ms = 60000 }}\n'
        )
        skipped = conformance.skipped()
        with serving(tmp_path, other) as base:
            replay(f"{base}/plugins/reference", lambda name, _: name in skipped, refused=502)
    finally:
        service.terminate()
        service.wait(20)
