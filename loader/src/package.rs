//! What is a plugin whose code runs here given? All that it has beside its code.
//!
//! Guests share it: it never changes while the plugin is loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use mfp_model::name::PluginName;

use crate::capability::files::Folders;
use crate::content::{Content, ReadError, read_verified};
use crate::error::shown;
use crate::limits::Limits;
use crate::options::LoaderOptions;
use crate::outbound::Access;
use crate::plugins::Loaded;

/// A plugin as its guests and the host functions see it.
pub(crate) struct Package {
    pub(crate) name: PluginName,
    pub(crate) limits: Limits,
    /// The checked configuration as JSON text.
    pub(crate) config: String,
    pub(crate) content: Arc<dyn Content>,
    /// The plugins that it may call.
    pub(crate) dependencies: BTreeMap<PluginName, Arc<Loaded>>,
    /// Its way to the network, if a host was approved for it.
    pub(crate) http: Option<Access>,
    /// The folders that it sees, if it's a component that looks for any.
    pub(crate) folders: Folders,
    pub(crate) options: Arc<LoaderOptions>,
}

impl Package {
    /// A file of the package, checked against the listing, if it has at most `most` bytes. `Err` is for the guest to read.
    pub(crate) fn asset(&self, path: &str, most: u64) -> Result<Vec<u8>, String> {
        let named = shown(path, 100);
        let (path, entry) = self.content.listing().find(path).ok_or_else(|| format!("the plugin has no file `{named}`"))?;
        if entry.size > most {
            return Err(format!("`{named}` has {} bytes, too many to be given at once", entry.size));
        }
        read_verified(&*self.content, path, *entry).map_err(|error| match error {
            ReadError::Io(error) => format!("`{named}` can't be read: {error}"),
            ReadError::Changed => format!("`{named}` isn't the file that was locked"),
        })
    }
}
