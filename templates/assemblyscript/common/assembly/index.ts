// What the module exports: the ABI, and the calls of plugin.ts.

import { answer } from "./mockforge/abi";
import * as plugin from "./plugin";

export { alloc, dealloc, mockforge_abi } from "./mockforge/abi";
{% for type in types %}

{% include "assemblyscript/parts/" ~ type ~ "/export.ts" %}
{% endfor %}
