"""The plugin `{$ name $}`.

Its methods are what's asked. What they need from outside comes by `self.host`, so that a test can give them all of it.
"""

from __future__ import annotations

{% if "response" in types %}
import json
{% endif %}
{% if "template" in types %}
from typing import Any
{% endif %}
{% if "response" in types or "template" in types %}

{% endif %}
{% include "python/parts/imports.py" %}


class {$ class $}(RemotePlugin):
    """Its configuration, `self.host.config()`, is what the schema in plugin.yaml says."""
{% for type in types %}

{% include "python/parts/" ~ type ~ "/impl.py" %}
{% endfor %}
