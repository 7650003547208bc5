//! `mfp doctor`: what could be wrong on this machine?

use std::path::Path;

use mfp_model::source::Source;

use crate::app::App;
use crate::authoring::OwnPlugin;
use crate::authoring::build::{self, Toolchain, Tools};
use crate::cli::tools::DoctorArgs;
use crate::error::{Error, Result};
use crate::project::Project;
use crate::report::document::{Document, Problem, ProblemsDocument};
use crate::report::{Outcome, plural};
use crate::sources::git::program::{self, Program};

/// One look, and what it found.
struct Finding {
    what: &'static str,
    found: String,
    /// Is it there, or as it should be? What isn't needn't be a problem.
    is_fine: bool,
    problem: Option<Problem>,
}

impl Finding {
    fn mark(&self) -> &'static str {
        match (&self.problem, self.is_fine) {
            (Some(_), _) => "✗",
            (None, true) => "✓",
            (None, false) => "-",
        }
    }
}

/// Look at the folders, the configuration, the proxies and the project; open no socket.
#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn run(app: &App<'_>, _args: &DoctorArgs) -> Result<Outcome> {
    let settings = &app.settings;
    let mut findings = vec![
        fine("mfp", format!("{} ({}, {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)),
        fine(
            "user configuration",
            settings.user_config_file.as_deref().map_or_else(
                || "none".to_owned(),
                |file| if file.exists() { file.display().to_string() } else { format!("{} (not there)", file.display()) },
            ),
        ),
        store(app),
        folder("cache", &settings.cache_dir),
        fine("network", if settings.offline { "offline".to_owned() } else { proxies(app) }),
        fine("CI", if settings.ci { "yes: sync and run imply --locked".to_owned() } else { "no".to_owned() }),
    ];
    findings.extend(ca_file(app));
    findings.extend(project(app));
    findings.extend(git(app));
    findings.extend(toolchains(app));
    let text =
        findings.iter().map(|finding| format!("{} {:20} {}\n", finding.mark(), finding.what, finding.found)).collect::<Vec<_>>().concat();
    let checked = findings.len();
    let problems: Vec<Problem> = findings.into_iter().filter_map(|finding| finding.problem).collect();
    let points: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.name, problem.message)).collect();
    let head = format!("{} found", plural(points.len(), "problem"));
    let outcome = Outcome::done(Document::Problems(ProblemsDocument { problems, checked, as_of: Vec::new() })).text(text);
    Ok(if points.is_empty() {
        outcome
    } else {
        outcome
            .refused(Error::new("mfp::doctor::problems", head).points(points).help("correct them one by one, then run `mfp doctor` again"))
    })
}

fn fine(what: &'static str, found: String) -> Finding {
    Finding { what, found, is_fine: true, problem: None }
}

fn wrong(what: &'static str, found: String, code: &str, message: String) -> Finding {
    Finding { what, found, is_fine: false, problem: Some(Problem { code: code.to_owned(), name: what.to_owned(), message }) }
}

fn store(app: &App<'_>) -> Finding {
    let path = app.settings.store_dir.display().to_string();
    match app.store() {
        Ok(store) if store.is_read_only() => fine("store", format!("{path} (read-only)")),
        Ok(_) => fine("store", path),
        Err(error) => wrong("store", path, error.code(), error.message().to_owned()),
    }
}

fn folder(what: &'static str, path: &Path) -> Finding {
    let shown = path.display().to_string();
    match std::fs::create_dir_all(path).and_then(|()| tempfile::tempfile_in(path)) {
        Ok(_) => fine(what, shown),
        Err(error) => wrong(what, shown, "mfp::io::failed", format!("can't be written: {error}")),
    }
}

fn proxies(app: &App<'_>) -> String {
    match (app.settings.proxies.any(), &app.settings.user.network.proxy) {
        (true, _) => "through the proxies that the environment names".to_owned(),
        (false, Some(_)) => "through the proxy of the user configuration".to_owned(),
        (false, None) => "direct".to_owned(),
    }
}

