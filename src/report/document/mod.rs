//! What `--json` prints: one document a command, its shape a contract.
//!
//! The types stand in a file for each family of commands, what's around them in [`envelope`]. The schemas in
//! `docs/reference/json/` are generated from them, and a test holds every command's output to its schema. Fields are only
//! ever added.

#[cfg(test)]
use schemars::{Schema, schema_for};
use serde::Serialize;

mod author;
mod change;
mod check;
mod diff;
mod envelope;
mod export;
mod login;
mod look;
mod publish;
mod run;
mod tools;

pub(crate) use author::*;
pub(crate) use change::*;
pub(crate) use check::*;
pub(crate) use diff::*;
pub(crate) use envelope::Envelope;
#[cfg(test)]
pub(crate) use envelope::document_schema;
pub(crate) use export::*;
pub(crate) use login::*;
pub(crate) use look::*;
pub(crate) use publish::*;
pub(crate) use run::*;
pub(crate) use tools::*;

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
