//! Is everything in a registry's folder what it should be? All of it is read, unpacked and proven again; all that's wrong is told,
//! with its place.
//!
//! An error is something that somebody who takes plugins from here would stumble over, or that was tampered with. What a publisher
//! leaves that was killed is a warning: an archive without a line, a search list that lags.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::content::PackagePath;
use mfp_model::index::{IndexDocument, IndexLine};
use mfp_model::name::PluginName;
use mfp_model::registry_files::{Advisories, SearchEntry, SearchList};
use mfp_model::signature::rotation::KeyHistory;
use mfp_model::signature::{Statement, prove_any};
use mfp_model::version::Version;
use mfp_store::Store;

use super::{MAX_DOCUMENT_BYTES, RegistryFolder, files_below, read};
use crate::error::{Error, Result};
use crate::explain;
use crate::report::clean;

/// Something that's not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// The file, below the root.
    pub(crate) file: String,
    /// The line, from 1; `None` if it's about the file.
    pub(crate) line: Option<usize>,
    /// The stable code.
    pub(crate) code: &'static str,
    /// What it is, as a sentence without its full stop.
    pub(crate) message: String,
    /// Is it no more than untidy?
    pub(crate) is_warning: bool,
}

impl Problem {
    /// `index/gr/ee/greet:3: …`
    pub(crate) fn shown(&self) -> String {
        let line = self.line.map(|line| format!("{line}:")).unwrap_or_default();
        format!("{}:{line} {}: {}", clean(&self.file), self.code, clean(&self.message))
    }
}

/// What was looked at, and what's wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) plugins: usize,
    pub(crate) versions: usize,
    /// By file and line.
    pub(crate) problems: Vec<Problem>,
}

impl Checked {
    fn tell(&mut self, file: &str, line: Option<usize>, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem { file: file.to_owned(), line, code, message: message.into(), is_warning: false });
    }

    fn warn(&mut self, file: &str, line: Option<usize>, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem { file: file.to_owned(), line, code, message: message.into(), is_warning: true });
    }

    fn tell_error(&mut self, file: &str, line: Option<usize>, error: &Error) {
        let points = error.point_list().join("; ");
        let message = if points.is_empty() { error.message().to_owned() } else { format!("{}: {points}", error.message()) };
        self.tell(file, line, error.code(), message);
    }

    /// Those that are no warnings.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| !problem.is_warning)
    }
}

/// A line of the index that could be read, and which line it is.
type Line = (usize, IndexLine);

/// Look at everything.
pub(crate) fn check(registry: &RegistryFolder, store: &Store) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut archives: BTreeSet<String> = BTreeSet::new();
    let mut documents: BTreeMap<PluginName, Vec<Line>> = BTreeMap::new();
    for (file, name) in registry.index_files()? {
        let Some(name) = name else {
            checked.warn(&file, None, "mfp::registry::stray", "no plugin's index document belongs here");
            continue;
        };
        let lines = document(registry, &file, &name, &mut checked)?;
        checked.plugins += 1;
        checked.versions += lines.len();
        for (number, line) in &lines {
            archives.extend(registry.archive(line).map(|place| registry.below(&place)));
            if let Err(error) = archive(registry, store, line) {
                checked.tell_error(&file, Some(*number), &error);
            }
        }
        documents.insert(name, lines);
    }
    keys(registry, &mut checked)?;
    advisories(registry, &mut checked)?;
    search(registry, &documents, &mut checked)?;
    if let Some(bulk) = &registry.config.bulk {
        for problem in registry.bulk_problems(bulk)? {
            checked.tell(&bulk.url, None, "mfp::registry::bulk", problem);
        }
    }
    strays(registry, &archives, &mut checked)?;
    checked.problems.sort();
    Ok(checked)
}

/// The lines of a document that can be read; what's wrong with the others, and with their order, is told.
fn document(registry: &RegistryFolder, file: &str, name: &PluginName, checked: &mut Checked) -> Result<Vec<Line>> {
    const CODE: &str = "mfp::registry::index";
    let bytes = read(&registry.root.join(file), MAX_DOCUMENT_BYTES)?.unwrap_or_default();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        checked.tell(file, None, CODE, "its last line has no end: the next would be joined to it");
    }
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in bytes.split(|byte| *byte == b'\n').enumerate().map(|(at, text)| (at + 1, text)) {
        let line = match IndexDocument::parse(text, name) {
            Ok(mut read) if read.lines.len() == 1 => read.lines.remove(0),
            Ok(read) if read.skipped > 0 => {
                checked.warn(file, Some(number), CODE, "it's for a newer mfp, and wasn't looked at");
                continue;
            }
            Ok(_) => continue,
            Err(error) => {
                checked.tell(file, Some(number), CODE, error.message);
                continue;
            }
        };
        if let Some((first, _)) = lines.iter().find(|(_, other)| other.version == line.version) {
            checked.tell(file, Some(number), CODE, format!("{} {} is there already, in line {first}", line.name, line.version));
        }
        if let Some((_, last)) = lines.last().filter(|(_, last)| last.published > line.published) {
            checked.tell(
                file,
                Some(number),
                CODE,
                format!("it was published at {}, before the line above it ({})", line.published, last.published),
            );
        }
        lines.push((number, line));
    }
    Ok(lines)
}

