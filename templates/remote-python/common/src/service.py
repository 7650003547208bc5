{% set class = {"auth": "Tokens", "template": "Greetings", "response": "Message", "datasource": "Items", "full": "Everything"}[kind] %}
"""The plugin as a service: `python src/service.py`.

What it takes from its environment:

- `HOST` and `PORT`, where it listens: 127.0.0.1 and 8080 if nobody says otherwise.
- `PLUGIN_TOKEN`: whoever calls must send it, as `Authorization: Bearer …`. Without one it answers everybody.
- `PLUGIN_CONFIG`: the file with its configuration; `config.json` of its folder if nobody says otherwise.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from plugin import {$ class $}

CONFIG = Path(__file__).parent.parent / "config.json"


def made() -> {$ class $}:
    """The plugin, as its environment wants it."""
    config = json.loads(Path(os.environ.get("PLUGIN_CONFIG", CONFIG)).read_text("utf-8"))
    return {$ class $}({$ title|quoted $}, "0.1.0", token=os.environ.get("PLUGIN_TOKEN"), config=config)


if __name__ == "__main__":
    made().run(host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "8080")))
