//! What is a plugin whose code runs here given? All that it has beside its code.
//!
//! Guests share it: it never changes while the plugin is loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use mfp_model::name::PluginName;

use crate::content::Content;
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
    pub(crate) options: Arc<LoaderOptions>,
}
