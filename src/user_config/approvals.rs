//! `[policy] approvals-from` and `[approvals."<project>"]`: whose approvals count on this machine, and the user's own.
//!
//! An approval in a project's manifest arrives in pull requests. A user who doesn't want to trust those reviews takes
//! approvals only from here. They're kept by the project's folder, since what a plugin may read and write lies below it, and
//! they name a registry by its URL as well: what a registry's name means is the project's to say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mfp_model::capability::{Capabilities, CapabilityPath, CapabilityPolicy, EnvName, HostPattern};
use mfp_model::name::PluginName;
use mfp_model::project::{Approval, ApprovalsFrom};
use mfp_model::units::ByteSize;
use serde::{Deserialize, Deserializer};

/// `[policy]`: what any plugin gets at most on this machine, and whose approvals count.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "PolicyTable")]
pub(crate) struct UserPolicy {
    /// Whose approvals count.
    pub(crate) approvals_from: ApprovalsFrom,
    /// What any plugin gets at most, whatever was approved.
    pub(crate) capabilities: CapabilityPolicy,
}

/// The same as it's written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PolicyTable {
    approvals_from: From,
    env: Option<BTreeSet<EnvName>>,
    fs_read: Option<BTreeSet<CapabilityPath>>,
    fs_write: Option<BTreeSet<CapabilityPath>>,
    http: Option<BTreeSet<HostPattern>>,
    memory: Option<ByteSize>,
    time_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum From {
    #[default]
    Project,
    User,
}

impl std::convert::From<PolicyTable> for UserPolicy {
    fn from(table: PolicyTable) -> Self {
        let PolicyTable { approvals_from, env, fs_read, fs_write, http, memory, time_ms } = table;
        let approvals_from = match approvals_from {
            From::Project => ApprovalsFrom::Project,
            From::User => ApprovalsFrom::User,
        };
        let memory = memory.map(|size| size.0);
        Self { approvals_from, capabilities: CapabilityPolicy { env, fs_read, fs_write, http, memory, time_ms } }
    }
}

/// The user's own approvals, by the project's folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserApprovals(BTreeMap<String, BTreeMap<PluginName, UserApproval>>);

impl UserApprovals {
    /// Those for the project in this folder.
    pub(crate) fn of(&self, root: &Path) -> BTreeMap<PluginName, Approval> {
        let of_project = self.0.get(&key(root));
        of_project.into_iter().flatten().map(|(name, UserApproval(approval))| (name.clone(), approval.clone())).collect()
    }
}

/// How a project's folder is written in the file: whole, without links.
pub(crate) fn key(root: &Path) -> String {
    root.canonicalize().unwrap_or_else(|_| root.to_owned()).display().to_string()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "ApprovalTable")]
struct UserApproval(Approval);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ApprovalTable {
    source: String,
    registry: Option<String>,
    signer: Option<mfp_model::signer::Signer>,
    #[serde(default)]
    env: BTreeSet<EnvName>,
    #[serde(default)]
    fs_read: BTreeSet<CapabilityPath>,
    #[serde(default)]
    fs_write: BTreeSet<CapabilityPath>,
    #[serde(default)]
    http: BTreeSet<HostPattern>,
    #[serde(default, deserialize_with = "size")]
    memory: Option<u64>,
    time_ms: Option<u64>,
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    ByteSize::deserialize(deserializer).map(|size| Some(size.0))
}

impl TryFrom<ApprovalTable> for UserApproval {
    type Error = String;

    fn try_from(table: ApprovalTable) -> Result<Self, String> {
        let ApprovalTable { source, registry, signer, env, fs_read, fs_write, http, memory, time_ms } = table;
        let source = source.parse().map_err(|error| format!("source: {error}"))?;
        let registry = registry.map(|url| url.parse().map_err(|error| format!("registry: {error}"))).transpose()?;
        if registry.is_none() && matches!(source, mfp_model::source::SourceId::Registry(_)) {
            return Err("an approval of your own says where the registry is: `registry = \"https://…/\"`".to_owned());
        }
        Ok(Self(Approval { source, registry, signer, capabilities: Capabilities { env, fs_read, fs_write, http, memory, time_ms } }))
    }
}