/// The archive of a line: its bytes, what's in it, what it says about itself, and who signed it.
fn archive(registry: &RegistryFolder, store: &Store, line: &IndexLine) -> Result<()> {
    let (manifest, tree) = registry.unpacked(store, line)?;
    manifest.check_against_index(line).map_err(|mismatch| explain::metadata(&line.name, &mismatch))?;
    if let Some(unpacked) = line.unpacked.filter(|unpacked| *unpacked != tree.listing().total_size()) {
        let message = format!("`unpacked` is {unpacked}, and its files have {} bytes", tree.listing().total_size());
        return Err(Error::new("mfp::registry::index", message));
    }
    let Some(signer) = &line.signer else { return Ok(()) };
    let statement = Statement { name: line.name.clone(), version: line.version.clone(), content: line.content }.to_string();
    match prove_any(signer, &statement, tree.signature()) {
        Ok(_) => Ok(()),
        Err(why) => {
            Err(Error::new(why.code(), format!("it's said to be signed by {}, and that isn't proven: {why}", signer.fingerprint())))
        }
    }
}

/// `keys/`: every change must be one that the old key signed for that plugin.
fn keys(registry: &RegistryFolder, checked: &mut Checked) -> Result<()> {
    for relative in files_below(&registry.root.join("keys"))? {
        let file = format!("keys/{relative}");
        let Some(name) = relative.strip_suffix(".ndjson").and_then(|name| name.parse::<PluginName>().ok()) else {
            checked.warn(&file, None, "mfp::registry::stray", "no plugin's keys belong here");
            continue;
        };
        let bytes = read(&registry.root.join(&file), MAX_DOCUMENT_BYTES)?.unwrap_or_default();
        match KeyHistory::parse(&String::from_utf8_lossy(&bytes)) {
            Err(error) => checked.tell(&file, None, "mfp::registry::malformed", error.to_string()),
            Ok(history) => {
                for (at, change) in history.changes().iter().enumerate() {
                    if let Err(why) = change.check(&name) {
                        checked.tell(
                            &file,
                            Some(at + 1),
                            why.code(),
                            format!("{} didn't hand {name} over: {why}", change.old.fingerprint()),
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

fn advisories(registry: &RegistryFolder, checked: &mut Checked) -> Result<()> {
    const CODE: &str = "mfp::registry::malformed";
    let Some(file) = registry.config.advisories.as_deref().filter(|file| file.parse::<PackagePath>().is_ok()) else { return Ok(()) };
    let Some(bytes) = read(&registry.root.join(file), MAX_DOCUMENT_BYTES)? else {
        // A registry that hasn't the document that it names has warned of nothing.
        checked.warn(file, None, CODE, "config.json names it, and it isn't there");
        return Ok(());
    };
    match Advisories::parse(&bytes) {
        Err(error) => checked.tell(file, None, CODE, error.to_string()),
        Ok(read) if read.unreadable > 0 => checked.tell(file, None, CODE, format!("{} of its entries can't be read", read.unreadable)),
        Ok(_) => {}
    }
    Ok(())
}

/// The search list against the index. One that lags is made anew by the next who writes; one that says what was never so isn't.
fn search(registry: &RegistryFolder, documents: &BTreeMap<PluginName, Vec<Line>>, checked: &mut Checked) -> Result<()> {
    const CODE: &str = "mfp::registry::search";
    let Some(place) = registry.search_file() else { return Ok(()) };
    let file = registry.below(&place);
    let Some(bytes) = read(&place, MAX_DOCUMENT_BYTES)? else {
        checked.warn(&file, None, CODE, "config.json names it, and it isn't there");
        return Ok(());
    };
    let listed = match SearchList::parse(&bytes) {
        Ok(listed) => listed,
        Err(error) => {
            checked.tell(&file, None, CODE, error.to_string());
            return Ok(());
        }
    };
    if listed.unreadable > 0 {
        checked.tell(&file, None, CODE, format!("{} of its entries can't be read", listed.unreadable));
    }
    let mut wanted = registry.search_entries()?;
    for entry in listed.entries {
        let SearchEntry { downloads, .. } = entry;
        let now = wanted.remove(&entry.name).map(|now| SearchEntry { downloads, ..now });
        if now.as_ref() == Some(&entry) {
            continue;
        }
        let said = |version: &Version| documents.get(&entry.name).and_then(|lines| lines.iter().find(|(_, line)| line.version == *version));
        match said(&entry.version) {
            Some((_, line)) if (SearchEntry { downloads, ..SearchEntry::of(line) }) == entry => {
                checked.warn(&file, None, CODE, format!("it lags: it has {} {}", entry.name, entry.version));
            }
            Some(_) => checked.tell(&file, None, CODE, format!("it says other things of {} {} than the index", entry.name, entry.version)),
            None => checked.tell(&file, None, CODE, format!("it has {} {}, which the index doesn't", entry.name, entry.version)),
        }
    }
    for name in wanted.into_keys() {
        checked.warn(&file, None, CODE, format!("it lags: {name} isn't in it"));
    }
    Ok(())
}

/// What lies among the registry's own files and belongs to nothing.
fn strays(registry: &RegistryFolder, archives: &BTreeSet<String>, checked: &mut Checked) -> Result<()> {
    const CODE: &str = "mfp::registry::stray";
    // Where archives are, by the template: everything before its first placeholder.
    let template = registry.config.dl.as_str();
    let folder = template.split('{').next().and_then(|fixed| fixed.rsplit_once('/')).map_or("", |(folder, _)| folder);
    if !folder.is_empty() && folder.parse::<PackagePath>().is_ok() {
        for relative in files_below(&registry.root.join(folder))? {
            let file = format!("{folder}/{relative}");
            if !archives.contains(&file) {
                checked.warn(&file, None, CODE, "no version has this archive");
            }
        }
    }
    let named = registry.config.bulk.as_ref().map(|bulk| bulk.url.as_str());
    for relative in files_below(&registry.root.join("bulk"))? {
        let file = format!("bulk/{relative}");
        if named != Some(&file) {
            checked.warn(&file, None, CODE, "config.json doesn't name it");
        }
    }
    Ok(())
}
