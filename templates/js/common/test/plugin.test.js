import assert from "node:assert/strict";
import { test } from "node:test";

import * as plugin from "../src/plugin.js";

/** A host that has this configuration and remembers what's logged. */
function hostWith(config) {
  const logged = [];
  return { config: () => config, log: (level, text) => logged.push([level, text]), logged };
}
{% if kind != "template" %}

const context = { method: "GET", uri: "/tea", headers: {} };
{% endif %}
{% for type in types %}

{% include "js/parts/" ~ type ~ "/test.js" %}
{% endfor %}
