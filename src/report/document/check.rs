//! What `verify`, `doctor` and `audit` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;

/// `verify`, `doctor`, `cache verify`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProblemsDocument {
    pub(crate) problems: Vec<Problem>,
    /// How many plugins or things were looked at.
    pub(crate) checked: usize,
    /// `verify`: how old what's known of each registry is. Newer yanks, revocations and advisories can't be known offline.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) as_of: Vec<KnownRegistry>,
}

/// One thing that's wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    pub(crate) code: String,
    /// The plugin, or what else it's about.
    pub(crate) name: String,
    pub(crate) message: String,
}

/// `audit`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditDocument {
    /// What was found, the worst first.
    pub(crate) problems: Vec<AuditProblem>,
    /// How many plugins were looked at.
    pub(crate) checked: usize,
    /// From which severity on the command ends with 1.
    pub(crate) level: String,
    /// How old what's known of each registry is that something is locked from.
    pub(crate) as_of: Vec<KnownRegistry>,
}

/// One thing that somebody should know.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditProblem {
    pub(crate) code: String,
    /// The plugin, or the registry.
    pub(crate) name: String,
    /// As the rest of a sentence that begins with the name.
    pub(crate) message: String,
    /// What `--ignore` takes: an advisory's id, or `unsigned/NAME`.
    pub(crate) id: String,
    /// `low`, `medium`, `high` or `critical`.
    pub(crate) severity: String,
    /// Where to read more.
    pub(crate) url: Option<String>,
    /// Was it left out by `--ignore`?
    pub(crate) ignored: bool,
}

/// How old what's known of a registry is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KnownRegistry {
    /// The project's name for it.
    pub(crate) registry: String,
    /// When it last answered something; null if nothing of it is on this machine, and for one that's a folder.
    pub(crate) last_answer: Option<String>,
    /// When it last said what it warns of; null likewise.
    pub(crate) last_advisories: Option<String>,
}
