//! The sandbox: what runs a plugin's code, and the only place that does.
//!
//! A [`Loader`] takes plugins as the lock describes them and makes [`Plugins`] that can be called: content is verified
//! against the lock, read once, inspected, compiled (or taken from a cache of our own), and run with nothing but what
//! it's given. Each call has a fresh instance, a deadline, and limits on all that it can use; see [`Limits`].
//!
//! The crate reads no environment, prints nothing and asks no global for the time: clock, random numbers, names of hosts
//! and log come in through [`LoaderOptions`]. It decides no approval: the numbers and capabilities that it's given are the
//! effective ones.
//!
//! A plugin can be a service, too: it's called by the same protocol over HTTP ([`RemoteSpec`]), and nothing is known of its
//! code. What a plugin's code is, its bytes say: a WebAssembly component that exports interfaces of `mockforge:plugin`, or a core
//! module that speaks json/1.
//!
//! A host that has a project on disk opens all of it; every other one gives [`Loader::load`] what it has.
//!
//! ```no_run
//! use mfp_loader::{Credentials, Loader, LoaderOptions, Project, RequestContext, SystemClock, SystemRandom};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let project = Project::new("/srv/mocks", "/var/lib/mfp/store");
//! let options = LoaderOptions { aot_cache: Some("/var/cache/mockforge/aot".into()), ..LoaderOptions::new(SystemClock, SystemRandom) };
//! // Verifies and compiles, which takes its time: not on a thread that runs tasks.
//! let plugins = tokio::task::spawn_blocking(move || Loader::open(&project, options)).await??;
//!
//! let context = RequestContext::new("GET", "/orders/42");
//! let verdict = plugins.plugin("auth-jwt")?.authenticate(&context, &Credentials::bearer("eyJhbGciOi…")).await?;
//! println!("{}", if verdict.authenticated { "welcome" } else { "no" });
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod abi;
mod aot;
mod call;
mod capability;
mod checked;
mod compile;
mod config;
mod content;
mod engine;
mod error;
mod limits;
mod load;
mod locked;
mod open;
mod options;
mod outbound;
mod package;
mod plugins;
mod protocol;
mod remote;
mod stored;
mod ticker;
mod trace;
mod typed;

pub use aot::CacheError;
pub use call::Call;
pub use capability::files::{FilesError, ProjectFiles};
pub use checked::{check_code, types_of_code};
pub use compile::CodeOrigin;
pub use compile::child::{COMPILE_ARG, compile_child};
pub use config::{Violation, check_config, check_config_but, check_schema};
pub use content::Content;
pub use error::{CallError, LoadError, MAX_PLUGIN_ERROR, RemoteFailure, Stop, StopKind};
pub use limits::{Limits, Numbers, PluginLimits};
pub use load::{Loader, PluginSpec, Spec};
pub use locked::{LockedError, Surroundings, check_described, described, proven, with_dependencies};
pub use mfp_model::name::RegistryName;
pub use mfp_model::plugin::PluginType;
pub use mfp_model::registry_files::Advisories;
pub use open::{OpenError, Project};
pub use options::{
    Allocation, Clock, Compiler, FUEL_A_MILLI, LoaderOptions, LogLevel, LogLine, LogSink, Metering, NoLog, Random, SystemClock,
    SystemRandom,
};
pub use outbound::{Network, Roots, RootsError, SystemNetwork};
pub use plugins::{PluginInfo, Plugins};
pub use protocol::answer::Answer;
pub use remote::{Credential, CredentialError, Health, RemoteSpec};
pub use trace::{HostCall, Trace};
pub use typed::{
    Credentials, DataColumn, DataQuery, DataResult, Plugin, RequestContext, ResponseData, ResponseRequest, TemplateContext,
    TemplateFunction, TemplateParameter, Verdict,
};
