//! The decision: requirements, a catalog and preferences become a resolution, or a conflict explained.
//!
//! [`resolve`] is a pure function: no file, no network, no clock, no printing. It works over what a [`Catalog`] knows and
//! answers [`Unresolved::Missing`] with the names that it needs besides; a gatherer fetches them all at once and asks again
//! ([`Speculation`] names in advance what a typical graph will need). A bug report is then a catalog.
#![warn(missing_docs)]

mod catalog;
mod error;
mod explain;
mod provider;
mod request;
mod resolution;
mod rules;
mod search;
mod settle;
mod speculate;
mod versions;

pub use catalog::{Candidate, Catalog, Dependency, Entry, Held, Origin, PackageKey};
pub use error::{AliasTaken, Chain, Conflict, Cycle, Exclusion, Hint, Link, NotFound, TwoSources, Unresolved, Wanted};
pub use request::{MinReleaseAge, Override, Request, Root, Strategy};
pub use resolution::{Resolution, Resolved};
pub use speculate::{Speculation, speculate};

use crate::rules::{Admitted, Rules};
use crate::search::Search;
use crate::settle::{Settled, settle};

/// Decide which version of which plugin the project gets.
///
/// The answer is a function of the request and of what the catalog knows; the order of neither matters, and a catalog that
/// was filled by answering [`Unresolved::Missing`] gives the same answer, explanations included, as one that knows
/// everything.
pub fn resolve(request: &Request, catalog: &Catalog) -> Result<Resolution, Unresolved> {
    resolve_unless(request, catalog, &|| false)
}

/// As [`resolve`], but asks now and then whether to go on; a `true` ends it with [`Unresolved::Cancelled`].
pub fn resolve_unless(request: &Request, catalog: &Catalog, should_cancel: &dyn Fn() -> bool) -> Result<Resolution, Unresolved> {
    let rules = Rules::new(request)?;
    rules.every_declared_plugin_has_a_registry(catalog)?;
    let admitted = Admitted::None;
    let search = Search { rules: &rules, catalog, admitted: &admitted, roots: None, max_decisions: request.max_decisions, should_cancel };
    match settle(&search) {
        Settled::Found(picks) => Ok(settle::resolution(&rules, &picks)),
        Settled::Open(unresolved) => Err(unresolved),
        Settled::Nothing { proof, enforced, blame } => Err(explain::explain(&search, *proof, &enforced, blame)),
    }
}
