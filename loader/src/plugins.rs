//! Who's loaded, and how are they called?
//!
//! A [`Plugins`] never changes: a new lock gives a new one, while calls in flight end in the old. It can be shared by any
//! number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;
use mfp_model::text::nearest;
use mfp_model::version::Version;
use serde_json::Value;

use crate::abi::Transport;
use crate::abi::guest::Allowance;
use crate::call::Call;
use crate::compile::CodeOrigin;
use crate::error::{CallError, Stop, StopKind};
use crate::limits::Limits;
use crate::protocol::answer::{Answer, Opened, check};
use crate::protocol::request::Request;
use crate::remote::Service;
use crate::trace::{Recorder, Trace};

/// A plugin that can be called.
pub(crate) struct Loaded {
    pub(crate) name: PluginName,
    /// A service has none.
    pub(crate) version: Option<Version>,
    pub(crate) types: BTreeSet<PluginType>,
    pub(crate) limits: Limits,
    /// The variables that template calls have in their context.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) transport: Box<dyn Transport>,
    /// Where its compiled code came from; a service has none.
    pub(crate) origin: Option<CodeOrigin>,
    pub(crate) slots: Slots,
}

impl Loaded {
    /// Answer a call from outside or from another plugin. `allowance` is counted down.
    pub(crate) fn answer(&self, call: &Call, request: &Value, allowance: &mut Allowance) -> Result<Answer, CallError> {
        self.can_answer(call)?;
        let request = self.request(call, request)?;
        let stopped = |kind| CallError::Stopped(Box::new(self.stop(call, kind)));
        let _slot = self.slot(call, allowance).map_err(stopped)?;
        match self.transport.ask(call, &request, allowance)? {
            Opened::Error(message) => Err(CallError::Plugin { plugin: self.name.clone(), call: call.clone(), message }),
            Opened::Result(result) => {
                check(call, result).map_err(|what| self.transport.unusable(call, &what).unwrap_or_else(|| stopped(StopKind::Answer(what))))
            }
        }
    }

    fn can_answer(&self, call: &Call) -> Result<(), CallError> {
        let wanted = call.plugin_type();
        if !self.types.contains(&wanted) {
            return Err(CallError::WrongType { plugin: self.name.clone(), call: call.name(), wanted });
        }
        if *call == Call::Functions && !self.transport.lists_functions() {
            return Err(CallError::NoFunctions { plugin: self.name.clone() });
        }
        Ok(())
    }

    fn request(&self, call: &Call, given: &Value) -> Result<Request, CallError> {
        let wrong = |reason| CallError::Request { call: call.name(), reason };
        let request = Request::new(call, given, &self.environment).map_err(wrong)?;
        let (size, most) = (request.text().len(), self.limits.answer_bytes);
        if size > most {
            return Err(wrong(format!("it has {size} bytes, the limit is {}", crate::error::bytes(most as u64))));
        }
        Ok(request)
    }

    /// Wait until fewer than the limit of calls run, for at most the time that the call would have.
    fn slot(&self, call: &Call, allowance: &Allowance) -> Result<Slot<'_>, StopKind> {
        let until = allowance.ends.min(Instant::now() + self.limits.time_of(call));
        self.slots.take(until).ok_or(StopKind::Busy(self.slots.most))
    }

    fn stop(&self, call: &Call, kind: StopKind) -> Stop {
        Stop { plugin: self.name.clone(), function: call.name(), kind, stack: Vec::new() }
    }
}

/// How many calls of a plugin may run at once.
#[derive(Debug)]
pub(crate) struct Slots {
    taken: Mutex<u32>,
    freed: Condvar,
    most: u32,
}

/// A call's right to run.
#[derive(Debug)]
struct Slot<'a>(&'a Slots);

impl Slots {
    pub(crate) fn new(most: u32) -> Self {
        Self { taken: Mutex::new(0), freed: Condvar::new(), most }
    }

    fn take(&self, until: Instant) -> Option<Slot<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= self.most {
            let left = until.checked_duration_since(Instant::now())?;
            taken = self.freed.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken += 1;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken -= 1;
        // One for each that goes: whoever was woken for the one before may not have come yet.
        self.0.freed.notify_one();
    }
}

/// What's known of a loaded plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInfo {
    /// Its version; a service has none.
    pub version: Option<Version>,
    /// What it can answer.
    pub types: BTreeSet<PluginType>,
    /// What it may use.
    pub limits: Limits,
    /// Whether its code was compiled now or came from the cache; `None` for a service, of whose code nothing is known.
    pub origin: Option<CodeOrigin>,
}

/// Loaded plugins, ready to be called from any thread.
#[derive(Clone)]
pub struct Plugins {
    plugins: Arc<BTreeMap<PluginName, Arc<Loaded>>>,
}

impl fmt::Debug for Plugins {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.plugins.keys()).finish()
    }
}

impl Plugins {
    pub(crate) fn new(plugins: BTreeMap<PluginName, Arc<Loaded>>) -> Self {
        Self { plugins: Arc::new(plugins) }
    }

    /// Ask a plugin. `request` has the keys of the protocol's table for this call; of others nothing is sent. For
    /// [`Call::Execute`] it's `{"args":[…],"context":{…}}`, both optional; for [`Call::Functions`] it's not looked at.
    ///
    /// Blocks until the answer is there, at most the plugin's time limit, its start limit and a few ticks. The thread
    /// needs a stack of a megabyte.
    pub fn call(&self, name: &PluginName, call: &Call, request: &Value) -> Result<Answer, CallError> {
        let plugin = self.plugins.get(name).ok_or_else(|| self.unknown(name.as_str()))?;
        plugin.answer(call, request, &mut Allowance::root(plugin.limits.log_bytes))
    }

    /// The same, and what it did and cost. The trace is there whatever the answer is; it's empty where no plugin was asked.
    pub fn call_traced(&self, name: &PluginName, call: &Call, request: &Value) -> (Result<Answer, CallError>, Trace) {
        let began = Instant::now();
        let Some(plugin) = self.plugins.get(name) else { return (Err(self.unknown(name.as_str())), Trace::default()) };
        let recorder = Arc::new(Recorder::default());
        let mut allowance = Allowance { recorder: Some(Arc::clone(&recorder)), ..Allowance::root(plugin.limits.log_bytes) };
        let answer = plugin.answer(call, request, &mut allowance);
        let trace = Trace { wall: began.elapsed(), ticks: u64::MAX - allowance.ticks, ..recorder.trace() };
        (answer, trace)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &PluginName> {
        self.plugins.keys()
    }

    /// What's known of a plugin; `None` if it isn't loaded.
    pub fn info(&self, name: &PluginName) -> Option<PluginInfo> {
        let plugin = self.plugins.get(name)?;
        Some(PluginInfo {
            version: plugin.version.clone(),
            types: plugin.types.clone(),
            limits: plugin.limits.clone(),
            origin: plugin.origin,
        })
    }

    /// The service of this name, if it's loaded and is one.
    pub(crate) fn service(&self, name: &PluginName) -> Option<&Service> {
        self.plugins.get(name)?.transport.service()
    }

    /// The error for a name that no plugin has.
    pub(crate) fn unknown(&self, name: &str) -> CallError {
        let nearest = nearest(name, self.plugins.keys().map(PluginName::as_str));
        let nearest = nearest.and_then(|nearest| self.plugins.get_key_value(nearest)).map(|(name, _)| name.clone());
        CallError::Unknown { name: crate::error::shown(name, 100), nearest }
    }
}
