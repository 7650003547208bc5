//! Which versions may not be chosen, whatever the requirements say?
//!
//! Each [`Rule`] looks at one line of an index and says why it's held back, or nothing. The resolver is told, leaves such
//! versions out, and names the reason wherever one of them would have been the answer. What must be true of a whole lock,
//! however it came about, isn't asked here.

use std::collections::BTreeMap;
use std::fmt;

use mfp_model::index::packed::PackedLine;
use mfp_model::name::PluginName;
use mfp_model::version::Version;
use mfp_resolver::{Held, PackageKey};

/// One reason to hold versions of registries back.
pub(crate) trait Rule {
    /// Why this version isn't to be chosen, if it isn't.
    fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held>;
}

/// All rules together: the first that has something to say decides.
#[derive(Default)]
pub(crate) struct Gate<'a> {
    rules: Vec<Box<dyn Rule + 'a>>,
}

impl fmt::Debug for Gate<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gate").field("rules", &self.rules.len()).finish()
    }
}

impl<'a> Gate<'a> {
    pub(crate) fn new(rules: Vec<Box<dyn Rule + 'a>>) -> Self {
        Self { rules }
    }

    /// Does it let everything through?
    pub(crate) fn is_open(&self) -> bool {
        self.rules.is_empty()
    }

    /// Why this version isn't to be chosen, if it isn't.
    pub(crate) fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held> {
        self.rules.iter().find_map(|rule| rule.held(key, line))
    }
}

/// What must become exactly one version can't become another.
#[derive(Debug)]
pub(crate) struct Precise<'a>(pub(crate) &'a BTreeMap<PluginName, Version>);

impl Rule for Precise<'_> {
    fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held> {
        self.0.get(&key.name).filter(|version| **version != line.version).map(|_| Held {
            reason: "isn't the version that was asked for".to_owned(),
            setting: Some("--precise".to_owned()),
            by_policy: false,
        })
    }
}
