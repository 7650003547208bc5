//! How is a component asked? Through the interfaces of `mockforge:plugin`, typed, each looked up on its own.
//!
//! Every call gets a fresh instance. It's run as a future on the caller's thread, so that waiting in the host (for a timer,
//! a file, an answer from the network) ends with the call's wall time, wherever it waits.

mod convert;
mod host;
mod http;
mod wasi;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mfp_model::plugin::PluginType;
use serde_json::value::RawValue;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Linker};

use self::bindings::exports::mockforge::plugin as exports;
pub(crate) use self::wasi::State;
use super::Transport;
use super::guest::{Allowance, Halt, note_fuel, put_under_limits, refuel};
use super::stop::stop;
use crate::call::Call;
use crate::engine::ComponentRuntime;
use crate::error::{CallError, Stop, StopKind};
use crate::package::Package;
use crate::protocol::answer::{Opened, cut};
use crate::protocol::request::Request;

/// What `sdk/wit` says, as Rust.
mod bindings {
    wasmtime::component::bindgen!({
        path: "../sdk/wit",
        world: "full-plugin",
        imports: { default: trappable },
        exports: { default: async },
    });
}

/// The most bytes that a guest may hand to a host function at once, beside its answer.
const HOSTCALL_BYTES: usize = 16 << 20;
/// The most handles that a guest may hold, and the most things of WASI.
const MAX_HANDLES: usize = 1000;

/// Define what components import.
pub(crate) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    host::add_to(linker)?;
    http::add_to(linker)?;
    wasi::add_to(linker)
}

/// A compiled component and where its interfaces are.
pub(crate) struct ComponentPlugin {
    package: Arc<Package>,
    runtime: Arc<ComponentRuntime>,
    instance: InstancePre<State>,
    auth: Option<exports::auth::GuestIndices>,
    template: Option<exports::template::GuestIndices>,
    response: Option<exports::response::GuestIndices>,
    datasource: Option<exports::datasource::GuestIndices>,
}

impl ComponentPlugin {
    /// Link a component with the host, and find the interfaces that it exports.
    pub(crate) fn new(package: Arc<Package>, runtime: Arc<ComponentRuntime>, component: &Component) -> wasmtime::Result<Self> {
        let instance = runtime.linker.instantiate_pre(component)?;
        Ok(Self {
            auth: exports::auth::GuestIndices::new(&instance).ok(),
            template: exports::template::GuestIndices::new(&instance).ok(),
            response: exports::response::GuestIndices::new(&instance).ok(),
            datasource: exports::datasource::GuestIndices::new(&instance).ok(),
            instance,
            package,
            runtime,
        })
    }

    /// Start it once, and look whether the interfaces of these types are as they should be. The outer error is the
    /// component's shape.
    pub(crate) fn probe(&self, types: impl IntoIterator<Item = PluginType>) -> Result<Result<(), String>, Stop> {
        let types: Vec<PluginType> = types.into_iter().collect();
        self.with_store(&mut Allowance::root(self.package.limits.log_bytes), async |store| {
            let instance = self.start(store).await?;
            let mut has = |ty: PluginType| match ty {
                PluginType::Auth => self.auth.as_ref().is_some_and(|at| at.load(&mut *store, &instance).is_ok()),
                PluginType::Template => self.template.as_ref().is_some_and(|at| at.load(&mut *store, &instance).is_ok()),
                PluginType::Response => self.response.as_ref().is_some_and(|at| at.load(&mut *store, &instance).is_ok()),
                PluginType::Datasource => self.datasource.as_ref().is_some_and(|at| at.load(&mut *store, &instance).is_ok()),
            };
            let wrong = types.iter().find(|ty| !has(**ty));
            Ok(wrong.map_or(Ok(()), |ty| Err(format!("its `{}` isn't the interface of mockforge:plugin@0.1.0", ty.as_str()))))
        })
    }

    /// A fresh instance, inside the time of its start.
    async fn start(&self, store: &mut Store<State>) -> wasmtime::Result<Instance> {
        let deadline = store.data().guest.deadline();
        in_time(deadline, self.instance.instantiate_async(store)).await
    }

