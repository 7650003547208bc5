//! What `--json` prints: one document a command, its shape a contract.
//!
//! The schemas in `docs/reference/json/` are generated from these types, and a test holds every command's output to its
//! schema. Fields are only ever added.

use std::collections::BTreeMap;

use schemars::JsonSchema;
#[cfg(test)]
use schemars::{Schema, schema_for};
use serde::Serialize;
use serde_json::{Map, Value};

use super::publishing::{PackageDocument, PublishDocument, RegistryDocument, YankDocument};
use crate::error::Error;
use crate::report::{Outcome, neutral_json};

/// The version of the documents.
const DOCUMENT_VERSION: u32 = 1;

/// The data of a command that did its work.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Document {
    Init(InitDocument),
    Changes(ChangesDocument),
    Approve(ApproveDocument),
    List(ListDocument),
    Tree(TreeDocument),
    Why(WhyDocument),
    Outdated(OutdatedDocument),
    Info(Box<InfoDocument>),
    Docs(DocsDocument),
    Search(SearchDocument),
    Problems(ProblemsDocument),
    Validate(ValidateDocument),
    Audit(AuditDocument),
    Diff(Box<DiffDocument>),
    Export(Box<ExportDocument>),
    Vendor(VendorDocument),
    New(NewDocument),
    Examples(ExamplesDocument),
    Build(BuildDocument),
    Package(PackageDocument),
    Publish(PublishDocument),
    Yank(YankDocument),
    Registry(RegistryDocument),
    Test(TestDocument),
    Key(KeyDocument),
    Login(LoginDocument),
    Logout(LogoutDocument),
    Whoami(WhoamiDocument),
    Cache(CacheDocument),
    Config(ConfigDocument),
    Schema(SchemaDocument),
    Text(TextDocument),
    About(AboutDocument),
    Run(RunDocument),
    Serve(ServeDocument),
}

/// `init`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InitDocument {
    /// The project's folder.
    pub(crate) project: String,
    /// The files that were written, relative to it.
    pub(crate) written: Vec<String>,
    /// What an import couldn't take, a sentence each.
    pub(crate) left_out: Vec<String>,
}

/// `build`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BuildDocument {
    pub(crate) plugin: String,
    /// What it's written in, as `mfp new --lang` has it.
    pub(crate) language: &'static str,
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

/// `add`, `remove`, `lock`, `sync`, `update`, `upgrade`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ChangesDocument {
    /// What changed in the lock (`sync`: in the plugin folder), by name.
    pub(crate) changes: Vec<ChangeDocument>,
    /// Was nothing written because of --dry-run or --check?
    pub(crate) dry_run: bool,
    /// `lock`, `update`, `upgrade`: newer versions that weren't taken, since a person has to decide about them first. Left out
    /// where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) held: Vec<HeldDocument>,
}

/// A version that was held back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct HeldDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The version that's in the lock instead; null if the plugin isn't in it.
    pub(crate) current: Option<String>,
    pub(crate) reasons: Vec<HeldReason>,
    /// The same for people.
    pub(crate) message: String,
    /// What it asks for beyond what's approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asks: Option<Value>,
    /// What to type if it may be taken.
    pub(crate) commands: Vec<String>,
}

/// What a person has to decide about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HeldReason {
    /// It asks for more than was approved.
    Approval,
    /// It isn't signed by whom it was signed before, or that isn't proven.
    Signature,
    /// It needs another plugin that's held back.
    Dependency,
}

/// One plugin's change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangeDocument {
    pub(crate) name: String,
    pub(crate) kind: ChangeKind,
    pub(crate) from: Option<ChangeSide>,
    pub(crate) to: Option<ChangeSide>,
    /// Where the plugin comes from, as the lock has it (`registry+default`).
    pub(crate) source: String,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeKind {
    Added,
    Removed,
    Updated,
}

/// A plugin before or after.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ChangeSide {
    pub(crate) version: String,
    /// `blake3:<hex>`
    pub(crate) content: String,
    /// For git sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// What it asks for beyond the defaults.
    pub(crate) capabilities: Value,
}

