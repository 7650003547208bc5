//! What is handed to a plugin as its configuration?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::capability::EnvName;

/// A value of a plugin's configuration: JSON, but that parts of it may stand in the environment.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigValue {
    /// `true` or `false`, a number, a string.
    Plain(Value),
    /// `{ env = "NAME" }`: read when the plugin is loaded, never written anywhere.
    Env(EnvName),
    /// A list.
    List(Vec<ConfigValue>),
    /// A table, in the manifest's order.
    Table(Vec<(String, ConfigValue)>),
}

impl ConfigValue {
    /// The configuration as JSON, with `read` giving the values of environment variables. Fails with what `read` fails with.
    pub fn to_json<E>(&self, read: &mut impl FnMut(&EnvName) -> Result<Value, E>) -> Result<Value, E> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Env(name) => read(name)?,
            Self::List(values) => Value::Array(values.iter().map(|value| value.to_json(read)).collect::<Result<_, E>>()?),
            Self::Table(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((key.clone(), value.to_json(read)?)));
                Value::Object(pairs.collect::<Result<_, E>>()?)
            }
        })
    }

    fn collect_env(&self, names: &mut BTreeSet<EnvName>) {
        match self {
            Self::Plain(_) => {}
            Self::Env(name) => {
                names.insert(name.clone());
            }
            Self::List(values) => values.iter().for_each(|value| value.collect_env(names)),
            Self::Table(pairs) => pairs.iter().for_each(|(_, value)| value.collect_env(names)),
        }
    }
}

/// `[config.NAME]`: one plugin's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginConfig {
    /// The whole table, as a [`ConfigValue::Table`].
    pub value: ConfigValue,
    /// Where it stands, in bytes of the manifest's text.
    pub span: std::ops::Range<usize>,
    /// The line, from 1, on which its key stands.
    pub line: usize,
}

impl PluginConfig {
    /// The environment variables that it takes values from.
    pub fn env_names(&self) -> BTreeSet<EnvName> {
        let mut names = BTreeSet::new();
        self.value.collect_env(&mut names);
        names
    }
}
