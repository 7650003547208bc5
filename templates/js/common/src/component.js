// The plugin as a component: its interfaces and the host's are those of sdk/wit, and mockforge.js is between them and plugin.js.

import * as wit from "mockforge:plugin/host@0.1.0";

import { {% for type in types %}as{$ type|capitalize $}, {% endfor %}hostOf } from "./mockforge.js";
import * as plugin from "./plugin.js";

const host = hostOf(wit);
{% for type in types %}
export const {$ type $} = as{$ type|capitalize $}(plugin, host);
{% endfor %}
