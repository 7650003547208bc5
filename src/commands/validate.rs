//! `mfp validate`: is the plugin in this folder what it should be?

mod diff;

use mfp_model::content::MANIFEST_FILE;
use mfp_model::plugin::{Dialect, Form, Given, Outline, rewrite};
use mfp_store::fs::write_atomic;

use crate::app::App;
use crate::authoring::check::{Finding, OTHER_MANIFEST_FILE, Place, Severity, Subject, counted, manifest_mistakes, refusal};
use crate::cli::author::ValidateArgs;
use crate::error::Result;
use crate::explain;
use crate::report::document::{Document, FixedDocument, ValidateDocument, ValidateProblem};
use crate::report::{Event, Outcome, clean};

/// Look; mend before that, if it's wanted.
pub(crate) fn run(app: &App<'_>, args: &ValidateArgs) -> Result<Outcome> {
    let mut subject = Subject::open(&app.settings, args.path.as_deref())?;
    let fixed = match args.fix.then(|| fix(app, &subject, args)) {
        None => None,
        Some(Ok(fixed)) => fixed,
        Some(Err(Unfixable::Mistakes(findings))) => return Ok(tell(app, &subject, &findings, None, args.strict)),
        Some(Err(Unfixable::Failed(error))) => return Err(error),
    };
    if fixed.is_some() {
        subject = Subject::open(&app.settings, Some(&subject.root))?;
    }
    let findings = subject.findings(app.settings.now);
    Ok(tell(app, &subject, &findings, fixed, args.strict))
}

/// Why nothing was mended.
enum Unfixable {
    /// What only the author can correct.
    Mistakes(Vec<Finding>),
    /// The disk said no.
    Failed(crate::error::Error),
}

/// Write the manifest anew, if there's something to change in it. The old text is in version control, and in what's said.
fn fix(app: &App<'_>, subject: &Subject, args: &ValidateArgs) -> Result<Option<FixedDocument>, Unfixable> {
    let Ok(text) = std::str::from_utf8(&subject.bytes) else { return Err(Unfixable::Mistakes(subject.findings(app.settings.now))) };
    let typed = Given { id: args.id.clone(), types: args.types.iter().copied().collect() };
    let form = Outline::of(text).and_then(|outline| outline.form());
    let rewritten =
        rewrite(text, &subject.given(form, typed)).map_err(|errors| Unfixable::Mistakes(manifest_mistakes(subject, text, &errors)))?;
    let is_misnamed = subject.file == OTHER_MANIFEST_FILE;
    let Some(rewritten) = rewritten else {
        if !is_misnamed {
            app.reporter.event(Event::Note(format!("{}: nothing to mend", subject.file)));
            return Ok(None);
        }
        write(subject, text).map_err(Unfixable::Failed)?;
        return Ok(Some(renamed(app)));
    };
    write(subject, &rewritten.text).map_err(Unfixable::Failed)?;
    let mut assumptions = rewritten.assumptions;
    if is_misnamed {
        assumptions.push(RENAMED.to_owned());
    }
    let fixed = FixedDocument { form: rewritten.form.to_string(), assumptions, diff: diff::lines(text, &rewritten.text) };
    let did = if rewritten.form == Form::Read(Dialect::Mfp) {
        "Mended plugin.yaml".to_owned()
    } else {
        format!("Wrote plugin.yaml anew; it was in another form: {}", rewritten.form)
    };
    say(app, &did, &fixed);
    Ok(Some(fixed))
}

const RENAMED: &str = "the file is called plugin.yaml";

fn renamed(app: &App<'_>) -> FixedDocument {
    let form = Form::Read(Dialect::Mfp).to_string();
    let fixed = FixedDocument { form, assumptions: vec![RENAMED.to_owned()], diff: Vec::new() };
    say(app, "Renamed plugin.yml", &fixed);
    fixed
}

fn say(app: &App<'_>, did: &str, fixed: &FixedDocument) {
    app.reporter.event(Event::Note(did.to_owned()));
    let sentences = fixed.assumptions.iter().map(|sentence| format!("  • {}", clean(sentence)));
    let lines = fixed.diff.iter().map(|line| format!("  {}", clean(line)));
    for line in sentences.chain(lines) {
        app.reporter.event(Event::Note(line));
    }
}

/// The manifest by its right name, and not by the other.
fn write(subject: &Subject, text: &str) -> Result<()> {
    let path = subject.root.join(MANIFEST_FILE);
    write_atomic(&path, text.as_bytes()).map_err(explain::store)?;
    if subject.file == OTHER_MANIFEST_FILE {
        let other = subject.root.join(OTHER_MANIFEST_FILE);
        std::fs::remove_file(&other).map_err(|error| explain::io("remove", &other, &error))?;
    }
    Ok(())
}

/// Everything that was found, and how it ends.
fn tell(app: &App<'_>, subject: &Subject, findings: &[Finding], fixed: Option<FixedDocument>, strict: bool) -> Outcome {
    for finding in findings {
        let is_warning = finding.severity == Severity::Warning;
        app.reporter.event(Event::Finding { error: Box::new(finding.shown()), is_warning });
    }
    let plugin = subject.root.display().to_string();
    let found = counted(findings).unwrap_or_else(|| "nothing found".to_owned());
    app.reporter.event(Event::Note(format!("Looked at {}: {found}", clean(&plugin))));
    let document = ValidateDocument { plugin, problems: findings.iter().map(problem).collect(), fixed };
    let outcome = Outcome::done(Document::Validate(document));
    match refusal(findings, strict) {
        Some(error) => outcome.refused(error),
        None => outcome,
    }
}

fn problem(finding: &Finding) -> ValidateProblem {
    let place = finding.place.as_ref().map(Place::line_and_column);
    ValidateProblem {
        code: finding.code.to_owned(),
        name: finding.file.clone(),
        message: finding.message.clone(),
        severity: finding.severity.as_str().to_owned(),
        help: finding.shown().help_text().map(str::to_owned),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
    }
}
