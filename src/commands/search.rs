//! `mfp search`: look through a registry's list.

use mfp_model::registry_files::SearchEntry;

use crate::app::App;
use crate::cli::look::SearchArgs;
use crate::error::{Error, Result};
use crate::report::document::{Document, SearchDocument, SearchHit};
use crate::report::{Event, Outcome, clean};
use crate::sources::registry;

/// Every word must occur in a name, a description or a keyword; names count most.
pub(crate) fn run(app: &App<'_>, args: &SearchArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let sources = app.sources()?;
    let registries = sources.registries(&manifest, &project.root)?;
    let name = args.registry.as_ref().unwrap_or(&manifest.project.registry);
    let words: Vec<String> = args.words.iter().map(|word| word.to_lowercase()).collect();
    let list = app.wait(async { registry(&registries, name)?.search_list(&words.join(" ")).await })?;
    let list = list.ok_or_else(|| {
        Error::new("mfp::registry::no-search", format!("registry `{name}` offers no list to search"))
            .help("ask for a plugin by its name: `mfp info NAME`")
    })?;
    let mut hits: Vec<(u32, SearchEntry)> = list.into_iter().filter_map(|entry| Some((score(&entry, &words)?, entry))).collect();
    hits.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.name.cmp(&right.name)));
    hits.truncate(args.limit);
    if hits.is_empty() {
        app.reporter.event(Event::Note("Nothing was found".to_owned()));
    }
    let hits: Vec<SearchHit> = hits.into_iter().map(|(_, entry)| hit(&entry)).collect();
    let text = hits
        .iter()
        .map(|hit| format!("{} {} [{}]  {}\n", hit.name, hit.version, hit.types.join(", "), clean(&hit.description)))
        .collect::<Vec<_>>()
        .concat();
    Ok(Outcome::done(Document::Search(SearchDocument { results: hits })).text(text))
}

fn score(entry: &SearchEntry, words: &[String]) -> Option<u32> {
    let description = entry.description.as_deref().unwrap_or_default().to_lowercase();
    let one = |word: &String| match () {
        () if entry.name.as_str() == word => Some(8),
        () if entry.name.as_str().contains(word.as_str()) => Some(4),
        () if entry.keywords.iter().any(|keyword| keyword.to_lowercase() == *word) => Some(3),
        () if entry.types.iter().any(|kind| kind.as_str() == word) => Some(2),
        () if description.contains(word.as_str()) => Some(1),
        () => None,
    };
    words.iter().map(one).sum()
}

fn hit(entry: &SearchEntry) -> SearchHit {
    SearchHit {
        name: entry.name.to_string(),
        version: entry.version.to_string(),
        description: entry.description.as_deref().unwrap_or_default().to_owned(),
        types: entry.types.iter().map(ToString::to_string).collect(),
    }
}
