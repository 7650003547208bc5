//! The languages that plugins are written in: what `mfp new` makes, what `mfp build` builds.

use std::fmt;

use clap::ValueEnum;

use super::sdk;

/// The language that a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust, with the SDK
    Rust,
    /// AssemblyScript
    #[value(name = "assemblyscript")]
    AssemblyScript,
    /// Python, with the SDK, as a component
    Python,
    /// JavaScript, as a component
    Js,
    /// C, with yyjson
    C,
    /// Zig
    Zig,
    /// Python, with the SDK, as a service
    RemotePython,
}

impl Language {
    /// The SDK that it's written with, if there's one.
    pub(crate) fn sdk(self) -> Option<sdk::Package> {
        match self {
            Self::Rust => Some(sdk::Package::Rust),
            Self::Python | Self::RemotePython => Some(sdk::Package::Python),
            Self::Js => Some(sdk::Package::Wit),
            Self::AssemblyScript | Self::C | Self::Zig => None,
        }
    }

    /// Is the plugin a service of its own? Then mfp neither builds nor packages it.
    pub(crate) fn is_service(self) -> bool {
        self == Self::RemotePython
    }
}

impl fmt::Display for Language {
    /// Its name for people.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Rust => "Rust",
            Self::AssemblyScript => "AssemblyScript",
            Self::Python | Self::RemotePython => "Python",
            Self::Js => "JavaScript",
            Self::C => "C",
            Self::Zig => "Zig",
        })
    }
}
