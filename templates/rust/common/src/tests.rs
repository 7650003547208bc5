use mockforge_plugin_sdk::testing::PluginTestHarness;

use super::*;
{% for type in types %}

{% include "rust/parts/" ~ type ~ "/tests.rs" %}
{% endfor %}
