//! How is a program had that isn't there? The command for the machine that it's missing on.

use super::tools::Tools;
use crate::error::Error;

/// A program, or what a program needs, that isn't there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Missing {
    /// What it's for, and that it isn't there: "this plugin is in Rust, and there's no `cargo`".
    pub(crate) what: &'static str,
    /// Packages of Debian and its kin.
    pub(crate) apt: Option<&'static str>,
    /// A formula of Homebrew.
    pub(crate) brew: Option<&'static str>,
    /// A package of winget.
    pub(crate) winget: Option<&'static str>,
    /// What can be typed everywhere, or where to read about it.
    pub(crate) anywhere: &'static str,
}

impl Missing {
    /// What to type, best first.
    pub(crate) fn how(&self, tools: &Tools<'_>) -> String {
        let apt = self.apt.filter(|_| tools.find("apt-get").is_some()).map(|names| format!("`sudo apt-get install {names}`"));
        let brew = self.brew.filter(|_| tools.find("brew").is_some()).map(|names| format!("`brew install {names}`"));
        let winget = self.winget.filter(|_| cfg!(windows)).map(|name| format!("`winget install {name}`"));
        let here = apt.or(brew).or(winget);
        here.map_or_else(|| self.anywhere.to_owned(), |here| format!("{here}; or {}", self.anywhere))
    }

    /// The error.
    pub(crate) fn error(&self, tools: &Tools<'_>) -> Error {
        Error::new("mfp::build::toolchain", self.what).help(self.how(tools))
    }
}

pub(crate) const CARGO: Missing = Missing {
    what: "the plugin is written in Rust, and there's no `cargo`",
    apt: None,
    brew: Some("rustup"),
    winget: Some("Rustlang.Rustup"),
    anywhere: "see https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
};

pub(crate) const RUST_TARGET: Missing = Missing {
    what: "the plugin is written in Rust, and this Rust can't make WebAssembly: it hasn't the target wasm32-unknown-unknown",
    apt: Some("rustc-web rust-web-src lld-19"),
    brew: None,
    winget: None,
    anywhere: "take Rust from https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
};

pub(crate) const NODE: Missing = Missing {
    what: "the plugin is built by Node, and there's no `node`",
    apt: Some("nodejs npm"),
    brew: Some("node"),
    winget: Some("OpenJS.NodeJS.LTS"),
    anywhere: "take version 20 or newer from https://nodejs.org",
};

pub(crate) const NPM: Missing =
    Missing { what: "what the plugin is built with is installed by npm, and there's no `npm`", apt: Some("npm"), ..NODE };

pub(crate) const PYTHON: Missing = Missing {
    what: "the plugin is written in Python, and there's no `python3`",
    apt: Some("python3 python3-venv"),
    brew: Some("python"),
    winget: Some("Python.Python.3.13"),
    anywhere: "take version 3.10 or newer from https://www.python.org",
};

pub(crate) const ZIG: Missing = Missing {
    what: "the plugin is written in Zig, and there's no `zig`, nor the Python package `ziglang`",
    apt: None,
    brew: Some("zig"),
    winget: Some("zig.zig"),
    anywhere: "`python3 -m pip install ziglang`, or take it from https://ziglang.org/download",
};

pub(crate) const CLANG: Missing = Missing {
    what: "the plugin is written in C, and there's neither a `clang` with wasi-libc nor `zig`",
    apt: Some("clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc"),
    brew: Some("zig"),
    winget: Some("zig.zig"),
    anywhere: "`python3 -m pip install ziglang`, or name a WASI SDK in WASI_SDK_PATH (https://github.com/WebAssembly/wasi-sdk)",
};

pub(crate) const WASM_OPT: Missing = Missing {
    what: "there's no `wasm-opt`, which makes modules smaller; it isn't needed",
    apt: Some("binaryen"),
    brew: Some("binaryen"),
    winget: None,
    anywhere: "`npm install --global binaryen`",
};
