//! The reporter: events become lines on stderr, an outcome becomes stdout.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::{Error, Exit};
use crate::report::document::{Document, Envelope};
use crate::report::render::{Style, error_text, warning_text};
use crate::report::{ChangeLine, Event, Outcome, clean, elapsed, gate, neutral_line, plural, size};
use crate::settings::Talk;

/// The only thing that prints. Shared by everything that has something to say.
#[derive(Debug)]
pub(crate) struct Reporter {
    talk: Talk,
    style: Style,
    bar: Mutex<Option<ProgressBar>>,
    warnings: Mutex<Vec<(&'static str, String)>>,
    command: OnceLock<&'static str>,
    has_started: AtomicBool,
}

impl Reporter {
    /// A reporter that talks this way.
    pub(crate) fn new(talk: Talk) -> Self {
        Self {
            talk,
            style: Style { color: talk.color_stderr },
            bar: Mutex::new(None),
            warnings: Mutex::new(Vec::new()),
            command: OnceLock::new(),
            has_started: AtomicBool::new(false),
        }
    }

    /// Which command is it that talks?
    pub(crate) fn set_command(&self, command: &'static str) {
        let _ = self.command.set(command);
    }

    /// Something happened.
    pub(crate) fn event(&self, event: Event) {
        let style = self.style;
        match event {
            Event::FetchPlanned { total } => self.begin_bar(total),
            Event::FetchProgress { bytes } => self.with_bar(|bar| bar.inc(bytes)),
            Event::FetchDone { name } => self.with_bar(|bar| bar.set_message(neutral_line(&name))),
            Event::Fetched { count, bytes, elapsed: time } => {
                self.end_bar();
                let amount = if bytes == 0 { String::new() } else { format!(" ({})", size(bytes)) };
                if count > 0 {
                    self.did("Fetched", count, time, &amount);
                }
            }
            Event::Resolved { count, elapsed } => self.did("Resolved", count, elapsed, ""),
            Event::Installed { count, elapsed } => self.did("Installed", count, elapsed, ""),
            Event::Removed { count } => self.line(&format!("Removed {}", style.bold(&plural(count, "plugin")))),
            Event::Checked { count, elapsed } => self.did("Checked", count, elapsed, ""),
            Event::Changes(changes) if changes.is_empty() => {}
            Event::Changes(changes) => self.line(&changes.iter().map(|change| change_text(style, change)).collect::<Vec<_>>().join("\n")),
            Event::Waiting { path } => self.line(&format!("Waiting for another mfp to finish ({})", clean(&path))),
            Event::Finding { error, is_warning: true } => self.line(&warning_text(style, &error)),
            // As an error that ends a command: `--quiet` hides none.
            Event::Finding { .. } if self.talk.json => {}
            Event::Finding { error, .. } => to_stderr(&error_text(style, &error), style),
            Event::Note(text) => self.line(&text),
            Event::Detail(text) if self.talk.verbose > 0 => self.line(&text),
            Event::Detail(_) => {}
            Event::Warning { code, text } => {
                self.line(&format!("{}: {text}", style.yellow(&format!("warning[{code}]"))));
                self.warnings.lock().expect("no holder of this lock panics").push((code, text));
            }
        }
    }

    /// Ask for a yes or a no, on a terminal that's known to be there. An interrupt is a no.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Error> {
        self.with_bar(|bar| bar.suspend(|| ()));
        let answer = dialoguer::Confirm::new().with_prompt(neutral_line(question)).default(false).show_default(true).interact_opt();
        answer.map(|answer| answer.unwrap_or(false)).map_err(|dialoguer::Error::IO(error)| {
            Error::new("mfp::io::failed", format!("the terminal can't be asked: {error}")).help("say it with flags: `mfp approve --help`")
        })
    }

    fn did(&self, verb: &str, count: usize, time: Duration, more: &str) {
        let style = self.style;
        self.line(&format!("{verb} {} {}{more}", style.bold(&plural(count, "plugin")), style.dim(&format!("in {}", elapsed(time)))));
    }

    fn line(&self, text: &str) {
        if self.talk.quiet || self.talk.json {
            return;
        }
        self.with_bar(|bar| bar.suspend(|| ()));
        to_stderr(text, self.style);
    }

