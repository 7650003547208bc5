//! What did a person allow, and to whom?

use crate::capability::Capabilities;
use crate::signer::Signer;
use crate::source::SourceId;

/// What a person allowed one plugin. Given to a source (and a signer, if there was one), and void for any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The source that it was given to.
    pub source: SourceId,
    /// The signer that it was given to; `None` if the plugin was unsigned.
    pub signer: Option<Signer>,
    /// What is allowed.
    pub capabilities: Capabilities,
}

impl Approval {
    /// Is it about this source and this signer?
    pub fn is_for(&self, source: &SourceId, signer: Option<&Signer>) -> bool {
        self.source == *source && self.signer.as_ref() == signer
    }
}
