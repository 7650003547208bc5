//! The plugin `{$ name $}`.
//!
//! Each call makes it anew from its configuration: nothing that a call leaves behind is there in the next. All that it gets from
//! outside comes by `host`.

#[cfg(test)]
mod tests;
{% if "auth" in types %}

use std::collections::BTreeMap;
{% endif %}

use mockforge_plugin_sdk::prelude::*;

/// Its configuration, as `[config.{$ name $}]` of a project has it.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
{% for type in types %}
{% include "rust/parts/" ~ type ~ "/settings.rs" %}
{% endfor %}
}

impl Default for Settings {
    fn default() -> Self {
        Self {
{% for type in types %}
{% include "rust/parts/" ~ type ~ "/defaults.rs" %}
{% endfor %}
        }
    }
}

struct {% include "rust/parts/struct.txt" %} {
    settings: Settings,
}

impl Plugin for {% include "rust/parts/struct.txt" %} {
    type Config = Settings;

    fn about() -> About {
        plugin_config! {
            name: {$ title|quoted $},
            entry: "{$ ident $}.wasm",
{% if ":" in author %}
            author: {$ author|quoted $},
{% endif %}
            mockforge: ">=0.3, <2",
        }
    }

    fn new(settings: Settings) -> Result<Self> {
        Ok(Self { settings })
    }
}

{% for type in types %}
{% include "rust/parts/" ~ type ~ "/impl.rs" %}

{% endfor %}
export_plugin!({% include "rust/parts/struct.txt" %}: {% for type in types %}{$ type|capitalize $}{% if not loop.last %}, {% endif %}{% endfor %});
