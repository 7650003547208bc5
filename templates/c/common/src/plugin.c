// The plugin `{$ name $}`: what it answers. How it talks with the host is in mockforge.c.

#include "mockforge.h"
{% for type in types %}

{% include "c/parts/" ~ type ~ "/call.c" %}
{% endfor %}
