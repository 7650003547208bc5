"""The files of `deploy` are what they claim to be, and agree with the SDK. There's no engine here that could run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import yaml

import mockforge_plugin
from jwt_auth import JWTAuthPlugin

DEPLOY = Path(__file__).parent.parent / "deploy"
BIN = Path(sys.executable).parent


def run(program: str, *arguments: Any) -> None:
    done = subprocess.run([BIN / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def manifests() -> List[Any]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def test_kubernetes_takes_it() -> None:
    run("kubernetes-validate", "--strict", DEPLOY / "kubernetes.yaml")


def test_compose_takes_it() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "docker-compose.yaml")


def test_the_dockerfile_has_no_lints() -> None:
    run("hadolint", DEPLOY / "Dockerfile")


def test_probes_ask_what_there_is() -> None:
    deployment, service = manifests()
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert service["spec"]["selector"] == pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    assert pod["spec"]["terminationGracePeriodSeconds"] > 30, "longer than `run` takes to end"


def test_the_variables_are_the_examples() -> None:
    code = Path(JWTAuthPlugin.__init__.__code__.co_filename).read_text()
    (container,) = manifests()[0]["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text())["services"]["auth-plugin"]
    names = {variable["name"] for variable in container["env"]}
    assert names == {line.split("=")[0] for line in compose["environment"]}
    assert names <= set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', code))


def test_the_image_installs_this_version() -> None:
    lines = (DEPLOY / "requirements.txt").read_text().split()
    assert f"mockforge-plugin[fastapi]=={mockforge_plugin.__version__}" in lines
    assert 'CMD ["python", "plugin.py"]' in (DEPLOY / "Dockerfile").read_text()
