//! `mfp examples`: the plugins to learn from, and a copy of one to build and change.

use mfp_model::text;

use crate::app::App;
use crate::authoring::examples::{Example, all};
use crate::authoring::folder;
use crate::cli::new::ExamplesArgs;
use crate::error::{Error, Result};
use crate::report::document::{CopiedExample, Document, ExampleDocument, ExamplesDocument};
use crate::report::{Event, Outcome, clean};

/// List them, or copy one.
pub(crate) fn run(app: &App<'_>, args: &ExamplesArgs) -> Result<Outcome> {
    let examples = all();
    let Some(name) = &args.name else { return Ok(list(&examples)) };
    let example = examples.iter().find(|example| example.name() == name).ok_or_else(|| unknown(name, &examples))?;
    let directory = args.directory.clone().unwrap_or_else(|| name.into());
    let target = app.settings.path(&directory);
    folder::refuse_here(&target, &app.settings.current_dir)?;
    let files = example.files();
    folder::create(&target, &files, |_| Ok(()))?;
    let note = |text: String| app.reporter.event(Event::Note(text));
    note(format!("Copied {name}, in {}: {} files", example.language(), files.len()));
    note("Next:".to_owned());
    for command in [format!("cd {}", folder::shown(&directory)), "mfp build".to_owned(), "mfp test".to_owned()] {
        note(format!("  {command}"));
    }
    let copied = CopiedExample { name: name.clone(), path: target.display().to_string(), files: files.into_keys().collect() };
    Ok(Outcome::done(Document::Examples(ExamplesDocument { examples: examples.iter().map(document).collect(), copied: Some(copied) })))
}

fn list(examples: &[Example]) -> Outcome {
    let width = examples.iter().map(|example| example.name().len()).max().unwrap_or_default();
    let line = |example: &Example| {
        let description = example.manifest.description.as_deref().unwrap_or_default();
        format!("{:width$}  {} ({})\n", example.name(), description, example.language())
    };
    let text = examples.iter().map(line).collect();
    let document = ExamplesDocument { examples: examples.iter().map(document).collect(), copied: None };
    Outcome::done(Document::Examples(document)).text(text)
}

fn document(example: &Example) -> ExampleDocument {
    let manifest = &example.manifest;
    ExampleDocument {
        name: example.name().to_owned(),
        version: manifest.version.to_string(),
        types: manifest.types.iter().map(ToString::to_string).collect(),
        language: example.language().to_string(),
        description: manifest.description.clone(),
    }
}

fn unknown(name: &str, examples: &[Example]) -> Error {
    let names = || examples.iter().map(Example::name);
    let help = match text::nearest(name, names()) {
        Some(meant) => format!("did you mean `mfp examples {meant}`?"),
        None => "`mfp examples` lists them".to_owned(),
    };
    Error::new("mfp::new::example", format!("there's no example `{}`", clean(name)))
        .help(help)
        .detail("examples", names().collect::<Vec<_>>())
}
