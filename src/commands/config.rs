//! `mfp config get|set|list|path`: the user's configuration.

use std::collections::BTreeMap;
use std::path::Path;

use mfp_model::source::Redacted;
use mfp_store::fs::write_atomic;
use url::Url;

use crate::app::App;
use crate::cli::tools::{ConfigAction, ConfigArgs};
use crate::error::{Error, Result};
use crate::explain;
use crate::report::Outcome;
use crate::report::document::{ConfigDocument, Document};
use crate::user_config::{KEYS, get_value, set_value, table_values};

/// Read or write one value, list what's set, or say where the file is.
pub(crate) fn run(app: &App<'_>, args: &ConfigArgs) -> Result<Outcome> {
    let file = app.settings.user_config_file.as_deref();
    let text = file
        .filter(|file| file.exists())
        .map(|file| std::fs::read_to_string(file).map_err(|error| explain::io("read", file, &error)))
        .transpose()?
        .unwrap_or_default();
    match &args.action {
        ConfigAction::Path => Ok(outcome(file, BTreeMap::new(), format!("{}\n", place(file)?.display()))),
        ConfigAction::Get { key } => get(file, &text, key),
        ConfigAction::Set { key, value } => set(place(file)?, &text, key, value),
        ConfigAction::List => list(file, &text),
    }
}

fn place(file: Option<&Path>) -> Result<&Path> {
    file.ok_or_else(|| {
        Error::new("mfp::io::no-home", "there's no home folder to keep the configuration in")
            .help("name a file with `--config FILE`, or set HOME")
    })
}

fn get(file: Option<&Path>, text: &str, key: &str) -> Result<Outcome> {
    match get_value(text, key)? {
        Some(value) => Ok(outcome(file, BTreeMap::from([(key.to_owned(), value.clone())]), format!("{value}\n"))),
        None => Err(Error::new("mfp::config::not-set", format!("`{key}` isn't set")).help(format!("`mfp config set {key} VALUE`"))),
    }
}

fn set(file: &Path, text: &str, key: &str, value: &str) -> Result<Outcome> {
    let changed = set_value(text, key, value, file)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| explain::io("make the folder", folder, &error))?;
    }
    write_atomic(file, changed.as_bytes()).map_err(explain::store)?;
    Ok(outcome(Some(file), BTreeMap::from([(key.to_owned(), shown(value))]), String::new()))
}

fn list(file: Option<&Path>, text: &str) -> Result<Outcome> {
    let mut values = BTreeMap::new();
    let mut lines = Vec::new();
    for (key, meaning) in KEYS {
        let inner = table_values(text, key);
        for (key, value) in &inner {
            lines.push(format!("{key} = {}\n", shown(value)));
        }
        values.extend(inner.iter().map(|(key, value)| (key.clone(), shown(value))));
        match get_value(text, key)? {
            _ if !inner.is_empty() => {}
            Some(value) => {
                lines.push(format!("{key} = {}\n", shown(&value)));
                values.insert((*key).to_owned(), shown(&value));
            }
            None => lines.push(format!("# {key}: {meaning}\n")),
        }
    }
    Ok(outcome(file, values, lines.concat()))
}

/// A value in a list: a proxy's URL may have a password in it, which only who asks for that one value sees.
fn shown(value: &str) -> String {
    match Url::parse(value) {
        Ok(url) if url.password().is_some() || !url.username().is_empty() => Redacted(&url).to_string(),
        _ => value.to_owned(),
    }
}

fn outcome(file: Option<&Path>, values: BTreeMap<String, String>, text: String) -> Outcome {
    Outcome::done(Document::Config(ConfigDocument { path: file.map(|file| file.display().to_string()), values })).text(text)
}
