//! Every code that mfp can end with: its exit code, what it means, and what to do.
//!
//! `docs/reference/errors.md` is generated from this table. Codes are a published contract: they're added, never renamed.

use super::Exit::{self, Bug, Denied, Integrity, Io, Network, No, Sandbox, Stale, Usage};

/// One code.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) name: &'static str,
    pub(crate) exit: Exit,
    /// What happened, in a sentence.
    pub(crate) meaning: &'static str,
    /// What to do about it, in a sentence.
    pub(crate) remedy: &'static str,
}

const fn code(name: &'static str, exit: Exit, meaning: &'static str, remedy: &'static str) -> Code {
    Code { name, exit, meaning, remedy }
}

/// The exit code of an error code.
pub(crate) fn exit_of(name: &str) -> Exit {
    CATALOGUE.iter().find(|code| code.name == name).map_or(Bug, |code| code.exit)
}

/// All of them, by name.
pub(crate) const CATALOGUE: &[Code] = &[
    code("mfp::config::invalid", Usage, "The user configuration, or a plugin's configuration in the project, isn't what it should be.", "Correct the value that's named; `mfp config list` shows the user's keys, `mfp info NAME --config` a plugin's."),
    code("mfp::config::not-set", No, "`mfp config get` was asked for a key that isn't set.", "Set it: `mfp config set KEY VALUE`."),
    code("mfp::config::unknown-key", Usage, "There's no such key in the user configuration.", "`mfp config list` shows every key."),
    code("mfp::config::unreadable", Io, "The user configuration that was named can't be read.", "Name another with `--config FILE`, or none with `--no-config`."),
    code("mfp::integrity::size", Integrity, "An artifact has another size than was promised.", "Nothing was kept. If the file was meant to change, its publisher has to release a new version."),
    code("mfp::internal::bug", Bug, "A mistake in mfp.", "Please report it, with the command and `mfp doctor --json`."),
    code("mfp::io::current-dir", Io, "The current folder can't be read.", "Change to a folder that's there."),
    code("mfp::io::failed", Io, "A file or folder can't be read or written.", "The message says which, and what the system said."),
    code("mfp::io::no-home", Io, "There's no home folder to keep mfp's files in.", "Set HOME, or name folders: `--store-dir`, `--cache-dir`."),
    code("mfp::io::runtime", Io, "The asynchronous runtime can't start.", "Look at this machine's limits: `ulimit -a`."),
    code("mfp::io::stdout", Io, "The output can't be written.", "Look for a full disk where stdout goes."),
    code("mfp::lock::missing", Stale, "There's no plugins.lock, and it may not be written or is needed as it is.", "Run `mfp lock` and commit plugins.lock."),
    code("mfp::lock::stale", Stale, "plugins.lock is out of date with mockforge-plugins.toml, and may not be written.", "Run `mfp lock` and commit plugins.lock."),
    code("mfp::network::broken", Network, "A connection broke, and trying again didn't help.", "Try again later."),
    code("mfp::network::connect", Network, "A server can't be reached.", "Check the network, the proxy and the URL; `--offline` works from lock and store."),
    code("mfp::network::credentials", Network, "A server answered 401 or 403.", "Give credentials for that origin in your own configuration or in MFP_CREDENTIALS."),
    code("mfp::network::offline", Network, "Something is needed that isn't here, and --offline was given.", "Run once without `--offline`, or give a vendored folder: `--vendor DIR`."),
    code("mfp::network::redirect", Network, "A server redirects too often, or to where mfp doesn't follow.", "Ask whoever runs the server."),
    code("mfp::network::status", Network, "A server answered with an error.", "Try again later; check the URL."),
    code("mfp::network::timeout", Network, "A server didn't answer in time.", "Try again; the limits are `network.*-timeout` in the user configuration."),
    code("mfp::network::tls", Network, "A secure connection can't be made.", "Install the system's CA certificates, or name a CA file: `mfp config set network.ca-file FILE`."),
    code("mfp::network::too-large", Integrity, "A server sent more than the limit.", "Ask whoever runs the server; the limits stand in the reference."),
    code("mfp::project::encoding", Usage, "One of the project's files isn't UTF-8.", "Save it as UTF-8."),
    code("mfp::project::exists", Usage, "`mfp init` found a project.", "Use the one that's there."),
    code("mfp::project::not-found", Usage, "There's no mockforge-plugins.toml here or above.", "Make one with `mfp init`, or name the project: `--project DIR`."),
    code("mfp::project::too-large", Usage, "One of the project's files is far larger than it can be.", "Look at it; it can't be what its name says."),
    code("mfp::registry::dl-origin", Denied, "A registry keeps its artifacts on another origin, which the project doesn't allow.", "If that's right, list the origin under `dl-origins` in the registry's table."),
    code("mfp::registry::malformed", Integrity, "A registry's file isn't what it should be.", "Ask whoever keeps the registry."),
    code("mfp::registry::newer", Usage, "A registry's configuration is of a newer kind.", "Take a newer mfp."),
    code("mfp::registry::not-a-registry", No, "There's no registry where the project says there is one.", "Check the URL under [registries]."),
    code("mfp::unsupported", Usage, "Something that this version of mfp doesn't do yet.", "The message says what; a later version does it."),
    code("mfp::usage::arguments", Usage, "The command line can't be understood.", "`mfp --help`, `mfp COMMAND --help`."),
    code("mfp::usage::ca-file", Usage, "The CA file can't be used.", "`mfp config set network.ca-file FILE` with a PEM file."),
    code("mfp::usage::credentials", Usage, "Credentials can't be understood.", "The message says which and how they're written."),
    code("mfp::usage::environment", Usage, "A variable that mfp reads has a value it can't have.", "Set it to what the message says, or unset it."),
    code("mfp::usage::proxy", Usage, "A proxy's URL can't be understood.", "Look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and `network.proxy`."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_without_doubles() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
