// Tests of the module, in Node: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ask } from "./host.mjs";
{% if types != ["template"] %}

const context = { method: "GET", uri: "/" };
{% endif %}
{% for type in types %}

{% include "assemblyscript/parts/" ~ type ~ "/test.mjs" %}
{% endfor %}
