"""Every snippet of the README and of the guide is run.

A block of Python whose first line is `# NAME.py` is that file, in a folder of the section's; others stand alone. Commands are typed
there, in their order, on another port; what follows one is what it prints. `mfp` is typed if `MFP` says where it is;
componentize-py, and sections with `mfp new`, if `COMPONENTS` is set too, since what they install and build takes minutes.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml

from mockforge_plugin import RemotePlugin, testing

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAGES = {
    "README": HERE.parent / "README.md",
    "guide": ROOT / "docs/guide/python.md",
    "javascript": ROOT / "docs/guide/javascript.md",
}


def blocks_of(text: str) -> List[Tuple[str, str]]:
    """Language and text of each block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


BLOCKS = {page: blocks_of(path.read_text()) for page, path in PAGES.items()}
#: The sections that make a plugin from a template; and the rest of each page.
NEW: Dict[str, List[Tuple[str, str]]] = {}
REST: Dict[str, List[Tuple[str, str]]] = {page: [] for page in PAGES}
for page, path in PAGES.items():
    for section in re.split(r"^## ", path.read_text(), flags=re.MULTILINE):
        if "$ mfp new " in section:
            NEW[f"{page}: {section.splitlines()[0]}"] = blocks_of(section)
        else:
            REST[page] += blocks_of(section)
# What's installed already, in these versions: `requirements.txt`.
INSTALLS = {
    'pip install "mockforge-plugin[fastapi]"',
    'pip install "./sdk/python[fastapi]"',
    "pip install httpx pytest pytest-asyncio",
    "pip install componentize-py==0.25.1",
    "pip install ./sdk/python[testing] pdoc==16.0.0",
}
MFP, COMPONENTS = os.environ.get("MFP"), os.environ.get("COMPONENTS")