fn ca_file(app: &App<'_>) -> Option<Finding> {
    let file = app.settings.user.network.ca_file.as_ref()?;
    let shown = file.display().to_string();
    Some(if file.is_file() { fine("CA file", shown) } else { wrong("CA file", shown, "mfp::usage::ca-file", "isn't there".to_owned()) })
}

fn project(app: &App<'_>) -> Vec<Finding> {
    let project = match Project::open(&app.settings) {
        Ok(project) => project,
        Err(error) if error.code() == "mfp::project::not-found" => return vec![fine("project", "none here".to_owned())],
        Err(error) => return vec![wrong("project", "can't be read".to_owned(), error.code(), reason(&error))],
    };
    let mut findings = vec![match project.manifest() {
        Ok(manifest) => fine("project", format!("{} ({})", project.root.display(), plural(manifest.plugins.len(), "plugin"))),
        Err(error) => wrong("project", project.root.display().to_string(), error.code(), reason(&error)),
    }];
    findings.push(match project.lock() {
        Ok(Some(lock)) => fine("plugins.lock", plural(lock.plugins.len(), "plugin")),
        Ok(None) => fine("plugins.lock", "not there yet: `mfp lock` makes it".to_owned()),
        Err(error) => wrong("plugins.lock", "can't be read".to_owned(), error.code(), reason(&error)),
    });
    findings
}

/// The programs that repositories of git are reached through, where they aren't over https. Who has no such plugin needs neither, so
/// what's missing is a problem only in a project that does.
fn git(app: &App<'_>) -> Vec<Finding> {
    let needed = needed_for_git(app);
    let tools = Tools::new(app, &app.settings.current_dir);
    let finding = |what: &'static str, program: Program, used: &str, how: &str| match tools.find(what) {
        Some(place) => fine(what, place.display().to_string()),
        None if needed.contains(&program) => {
            wrong(what, "missing".to_owned(), "mfp::git::program", format!("this project has plugins {used}: {how}"))
        }
        None => Finding { what, found: format!("not there; for plugins {used}: {how}"), is_fine: false, problem: None },
    };
    let ssh = if needed.contains(&Program::OwnSsh) {
        fine("ssh", "as GIT_SSH_COMMAND or core.sshCommand says".to_owned())
    } else {
        finding("ssh", Program::Ssh, "from git over ssh", "install an ssh client; https needs none")
    };
    vec![ssh, finding("git", Program::Git, "from git repositories in folders (`file:`)", "install git; https and ssh need none")]
}

/// What the project's plugins need; nothing if there's no project that can be read, which is said already.
fn needed_for_git(app: &App<'_>) -> Vec<Program> {
    let Ok(project) = Project::open(&app.settings) else { return Vec::new() };
    let Ok(manifest) = project.manifest() else { return Vec::new() };
    let urls = manifest.plugins.values().filter_map(|plugin| match &plugin.request.source {
        Source::Git { url, .. } => Some(url),
        _ => None,
    });
    urls.filter_map(|url| program::needed(&app.settings, &project.root, url).ok().flatten()).collect()
}

/// What plugins are written with. Who uses plugins needs none of it: what's missing is a problem only in the folder of a plugin
/// that's written in that language.
fn toolchains(app: &App<'_>) -> Vec<Finding> {
    let own = OwnPlugin::open(&app.settings, None).ok().and_then(|plugin| build::detect(&plugin).ok());
    let finding = |toolchain: Toolchain| match toolchain.found {
        Ok(found) => fine(toolchain.name, found),
        Err(error) => {
            let how = error.help_text().unwrap_or_default().to_owned();
            let is_needed = own.is_some_and(|language| toolchain.languages.contains(&language));
            if is_needed {
                wrong(toolchain.name, "missing".to_owned(), error.code(), format!("{}: {how}", error.message()))
            } else {
                Finding { what: toolchain.name, found: format!("not there; for plugins of your own: {how}"), is_fine: false, problem: None }
            }
        }
    };
    build::toolchains(app).into_iter().map(finding).collect()
}

/// What an error says, and where in the file it says it.
fn reason(error: &Error) -> String {
    match error.source_excerpt() {
        Some(excerpt) => excerpt.label.clone(),
        None => error.message().to_owned(),
    }
}
