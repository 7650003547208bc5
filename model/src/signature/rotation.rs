//! How does one key follow another? `keys/<name>.ndjson` of a registry: each line a new key, signed by the old one.
//!
//! The registry is only the messenger: a line counts if the old key signed it for this plugin. A chain from the key that's locked to
//! the one that's claimed lets the new one in without anybody typing a key, so that nobody is trained to.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{SignatureFile, Unproven, prove};
use crate::name::PluginName;
use crate::signer::Signer;

/// The first line of every statement about a key.
pub const KEY_STATEMENT_HEADER: &str = "mockforge-plugin-key/v1";
/// The largest document, in bytes.
pub const MAX_HISTORY_BYTES: usize = 256 << 10;
/// The most changes in one. Each may cost a verification.
pub const MAX_CHANGES: usize = 256;

/// What the holder of a key signs to hand a plugin over to another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatement<'a> {
    /// The plugin.
    pub name: &'a PluginName,
    /// The key that follows.
    pub new: &'a Signer,
}

impl fmt::Display for KeyStatement<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{KEY_STATEMENT_HEADER}\nname: {}\nnew: {}", self.name, self.new)
    }
}

/// One line: the old key says that the new one follows. Whether it really does, [`KeyChange::check`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that signs.
    pub old: Signer,
    /// The key that follows.
    pub new: Signer,
    /// The signature on the statement.
    pub signature: SignatureFile,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    new: Signer,
    old: Signer,
    sig: String,
}

/// A line that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyHistoryError {
    /// It's not what such a document is.
    #[error("line {line}: {why}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What's wrong with it.
        why: String,
    },
    /// More than any plugin has.
    #[error("it holds more than {MAX_CHANGES} changes or {MAX_HISTORY_BYTES} bytes")]
    TooLarge,
}

impl KeyChange {
    /// Did the old key really say so, of this plugin?
    pub fn check(&self, name: &PluginName) -> Result<(), Unproven> {
        prove(&self.old, &KeyStatement { name, new: &self.new }.to_string(), &self.signature)
    }

    /// The line as it stands in the registry, with its line feed.
    pub fn to_line(&self) -> String {
        let wire = Wire { new: self.new.clone(), old: self.old.clone(), sig: self.signature.text().to_owned() };
        serde_json::to_string(&wire).expect("three texts") + "\n"
    }

    fn parse(line: &str) -> Result<Self, String> {
        let wire: Wire = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let signature = SignatureFile::parse(&wire.sig).map_err(|error| format!("`sig`: {error}"))?;
        Ok(Self { old: wire.old, new: wire.new, signature })
    }
}

/// All changes of a plugin's key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyHistory {
    changes: Vec<KeyChange>,
}

impl KeyHistory {
    /// Read a document. Unknown keys are ignored, lines that can't be read are errors.
    pub fn parse(text: &str) -> Result<Self, KeyHistoryError> {
        if text.len() > MAX_HISTORY_BYTES || text.lines().count() > MAX_CHANGES {
            return Err(KeyHistoryError::TooLarge);
        }
        let parse = |(index, line): (usize, &str)| KeyChange::parse(line).map_err(|why| KeyHistoryError::Line { line: index + 1, why });
        Ok(Self { changes: text.lines().enumerate().map(parse).collect::<Result<_, _>>()? })
    }

    /// The changes, in the document's order.
    pub fn changes(&self) -> &[KeyChange] {
        &self.changes
    }

    /// Every key that a chain of proven changes leads to from this one, each with the chain: from the first key that follows to
    /// itself. No change is verified twice, and those that nothing leads to aren't at all.
    pub fn followers(&self, name: &PluginName, from: &Signer) -> BTreeMap<Signer, Vec<Signer>> {
        let mut found: BTreeMap<Signer, Vec<Signer>> = BTreeMap::new();
        let mut queue = VecDeque::from([(from.clone(), Vec::new())]);
        while let Some((old, chain)) = queue.pop_front() {
            for change in self.changes.iter().filter(|change| change.old == old) {
                let is_new = change.new != *from && !found.contains_key(&change.new);
                if is_new && change.check(name).is_ok() {
                    let chain: Vec<Signer> = chain.iter().cloned().chain([change.new.clone()]).collect();
                    found.insert(change.new.clone(), chain.clone());
                    queue.push_back((change.new.clone(), chain));
                }
            }
        }
        found
    }
}