/// `approve`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApproveDocument {
    pub(crate) approvals: Vec<DecisionDocument>,
    /// The file that was written; null if nothing was to be changed.
    pub(crate) file: Option<String>,
}

/// What was decided about one plugin. Capabilities are in their canonical form.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionDocument {
    pub(crate) name: String,
    /// The version that asks.
    pub(crate) version: String,
    /// Is that the locked one?
    pub(crate) locked: bool,
    pub(crate) source: String,
    pub(crate) signer: Option<String>,
    pub(crate) asked: Value,
    /// What counted before.
    pub(crate) before: Value,
    /// What counts now.
    pub(crate) approved: Value,
    /// What the plugin gets: asked, approved, and left by the policies.
    pub(crate) effective: Value,
    /// What it asks that deserves a second look, a sentence each.
    pub(crate) broad: Vec<String>,
    /// Why the approval that there was didn't count for it, or null.
    pub(crate) void: Option<String>,
    /// Was anything written?
    pub(crate) changed: bool,
}

/// `list`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListDocument {
    pub(crate) plugins: Vec<ListedPlugin>,
}

/// One locked plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedPlugin {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: String,
    pub(crate) content: String,
    pub(crate) types: Vec<String>,
    /// Does the manifest declare it?
    pub(crate) direct: bool,
    /// Where it's laid out, or null.
    pub(crate) path: Option<String>,
    /// Who signed it, as the lock has it: `minisign:RW…`; left out if nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<String>,
    /// What people compare: a short digest of that key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// The ref of a git source: `tag v1.0.0`, `branch main`, `rev 8a1d9b9`; left out for other sources and for the default branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The commit of a git source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

/// `tree`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeDocument {
    pub(crate) nodes: Vec<TreeNode>,
    pub(crate) edges: Vec<TreeEdge>,
}

/// One plugin of the graph.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeNode {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: String,
    pub(crate) direct: bool,
}

/// One dependency of the graph.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeEdge {
    /// Who depends.
    pub(crate) from: String,
    /// On whom.
    pub(crate) to: String,
    pub(crate) requirement: String,
    pub(crate) optional: bool,
}

/// `why`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WhyDocument {
    /// Each a chain of names from what the manifest declares to the plugin in question.
    pub(crate) paths: Vec<Vec<String>>,
}

/// `outdated`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutdatedDocument {
    pub(crate) outdated: Vec<OutdatedPlugin>,
}

/// One plugin that has newer versions.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutdatedPlugin {
    pub(crate) name: String,
    pub(crate) current: String,
    /// The newest that `mfp update` would take by the requirements alone.
    pub(crate) compatible: String,
    /// The newest of all.
    pub(crate) latest: String,
    /// Why `mfp update` won't take the newest compatible one before a person has decided. Left out if nothing is in its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<HeldDocument>,
}

/// `info`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InfoDocument {
    pub(crate) plugin: InfoPlugin,
}

/// What's known about a plugin.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct InfoPlugin {
    pub(crate) name: String,
    /// The version that's shown; empty for a service, which has none.
    pub(crate) version: String,
    pub(crate) source: String,
    /// The version in the lock, or null.
    pub(crate) locked: Option<String>,
    /// All versions that the registry has, newest first.
    pub(crate) versions: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) types: Vec<String>,
    pub(crate) license: Option<String>,
    pub(crate) published: Option<String>,
    pub(crate) yanked: Option<String>,
    pub(crate) mockforge: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) capabilities: Value,
    pub(crate) dependencies: Vec<InfoDependency>,
    /// More that the registry says, by key (`homepage`, `repository`…).
    pub(crate) more: BTreeMap<String, String>,
    /// The plugin's configuration schema (`--config`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_schema: Option<Value>,
    /// A table for the project's manifest, in TOML, with what the schema asks for (`--config`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_example: Option<String>,
    /// What the project configures (`--config`), names of variables in place of their values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Value>,
}

/// One dependency of a plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InfoDependency {
    pub(crate) name: String,
    pub(crate) requirement: String,
    pub(crate) optional: bool,
}

/// `docs`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DocsDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The file in the package.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// `search`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchDocument {
    pub(crate) results: Vec<SearchHit>,
}

