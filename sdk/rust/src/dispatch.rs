//! From a call's name and JSON to a plugin's method and back: what every transport but the component does.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::plugin::{Auth, Config as _, Datasource, Plugin, Response, Template};
use crate::{Call, Error, Host, Result};

/// What a plugin answers to a call: JSON text.
pub(crate) type Answer = Result<String>;

/// One call of one plugin: it's made of its configuration, and asked.
pub(crate) type Handler = fn(Value, &[u8], &dyn Host) -> Answer;

/// The calls of a plugin, each with what answers it. [`export_plugin!`](crate::export_plugin) makes it.
#[derive(Debug, Clone, Default)]
pub struct Calls(Vec<(Call, Handler)>);

impl Calls {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With those of an auth plugin.
    #[must_use]
    pub fn auth<P: Auth>(self) -> Self {
        self.with(Call::Authenticate, authenticate::<P>)
    }

    /// With those of a template plugin.
    #[must_use]
    pub fn template<P: Template>(self) -> Self {
        self.with(Call::Execute, execute::<P>).with(Call::Functions, functions::<P>)
    }

    /// With those of a response plugin.
    #[must_use]
    pub fn response<P: Response>(self) -> Self {
        self.with(Call::Generate, generate::<P>)
    }

    /// With those of a datasource plugin.
    #[must_use]
    pub fn datasource<P: Datasource>(self) -> Self {
        self.with(Call::Query, query::<P>)
    }

    fn with(mut self, call: Call, handler: Handler) -> Self {
        self.0.push((call, handler));
        self
    }

    /// Make a call. One that the plugin doesn't answer is an error.
    pub fn make(&self, call: Call, config: Value, request: &[u8], host: &dyn Host) -> Answer {
        match self.0.iter().find(|(known, _)| *known == call) {
            Some((_, handler)) => handler(config, request, host),
            None => crate::fail!("the plugin doesn't answer `{}`", call.as_str()),
        }
    }
}

fn read<T: DeserializeOwned>(request: &[u8]) -> Result<T> {
    serde_json::from_slice(request).map_err(|error| Error::from(error).context("the request"))
}

fn made<P: Plugin>(config: Value) -> Result<P> {
    P::new(P::Config::read(config)?)
}

fn json(answer: &impl Serialize) -> Answer {
    Ok(serde_json::to_string(answer)?)
}

/// `authenticate`.
pub fn authenticate<P: Auth>(config: Value, request: &[u8], host: &dyn Host) -> Answer {
    json(&made::<P>(config)?.authenticate(read(request)?, host)?)
}

/// `execute`.
pub fn execute<P: Template>(config: Value, request: &[u8], host: &dyn Host) -> Answer {
    json(&made::<P>(config)?.execute(read(request)?, host)?)
}

/// `functions`.
pub fn functions<P: Template>(config: Value, _request: &[u8], _host: &dyn Host) -> Answer {
    json(&made::<P>(config)?.functions())
}

/// `generate`.
pub fn generate<P: Response>(config: Value, request: &[u8], host: &dyn Host) -> Answer {
    json(&made::<P>(config)?.generate(read(request)?, host)?)
}

/// `query`.
pub fn query<P: Datasource>(config: Value, request: &[u8], host: &dyn Host) -> Answer {
    json(&made::<P>(config)?.query(read(request)?, host)?)
}
