{% set class = {"auth": "Tokens", "template": "Greetings", "response": "Message", "datasource": "Items", "full": "Everything"}[kind] %}
{% include "python/parts/plugin.py" %}