/// One plugin that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchHit {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) types: Vec<String>,
}

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

/// One thing that's wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    pub(crate) code: String,
    /// The plugin, or what else it's about.
    pub(crate) name: String,
    pub(crate) message: String,
}

/// `diff`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiffDocument {
    /// What's compared: `HEAD`, a revision, a file, or `the working folder`.
    pub(crate) from: String,
    /// With what.
    pub(crate) to: String,
    /// The plugins that differ, by name.
    pub(crate) changes: Vec<DiffChange>,
    /// What concerns all plugins: registries' addresses, overrides, the resolver's options.
    pub(crate) project: Vec<DifferenceDocument>,
    /// Approvals that aren't what they were.
    pub(crate) approvals: Vec<ApprovalDocument>,
    /// Keys of `[policy]` that aren't what they were.
    pub(crate) policy: Vec<DifferenceDocument>,
    /// Were approvals and policy compared? A lock's file has no manifest beside it.
    pub(crate) manifests_compared: bool,
}

impl DiffDocument {
    /// Is there nothing to tell?
    pub(crate) fn is_same(&self) -> bool {
        self.changes.is_empty() && self.project.is_empty() && self.approvals.is_empty() && self.policy.is_empty()
    }
}

/// One plugin that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiffChange {
    #[serde(flatten)]
    pub(crate) change: ChangeDocument,
    /// What it asks for and didn't, by meaning; the broad ones first.
    pub(crate) gained: Vec<CapabilityDocument>,
    /// What it asked for and doesn't.
    pub(crate) lost: Vec<CapabilityDocument>,
    /// Does the newer manifest approve all that it asks? Null if there's none to ask, or if the plugin goes.
    pub(crate) approved: Option<bool>,
    /// Other bytes under the same version, from the same place.
    pub(crate) swapped: bool,
    /// Everything else that's said differently: version, source, signer, licence, types, dependencies…
    pub(crate) differences: Vec<DifferenceDocument>,
    /// How its module changed; null if its bytes didn't, or if it's new or goes.
    pub(crate) exports: Option<ExportsDocument>,
}

/// One thing that a plugin asks for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CapabilityDocument {
    /// `env`, `fs-read`, `fs-write`, `http`, `memory` or `time-ms`.
    pub(crate) capability: String,
    pub(crate) value: String,
    /// Why it deserves a second look, or null.
    pub(crate) broad: Option<String>,
}

/// One thing that's said differently.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DifferenceDocument {
    pub(crate) what: String,
    /// What it was, or null.
    pub(crate) from: Option<String>,
    /// What it is, or null.
    pub(crate) to: Option<String>,
}

/// An approval that's not what it was.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApprovalDocument {
    pub(crate) name: String,
    /// What's allowed now and wasn't. Given to another source or signer, all of it.
    pub(crate) gained: Vec<CapabilityDocument>,
    pub(crate) lost: Vec<CapabilityDocument>,
    /// To whom it's given, where that changed.
    pub(crate) differences: Vec<DifferenceDocument>,
}

/// How a module changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportsDocument {
    /// Does the store have both modules? Nothing is fetched to find out.
    pub(crate) known: bool,
    /// What it offers, with types: `(i32, i32) -> i64`.
    pub(crate) exports: Vec<DifferenceDocument>,
    /// What it wants of its host.
    pub(crate) imports: Vec<DifferenceDocument>,
    /// How many more there are than are listed.
    pub(crate) more: usize,
}

/// `export`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportDocument {
    /// `cyclonedx` or `json`.
    pub(crate) format: &'static str,
    /// `--output`: the file that was written; the document is in it, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// The document of mfp's own; without `--json`, `--format json` prints it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export: Option<ExportedLock>,
    /// The bill of materials, by the schema of CycloneDX 1.6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bom: Option<Value>,
}

