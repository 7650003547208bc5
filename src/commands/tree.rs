//! `mfp tree`: who depends on what, or, inverted, who needs it.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;

use crate::app::App;
use crate::changing::shown;
use crate::cli::look::TreeArgs;
use crate::error::Result;
use crate::explain;
use crate::report::Outcome;
use crate::report::document::{Document, TreeDocument, TreeEdge, TreeNode};

/// A tree on stdout; the graph with `--json`.
pub(crate) fn run(app: &App<'_>, args: &TreeArgs) -> Result<Outcome> {
    let lock = app.project()?.existing_lock()?;
    if let Some(name) = args.names.iter().chain(&args.invert).find(|name| !lock.plugins.contains_key(*name)) {
        return Err(explain::not_locked(name, &lock));
    }
    let next = if args.invert.is_some() { dependents(&lock) } else { dependencies(&lock) };
    let roots: Vec<&PluginName> = match (&args.invert, args.names.as_slice()) {
        (Some(name), _) => vec![name],
        (None, []) => lock.requirements.keys().collect(),
        (None, names) => names.iter().collect(),
    };
    let mut drawing = Drawing {
        lock: &lock,
        next: &next,
        depth: args.depth.unwrap_or(usize::MAX),
        seen: BTreeSet::new(),
        text: String::new(),
        repeats: false,
    };
    for root in &roots {
        drawing.root(root);
    }
    if drawing.repeats {
        drawing.text.push_str("(*) shown above with what's below it\n");
    }
    let text = std::mem::take(&mut drawing.text);
    Ok(Outcome::done(Document::Tree(document(&lock, &drawing.seen))).text(text))
}

type Next<'l> = BTreeMap<&'l PluginName, BTreeSet<&'l PluginName>>;

fn dependencies(lock: &Lock) -> Next<'_> {
    let bound = |plugin: &'_ LockedPlugin| plugin.dependencies().iter().map(|dependency| dependency.name.clone()).collect::<BTreeSet<_>>();
    lock.plugins
        .values()
        .map(|plugin| {
            (
                &plugin.name,
                bound(plugin)
                    .into_iter()
                    .filter_map(|name| lock.plugins.get(&name))
                    .filter(|target| !target.is_alias())
                    .map(|target| &target.name)
                    .collect(),
            )
        })
        .collect()
}

fn dependents(lock: &Lock) -> Next<'_> {
    let mut inverted: Next<'_> = lock.plugins.keys().map(|name| (name, BTreeSet::new())).collect();
    for (from, targets) in dependencies(lock) {
        for target in targets {
            inverted.entry(target).or_default().insert(from);
        }
    }
    inverted
}

struct Drawing<'l> {
    lock: &'l Lock,
    next: &'l Next<'l>,
    depth: usize,
    seen: BTreeSet<PluginName>,
    text: String,
    repeats: bool,
}

impl Drawing<'_> {
    fn root(&mut self, name: &PluginName) {
        self.line("", name);
        self.below(name, "", 1);
    }

    fn below(&mut self, name: &PluginName, prefix: &str, level: usize) {
        if level > self.depth {
            return;
        }
        let targets: Vec<&PluginName> = self.next.get(name).into_iter().flatten().copied().collect();
        for (index, target) in targets.iter().enumerate() {
            let is_last = index + 1 == targets.len();
            let new = !self.seen.contains(*target);
            self.line(&format!("{prefix}{}", if is_last { "└── " } else { "├── " }), target);
            if new {
                self.below(target, &format!("{prefix}{}", if is_last { "    " } else { "│   " }), level + 1);
            }
        }
    }

    fn line(&mut self, prefix: &str, name: &PluginName) {
        let Some(plugin) = self.lock.plugins.get(name) else { return };
        let is_new = self.seen.insert(name.clone());
        let has_more = self.next.get(name).is_some_and(|targets| !targets.is_empty());
        let repeat = !is_new && has_more;
        self.repeats |= repeat;
        self.text.extend([prefix, &shown(plugin), if repeat { " (*)\n" } else { "\n" }]);
    }
}

fn document(lock: &Lock, shown: &BTreeSet<PluginName>) -> TreeDocument {
    let plugins = || lock.plugins.values().filter(|plugin| shown.contains(&plugin.name));
    let node = |plugin: &LockedPlugin| TreeNode {
        name: plugin.name.to_string(),
        version: plugin.version().map(ToString::to_string).unwrap_or_default(),
        source: plugin.source().redacted(),
        direct: lock.is_direct(&plugin.name),
    };
    let edges = plugins().flat_map(|plugin| {
        plugin.dependencies().iter().filter(|dependency| shown.contains(&dependency.name)).map(|dependency| TreeEdge {
            from: plugin.name.to_string(),
            to: dependency.name.to_string(),
            requirement: dependency.requirement.to_string(),
            optional: dependency.optional,
        })
    });
    TreeDocument { nodes: plugins().map(node).collect(), edges: edges.collect() }
}
