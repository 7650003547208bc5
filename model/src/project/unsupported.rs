//! What does this manifest use that this version of mfp can't do?

use std::ops::Range;

use super::Manifest;
use crate::source::RegistryKind;

/// Something that a manifest may say and that isn't implemented yet. Told by the commands that would have to do it,
/// since a rule that is silently not kept is worse than none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is, to be followed by "isn't supported yet".
    pub what: String,
    /// Where it stands, in bytes of the manifest's text.
    pub span: Range<usize>,
}

impl Manifest {
    /// Everything that it uses and that this version can't do: other registry protocols.
    pub fn unsupported(&self) -> Vec<Unsupported> {
        let registries = self.registries.iter().filter(|(_, registry)| registry.kind != RegistryKind::Mfp);
        let registries = registries.map(|(name, registry)| {
            let what = format!("registry `{name}`: `kind = \"{}\"`", registry.kind);
            Unsupported { what, span: self.place(&format!("registries.{name}")).unwrap_or_default() }
        });
        registries.collect()
    }
}
