//! What `new`, `examples`, `build`, `test` and `validate` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `new`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewDocument {
    /// The plugin's name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) path: String,
    /// What it answers: `auth`, `template`, `response`, `datasource`, or `full` for all of them.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The language, as `--lang` names it.
    pub(crate) language: String,
    /// Was a git repository made?
    pub(crate) repository: bool,
    /// The files that were written, relative to its folder.
    pub(crate) files: Vec<String>,
}

/// `examples`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExamplesDocument {
    /// All examples, by name.
    pub(crate) examples: Vec<ExampleDocument>,
    /// The one that was copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copied: Option<CopiedExample>,
}

/// A plugin to learn from.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExampleDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// What it answers.
    pub(crate) types: Vec<String>,
    /// The language, for people.
    pub(crate) language: String,
    pub(crate) description: Option<String>,
}

/// A copy of one.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CopiedExample {
    pub(crate) name: String,
    /// Its folder.
    pub(crate) path: String,
    /// The files that were written, relative to its folder.
    pub(crate) files: Vec<String>,
}

/// `build`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BuildDocument {
    pub(crate) plugin: String,
    /// What it's written in, as `mfp new --lang` has it.
    pub(crate) language: String,
    /// What was built; null for a service.
    pub(crate) built: Option<BuiltDocument>,
}

/// A module or component that was built.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BuiltDocument {
    /// Where it is.
    pub(crate) file: String,
    /// `component` or `json/1`.
    pub(crate) transport: &'static str,
    /// Its size as the language's tools left it.
    pub(crate) made_bytes: u64,
    /// Its size now, with its manifest in it.
    pub(crate) bytes: u64,
    /// By wasm-opt.
    pub(crate) optimized: bool,
    /// Is it another than the one that was there?
    pub(crate) changed: bool,
    pub(crate) elapsed_ms: u64,
}

/// `test`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TestDocument {
    pub(crate) plugin: String,
    /// Were steps counted in place of time?
    pub(crate) deterministic: bool,
    /// The language's own tests; null if there are none, or they weren't run.
    pub(crate) own: Option<OwnTestsDocument>,
    /// The requests of the manifest that were asked, in their order.
    pub(crate) requests: Vec<RequestDocument>,
}

/// The language's own tests.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnTestsDocument {
    pub(crate) passed: bool,
    /// What ran them; where they failed, how that ended.
    pub(crate) how: String,
}

/// A request with an expected answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RequestDocument {
    pub(crate) name: String,
    pub(crate) call: &'static str,
    pub(crate) passed: bool,
    /// What isn't as expected, a sentence each.
    pub(crate) differences: Vec<String>,
    /// What the plugin answered; null if it gave an error or was stopped.
    pub(crate) answer: Option<Value>,
    /// The steps that it took, where they're counted: the same in every run.
    pub(crate) steps: Option<u64>,
    pub(crate) elapsed_us: u64,
}

/// `validate`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ValidateDocument {
    /// The plugin's folder.
    pub(crate) plugin: String,
    /// What was found, errors first.
    pub(crate) problems: Vec<ValidateProblem>,
    /// `--fix`: what was written; null where nothing was.
    pub(crate) fixed: Option<FixedDocument>,
}

/// One thing that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ValidateProblem {
    pub(crate) code: String,
    /// The file, relative to the plugin's folder; `.` for the folder.
    pub(crate) name: String,
    pub(crate) message: String,
    /// `error` or `warning`.
    pub(crate) severity: String,
    pub(crate) help: Option<String>,
    /// From 1; null where it's not about a place in a text.
    pub(crate) line: Option<usize>,
    /// From 1, in characters.
    pub(crate) column: Option<usize>,
}

/// What `--fix` did.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FixedDocument {
    /// The form that the manifest was in.
    pub(crate) form: String,
    /// What had to be assumed or left out, or was mended: a sentence each.
    pub(crate) assumptions: Vec<String>,
    /// The lines that went and came, as in a patch without its places.
    pub(crate) diff: Vec<String>,
}
