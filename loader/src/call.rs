//! What can be asked of a plugin? The five calls of the protocol.
//!
//! Names are here once: as people and the protocol write them, and as a json/1 module exports them.

use std::fmt;

use mfp_model::plugin::PluginType;

/// The export that a json/1 module of this type must have.
pub(crate) fn export_of(ty: PluginType) -> &'static str {
    match ty {
        PluginType::Auth => "authenticate",
        PluginType::Template => "template_function",
        PluginType::Response => "generate_response",
        PluginType::Datasource => "query_datasource",
    }
}

/// One call of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Auth: are these credentials good?
    Authenticate,
    /// Template: run the function of this name.
    Execute(String),
    /// Template: which functions are there? Optional: a plugin may not know.
    Functions,
    /// Response: make a response.
    Generate,
    /// Datasource: answer a query.
    Query,
}

impl Call {
    /// The call's name in the protocol: `authenticate`, `execute`, `functions`, `generate`, `query`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Execute(_) => "execute",
            Self::Functions => "functions",
            Self::Generate => "generate",
            Self::Query => "query",
        }
    }

    /// The type that a plugin must have to answer it.
    pub fn plugin_type(&self) -> PluginType {
        match self {
            Self::Authenticate => PluginType::Auth,
            Self::Execute(_) | Self::Functions => PluginType::Template,
            Self::Generate => PluginType::Response,
            Self::Query => PluginType::Datasource,
        }
    }

    /// The export of a json/1 module that answers it.
    pub(crate) fn export(&self) -> &'static str {
        match self {
            Self::Functions => FUNCTIONS_EXPORT,
            other => export_of(other.plugin_type()),
        }
    }
}

/// The optional export that answers [`Call::Functions`].
pub(crate) const FUNCTIONS_EXPORT: &str = "template_functions";

/// For people: the protocol's name, with the template function where there's one.
impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execute(function) => write!(out, "execute {}", crate::error::shown(function, 64)),
            other => out.write_str(other.name()),
        }
    }
}