    /// A fresh store for `work`, whose time passes; what stops it gets the plugin's name.
    fn with_store<T>(
        &self,
        allowance: &mut Allowance,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Stop> {
        let mut store = Store::new(&self.runtime.engine, State::new(Arc::clone(&self.package), allowance.clone()));
        store.set_hostcall_fuel(HOSTCALL_BYTES.max(self.package.limits.answer_bytes));
        store.set_max_component_handles(MAX_HANDLES);
        put_under_limits(&mut store);
        let result = self.runtime.ticker.run().map_err(|error| Halt(StopKind::Host(error.to_string())).into()).and_then(|time| {
            let result = self.runtime.tokio.block_on(work(&mut store));
            drop(time);
            result
        });
        note_fuel(&mut store);
        *allowance = store.data_mut().end();
        result.map_err(|error| stop(&error, &store.data().guest))
    }

    /// What the guest answers, as JSON text, or its own error.
    async fn answer(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        call: &Call,
        request: &Request,
    ) -> wasmtime::Result<Result<String, String>> {
        let missing = || Halt(StopKind::Abi(format!("it doesn't export `{}`", call.plugin_type().as_str())));
        let wrong = |what| Halt(StopKind::Host(what));
        let request = request.value();
        match call {
            Call::Authenticate => {
                let guest = self.auth.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                let (context, credentials) = convert::authenticate(request).map_err(wrong)?;
                let verdict = guest.call_authenticate(store, &context, &credentials).await?;
                verdict.map(|verdict| convert::verdict(&verdict)).transpose_text()
            }
            Call::Execute(function) => {
                let guest = self.template.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                let (args, context) = convert::execute(request).map_err(wrong)?;
                guest.call_execute(store, function, &args, &context).await
            }
            Call::Functions => {
                let guest = self.template.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                let functions = guest.call_functions(store).await?;
                Ok(functions.map(|functions| convert::functions(&functions)))
            }
            Call::Generate => {
                let guest = self.response.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                let (context, request) = convert::generate(request).map_err(wrong)?;
                let response = guest.call_generate(store, &context, &request).await?;
                response.map(|response| convert::response(&response)).transpose_text()
            }
            Call::Query => {
                let guest = self.datasource.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                let (query, context) = convert::query(request).map_err(wrong)?;
                let result = guest.call_query(store, &query, &context).await?;
                result.map(|result| convert::data(&result)).transpose_text()
            }
        }
    }
}

/// Do this until the deadline, which ends it wherever it waits.
async fn in_time<T>((ends, limit): (Instant, Duration), work: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let done = tokio::time::timeout_at(ends.into(), work).await;
    done.unwrap_or_else(|_| Err(Halt(StopKind::Time(limit)).into()))
}

/// What a plugin gave, if it can be said in JSON; else it's stopped.
trait TransposeText {
    fn transpose_text(self) -> wasmtime::Result<Result<String, String>>;
}

impl TransposeText for Result<Result<String, String>, String> {
    fn transpose_text(self) -> wasmtime::Result<Result<String, String>> {
        match self {
            Ok(Ok(text)) => Ok(Ok(text)),
            Ok(Err(wrong)) => Err(Halt(StopKind::Answer(wrong)).into()),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl Transport for ComponentPlugin {
    fn lists_functions(&self) -> bool {
        self.template.is_some()
    }

    fn ask(&self, call: &Call, request: &Request, allowance: &mut Allowance) -> Result<Opened, CallError> {
        let most = self.package.limits.answer_bytes;
        let opened = self.with_store(allowance, async |store| {
            let instance = self.start(store).await?;
            store.data_mut().begin(call);
            refuel(store, call);
            let deadline = store.data().guest.deadline();
            let answer = in_time(deadline, self.answer(store, &instance, call, request)).await?;
            match answer {
                Ok(text) if text.len() > most => {
                    let limit = crate::error::bytes(most as u64);
                    Err(Halt(StopKind::Answer(format!("its answer has {} bytes, the limit is {limit}", text.len()))).into())
                }
                Ok(text) => match RawValue::from_string(text) {
                    Ok(result) => Ok(Opened::Result(result)),
                    Err(error) => Err(Halt(StopKind::Answer(format!("it isn't JSON: {error}"))).into()),
                },
                Err(error) => Ok(Opened::Error(cut(error))),
            }
        });
        opened.map_err(|stop| CallError::Stopped(Box::new(stop)))
    }
}
