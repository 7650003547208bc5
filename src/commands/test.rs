//! `mfp test`: does a plugin of the author's own do what it's to do?

use mfp_model::plugin::{Conformance, Runtime};

use crate::app::App;
use crate::authoring::OwnPlugin;
use crate::authoring::build::{BuildOptions, Tested, build, own_tests};
use crate::authoring::conformance::{self, Asked, Ran};
use crate::cli::build::TestArgs;
use crate::commands::build::told;
use crate::error::{Error, Result};
use crate::report::document::{Document, OwnTestsDocument, RequestDocument, TestDocument};
use crate::report::{Event, Outcome, clean, elapsed, plural};

/// Build, run the language's own tests, ask the manifest's requests.
pub(crate) fn run(app: &App<'_>, args: &TestArgs) -> Result<Outcome> {
    let plugin = OwnPlugin::open(&app.settings, args.path.as_deref())?;
    let requests = chosen(args, conformance::requests(&plugin)?)?;
    let is_service = plugin.manifest.runtime == Runtime::Remote;
    if !args.no_build && !is_service {
        let outcome = build(app, &plugin, BuildOptions { optimize: true, always: false })?;
        app.reporter.event(Event::Note(told(&plugin, &outcome)));
    }
    let own = if args.only.is_some() { None } else { Some(own_tests(app, &plugin)?) };
    if let Some(own) = &own {
        app.reporter.event(Event::Note(own_told(own)));
    }
    let ran = asked(app, args, &plugin, &requests)?;
    for one in &ran {
        app.reporter.event(Event::Note(line(one)));
    }
    Ok(outcome(args, &plugin, own, &ran))
}

/// The requests that are wanted.
fn chosen(args: &TestArgs, requests: Vec<Conformance>) -> Result<Vec<Conformance>> {
    let Some(text) = &args.only else { return Ok(requests) };
    let names: Vec<String> = requests.iter().map(|request| clean(&request.name).into_owned()).collect();
    let chosen: Vec<Conformance> = requests.into_iter().filter(|request| request.name.contains(text.as_str())).collect();
    if chosen.is_empty() {
        return Err(Error::new("mfp::test::none", format!("no request of plugin.yaml has `{}` in its name", clean(text))).points(names));
    }
    Ok(chosen)
}

/// Ask them, if there's somebody to ask.
fn asked(app: &App<'_>, args: &TestArgs, plugin: &OwnPlugin, requests: &[Conformance]) -> Result<Vec<Ran>> {
    let is_service = plugin.manifest.runtime == Runtime::Remote;
    let asked = match (&args.endpoint, is_service) {
        (Some(endpoint), true) => Asked::Service(endpoint),
        (Some(_), false) => {
            return Err(Error::new("mfp::test::endpoint", format!("{} isn't a service: its code runs in the sandbox", plugin.manifest.id))
                .help("leave `--endpoint` out"));
        }
        (None, true) => {
            if !requests.is_empty() {
                app.reporter.event(Event::Note("Its requests are asked of a service that's running: `mfp test --endpoint URL`".to_owned()));
            }
            return Ok(Vec::new());
        }
        (None, false) => Asked::Sandbox { deterministic: args.deterministic },
    };
    if requests.is_empty() {
        app.reporter.event(Event::Note("plugin.yaml has no `tests:`: nothing is asked in the sandbox".to_owned()));
    }
    conformance::run(app, plugin, requests, asked)
}

fn own_told(own: &Tested) -> String {
    match own {
        Tested::Passed(with) => format!("ok    its own tests (`{with}`)"),
        Tested::Failed(how) => format!("FAIL  its own tests: {how}"),
        Tested::None(why) => format!("      no tests of its own: {why}"),
    }
}

/// `ok    a known token (1ms)`
fn line(ran: &Ran) -> String {
    let cost = ran.fuel.map_or_else(|| elapsed(ran.elapsed), |fuel| format!("{fuel} steps"));
    let name = clean(&ran.name);
    if ran.passed() {
        return format!("ok    {name} ({cost})");
    }
    let differences: String = ran.differences.iter().map(|difference| format!("\n        {difference}")).collect();
    format!("FAIL  {name} ({cost}){differences}")
}

fn outcome(args: &TestArgs, plugin: &OwnPlugin, own: Option<Tested>, ran: &[Ran]) -> Outcome {
    let own_failed = matches!(own, Some(Tested::Failed(_)));
    let failed: Vec<&Ran> = ran.iter().filter(|one| !one.passed()).collect();
    let mut points: Vec<String> = failed.iter().map(|one| clean(&one.name).into_owned()).collect();
    if own_failed {
        points.insert(0, "its own tests".to_owned());
    }
    let document = document(args, plugin, own, ran);
    let done = Outcome::done(Document::Test(document));
    if points.is_empty() {
        return done;
    }
    let what = format!("{} of {} failed", plural(points.len(), "test"), plugin.manifest.id);
    done.refused(
        Error::new("mfp::test::failed", what).points(points).help("what differs stands above; `mfp test --only NAME` asks one again"),
    )
}

fn document(args: &TestArgs, plugin: &OwnPlugin, own: Option<Tested>, ran: &[Ran]) -> TestDocument {
    let own = match own {
        Some(Tested::Passed(with)) => Some(OwnTestsDocument { passed: true, how: with }),
        Some(Tested::Failed(how)) => Some(OwnTestsDocument { passed: false, how }),
        Some(Tested::None(_)) | None => None,
    };
    let request = |one: &Ran| RequestDocument {
        name: one.name.clone(),
        call: one.call.as_str(),
        passed: one.passed(),
        differences: one.differences.clone(),
        answer: one.answer.clone(),
        steps: one.fuel,
        elapsed_us: u64::try_from(one.elapsed.as_micros()).unwrap_or(u64::MAX),
    };
    TestDocument {
        plugin: plugin.manifest.id.to_string(),
        deterministic: args.deterministic,
        own,
        requests: ran.iter().map(request).collect(),
    }
}