/// What a project runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedLock {
    pub(crate) project: String,
    /// The registries' addresses, by the project's name for them.
    pub(crate) registries: BTreeMap<String, String>,
    /// Every plugin that the chosen groups want, by name.
    pub(crate) plugins: Vec<ExportedPlugin>,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedPlugin {
    /// The name that the project has for it.
    pub(crate) name: String,
    /// The plugin's own name.
    pub(crate) package: String,
    /// Null for a service.
    pub(crate) version: Option<String>,
    pub(crate) source: String,
    pub(crate) types: Vec<String>,
    /// As the plugin states it.
    pub(crate) license: Option<String>,
    /// When its registry says that it was published.
    pub(crate) published: Option<String>,
    /// The archive; null for plugins from git, from folders, and for services.
    pub(crate) artifact: Option<ExportedArtifact>,
    /// For plugins from git.
    pub(crate) git: Option<ExportedCommit>,
    /// The publisher's minisign key, or null.
    pub(crate) signer: Option<String>,
    /// What it asks for beyond the defaults.
    pub(crate) capabilities: Value,
    pub(crate) dependencies: Vec<ExportedDependency>,
    /// Does the project itself ask for it?
    pub(crate) direct: bool,
    /// The optional groups that it belongs to.
    pub(crate) groups: Vec<String>,
    /// `blake3:<hex>`: the digest of what the plugin is.
    pub(crate) content: String,
}

/// An archive.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedArtifact {
    pub(crate) format: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// A commit of a repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedCommit {
    pub(crate) url: String,
    /// `tag v1.0.0`, `branch main`; null for the default branch.
    pub(crate) reference: Option<String>,
    pub(crate) commit: String,
    pub(crate) subdir: Option<String>,
}

/// A plugin that another one calls.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedDependency {
    pub(crate) name: String,
    pub(crate) requirement: String,
    pub(crate) optional: bool,
}

/// `vendor`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VendorDocument {
    pub(crate) path: String,
    pub(crate) plugins: usize,
}

/// `login`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LoginDocument {
    /// What the token is for: a scheme, a host and a port.
    pub(crate) origin: String,
    /// Where it's kept: `keyring` or `file`.
    pub(crate) store: String,
    /// The name that goes with it, or null.
    pub(crate) username: Option<String>,
    /// Did the server refuse everybody else and take the token?
    pub(crate) checked: bool,
}

/// `logout`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogoutDocument {
    /// The origins whose tokens are gone.
    pub(crate) removed: Vec<String>,
}

/// `whoami`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WhoamiDocument {
    pub(crate) origin: String,
    /// Who knows the credential: `variable`, `configuration`, `helper`, `keyring`, `file` or `netrc`.
    pub(crate) source: String,
    /// Whose it is, or null where only a token is known.
    pub(crate) username: Option<String>,
}

/// `cache`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct CacheDocument {
    pub(crate) store: String,
    pub(crate) cache: String,
    /// `size`: what the store holds, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_bytes: Option<u64>,
    /// `size`: what the cache holds, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_bytes: Option<u64>,
    /// `clean`, `prune`: plugins that were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) removed: Option<usize>,
    /// `clean`, `prune`: bytes that were freed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) freed_bytes: Option<u64>,
    /// `verify`: what's damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problems: Option<Vec<Problem>>,
}

/// `config`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConfigDocument {
    /// The file.
    pub(crate) path: Option<String>,
    /// What it sets, by key.
    pub(crate) values: BTreeMap<String, String>,
}

/// `schema`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SchemaDocument {
    /// The JSON schema, or the text of an example.
    pub(crate) schema: Value,
}

/// `man`, `completions`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TextDocument {
    pub(crate) text: String,
}

/// `key`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct KeyDocument {
    /// The public key, as manifests and locks have it: `minisign:RW…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// What people compare: 20 hexadecimal digits of a digest of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// The files that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) written: Vec<String>,
    /// The statement that was signed or verified, or that would be; left out where a file's bytes were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) statement: Option<String>,
    /// What the signature says about itself (`verify`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_comment: Option<String>,
    /// The line for the registry (`rotate`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
}

/// `self`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AboutDocument {
    pub(crate) version: String,
    /// The newest lock version that this mfp reads and writes.
    pub(crate) lock_version: u64,
}

/// `run`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunDocument {
    /// The plugin's answer; with --bench the last one.
    pub(crate) result: Value,
    /// `--bench`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bench: Option<BenchDocument>,
    /// `--trace`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<TraceDocument>,
}