    fn begin_bar(&self, total: u64) {
        if !self.talk.progress || total == 0 {
            return;
        }
        let template = "{bar:24} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}";
        let style = ProgressStyle::with_template(template).expect("the template is well-formed").progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style);
        *self.bar.lock().expect("no holder of this lock panics") = Some(bar);
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.bar.lock().expect("no holder of this lock panics").as_ref() {
            act(bar);
        }
    }

    fn end_bar(&self) {
        if let Some(bar) = self.bar.lock().expect("no holder of this lock panics").take() {
            bar.finish_and_clear();
        }
    }

    /// A command that goes on has begun its work. For programs that's its document; at its end there's no second one.
    pub(crate) fn started(&self, document: Document) {
        if self.talk.json {
            let warnings = self.warnings.lock().expect("no holder of this lock panics").clone();
            self.has_started.store(true, Ordering::Relaxed);
            // Whoever started the server and doesn't listen any more has no need to know where it is.
            let _ = to_stdout(&Envelope::of(self.command(), &Outcome::done(document), warnings).to_text(), false);
        }
    }

    /// The command is over: print what it leaves, and say how the process ends.
    pub(crate) fn finish(&self, result: Result<Outcome, Error>) -> Exit {
        self.end_bar();
        match result {
            Ok(outcome) => self.finish_outcome(&Outcome { refusal: outcome.refusal.map(Error::with_remedy), ..outcome }),
            Err(error) => self.finish_error(&error.with_remedy()),
        }
    }

    fn finish_outcome(&self, outcome: &Outcome) -> Exit {
        let written = if self.has_started.load(Ordering::Relaxed) {
            Ok(())
        } else if self.talk.json {
            let envelope = Envelope::of(self.command(), outcome, self.warnings.lock().expect("no holder of this lock panics").clone());
            to_stdout(&envelope.to_text(), false)
        } else {
            if let Some(refusal) = &outcome.refusal {
                to_stderr(&error_text(self.style, refusal), self.style);
            }
            to_stdout(&outcome.text, self.talk.color_stdout)
        };
        written.map_or(Exit::Io, |()| outcome.exit)
    }

    fn finish_error(&self, error: &Error) -> Exit {
        if self.talk.json {
            let _ = to_stdout(&Envelope::of_error(self.command(), error).to_text(), false);
        } else {
            to_stderr(&error_text(self.style, error), self.style);
            if let Some(proof) = error.detail_map().get("proof").and_then(|proof| proof.as_str()).filter(|_| self.talk.verbose > 0) {
                to_stderr(&format!("the whole proof:\n{}", crate::report::clean_lines(proof)), self.style);
            }
        }
        error.exit()
    }

    fn command(&self) -> &'static str {
        self.command.get().copied().unwrap_or("mfp")
    }
}

fn change_text(style: Style, change: &ChangeLine) -> String {
    let note = |note: &Option<String>| note.as_ref().map(|note| style.dim(&format!(" ({})", clean(note)))).unwrap_or_default();
    match change {
        ChangeLine::Added { name, version, note: more } => {
            format!(" {} {} {}{}", style.green("+"), style.bold(&clean(name)), clean(version), note(more))
        }
        ChangeLine::Updated { name, from, to, note: more } if from == to => {
            format!(" {} {} {} again{}", style.yellow("~"), style.bold(&clean(name)), clean(to), note(more))
        }
        ChangeLine::Updated { name, from, to, note: more } => {
            format!(" {} {} {} → {}{}", style.yellow("~"), style.bold(&clean(name)), clean(from), clean(to), note(more))
        }
        ChangeLine::Removed { name, version } => format!(" {} {} {}", style.red("-"), style.bold(&clean(name)), clean(version)),
    }
}

/// A line on stderr that no reporter is asked about.
fn to_stderr(text: &str, style: Style) {
    gate::to_stderr(&format!("{text}\n"), style.color);
}

fn to_stdout(text: &str, is_coloured: bool) -> Result<(), ()> {
    gate::to_stdout(text, is_coloured).map_err(|error| {
        to_stderr(&format!("error[mfp::io::stdout]: the output can't be written: {error}"), Style { color: false });
    })
}

/// A line that a plugin logged, made safe, with who said it.
pub(crate) fn log_line(plugin: &str, text: &str) {
    to_stderr(&format!("{plugin}: {}", clean(text)), Style { color: false });
}
