{# Its imports are those that the tests name; imports.py has those that the plugin does. #}
"""The plugin's methods, as they are: without a host, and without a network."""

from __future__ import annotations

{% if "response" in types %}
import json
{% endif %}
import logging

import pytest
from mockforge_plugin import (
{% if "auth" in types %}
    AuthCredentials,
    AuthResult,
{% endif %}
{% if "datasource" in types %}
    DataQuery,
{% endif %}
{% if kind != "template" %}
    PluginContext,
{% endif %}
{% if "template" in types %}
    PluginError,
    ResolutionContext,
{% endif %}
{% if "response" in types %}
    ResponseRequest,
{% endif %}
)

from plugin import {$ class $}
{% if kind != "template" %}

CONTEXT = PluginContext("GET", "/tea")
{% endif %}
{% for type in types %}


{% include "python/parts/" ~ type ~ "/tests.py" %}
{% endfor %}