impl RunDocument {
    /// An answer and nothing else.
    pub(crate) fn of(result: Value) -> Self {
        Self { result, bench: None, trace: None }
    }
}

/// How long many calls took, one after the other. Times are in microseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BenchDocument {
    pub(crate) calls: usize,
    /// Calls before, that don't count.
    pub(crate) warm_up: u32,
    pub(crate) calls_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p90_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
}

/// What one call did and cost. Times are in microseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TraceDocument {
    /// From the request to the answer.
    pub(crate) wall_us: f64,
    /// Making and starting the instance.
    pub(crate) start_us: f64,
    /// What's left of the wall time without the start and the host's work.
    pub(crate) guest_us: f64,
    /// What the host did for the plugin, other plugins that it called included.
    pub(crate) host_us: f64,
    /// Ticks of 10 ms that were seen while the plugin's code ran: what its time limit counts.
    pub(crate) ticks: u64,
    /// The most linear memory that it had.
    pub(crate) memory_peak_bytes: u64,
    /// Where its code came from: `compiled` now, the `cache`, or `remote`.
    pub(crate) code: &'static str,
    /// What it asked of the host, in order; of very many the first.
    pub(crate) host_calls: Vec<HostCallDocument>,
    /// How many more there were.
    pub(crate) more_host_calls: u64,
}

/// One thing that a plugin asked of the host.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HostCallDocument {
    /// The host's function.
    pub(crate) name: String,
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
    pub(crate) time_us: f64,
}

/// `serve`: printed when the server answers, as the first and only line.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ServeDocument {
    /// Where it answers: `http://127.0.0.1:7070`. With port 0, the one that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    /// What `GET /plugins` lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugins: Option<Value>,
    /// `--export`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export: Option<String>,
}

/// Every command, with the schema of its data: for the reference, which a test writes.
#[cfg(test)]
pub(crate) fn schemas() -> Vec<(&'static str, Schema)> {
    let changes = || schema_for!(ChangesDocument);
    vec![
        ("init", schema_for!(InitDocument)),
        ("new", schema_for!(NewDocument)),
        ("examples", schema_for!(ExamplesDocument)),
        ("build", schema_for!(BuildDocument)),
        ("package", schema_for!(PackageDocument)),
        ("publish", schema_for!(PublishDocument)),
        ("yank", schema_for!(YankDocument)),
        ("registry", schema_for!(RegistryDocument)),
        ("test", schema_for!(TestDocument)),
        ("add", changes()),
        ("remove", changes()),
        ("lock", changes()),
        ("sync", changes()),
        ("update", changes()),
        ("upgrade", changes()),
        ("approve", schema_for!(ApproveDocument)),
        ("run", schema_for!(RunDocument)),
        ("serve", schema_for!(ServeDocument)),
        ("list", schema_for!(ListDocument)),
        ("tree", schema_for!(TreeDocument)),
        ("why", schema_for!(WhyDocument)),
        ("outdated", schema_for!(OutdatedDocument)),
        ("info", schema_for!(InfoDocument)),
        ("docs", schema_for!(DocsDocument)),
        ("search", schema_for!(SearchDocument)),
        ("verify", schema_for!(ProblemsDocument)),
        ("validate", schema_for!(ValidateDocument)),
        ("audit", schema_for!(AuditDocument)),
        ("diff", schema_for!(DiffDocument)),
        ("export", schema_for!(ExportDocument)),
        ("vendor", schema_for!(VendorDocument)),
        ("key", schema_for!(KeyDocument)),
        ("login", schema_for!(LoginDocument)),
        ("logout", schema_for!(LogoutDocument)),
        ("whoami", schema_for!(WhoamiDocument)),
        ("cache", schema_for!(CacheDocument)),
        ("doctor", schema_for!(ProblemsDocument)),
        ("config", schema_for!(ConfigDocument)),
        ("schema", schema_for!(SchemaDocument)),
        ("man", schema_for!(TextDocument)),
        ("completions", schema_for!(TextDocument)),
        ("self", schema_for!(AboutDocument)),
    ]
}

