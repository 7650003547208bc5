//! How is a manifest written down in mfp's dialect?

use serde_json::{Map, Value, json};

use super::{PluginManifest, Runtime};

impl PluginManifest {
    /// Its text in mfp's dialect. What the dialect can't say isn't in it: whoever writes it reads it back.
    pub(super) fn to_yaml(&self, quoting: Quoting) -> Option<String> {
        let options = serde_saphyr::ser_options! {
            quote_all: quoting == Quoting::Everything,
            prefer_block_scalars: quoting == Quoting::Needed,
        };
        serde_saphyr::to_string_with_options(&self.document(), options).ok()
    }

    fn document(&self) -> Value {
        let mut root = Map::new();
        root.insert("mfp".to_owned(), 1.into());
        root.insert("plugin".to_owned(), self.plugin());
        put(&mut root, "mockforge", self.mockforge.as_ref().map(|range| range.to_string().into()));
        put(&mut root, "capabilities", self.asked());
        let dependencies = self
            .dependencies
            .iter()
            .map(|one| json!({ "id": one.name.as_str(), "version": one.requirement.to_string(), "optional": one.optional }));
        put_list(&mut root, "dependencies", dependencies.collect());
        put(&mut root, "configuration", self.config_schema.as_ref().map(|schema| json!({ "schema": schema })));
        put_list(&mut root, "tests", self.tests.clone());
        Value::Object(root)
    }

    fn plugin(&self) -> Value {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let texts = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect::<Vec<Value>>();
        let mut plugin = Map::new();
        plugin.insert("id".to_owned(), self.id.as_str().into());
        plugin.insert("version".to_owned(), self.version.to_string().into());
        put(&mut plugin, "name", text(&self.display_name));
        put(&mut plugin, "description", text(&self.description));
        put_list(&mut plugin, "types", self.types.iter().map(|one| one.as_str().into()).collect());
        put(&mut plugin, "runtime", (self.runtime == Runtime::Remote).then(|| "remote".into()));
        put(&mut plugin, "entry", self.entry.as_ref().map(|path| path.as_str().into()));
        put_list(&mut plugin, "include", self.include.iter().map(|pattern| pattern.as_str().into()).collect());
        put(&mut plugin, "license", text(&self.license));
        let author = self.author.as_ref().map(|author| {
            let mut fields = Map::new();
            put(&mut fields, "name", text(&author.name));
            put(&mut fields, "email", text(&author.email));
            put(&mut fields, "homepage", text(&author.homepage));
            Value::Object(fields)
        });
        put(&mut plugin, "author", author);
        put(&mut plugin, "homepage", text(&self.homepage));
        put(&mut plugin, "repository", text(&self.repository));
        put(&mut plugin, "documentation", text(&self.documentation));
        put_list(&mut plugin, "keywords", texts(&self.keywords));
        put_list(&mut plugin, "categories", texts(&self.categories));
        Value::Object(plugin)
    }

    fn asked(&self) -> Option<Value> {
        let asked = &self.capabilities;
        let mut capabilities = Map::new();
        if !asked.http.is_empty() {
            let hosts: Vec<String> = asked.http.iter().map(ToString::to_string).collect();
            capabilities.insert("network".to_owned(), json!({ "allow_http_outbound": true, "allowed_hosts": hosts }));
        }
        let paths = if asked.fs_read.is_empty() { &asked.fs_write } else { &asked.fs_read };
        if !paths.is_empty() {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            capabilities.insert(
                "filesystem".to_owned(),
                json!({ "allow_read": !asked.fs_read.is_empty(), "allow_write": !asked.fs_write.is_empty(), "allowed_paths": paths }),
            );
        }
        put_list(&mut capabilities, "environment", asked.env.iter().map(|name| name.as_str().into()).collect());
        let mut resources = Map::new();
        put(&mut resources, "max_memory_bytes", asked.memory.or(self.limits.memory).map(Value::from));
        put(&mut resources, "max_cpu_time_ms", asked.time_ms.or(self.limits.time_ms).map(Value::from));
        put(&mut capabilities, "resources", (!resources.is_empty()).then_some(Value::Object(resources)));
        (!capabilities.is_empty()).then_some(Value::Object(capabilities))
    }
}

/// Which texts are in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Those that need them; long ones in blocks.
    Needed,
    /// All of them.
    Everything,
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    map.extend(value.map(|value| (key.to_owned(), value)));
}

fn put_list(map: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    put(map, key, (!items.is_empty()).then_some(Value::Array(items)));
}