class Reader:
    """Somebody who types what a page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        self.running: List[Any] = []
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = str(listener.getsockname()[1])
        self.typed = 0
        (self.folder / "sdk").symlink_to(ROOT / "sdk")
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{HERE.parent / 'src'}:{self.folder}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(folder / "home"),
        }
        # Who reads a page isn't in CI.
        self.environment.pop("CI", None)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text.replace("8080", self.port))

    def type(self, command: str, expected: str) -> None:
        if command in INSTALLS:
            return
        self.typed += 1
        words = shlex.split(command.replace("8080", self.port))
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            return
        if words[-1].endswith(("plugin.py", "service.py")) and len(words) == 2:
            self.serve(words)
            return
        if (words[0] == "mfp" and not MFP) or (words[0] == "componentize-py" and not COMPONENTS):
            return
        words[0] = str(MFP) if words[0] == "mfp" else words[0]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False, env=self.environment)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if expected:
            assert done.stdout.strip() == expected.strip(), command

    def serve(self, words: List[str]) -> None:
        environment = {**self.environment, "PORT": self.port}
        nothing = subprocess.DEVNULL
        self.running.append(subprocess.Popen(words, cwd=self.folder, env=environment, stdout=nothing, stderr=nothing))
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", int(self.port)), 1).close()
                return
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    for child in reader.running:
        child.terminate()
        child.wait(60)


@pytest.mark.parametrize("page", ["README", "guide"])
def test_the_page_is_typed(page: str, reader: Reader) -> None:
    read(reader, REST[page])
    assert reader.typed >= 3


@pytest.mark.skipif(not (MFP and COMPONENTS), reason="MFP and COMPONENTS aren't set: no plugin is made and built")
@pytest.mark.parametrize("section", NEW)
def test_a_plugin_is_made_from_its_template(section: str, reader: Reader) -> None:
    # With what it installs itself, and nothing of what's here.
    del reader.environment["PYTHONPATH"]
    read(reader, NEW[section])
    assert reader.typed >= 5


def read(reader: Reader, blocks: List[Tuple[str, str]]) -> None:
    """Write the files and type the commands of these blocks."""
    for language, text in blocks:
        name = re.match(r"# ([\w-]+\.\w+)\n", text)
        if name and language in ("python", "toml"):
            reader.write(name[1], text)
            if language == "python" and name[1] == "plugin.py":
                reader.type(f'python -c "import {Path(name[1]).stem}"', "")
        elif language == "console":
            for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                reader.type(command, expected)


LONE = [
    pytest.param(text, id=page + "-" + re.findall(r"class (\w+)", text)[0])
    for page, blocks in BLOCKS.items()
    for language, text in blocks
    if language == "python" and not text.startswith("# ")
]


def lone(text: str) -> RemotePlugin:
    space: Dict[str, Any] = {"__name__": "snippet"}
    exec(compile(text, "snippet", "exec"), space)
    (kind,) = [
        value
        for value in space.values()
        if isinstance(value, type) and issubclass(value, RemotePlugin) and value is not RemotePlugin
    ]
    plugin: RemotePlugin = kind()
    return plugin


@pytest.mark.parametrize("text", LONE)
async def test_a_snippet_is_a_plugin_that_answers(text: str) -> None:
    plugin = lone(text)
    name = type(plugin).__name__
    context = {"method": "GET", "uri": "/", "headers": {"x-api-key": "k-123"}}
    async with testing.client(plugin) as client:
        assert (await client.get("/health")).status_code == 200
        if name == "KeyPlugin":
            for token, user in [("k-123", "ada"), (None, "ada"), ("x", "")]:
                request = {"context": context, "credentials": {"type": "api-key", "token": token}}
                result = (await client.post("/plugin/authenticate", json=request)).json()["result"]
                assert (result["authenticated"], result["user_id"]) == (bool(user), user)
        elif name == "Greetings":
            for path, status in [("/hello/ada", 200), ("/bye", 404)]:
                request = {"context": context, "request": {"method": "GET", "path": path}}
                assert (await client.post("/plugin/response/generate", json=request)).json()["result"]["status_code"] == status
        elif name == "Sqlite":
            query = {"query": "select name, price from tea where price > ?", "parameters": {"least": 1}}
            result = (await client.post("/plugin/datasource/query", json={"query": query, "context": context})).json()["result"]
            assert result["rows"] == [{"name": "Assam", "price": 6.5}]
        elif name == "Modest":
            assert plugin.get_capabilities().network.allowed_hosts == ["api.example.com"]
        elif name == "WithWebhook":
            assert (await client.get("/custom/status")).json() == {"status": "ok"}
            assert (await client.post("/custom/webhook", json={})).json() == {"received": True}
        else:
            raise AssertionError(f"a test for {name}")


def test_other_blocks() -> None:
    """Parts of files are parts of those files; the rest is what it says."""
    deploy = HERE.parent / "deploy"
    seen = set()
    for _, text in [block for blocks in BLOCKS.values() for block in blocks if block[0] in ("yaml", "dockerfile", "toml", "")]:
        if text.startswith("FROM"):
            assert (deploy / "Dockerfile").read_text().startswith(text)
        elif "readinessProbe" in text:
            assert text in (deploy / "kubernetes.yaml").read_text()
        elif text.startswith("plugins:"):
            (remote,) = yaml.safe_load(text)["plugins"]["remote"]
            assert remote["url"].startswith("http://")
        else:
            assert text.startswith("# mockforge-plugins.toml")
        seen.add(text)
    assert len(seen) == 4
    assert {language for blocks in BLOCKS.values() for language, _ in blocks} <= {
        "python",
        "console",
        "yaml",
        "dockerfile",
        "toml",
        "js",
    }


def test_the_guide_names_every_class_and_its_defaults() -> None:
    import mockforge_plugin

    guide = PAGES["guide"].read_text()
    for name in mockforge_plugin.__all__:
        if name not in ("App", "Request", "Response", "MaybeAwaitable", "__version__"):
            assert name in guide, name
