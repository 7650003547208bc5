//! Which program of this machine is a repository reached through? None over https: git's protocol is spoken by this program itself.

use std::path::Path;

use mfp_model::source::GitUrl;

use super::address::{Address, Way};
use super::user::UserGit;
use crate::error::Result;
use crate::settings::Settings;

/// A program that a repository may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// `ssh`, to another machine.
    Ssh,
    /// What git's configuration has in the place of `ssh`.
    OwnSsh,
    /// `git`, for a repository in a folder.
    Git,
}

/// What this repository of the project in `root` needs, by this user's git configuration.
pub(crate) fn needed(settings: &Settings, root: &Path, url: &GitUrl) -> Result<Option<Program>> {
    let user = UserGit::read(settings)?;
    Ok(match Address::find(url, root, &user)?.way {
        Way::Http(_) => None,
        Way::Ssh(_) if user.ssh_command().is_some() => Some(Program::OwnSsh),
        Way::Ssh(_) => Some(Program::Ssh),
        Way::File(_) => Some(Program::Git),
    })
}