/// The schema of a whole document: the envelope around a command's data, or an error.
#[cfg(test)]
pub(crate) fn document_schema(command: &str, data: &Schema) -> Value {
    let mut data = data.clone().to_value();
    let definitions = data.as_object_mut().and_then(|object| object.remove("$defs"));
    let error = serde_json::json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "string", "pattern": "^mfp::[a-z-]+(::[a-z0-9-]+)?$" },
            "message": { "type": "string" },
            "help": { "type": "string" },
            "details": { "type": "object" },
        },
    });
    let warning = serde_json::json!({ "type": "object", "required": ["code", "message"], "properties": { "code": { "type": "string" }, "message": { "type": "string" } } });
    let envelope =
        |ok: bool| serde_json::json!({ "v": { "const": DOCUMENT_VERSION }, "command": { "const": command }, "ok": { "const": ok } });
    let mut schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("mfp {command} --json"),
        "oneOf": [
            { "type": "object", "required": ["v", "command", "ok"], "properties": envelope(true), "allOf": [data], "additionalProperties": true },
            { "type": "object", "required": ["v", "command", "ok", "error"], "properties": envelope(false) },
        ],
    });
    schema["oneOf"][0]["properties"]["warnings"] = serde_json::json!({ "type": "array", "items": warning });
    schema["oneOf"][1]["properties"]["error"] = error;
    if let Some(definitions) = definitions {
        schema["$defs"] = definitions;
    }
    if let Some(data) = schema["oneOf"][0]["allOf"][0].as_object_mut() {
        data.remove("$schema");
        data.remove("title");
    }
    schema
}

/// The one document on stdout.
#[derive(Debug)]
pub(crate) struct Envelope(Map<String, Value>);

impl Envelope {
    fn new(command: &str, ok: bool) -> Self {
        let mut object = Map::new();
        object.insert("v".into(), DOCUMENT_VERSION.into());
        object.insert("command".into(), command.into());
        object.insert("ok".into(), ok.into());
        Self(object)
    }

    /// Of a command that did its work, or all of it but what was refused.
    pub(crate) fn of(command: &str, outcome: &Outcome, warnings: Vec<(&'static str, String)>) -> Self {
        let mut envelope = Self::new(command, outcome.refusal.is_none());
        if let Ok(Value::Object(data)) = serde_json::to_value(&outcome.document) {
            envelope.0.extend(data);
        }
        if let Some(refusal) = &outcome.refusal {
            envelope.0.insert("error".into(), error_value(refusal));
        }
        if !warnings.is_empty() {
            let warning = |(code, message)| serde_json::json!({ "code": code, "message": message });
            envelope.0.insert("warnings".into(), warnings.into_iter().map(warning).collect());
        }
        envelope
    }

    /// Of a command that failed.
    pub(crate) fn of_error(command: &str, error: &Error) -> Self {
        let mut envelope = Self::new(command, false);
        envelope.0.insert("error".into(), error_value(error));
        envelope
    }

    /// One line of JSON.
    pub(crate) fn to_text(&self) -> String {
        format!("{}\n", neutral_json(&serde_json::to_string(&self.0).expect("a map of JSON values is JSON")))
    }
}

fn error_value(error: &Error) -> Value {
    let mut details = error.detail_map().clone();
    if !error.point_list().is_empty() {
        details.insert("points".into(), error.point_list().into());
    }
    if !error.note_list().is_empty() {
        details.insert("notes".into(), error.note_list().into());
    }
    if let Some(excerpt) = error.source_excerpt() {
        let line = excerpt.text.get(..excerpt.span.start).unwrap_or_default().matches('\n').count() + 1;
        details.insert("file".into(), excerpt.file.as_str().into());
        details.insert("line".into(), line.into());
        details.insert("label".into(), excerpt.label.as_str().into());
    }
    let mut object = Map::new();
    object.insert("code".into(), error.code().into());
    object.insert("message".into(), error.message().into());
    if let Some(help) = error.help_text() {
        object.insert("help".into(), help.into());
    }
    object.insert("details".into(), Value::Object(details));
    Value::Object(object)
}
