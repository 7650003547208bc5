//! Try a plugin without a host.
//!
//! A [`PluginTestHarness`] calls a plugin as a host would, with everything that a plugin may get given by the test: a clock that
//! stands, random bytes that are known, assets, files, answers of servers and of dependencies ([`MockHost`]). The plugin is asked
//! natively ([`Native`], what [`export_plugin!`](crate::export_plugin) gives), so that a debugger and a coverage tool see it; with
//! the feature `sandbox` the same tests ask the built wasm in mfp's own sandbox (`Wasm`).
//!
//! ```
//! use mockforge_plugin_sdk::prelude::*;
//! use mockforge_plugin_sdk::testing::PluginTestHarness;
//!
//! struct Teapot;
//!
//! impl Plugin for Teapot {
//!     type Config = ();
//!     fn about() -> About {
//!         plugin_config! { id: "teapot", http: ["kettle.example"] }
//!     }
//!     fn new((): ()) -> Result<Self> {
//!         Ok(Self)
//!     }
//! }
//!
//! impl Response for Teapot {
//!     fn generate(&self, request: GenerateRequest, host: &dyn Host) -> Result<ResponseData> {
//!         host.info(&format!("asked for {}", request.request.path));
//!         let kettle = host.http(&HttpRequest::get("https://kettle.example/"))?;
//!         Ok(ResponseData::text(kettle.text()?).status(418))
//!     }
//! }
//!
//! export_plugin!(Teapot: Response);
//!
//! # fn main() -> Result<()> {
//! let harness = PluginTestHarness::new(mockforge_plugin())
//!     .answering(|request| Ok(HttpResponse { status: 200, headers: Default::default(), body: request.url.clone().into_bytes() }));
//! let response = harness.generate(GenerateRequest::of(Request::new("GET", "/tea")))?;
//! assert_eq!((response.status_code, response.body.as_slice()), (418, b"https://kettle.example/".as_slice()));
//! assert_eq!(harness.host().logged(), [(Level::Info, "asked for /tea".to_owned())]);
//!
//! let denied = harness.denying_everything();
//! assert!(denied.generate(GenerateRequest::default()).unwrap_err().to_string().contains("kettle.example"));
//! # Ok(())
//! # }
//! ```

mod host;
#[cfg(feature = "sandbox")]
mod sandbox;

use std::path::Path;

use schemars::Schema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::host::{MockHost, Reach};
#[cfg(feature = "sandbox")]
pub use self::sandbox::Wasm;
use crate::about::{About, Exported, FileAccess, PluginType};
use crate::dispatch::Calls;
use crate::plugin::Config as _;
use crate::types::{
    AuthRequest, Function, FunctionCall, GenerateRequest, HttpRequest, HttpResponse, QueryRequest, ResponseData, Table, Verdict,
};
use crate::{Call, Error, Result};

/// A plugin that a harness can ask.
pub trait Subject {
    /// What the plugin says about itself.
    fn about(&self) -> &About;

    /// Check a configuration as a host would before the plugin sees it.
    fn check(&self, config: &Value) -> Result<()>;

    /// Load it with this configuration, as a host does before the first call: an error if it doesn't come to that.
    fn load(&self, config: &Value, host: &MockHost) -> Result<()>;

    /// Make a call.
    fn make(&self, call: Call, config: &Value, request: &Value, host: &MockHost) -> Result<Value>;
}

/// A plugin, asked as the native code that it is in a test.
#[derive(Debug, Clone)]
pub struct Native {
    about: About,
    types: &'static [PluginType],
    schema: Option<Schema>,
    read: fn(Value) -> Result<()>,
    new: fn(Value) -> Result<()>,
    calls: Calls,
}

impl Native {
    /// What [`export_plugin!`](crate::export_plugin) calls.
    #[doc(hidden)]
    pub fn of<P: Exported>(calls: Calls) -> Self {
        let read = |config| P::Config::read(config).map(drop);
        let new = |config| P::new(P::Config::read(config)?).map(drop);
        Self { about: P::about(), types: P::TYPES, schema: P::Config::schema(), read, new, calls }
    }

    /// The types that it was exported with.
    pub fn types(&self) -> &'static [PluginType] {
        self.types
    }

    /// The JSON Schema of its configuration, if it has one.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }
}

impl Subject for Native {
    fn about(&self) -> &About {
        &self.about
    }

    fn check(&self, config: &Value) -> Result<()> {
        (self.read)(config.clone())
    }

    fn load(&self, config: &Value, _: &MockHost) -> Result<()> {
        (self.new)(config.clone())
    }

    fn make(&self, call: Call, config: &Value, request: &Value, host: &MockHost) -> Result<Value> {
        let answer = self.calls.make(call, config.clone(), request.to_string().as_bytes(), host)?;
        Ok(serde_json::from_str(&answer)?)
    }
}

/// Asks a plugin as a host would: each call is answered by a plugin that was made for it.
#[derive(Debug)]
pub struct PluginTestHarness<S = Native> {
    subject: S,
    config: Value,
    host: MockHost,
}

#[expect(clippy::needless_pass_by_value, reason = "requests are made where they're asked, and read better without a `&`")]
impl<S: Subject> PluginTestHarness<S> {
    /// A plugin without a configuration, granted what it asks for.
    pub fn new(subject: S) -> Self {
        Self { subject, config: json!({}), host: MockHost::default() }.with_host(MockHost::default())
    }

