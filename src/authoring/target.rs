//! Which registry is meant? A folder, its URL, or a name of the project.

use std::path::PathBuf;

use mfp_model::name::RegistryName;
use mfp_model::registry_files::RegistryConfig;
use url::Url;

use crate::app::App;
use crate::error::{Error, Result};
use crate::project::{MANIFEST, Project};
use crate::report::clean;

/// The folder of the registry that was named, or else of the project's own.
pub(crate) fn folder(app: &App<'_>, named: Option<&str>) -> Result<PathBuf> {
    let Some(named) = named else { return of_project(app, None) };
    let path = app.settings.path(named);
    if path.join(RegistryConfig::FILE).is_file() {
        return Ok(path);
    }
    if let Ok(url) = Url::parse(named)
        && (named.contains("://") || url.scheme() == "file")
    {
        return of_url(&url);
    }
    match named.parse::<RegistryName>() {
        Ok(name) if !path.is_dir() => of_project(app, Some(&name)),
        _ => Ok(path), // it says there what's missing
    }
}

fn of_url(url: &Url) -> Result<PathBuf> {
    match url.to_file_path() {
        Ok(path) if url.scheme() == "file" => Ok(path),
        _ => Err(Error::new(
            "mfp::publish::server",
            format!("{} is a server, and this version of mfp publishes to folders only", mfp_model::source::Redacted(url)),
        )
        .help("publish to the folder that the server serves: `mfp publish --registry DIR`")),
    }
}

fn of_project(app: &App<'_>, name: Option<&RegistryName>) -> Result<PathBuf> {
    let unnamed = || {
        Error::new("mfp::publish::registry", "nothing says which registry is meant")
            .help("name its folder: `--registry DIR`; in a project, that's the `default` under [registries]")
    };
    let project = match Project::open(&app.settings) {
        Ok(project) => project,
        Err(error) if error.code() == "mfp::project::not-found" => {
            return Err(name.map_or_else(unnamed, |name| {
                Error::new(
                    "mfp::publish::registry",
                    format!("there's no folder `{name}` with a registry, and no project that names one so"),
                )
                .help(format!("make a registry: `mfp registry init {name}`"))
            }));
        }
        Err(error) => return Err(error),
    };
    let manifest = project.manifest()?;
    let name = name.unwrap_or(&manifest.project.registry);
    let Some(registry) = manifest.registries.get(name) else {
        return Err(Error::new("mfp::publish::registry", format!("{MANIFEST} names no registry `{}`", clean(name.as_str())))
            .help("name its folder: `--registry DIR`, or add it under [registries]"));
    };
    of_url(&registry.url.resolve(&project.root))
}
