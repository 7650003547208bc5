//! What only a person can say: a password, or which of several things it should be. Asked for on the terminal; passwords are never
//! echoed, and never kept longer than they're needed.
//!
//! Callers ask only where [`App::may_ask`](crate::app::App::may_ask) says that somebody is there.

use dialoguer::{Password, Select};

use crate::error::{Error, Result};
use crate::report::neutral_line;
use crate::settings::Hidden;

/// The password of a key that exists.
pub(crate) fn password(prompt: &str) -> Result<Hidden> {
    Password::new()
        .with_prompt(neutral_line(prompt))
        .allow_empty_password(true)
        .interact()
        .map(Hidden::from)
        .map_err(|error| no_answer(&error))
}

/// A password for a key that's about to be made, twice.
pub(crate) fn new_password(prompt: &str) -> Result<Hidden> {
    let asked = Password::new().with_prompt(neutral_line(prompt)).with_confirmation("Once more", "These two differ").interact();
    asked.map(Hidden::from).map_err(|error| no_answer(&error))
}

fn no_answer(error: &dialoguer::Error) -> Error {
    Error::new("mfp::key::password", format!("no password was given: {error}"))
        .help("name a file with it: `--password-file FILE`, or set MFP_KEY_PASSWORD")
}

/// A token for a server.
pub(crate) fn token(prompt: &str) -> Result<Hidden> {
    Password::new().with_prompt(neutral_line(prompt)).interact().map(Hidden::from).map_err(|error| {
        Error::new("mfp::usage::token", format!("no token was given: {error}")).help("give it on stdin: `mfp login URL --token-stdin`")
    })
}

/// Which of these? Each has a name and says what it is. The answer is an index.
pub(crate) fn choose(prompt: &str, choices: &[(String, String)]) -> Result<usize> {
    let width = choices.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines: Vec<String> = choices.iter().map(|(name, what)| format!("{name:width$}  {what}")).collect();
    let asked = Select::new().with_prompt(neutral_line(prompt)).items(&lines).default(0).interact_opt();
    let nothing = |why: String| {
        Error::new("mfp::usage::arguments", format!("nothing was chosen{why}"))
            .help("say it with flags: `mfp new NAME --type TYPE --lang LANGUAGE`")
    };
    asked.map_err(|error| nothing(format!(": {error}")))?.ok_or_else(|| nothing(String::new()))
}