    /// With this configuration. An error if the plugin doesn't take it.
    pub fn config(self, config: Value) -> Result<Self> {
        self.subject.check(&config)?;
        Ok(Self { config, ..self })
    }

    /// With another host, which grants what the plugin asks for.
    #[must_use]
    pub fn with_host(self, mut host: MockHost) -> Self {
        host.grant_asked(self.subject.about());
        Self { host, ..self }
    }

    /// Granted these hosts, whatever the plugin asks for.
    #[must_use]
    pub fn granting(mut self, hosts: &[&str]) -> Self {
        self.host.grant_hosts(hosts);
        self
    }

    /// Granted these folders of the project, whatever the plugin asks for.
    #[must_use]
    pub fn granting_files(mut self, folders: &[&str], access: FileAccess) -> Self {
        self.host.grant_folders(folders, access);
        self
    }

    /// Granted nothing.
    #[must_use]
    pub fn denying_everything(self) -> Self {
        self.granting(&[]).granting_files(&[], FileAccess::Read)
    }

    /// Requests to granted hosts are answered by this. (The built wasm sends real ones: give it a server of the test's own.)
    #[must_use]
    pub fn answering(mut self, server: impl Fn(&HttpRequest) -> Result<HttpResponse> + Send + Sync + 'static) -> Self {
        self.host.answer_http(server);
        self
    }

    /// The host, with what was logged and asked.
    pub fn host(&self) -> &MockHost {
        &self.host
    }

    /// Load the plugin with its configuration, as a host does before the first call. Natively that's [`Plugin::new`](crate::Plugin::new); the
    /// built wasm is compiled, linked and started. Each call makes the plugin anew in any case.
    pub fn load(&self) -> Result<()> {
        self.subject.load(&self.config, &self.host)
    }

    /// Are these credentials good?
    pub fn authenticate(&self, request: AuthRequest) -> Result<Verdict> {
        self.typed(Call::Authenticate, &request)
    }

    /// The functions that there are.
    pub fn functions(&self) -> Result<Vec<Function>> {
        self.typed(Call::Functions, &json!({}))
    }

    /// Run a function.
    pub fn execute(&self, function: &str, args: impl IntoIterator<Item = Value>) -> Result<Value> {
        self.call(FunctionCall::new(function, args))
    }

    /// Run a function, with a context.
    pub fn call(&self, call: FunctionCall) -> Result<Value> {
        self.typed(Call::Execute, &call)
    }

    /// The response to a request.
    pub fn generate(&self, request: GenerateRequest) -> Result<ResponseData> {
        self.typed(Call::Generate, &request)
    }

    /// The answer to a query.
    pub fn query(&self, request: QueryRequest) -> Result<Table> {
        self.typed(Call::Query, &request)
    }

    /// Any request as JSON, right or wrong.
    pub fn raw(&self, call: Call, request: &Value) -> Result<Value> {
        self.subject.make(call, &self.config, request, &self.host)
    }

    fn typed<T: DeserializeOwned>(&self, call: Call, request: &impl Serialize) -> Result<T> {
        let answer = self.raw(call, &serde_json::to_value(request)?)?;
        serde_json::from_value(answer).map_err(|error| Error::from(error).context("the answer"))
    }
}

/// Compare a `plugin.yaml` with what the code says, for the test of [`export_plugin!`](crate::export_plugin). What `mfp test` asks,
/// `tests:` at its end, isn't in the code: that's the author's own, and stays.
///
/// # Panics
/// If it's another, and `MOCKFORGE_ACCEPT` isn't `1`.
#[doc(hidden)]
#[expect(clippy::disallowed_methods, reason = "a test of the plugin's author, not mfp: it's told by a variable, and writes a source file")]
pub fn check_plugin_yaml(file: &Path, said: &str) {
    let there = std::fs::read_to_string(file).ok();
    let (made, own) = there.as_deref().map_or(("", ""), split_own);
    if made == said {
        return;
    }
    let may_write = there.is_none() || std::env::var_os("MOCKFORGE_ACCEPT").is_some_and(|value| value == "1");
    assert!(may_write, "{} isn't what the code says; write it: MOCKFORGE_ACCEPT=1 cargo test plugin_yaml", file.display());
    std::fs::write(file, format!("{said}{own}")).expect("plugin.yaml can be written");
}

/// A `plugin.yaml` in two: what was made from the code, and what's the author's own, the section `tests:` with the comments above it.
fn split_own(text: &str) -> (&str, &str) {
    let mut own = text.len();
    let mut at = text.len();
    for line in text.split_inclusive('\n').rev() {
        at -= line.len();
        if line.starts_with("tests:") || (own == at + line.len() && line.starts_with('#') && text[own..].contains("tests:")) {
            own = at;
        }
    }
    text.split_at(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mfp_test_asks_is_the_authors_own() {
        let made = "# Made.\nmfp: 1\nconfiguration:\n  schema:\n    \"tests:\": {}\n";
        let own = "# Mine,\n# all of it.\ntests:\n  # one\n  - name: a\n";
        assert_eq!(split_own(&format!("{made}{own}")), (made, own));
        assert_eq!(split_own(made), (made, ""));
        assert_eq!(split_own(own), ("", own));
        assert_eq!(split_own(""), ("", ""));
    }
}
