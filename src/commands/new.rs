//! `mfp new`: a plugin in a language, ready to be built, tested and packaged.

use std::path::Path;

use mfp_model::license;
use mfp_model::name::{NameError, PluginName};

use crate::app::App;
use crate::authoring::folder;
use crate::authoring::language::Language;
use crate::authoring::templates::{Author, Kind, Line, LineError, NewPlugin};
use crate::cli::new::{NewArgs, Vcs};
use crate::cli::values::value_name;
use crate::error::{Error, Result};
use crate::report::document::{Document, NewDocument};
use crate::report::{Event, Outcome, ask, clean};
use crate::vcs;

/// Make the folder, and say what comes next.
pub(crate) fn run(app: &App<'_>, args: &NewArgs) -> Result<Outcome> {
    let target = app.settings.path(&args.path);
    let name = name_of(&args.path)?;
    folder::refuse_what_is_there(&target)?;
    folder::refuse_here(&target, &app.settings.current_dir)?;
    let kind = chosen(app, args.kind, "--type", "What does it answer?")?;
    let language = chosen(app, args.language, "--lang", "Which language is it in?")?;
    let plugin = NewPlugin {
        name,
        kind,
        language,
        description: args.description.as_deref().map(|text| said("--description", text)).transpose()?,
        author: author(args, &target)?,
        licenses: licenses(&args.license)?,
        license: args.license.clone(),
        year: app.settings.now.to_zoned(jiff::tz::TimeZone::UTC).year(),
        sdk: args.sdk.as_deref().map(|folder| sdk(&app.settings.path(folder), language)).transpose()?,
    };
    if plugin.is_reserved() {
        return Err(reserved(&plugin));
    }
    let files = plugin.files();
    let makes_repository = match args.vcs {
        Some(vcs) => vcs == Vcs::Git,
        None => !vcs::is_inside_repository(&target),
    };
    folder::create(&target, &files, |staged| if makes_repository { vcs::init(staged) } else { Ok(()) })?;
    report(app, args, &plugin, files.len(), makes_repository);
    Ok(Outcome::done(Document::New(NewDocument {
        name: plugin.name.to_string(),
        path: target.display().to_string(),
        kind: value_name(&kind),
        language: value_name(&language),
        repository: makes_repository,
        files: files.into_keys().collect(),
    })))
}

/// The last part of the path.
fn name_of(path: &Path) -> Result<PluginName> {
    let Some(text) = path.file_name() else {
        return Err(Error::new("mfp::new::name", format!("`{}` ends in no name", clean(&path.display().to_string())))
            .help("name the plugin: `mfp new auth-tokens`, or `mfp new plugins/auth-tokens`"));
    };
    let text = text.to_string_lossy();
    text.parse().map_err(|error: NameError| {
        let help = match &error {
            NameError::Spelling { would_be } => {
                format!("`mfp new {}`", path.with_file_name(would_be).display())
            }
            _ => "a name is like `auth-tokens`: letters, digits and single hyphens".to_owned(),
        };
        Error::new("mfp::new::name", format!("`{}` can't be a plugin's name: {error}", clean(&text))).help(clean(&help).into_owned())
    })
}

/// What was given, or what a person at the terminal chooses.
fn chosen<T: clap::ValueEnum + Copy>(app: &App<'_>, given: Option<T>, flag: &str, question: &str) -> Result<T> {
    if let Some(given) = given {
        return Ok(given);
    }
    let values = T::value_variants();
    let choices: Vec<(String, String)> = values.iter().map(|value| (value_name(value), what_it_is(value))).collect();
    if app.may_ask() {
        return Ok(values[ask::choose(question, &choices)?]);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| name.as_str()).collect();
    Err(Error::new("mfp::usage::arguments", format!("`{flag}` is missing, and nobody is there to ask"))
        .points(choices.iter().map(|(name, what)| format!("{flag} {name}: {what}")))
        .help(format!("add one: `{flag} {}`", names.join("|")))
        .detail("choices", names))
}

fn what_it_is(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
}

fn said(flag: &str, text: &str) -> Result<Line> {
    text.parse().map_err(|error| unusable(flag, &error))
}

fn unusable(flag: &str, error: &LineError) -> Error {
    Error::new("mfp::usage::arguments", format!("what `{flag}` says can't be used: {error}")).help("give it as one line of text")
}

/// Who was named, else whom git knows; nobody if that can't be used.
fn author(args: &NewArgs, target: &Path) -> Result<Option<Author>> {
    match &args.author {
        Some(text) => text.parse().map(Some).map_err(|error| unusable("--author", &error)),
        None => Ok(vcs::user(target)
            .and_then(|(name, email)| Some(Author { name: name.parse().ok()?, email: email.and_then(|email| email.parse().ok()) }))),
    }
}

fn licenses(expression: &str) -> Result<Vec<String>> {
    license::identifiers(expression).map_err(|error| {
        Error::new("mfp::usage::arguments", format!("what `--license` says isn't an SPDX expression: {}", clean(&error)))
            .help("as in `--license MIT`, `--license \"MIT OR Apache-2.0\"`; the identifiers are at https://spdx.org/licenses/")
    })
}

/// The SDK's folder, as the new plugin's files name it.
fn sdk(folder: &Path, language: Language) -> Result<Line> {
    let Some(package) = language.sdk() else {
        return Err(Error::new("mfp::usage::arguments", format!("a plugin in {language} needs no SDK")).help("leave `--sdk` out"));
    };
    let found = package.find(folder).and_then(|found| found.canonicalize().ok()).ok_or_else(|| {
        Error::new("mfp::new::sdk", format!("there's no SDK for {language} in {}", folder.display()))
            .help("name the folder of a checkout, `sdk` in it or the SDK's own; or leave `--sdk` out: then a copy comes with the plugin")
    })?;
    said("--sdk", &found.to_string_lossy().replace('\\', "/"))
}

fn reserved(plugin: &NewPlugin) -> Error {
    let (name, language) = (&plugin.name, plugin.language);
    Error::new("mfp::new::name", format!("`{name}` can't be the name of a plugin in {language}, which has it for something else"))
        .help(format!("add a word: `mfp new {}-{name}`", value_name(&plugin.kind)))
}

fn report(app: &App<'_>, args: &NewArgs, plugin: &NewPlugin, files: usize, is_repository: bool) {
    let note = |text: String| app.reporter.event(Event::Note(text));
    let (name, language) = (&plugin.name, plugin.language);
    let what = match plugin.kind {
        Kind::Full => "a plugin of all four types",
        Kind::Auth => "an auth plugin",
        Kind::Template => "a template plugin",
        Kind::Response => "a response plugin",
        Kind::Datasource => "a datasource plugin",
    };
    let repository = if is_repository { ", in a git repository" } else { "" };
    note(format!("Made {name}, {what} in {language}: {files} files{repository}"));
    for id in plugin.licenses_without_text() {
        let text = format!("the text of {id} isn't part of mfp: put it into the plugin's folder as LICENSE (https://spdx.org/licenses/)");
        app.reporter.event(Event::Warning { code: "mfp::new::license", text });
    }
    note("Next:".to_owned());
    let enter = format!("cd {}", folder::shown(&args.path));
    let commands: &[&str] = if plugin.language.is_service() {
        &[&enter, "mfp test", ".venv/bin/python src/service.py"]
    } else {
        &[&enter, "mfp build", "mfp test", "mfp package"]
    };
    for command in commands {
        note(format!("  {command}"));
    }
}
