//! How much may a plugin use? The table of limits, its hard caps, and what holds for one plugin.
//!
//! Four voices meet here: the table's default, what the plugin set lower for itself, what a person approved above the
//! default, and policy, which only narrows. Nobody gets beyond [`Limits::HARD_CAPS`]. Nothing here measures anything.

use std::time::Duration;

use mfp_model::plugin::PluginManifest;

use crate::call::Call;

const MIB: u64 = 1 << 20;

/// The limits of a plugin whose code runs here. Bytes are bytes, not pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The size of the wasm file, in bytes.
    pub wasm_bytes: u64,
    /// How many functions the module defines.
    pub functions: u32,
    /// How many locals all functions declare together.
    pub locals: u64,
    /// How long compiling may take. In-process compiling is given up after this, but not killed: see [`crate::Compiler`].
    pub compile: Duration,
    /// How much memory a compiler in a process of its own may take, in bytes.
    pub compile_bytes: u64,
    /// Linear memory, of all memories together, in bytes.
    pub memory_bytes: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Core instances; a core module has one.
    pub instances: u32,
    /// The guest's stack, in bytes.
    pub stack_bytes: usize,
    /// A call of an auth plugin.
    pub auth: Duration,
    /// A call of a template plugin.
    pub template: Duration,
    /// A call of a response plugin.
    pub response: Duration,
    /// A call of a datasource plugin.
    pub datasource: Duration,
    /// Instantiation, the start function and `_initialize` together.
    pub start: Duration,
    /// One answer of the guest, one request to it, and one answer of a host function, in bytes.
    pub answer_bytes: usize,
    /// What the log takes in one call, in bytes; what's beyond is dropped.
    pub log_bytes: usize,
    /// How many calls of one plugin run at once; more wait.
    pub calls_at_once: u32,
}

impl Limits {
    /// What holds for a core module where nobody said otherwise.
    pub const CORE_MODULE: Self = Self {
        wasm_bytes: 16 * MIB,
        functions: 20_000,
        locals: 1_000_000,
        compile: Duration::from_secs(10),
        compile_bytes: 512 * MIB,
        memory_bytes: 64 * MIB,
        table_elements: 20_000,
        instances: 1,
        stack_bytes: 512 << 10,
        auth: Duration::from_millis(250),
        template: Duration::from_millis(250),
        response: Duration::from_secs(2),
        datasource: Duration::from_secs(5),
        start: Duration::from_secs(1),
        answer_bytes: 8 << 20,
        log_bytes: 64 << 10,
        calls_at_once: 8,
    };

    /// What holds for a component where nobody said otherwise. Their languages bring a runtime along: a Python component of
    /// four lines has 18 MB and 14 core instances.
    pub const COMPONENT: Self = Self {
        wasm_bytes: 48 * MIB,
        functions: 50_000,
        locals: 4_000_000,
        compile: Duration::from_mins(1),
        compile_bytes: 2048 * MIB,
        memory_bytes: 128 * MIB,
        table_elements: 100_000,
        instances: 64,
        stack_bytes: 1 << 20,
        ..Self::CORE_MODULE
    };

    /// What nobody gets beyond, whatever is configured or approved.
    pub const HARD_CAPS: Self = Self {
        wasm_bytes: 64 * MIB,
        functions: 100_000,
        locals: 8_000_000,
        compile: Duration::from_mins(1),
        compile_bytes: 2048 * MIB,
        memory_bytes: 256 * MIB,
        table_elements: 200_000,
        instances: 128,
        stack_bytes: 1 << 20,
        auth: MAX_CALL,
        template: MAX_CALL,
        response: MAX_CALL,
        datasource: MAX_CALL,
        start: Duration::from_secs(5),
        answer_bytes: 32 << 20,
        log_bytes: 1 << 20,
        calls_at_once: 64,
    };

    /// These limits, each at most its hard cap.
    #[must_use]
    pub fn within_caps(self) -> Self {
        let caps = Self::HARD_CAPS;
        Self {
            wasm_bytes: self.wasm_bytes.min(caps.wasm_bytes),
            functions: self.functions.min(caps.functions),
            locals: self.locals.min(caps.locals),
            compile: self.compile.min(caps.compile),
            compile_bytes: self.compile_bytes.min(caps.compile_bytes),
            memory_bytes: self.memory_bytes.min(caps.memory_bytes),
            table_elements: self.table_elements.min(caps.table_elements),
            instances: self.instances.clamp(1, caps.instances),
            stack_bytes: self.stack_bytes.clamp(64 << 10, caps.stack_bytes),
            auth: self.auth.min(caps.auth),
            template: self.template.min(caps.template),
            response: self.response.min(caps.response),
            datasource: self.datasource.min(caps.datasource),
            start: self.start.min(caps.start),
            answer_bytes: self.answer_bytes.min(caps.answer_bytes),
            log_bytes: self.log_bytes.min(caps.log_bytes),
            calls_at_once: self.calls_at_once.clamp(1, caps.calls_at_once),
        }
    }

