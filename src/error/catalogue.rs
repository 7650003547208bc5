//! Every code that mfp can end with: its exit code, what it means, and what to do.
//!
//! `docs/reference/errors.md` is generated from this table. Codes are a published contract: they're added, never renamed.

use super::Exit::{self, Bug, Denied, Done, Integrity, Io, Network, No, Sandbox, Stale, Usage};

/// One code.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) name: &'static str,
    pub(crate) exit: Exit,
    /// What happened, in a sentence.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the reference, which a test writes"))]
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

/// What to do about an error of this code.
pub(crate) fn remedy_of(name: &str) -> Option<&'static str> {
    CATALOGUE.iter().find(|code| code.name == name).map(|code| code.remedy)
}

/// All of them, by name.
pub(crate) const CATALOGUE: &[Code] = &[
    code(
        "mfp::approval::missing",
        Denied,
        "A locked plugin asks for more than a person approved.",
        "Look at what it asks for; if it may have that, write it to `[approvals]`: the message has the lines. `mfp add NAME --approve` does both at once.",
    ),
    code(
        "mfp::archive::corrupt",
        Integrity,
        "An archive can't be read: it's broken off, or isn't the format that its name says.",
        "Nothing was kept. Try again; if it stays like this, tell the plugin's publisher.",
    ),
    code(
        "mfp::archive::differential",
        Integrity,
        "An archive could be read in two ways by two programs.",
        "Nothing was kept. Tell the plugin's publisher: pack it again with plain tools.",
    ),
    code(
        "mfp::archive::duplicate",
        Integrity,
        "An archive holds two files of one name, or names that are one on some file systems.",
        "Nothing was kept. Tell the plugin's publisher.",
    ),
    code(
        "mfp::archive::limit",
        Integrity,
        "An archive is larger, or holds more, than a plugin may.",
        "Nothing was kept. The limits stand in the reference; tell the plugin's publisher.",
    ),
    code(
        "mfp::archive::link",
        Integrity,
        "An archive holds a symbolic or hard link. Plugins hold regular files only.",
        "Nothing was kept. Tell the plugin's publisher.",
    ),
    code(
        "mfp::archive::name",
        Integrity,
        "An archive holds a file name that can't be had on every platform.",
        "Nothing was kept. Tell the plugin's publisher.",
    ),
    code(
        "mfp::archive::path",
        Integrity,
        "An archive holds a path that would leave the plugin's folder, or that isn't a path.",
        "Nothing was kept. Don't use that archive before you know why.",
    ),
    code(
        "mfp::archive::special",
        Integrity,
        "An archive holds a device, a pipe or something else that isn't a regular file.",
        "Nothing was kept. Tell the plugin's publisher.",
    ),
    code(
        "mfp::config::invalid",
        Usage,
        "The user configuration, or a plugin's configuration in the project, isn't what it should be.",
        "Correct the value that's named; `mfp config list` shows the user's keys, `mfp info NAME --config` a plugin's.",
    ),
    code("mfp::config::not-set", No, "`mfp config get` was asked for a key that isn't set.", "Set it: `mfp config set KEY VALUE`."),
    code("mfp::config::unknown-key", Usage, "There's no such key in the user configuration.", "`mfp config list` shows every key."),
    code(
        "mfp::config::unreadable",
        Io,
        "The user configuration that was named can't be read.",
        "Name another with `--config FILE`, or none with `--no-config`.",
    ),
    code(
        "mfp::config::variable",
        Usage,
        "The project configures a plugin with a variable that isn't set.",
        "Set the variable, or write a value in its place.",
    ),
    code("mfp::docs::none", No, "A plugin has no README.", "`mfp info NAME` shows what else is known about it."),
    code(
        "mfp::doctor::problems",
        No,
        "`mfp doctor` found something that's wrong on this machine.",
        "Correct what it lists, one by one, and run it again.",
    ),
    code("mfp::fetch::broken-off", Network, "An artifact's bytes stopped coming.", "Try again later."),
    code(
        "mfp::import::left-out",
        Done,
        "A warning: `mfp init --import` couldn't take over everything.",
        "Declare what's named by hand, if it's wanted.",
    ),
    code(
        "mfp::import::malformed",
        Usage,
        "The file that was to be imported isn't what it should be.",
        "Give a `mockforge-plugins.lock` or a `mockforge.yaml`.",
    ),
    code(
        "mfp::integrity::content",
        Integrity,
        "A plugin's files aren't those that were locked.",
        "Nothing was kept. Find out who changed them before you lock them anew.",
    ),
    code(
        "mfp::integrity::metadata",
        Integrity,
        "A package says something else about itself than the registry or the lock.",
        "Nothing was kept. Tell whoever keeps the registry: the index line and plugin.yaml must be equal.",
    ),
    code(
        "mfp::integrity::sha256",
        Integrity,
        "An artifact has another SHA-256 than was promised.",
        "Nothing was kept. Find out who changed it; a publisher who means to has to release a new version.",
    ),
    code(
        "mfp::integrity::size",
        Integrity,
        "An artifact has another size than was promised.",
        "Nothing was kept. If the file was meant to change, its publisher has to release a new version.",
    ),
    code("mfp::internal::bug", Bug, "A mistake in mfp.", "Please report it, with the command and `mfp doctor --json`."),
    code("mfp::io::current-dir", Io, "The current folder can't be read.", "Change to a folder that's there."),
    code("mfp::io::denied", Io, "The system doesn't permit reading or writing a file or folder.", "Check its owner and permissions."),
    code("mfp::io::failed", Io, "A file or folder can't be read or written.", "The message says which, and what the system said."),
    code("mfp::io::full", Io, "The disk is full.", "Make room: `mfp cache prune`."),
    code(
        "mfp::io::link",
        Io,
        "A link stands where mfp has to write a file or folder of its own.",
        "Take the link away, or choose another folder.",
    ),
    code("mfp::io::lock-timeout", Io, "Another mfp held a lock for longer than this one waits.", "End it, or wait and try again."),
    code(
        "mfp::io::no-home",
        Io,
        "There's no home folder to keep mfp's files in.",
        "Set HOME, or name folders: `--store-dir`, `--cache-dir`.",
    ),
    code("mfp::io::not-found", Io, "A file or folder that should be there isn't.", "The message says which."),
    code("mfp::io::read-only", Io, "The file system is read-only.", "Use other folders: `--store-dir`, `--cache-dir`."),
    code("mfp::io::runtime", Io, "The asynchronous runtime can't start.", "Look at this machine's limits: `ulimit -a`."),
    code("mfp::io::stdout", Io, "The output can't be written.", "Look for a full disk where stdout goes."),
    code(
        "mfp::layout::changed",
        Integrity,
        "A file in the plugin folder isn't what mfp laid out.",
        "`mfp verify --fix` lays it out again; `mfp run` never uses these files.",
    ),
    code(
        "mfp::layout::foreign",
        Io,
        "Something that mfp didn't make stands in the plugin folder, where mfp would have to write or delete. As a warning: it was left alone.",
        "Move it away or delete it, then run the command again.",
    ),
    code(
        "mfp::layout::link-mode",
        Io,
        "The link mode that was asked for isn't possible between the store and the plugin folder.",
        "`--link-mode auto` takes the best that works.",
    ),
    code("mfp::layout::out-of-date", No, "`sync --check`: the plugin folder isn't what plugins.lock says.", "Run `mfp sync`."),
    code(
        "mfp::layout::place",
        Io,
        "The plugin folder can't hold plugins: it's a link, or outside of the project.",
        "Choose another `plugin-dir`, or take the link away.",
    ),
    code(
        "mfp::layout::record",
        Usage,
        "mfp's own record of the plugin folder can't be read.",
        "Delete the plugin folder; `mfp sync` makes it again.",
    ),
    code("mfp::load::cycle", No, "Plugins depend on each other in a circle.", "Take one of them out of the project."),
    code("mfp::load::dependency", No, "A plugin needs another one that isn't there.", "Run `mfp lock`, then `mfp sync`."),
    code("mfp::load::duplicate", Bug, "One plugin was to be loaded twice.", "Please report it, with plugins.lock."),
    code("mfp::load::entry", Integrity, "A plugin's package doesn't hold the module that it names.", "Tell the plugin's publisher."),
    code(
        "mfp::load::read",
        Io,
        "A plugin's file can't be read from the store.",
        "`mfp verify` says what's wrong, `mfp verify --fix` fetches it again.",
    ),
    code(
        "mfp::lock::conflict-markers",
        Usage,
        "plugins.lock holds the markers of an unfinished merge.",
        "Run `mfp lock`: it takes both sides as preferences and resolves the merged manifest.",
    ),
    code(
        "mfp::lock::cycle",
        Usage,
        "The plugins in plugins.lock depend on each other in a circle.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::duplicate",
        Usage,
        "plugins.lock names a plugin or a key twice: a bad merge.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::edge",
        Usage,
        "A plugin in plugins.lock depends on one that isn't there, or not in that version.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::empty",
        Usage,
        "plugins.lock holds nothing, and mockforge-plugins.toml declares plugins: its end may have been cut off.",
        "Run `mfp lock`, or take plugins.lock from version control again.",
    ),
    code(
        "mfp::lock::invalid",
        Usage,
        "A value in plugins.lock isn't what it should be.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::missing",
        Stale,
        "There's no plugins.lock, and it may not be written or is needed as it is.",
        "Run `mfp lock` and commit plugins.lock.",
    ),
    code(
        "mfp::lock::missing-key",
        Usage,
        "An entry of plugins.lock lacks one of its keys.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::newer",
        Usage,
        "plugins.lock was written by a newer mfp, and writing it with this one would lose something.",
        "Install a newer mfp.",
    ),
    code("mfp::lock::not-locked", No, "There's no plugin of that name in plugins.lock.", "`mfp list` shows what's locked."),
    code(
        "mfp::lock::order",
        Usage,
        "plugins.lock isn't in the order in which mfp writes it: a bad merge, or an edit by hand.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::source",
        Usage,
        "A plugin in plugins.lock comes from where it can't come from.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::stale",
        Stale,
        "plugins.lock is out of date with mockforge-plugins.toml, and may not be written.",
        "Run `mfp lock` and commit plugins.lock.",
    ),
    code(
        "mfp::lock::syntax",
        Usage,
        "plugins.lock isn't TOML.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::truncated",
        Usage,
        "The end of plugins.lock is missing.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code(
        "mfp::lock::unknown-key",
        Usage,
        "plugins.lock holds a key that this mfp doesn't know.",
        "Take plugins.lock from version control again; a newer mfp may know the key.",
    ),
    code(
        "mfp::lock::unreachable",
        Usage,
        "plugins.lock holds a plugin that nothing requires.",
        "Take plugins.lock from version control again, or run `mfp lock --rebuild`.",
    ),
    code("mfp::lock::version", Usage, "plugins.lock is of a version that this mfp doesn't read.", "Install a newer mfp."),
    code("mfp::manifest::duplicate", Usage, "mockforge-plugins.toml says one thing twice.", "Keep one of the two."),
    code("mfp::manifest::edit", Usage, "mockforge-plugins.toml can't be changed by a program as it is.", "Edit it by hand."),
    code(
        "mfp::manifest::invalid",
        Usage,
        "A value in mockforge-plugins.toml or in a plugin.yaml isn't what it should be. For a plugin's own manifest the exit code is 4.",
        "The message shows the place; `mfp schema manifest --example` and `mfp schema plugin --example` show what can stand there.",
    ),
    code("mfp::manifest::mfp-version", Usage, "The project needs another mfp than this one.", "Install the version that's named."),
    code(
        "mfp::manifest::misplaced",
        Usage,
        "A key stands in a table of mockforge-plugins.toml where it means nothing.",
        "Move it to where the message says.",
    ),
    code(
        "mfp::manifest::missing-key",
        Usage,
        "A table of mockforge-plugins.toml lacks a key that it needs.",
        "Add it; `mfp schema manifest --example` shows how.",
    ),
    code(
        "mfp::manifest::no-registry",
        Usage,
        "A plugin is required from a registry that the project doesn't name.",
        "Name it under `[registries]`.",
    ),
    code(
        "mfp::manifest::not-declared",
        No,
        "mockforge-plugins.toml doesn't declare that plugin.",
        "`mfp list --direct` shows what it declares.",
    ),
    code(
        "mfp::manifest::other-id",
        Usage,
        "The plugin at a URL or in a folder is called something else than its entry in mockforge-plugins.toml.",
        "Give the entry the plugin's name, or say that it's an alias: `package = \"…\"`.",
    ),
    code(
        "mfp::manifest::query",
        Done,
        "A warning: the URL of a plugin has a query, which is kept and stands in plugins.lock.",
        "Take it out if it holds a secret, or if the file can be had without it.",
    ),
    code("mfp::manifest::syntax", Usage, "mockforge-plugins.toml isn't TOML.", "Correct the place that's shown."),
    code(
        "mfp::manifest::unknown-key",
        Usage,
        "mockforge-plugins.toml holds a key that this mfp doesn't know.",
        "Correct its spelling, or take it out.",
    ),
    code("mfp::network::broken", Network, "A connection broke, and trying again didn't help.", "Try again later."),
    code(
        "mfp::network::connect",
        Network,
        "A server can't be reached.",
        "Check the network, the proxy and the URL; `--offline` works from lock and store.",
    ),
    code(
        "mfp::network::credentials",
        Network,
        "A server answered 401 or 403.",
        "Give credentials for that origin in your own configuration or in MFP_CREDENTIALS.",
    ),
    code(
        "mfp::network::offline",
        Network,
        "Something is needed that isn't here, and --offline was given.",
        "Run once without `--offline`, or give a vendored folder: `--vendor DIR`.",
    ),
    code(
        "mfp::network::redirect",
        Network,
        "A server redirects too often, or to where mfp doesn't follow.",
        "Ask whoever runs the server.",
    ),
    code("mfp::network::status", Network, "A server answered with an error.", "Try again later; check the URL."),
    code(
        "mfp::network::timeout",
        Network,
        "A server didn't answer in time.",
        "Try again; the limits are `network.*-timeout` in the user configuration.",
    ),
    code(
        "mfp::network::tls",
        Network,
        "A secure connection can't be made.",
        "Install the system's CA certificates, or name a CA file: `mfp config set network.ca-file FILE`.",
    ),
    code(
        "mfp::network::too-large",
        Integrity,
        "A server sent more than the limit.",
        "Ask whoever runs the server; the limits stand in the reference.",
    ),
    code(
        "mfp::package::collision",
        Integrity,
        "Two files of a plugin have names that are one on some file systems.",
        "Rename one of them.",
    ),
    code(
        "mfp::package::path",
        Integrity,
        "A file of a plugin has a name that can't be had on every platform.",
        "Rename it, or leave it out of `plugin.include`.",
    ),
    code(
        "mfp::path::invalid",
        Usage,
        "A folder or file that's declared as a plugin isn't one.",
        "Name a folder with a plugin.yaml in it, or a .wasm file.",
    ),
    code("mfp::project::encoding", Usage, "One of the project's files isn't UTF-8.", "Save it as UTF-8."),
    code("mfp::project::exists", Usage, "`mfp init` found a project.", "Use the one that's there."),
    code(
        "mfp::project::not-found",
        Usage,
        "There's no mockforge-plugins.toml here or above.",
        "Make one with `mfp init`, or name the project: `--project DIR`.",
    ),
    code(
        "mfp::project::too-large",
        Usage,
        "One of the project's files is far larger than it can be.",
        "Look at it; it can't be what its name says.",
    ),
    code(
        "mfp::registry::dl-origin",
        Denied,
        "A registry keeps its artifacts on another origin, which the project doesn't allow.",
        "If that's right, list the origin under `dl-origins` in the registry's table.",
    ),
    code("mfp::registry::index", Integrity, "A line of a registry's index isn't what it should be.", "Ask whoever keeps the registry."),
    code(
        "mfp::registry::invalid",
        Integrity,
        "A registry's configuration or list isn't what it should be.",
        "Check the URL under `[registries]`; ask whoever keeps the registry.",
    ),
    code("mfp::registry::malformed", Integrity, "A registry's file isn't what it should be.", "Ask whoever keeps the registry."),
    code("mfp::registry::newer", Usage, "A registry's configuration is of a newer kind.", "Take a newer mfp."),
    code(
        "mfp::registry::no-artifact",
        Network,
        "A registry's index names a file that the registry doesn't have.",
        "Try again later; ask whoever keeps the registry.",
    ),
    code("mfp::registry::no-search", No, "A registry offers no list to search.", "Ask for a plugin by its name: `mfp info NAME`."),
    code(
        "mfp::registry::not-a-registry",
        No,
        "There's no registry where the project says there is one.",
        "Check the URL under `[registries]`.",
    ),
    code("mfp::registry::undeclared", Usage, "The project names no registry of that name.", "Add it under `[registries]`."),
    code(
        "mfp::resolve::alias-taken",
        No,
        "A plugin is needed under a name that the project has given to another one.",
        "Rename the alias in mockforge-plugins.toml.",
    ),
    code(
        "mfp::resolve::budget",
        No,
        "No answer was found within the resolver's limit of decisions.",
        "Narrow the requirements, so that there's less to try.",
    ),
    code("mfp::resolve::cancelled", No, "The search for versions was interrupted.", "Run the command again."),
    code(
        "mfp::resolve::conflict",
        No,
        "The plugins that the project wants can't be had together. The exit code is 5 where only the project's own policy stands in the way.",
        "Loosen one of the requirements that are named, or take one of the plugins out.",
    ),
    code("mfp::resolve::cycle", No, "Plugins would depend on each other in a circle.", "Choose other versions, or tell the publishers."),
    code(
        "mfp::resolve::missing",
        Bug,
        "The resolver asked for a plugin that nobody gathered.",
        "Please report it, with the command and mockforge-plugins.toml.",
    ),
    code(
        "mfp::resolve::no-registry",
        Usage,
        "A plugin is needed from a registry, and the project names none.",
        "Name one: `[registries]` with `default = \"https://…/\"`.",
    ),
    code("mfp::resolve::no-version", No, "A plugin has no such version.", "`mfp info NAME` shows which it has."),
    code(
        "mfp::resolve::not-found",
        No,
        "No registry of the project has a plugin of that name.",
        "Check the spelling; `mfp search TEXT` looks through the registry.",
    ),
    code(
        "mfp::resolve::two-sources",
        No,
        "One plugin would have to come from two places.",
        "Declare it in mockforge-plugins.toml: that decides for every requirement on it.",
    ),
    code("mfp::resolve::unequal-roots", Usage, "mockforge-plugins.toml wants one plugin in two ways.", "Make the two entries equal."),
    code(
        "mfp::run::call",
        Usage,
        "`mfp run` was given a call that plugins of this type don't have.",
        "The message lists the plugin's calls.",
    ),
    code("mfp::run::no-functions", No, "A template plugin doesn't say which functions it has.", "`mfp docs NAME` may say."),
    code(
        "mfp::run::plugin-error",
        No,
        "The plugin ran, and answered that it can't: its own error.",
        "These are the plugin's words; `mfp docs NAME` may say more.",
    ),
    code(
        "mfp::run::request",
        Usage,
        "The request isn't JSON, or isn't what the call takes. The plugin was never asked.",
        "Correct it; `mfp run --help` shows what each call takes.",
    ),
    code("mfp::run::type", Usage, "The plugin's type doesn't have that call.", "`mfp info NAME` shows its types."),
    code("mfp::run::unknown", No, "There's no plugin of that name among those that are loaded.", "`mfp list` shows what's locked."),
    code("mfp::sandbox::abi", Sandbox, "The plugin broke the rules by which it and its host talk.", "Tell the plugin's publisher."),
    code("mfp::sandbox::answer", Sandbox, "The plugin answered something that isn't an answer.", "Tell the plugin's publisher."),
    code("mfp::sandbox::busy", Sandbox, "Too many calls of the plugin were running at once.", "Try again with fewer."),
    code(
        "mfp::sandbox::cache",
        Io,
        "The folder for compiled plugins can't be used.",
        "Make it yours alone (`chmod 700`), or choose another: `--cache-dir DIR`.",
    ),
    code("mfp::sandbox::compile", Sandbox, "The plugin's module took too long to compile.", "Tell the plugin's publisher."),
    code("mfp::sandbox::export", Sandbox, "The plugin's module lacks functions that its host needs.", "Tell the plugin's publisher."),
    code(
        "mfp::sandbox::host",
        Io,
        "This machine failed the plugin: no memory, no thread or no random numbers.",
        "Look at this machine's limits: `ulimit -a`.",
    ),
    code(
        "mfp::sandbox::import",
        Sandbox,
        "The plugin's module imports what plugins aren't given.",
        "Tell the plugin's publisher: a plugin has only the functions that mfp's ABI offers.",
    ),
    code(
        "mfp::sandbox::invalid",
        Sandbox,
        "The plugin's module isn't valid, or uses a part of WebAssembly that plugins may not use.",
        "Tell the plugin's publisher.",
    ),
    code(
        "mfp::sandbox::memory",
        Sandbox,
        "The plugin wanted more memory than its limit.",
        "If it may have more, raise `memory` in its approval; `mfp info NAME` shows what it asks for.",
    ),
    code("mfp::sandbox::not-wasm", Integrity, "The plugin's module isn't WebAssembly.", "Tell the plugin's publisher."),
    code("mfp::sandbox::size", Sandbox, "The plugin's module has more of something than a module may.", "Tell the plugin's publisher."),
    code("mfp::sandbox::stack", Sandbox, "The plugin called itself too deep.", "Try a smaller request; tell the plugin's publisher."),
    code("mfp::sandbox::table", Sandbox, "The plugin wanted larger tables than its limit.", "Tell the plugin's publisher."),
    code(
        "mfp::sandbox::time",
        Sandbox,
        "The plugin took longer than its time limit, and was stopped.",
        "If it may take longer, raise `time-ms` in its approval; `mfp info NAME` shows what it asks for.",
    ),
    code("mfp::sandbox::trap", Sandbox, "The plugin crashed.", "Try another request; tell the plugin's publisher."),
    code(
        "mfp::store::damaged",
        Integrity,
        "The store's copy of a plugin isn't what its digest says.",
        "`mfp verify --fix` fetches it again.",
    ),
    code("mfp::store::missing", No, "A plugin isn't in the store.", "Run `mfp sync`."),
    code("mfp::store::not-listed", Integrity, "A plugin has no file of that name.", "Tell the plugin's publisher."),
    code(
        "mfp::store::read-only",
        Io,
        "The store may only be read, and would have to be written.",
        "Choose another with `--store-dir DIR`.",
    ),
    code(
        "mfp::store::untrusted",
        Io,
        "Others could write to the store's folder.",
        "Make it yours alone (`chmod 700`), or choose another with `--store-dir DIR`.",
    ),
    code(
        "mfp::unsupported",
        Usage,
        "Something that this version of mfp doesn't do yet.",
        "The message says what; a later version does it.",
    ),
    code("mfp::usage::arguments", Usage, "The command line can't be understood.", "`mfp --help`, `mfp COMMAND --help`."),
    code("mfp::usage::ca-file", Usage, "The CA file can't be used.", "`mfp config set network.ca-file FILE` with a PEM file."),
    code("mfp::usage::credentials", Usage, "Credentials can't be understood.", "The message says which and how they're written."),
    code(
        "mfp::usage::environment",
        Usage,
        "A variable that mfp reads has a value it can't have.",
        "Set it to what the message says, or unset it.",
    ),
    code("mfp::usage::group", Usage, "The project has no group of that name.", "Groups are tables of the manifest: `[groups.NAME]`."),
    code(
        "mfp::usage::locked",
        Usage,
        "A command whose work is to change the lock was given `--locked` or `--frozen`.",
        "Run it without them.",
    ),
    code(
        "mfp::usage::proxy",
        Usage,
        "A proxy's URL can't be understood.",
        "Look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and `network.proxy`.",
    ),
    code(
        "mfp::usage::registry",
        Usage,
        "What was given as a registry can't be one.",
        "Write it as `https://plugins.acme.example/` or `file:../registry/`.",
    ),
    code(
        "mfp::usage::spec",
        Usage,
        "What was to be added or named can't be understood.",
        "`NAME`, `NAME@1.2.3`, a URL or `./folder`; the message points at the mistake.",
    ),
    code(
        "mfp::vendor::foreign",
        Done,
        "A warning: something that mfp didn't make stands in the vendored folder, and was left alone.",
        "Take it away, if it isn't wanted there.",
    ),
    code(
        "mfp::verify::failed",
        Integrity,
        "`mfp verify` found something that isn't what plugins.lock says.",
        "`mfp verify --fix` fetches what's damaged again.",
    ),
    code("mfp::wasm::invalid", Integrity, "A plugin's module isn't WebAssembly.", "Nothing was kept. Tell the plugin's publisher."),
    code(
        "mfp::wasm::limit",
        Integrity,
        "A plugin's module has more of something than a module may.",
        "Nothing was kept. Tell the plugin's publisher.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_without_doubles() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
