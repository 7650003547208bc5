// The plugin `{$ name $}`.
//
// Its functions are what's asked. What they need from outside comes by `host`, so that a test can give them all of it:
//
//   host.config()               the configuration, as the schema in plugin.yaml says
//   host.log(level, text)       level is "trace", "debug", "info", "warn" or "error"
//   host.now()                  milliseconds since 1970
//   host.random(length)         random bytes
//   host.asset(path)            a file of the package, as bytes
//   host.call(dependency, call, request)
//
// Each call begins with the plugin as it was when it was built: nothing that a call leaves behind is there in the next.
{% if "template" in types %}

import { PluginError } from "./mockforge.js";
{% endif %}
{% for type in types %}

{% include "js/parts/" ~ type ~ "/impl.js" %}
{% endfor %}
