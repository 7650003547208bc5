// The plugin `{$ name $}`: what it answers.

{% if "template" in types %}
import { fail } from "./mockforge/abi";
{% endif %}
import * as host from "./mockforge/host";
import { Value{% if "response" in types %}, base64{% endif %} } from "./mockforge/json";
{% for type in types %}

{% include "assemblyscript/parts/" ~ type ~ "/call.ts" %}
{% endfor %}