    /// What holds for one plugin: [`Self::memory_bytes`] and the four times moved by its own numbers, the rest as it is.
    #[must_use]
    pub fn for_plugin(&self, numbers: &PluginLimits) -> Self {
        let caps = Self::HARD_CAPS;
        let time = |default: Duration, cap: Duration| {
            let ms = numbers.effective(|of| of.time_ms, millis(default)).min(millis(cap));
            Duration::from_millis(ms)
        };
        Self {
            memory_bytes: numbers.effective(|of| of.memory, self.memory_bytes).min(caps.memory_bytes),
            auth: time(self.auth, caps.auth),
            template: time(self.template, caps.template),
            response: time(self.response, caps.response),
            datasource: time(self.datasource, caps.datasource),
            ..self.clone()
        }
    }

    /// How long this call may take.
    pub fn time_of(&self, call: &Call) -> Duration {
        match call {
            Call::Authenticate => self.auth,
            Call::Execute(_) | Call::Functions => self.template,
            Call::Generate => self.response,
            Call::Query => self.datasource,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::CORE_MODULE
    }
}

const MAX_CALL: Duration = Duration::from_secs(30);

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The two limits that a plugin's manifest, an approval or a policy can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// Linear memory, in bytes.
    pub memory: Option<u64>,
    /// The time of a call, in milliseconds.
    pub time_ms: Option<u64>,
}

/// What was said about one plugin's memory and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PluginLimits {
    /// What the plugin's manifest says: its own lower limits, or what it asks for above the default.
    pub own: Numbers,
    /// What a person approved above the default.
    pub approved: Numbers,
    /// What policy allows at most; it only narrows.
    pub policy: Numbers,
}

impl PluginLimits {
    /// Those of a plugin whose author's word is taken: all that its manifest asks for is approved.
    pub fn all_approved(manifest: &PluginManifest) -> Self {
        let (asked, lower) = (&manifest.capabilities, &manifest.limits);
        Self {
            own: Numbers { memory: asked.memory.or(lower.memory), time_ms: asked.time_ms.or(lower.time_ms) },
            approved: Numbers { memory: asked.memory, time_ms: asked.time_ms },
            policy: Numbers::default(),
        }
    }

    /// The plugin's own number, at most what's approved or the default, at most what policy says. A plugin that names
    /// no number gets the default: an approval alone raises nothing.
    fn effective(&self, pick: impl Fn(&Numbers) -> Option<u64>, default: u64) -> u64 {
        let allowed = default.max(pick(&self.approved).unwrap_or(0));
        let wanted = pick(&self.own).unwrap_or(default);
        wanted.min(allowed).min(pick(&self.policy).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(own: Option<u64>, approved: Option<u64>, policy: Option<u64>) -> u64 {
        let number = |memory| Numbers { memory, time_ms: None };
        let numbers = PluginLimits { own: number(own), approved: number(approved), policy: number(policy) };
        Limits::CORE_MODULE.for_plugin(&numbers).memory_bytes / MIB
    }

    #[test]
    fn nobody_gets_more_than_was_approved() {
        let mib = |number: u64| Some(number * MIB);
        assert_eq!(memory(None, None, None), 64);
        assert_eq!(memory(mib(16), None, None), 16, "its own lower limit");
        assert_eq!(memory(mib(128), None, None), 64, "asked and not approved");
        assert_eq!(memory(mib(128), mib(96), None), 96, "asked more than approved");
        assert_eq!(memory(mib(128), mib(128), None), 128);
        assert_eq!(memory(None, mib(128), None), 64, "approved and not asked");
        assert_eq!(memory(mib(128), mib(128), mib(32)), 32, "policy narrows");
        assert_eq!(memory(mib(1 << 20), mib(1 << 20), None), 256, "the hard cap");
    }

    #[test]
    fn the_time_of_a_call_depends_on_its_type() {
        let limits = Limits::CORE_MODULE;
        assert_eq!(limits.time_of(&Call::Execute("f".into())).as_millis(), 250);
        assert_eq!(limits.time_of(&Call::Generate).as_secs(), 2);
        assert_eq!(limits.time_of(&Call::Query).as_secs(), 5);
        let lower = PluginLimits { own: Numbers { time_ms: Some(100), memory: None }, ..PluginLimits::default() };
        assert_eq!(limits.for_plugin(&lower).time_of(&Call::Query).as_millis(), 100);
        let higher = Numbers { time_ms: Some(99_000), memory: None };
        let higher = PluginLimits { own: higher, approved: higher, policy: Numbers::default() };
        assert_eq!(limits.for_plugin(&higher).time_of(&Call::Authenticate).as_secs(), 30, "the hard cap");
    }

    #[test]
    fn configured_limits_stay_below_the_caps() {
        let wild = Limits { memory_bytes: u64::MAX, calls_at_once: 0, stack_bytes: 0, ..Limits::CORE_MODULE };
        let tame = wild.within_caps();
        assert_eq!((tame.memory_bytes, tame.calls_at_once, tame.stack_bytes), (256 * MIB, 1, 64 << 10));
    }
}
