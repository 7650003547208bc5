{% set class = {"auth": "Tokens", "template": "Greetings", "response": "Message", "datasource": "Items", "full": "Everything"}[kind] %}
"""The plugin as a WebAssembly component: `mfp build` gives this to componentize-py, which wants these four names.

The plugin is made when the component is built, and each call begins with it as it was then.
"""

from mockforge_plugin.component import export

from plugin import {$ class $}

Auth, Template, Response, Datasource = export({$ class $}())
