//! Where do plugins come from? The network and the disk outside the store, behind plain questions.
//!
//! [`mod@registry`] knows what a registry has, [`declared`] what a URL or a folder holds, [`git`] what a repository has, [`gather`]
//! asks as much of them as a decision needs, [`fetch`] brings the bytes that a lock names. All of them talk through
//! [`http`], which is the one gate to the network; only the `ssh` program, for git, has a way of its own.

use std::collections::BTreeMap;
use std::path::Path;

use mfp_model::name::RegistryName;
use mfp_model::project::Manifest;

use crate::app::App;
use crate::error::{Error, Result};
use crate::report::Reporter;
use http::Http;
use registry::RegistryClient;

pub(crate) mod credentials;
pub(crate) mod declared;
pub(crate) mod fetch;
pub(crate) mod gather;
pub(crate) mod git;
pub(crate) mod http;
pub(crate) mod registry;

/// What the world outside offers to a project.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    app: &'a App<'a>,
    pub(crate) http: Http,
}

/// The registries of a project, by name, ready to be asked.
pub(crate) type Registries<'a> = BTreeMap<RegistryName, RegistryClient<'a>>;

impl<'a> Sources<'a> {
    pub(crate) fn new(app: &'a App<'a>) -> Result<Self> {
        Ok(Self { app, http: Http::new(&app.settings, app.credentials()?) })
    }

    /// The only thing that prints.
    pub(crate) fn reporter(&self) -> &'a Reporter {
        self.app.reporter
    }

    /// Clients for the registries that a manifest names. Nothing is asked yet.
    pub(crate) fn registries<'s>(&'s self, manifest: &Manifest, root: &Path) -> Result<Registries<'s>> {
        let settings = &self.app.settings;
        let client = |(name, registry): (&RegistryName, _)| {
            let caches = (&self.app.documents, settings.cache_dir.as_path());
            let client = RegistryClient::new(name.clone(), registry, root, &settings.user.mirrors, caches, &self.http, settings.now)?;
            Ok((name.clone(), client))
        };
        manifest.registries.iter().map(client).collect()
    }
}

/// One of the project's registries, which must be declared.
pub(crate) fn registry<'r, 'a>(registries: &'r Registries<'a>, name: &RegistryName) -> Result<&'r RegistryClient<'a>> {
    registries.get(name).ok_or_else(|| no_registry(name))
}

fn no_registry(name: &RegistryName) -> Error {
    Error::new("mfp::registry::undeclared", format!("the project names no registry `{name}`"))
        .help(format!("add it to mockforge-plugins.toml:\n[registries]\n{name} = \"https://…/\""))
}
