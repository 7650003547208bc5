//! Who may sign the next version of a plugin? Whoever signed the last one, or whom that key was handed over to.
//!
//! The last one is the last that was published, not the highest: a correction of an old line belongs to who has the plugin now.
//! Everybody who has it locked will ask the same question, so a version that fails it would only be refused later, one by one.

use mfp_model::index::IndexDocument;
use mfp_model::name::PluginName;
use mfp_model::signature::rotation::KeyHistory;
use mfp_model::signature::{Statement, Unproven, prove_any};
use mfp_model::signer::Signer;

/// The keys of a plugin, as the registry knows them.
#[derive(Debug)]
pub(crate) struct Keys {
    name: PluginName,
    /// The signer of the version that was published last; `None` if that's unsigned, or if there's no version.
    last: Option<Signer>,
    /// Those that follow, by a chain that the old ones signed.
    followers: Vec<Signer>,
}

impl Keys {
    /// Those of a plugin.
    pub(crate) fn of(name: &PluginName, document: &IndexDocument, history: &KeyHistory) -> Self {
        let last = document.lines.last().and_then(|line| line.signer.clone());
        let followers = last.iter().flat_map(|last| history.followers(name, last).into_keys()).collect();
        Self { name: name.clone(), last, followers }
    }

    /// Why this signer, or nobody, mustn't sign the next version; `None` if it may.
    pub(crate) fn objection(&self, signer: Option<&Signer>) -> Option<String> {
        let last = self.last.as_ref()?;
        let shown = |signer: &Signer| signer.fingerprint();
        match signer {
            None => Some(format!("{} is signed by {}, and this version by nobody", self.name, shown(last))),
            Some(signer) if self.followers.contains(signer) => None,
            Some(signer) if signer == last && self.followers.is_empty() => None,
            Some(signer) if signer == last => {
                let to: Vec<String> = self.followers.iter().map(shown).collect();
                Some(format!("{} was handed over from {} to {}", self.name, shown(last), to.join(", ")))
            }
            Some(signer) => Some(format!("{} is signed by {}, and this version by {}", self.name, shown(last), shown(signer))),
        }
    }

    /// Whose signature this is, among those that are known and those that are named; or why it's nobody's.
    pub(crate) fn signer_of(&self, statement: &Statement, signature: &str, named: &[Signer]) -> Result<Signer, Unproven> {
        let text = statement.to_string();
        let mut why = Unproven::Missing;
        for signer in named.iter().chain(&self.followers).chain(&self.last) {
            match prove_any(signer, &text, [signature]) {
                Ok(_) => return Ok(signer.clone()),
                Err(unproven) => why = unproven,
            }
        }
        Err(why)
    }
}
