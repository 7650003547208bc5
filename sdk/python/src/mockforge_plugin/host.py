"""What a plugin may ask of whoever runs it: a log, its configuration, the time, random bytes, its files, its dependencies.

A component asks mfp. A service has nobody to ask: it has a configuration and files of its own, and can't call other plugins.
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any, Mapping, Optional, Union

from .types import PluginError

LEVELS = {"trace": 5, "debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


class Host:
    """The host of a service. `component` has the other one."""

    def __init__(self, config: Optional[Mapping[str, Any]] = None, assets: Union[str, Path, None] = None) -> None:
        self._config = dict(config or {})
        self._assets = None if assets is None else Path(assets).resolve()
        self._logger = logging.getLogger("mockforge_plugin.plugin")

    def log(self, level: str, text: str) -> None:
        """A line for the log; `level` is `trace`, `debug`, `info`, `warn` or `error`."""
        if level not in LEVELS:
            raise ValueError(f"there's no level `{level}`")
        self._logger.log(LEVELS[level], "%s", text)

    def config(self) -> Any:
        """The plugin's configuration."""
        return json.loads(json.dumps(self._config))

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def random(self, length: int) -> bytes:
        """Random bytes, good enough for secrets."""
        return os.urandom(length)

    def asset(self, path: str) -> bytes:
        """A file of the plugin's own: of the folder `assets`, and of nothing outside it."""
        missing = PluginError(f"the plugin has no file `{path}`")
        if self._assets is None or not path or "\0" in path:
            raise missing
        file = (self._assets / path).resolve()
        if self._assets not in file.parents or not file.is_file():
            raise missing
        return file.read_bytes()

    def call(self, dependency: str, call: str, request: Any) -> Any:
        """Ask a plugin that this one depends on: components only."""
        raise PluginError(f"a service can't call `{dependency}`: only a component has dependencies")
