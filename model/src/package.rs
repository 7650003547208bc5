//! Which files are the plugin? The package set of a folder or a git tree, from its manifest and the names of its files.
//!
//! The manifest, the module, what `plugin.include` matches, and the readme, licence and changelog at the top; nothing else,
//! so that what lies about in a working folder is never published and a packaged plugin has the same digest as its git
//! tree. The grammar of `include` is our own and small, and is checked before anything is matched: engines differ in what
//! `[`, `{`, `!`, `\` and a leading dot mean, and the set decides the digest.
//!
//! Whether a file is a link or a device is for whoever reads the disk; in the set, it's an error there.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::content::{ListingError, MANIFEST_FILE, MAX_PATH_BYTES, MAX_PATH_COMPONENTS, PackagePath, PathError, PathSet, SIGNATURE_FILE};
use crate::plugin::{EntryError, PluginManifest, Runtime, check_manifest_files, find_entry};
use crate::text::is_control_or_bidi;

/// What's always in the set, if it's at the top: files whose names begin with one of these.
const ALWAYS: [&str; 3] = ["README", "LICENSE", "CHANGELOG"];
/// What's never in the set, if it's at the top: a project's own files.
const NEVER: [&str; 2] = ["mockforge-plugins.toml", "plugins.lock"];

/// Why a text isn't an include pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IncludeError {
    /// Longer or deeper than any path.
    #[error("a pattern has 1 to {MAX_PATH_BYTES} bytes and at most {MAX_PATH_COMPONENTS} segments")]
    Limit,
    /// Absolute, or with `.`, `..` or an empty segment.
    #[error("a pattern is relative and has no empty, `.` or `..` segment; a folder's files are `folder/**`")]
    Segment,
    /// A character that means something in other programs' patterns, or that no path has.
    #[error("`{0}` can't be in a pattern: there are `?`, `*` and `**`, and everything else stands for itself")]
    Character(char),
    /// `**` beside other characters.
    #[error("`**` is a whole segment, as in `assets/**`")]
    DoubleStar,
    /// A wildcard in a segment that starts with a dot.
    #[error("a segment that starts with `.` is written out in full, without `*` and `?`")]
    Hidden,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of segments that don't start with a dot; at the end, at least one.
    Any,
    /// Literals, `?` and `*`.
    Name(Box<str>),
}

/// A pattern of `plugin.include`: literals, `?` for one character but `/`, `*` for any but `/`, `**` for whole segments.
/// Case counts, and a segment that starts with `.` is only matched when it's written out.
#[derive(Clone, PartialEq, Eq)]
pub struct IncludePattern {
    text: Box<str>,
    segments: Vec<Segment>,
}

impl IncludePattern {
    /// The pattern as it's written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Does it match this file's path (relative, `/`-separated)?
    pub fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        // `reached[n]`: the segments so far can match the first n names.
        let mut reached = vec![false; names.len() + 1];
        reached[0] = true;
        for (at, segment) in self.segments.iter().enumerate() {
            reached = match segment {
                Segment::Name(pattern) => step_name(pattern, &names, &reached),
                Segment::Any => step_any(&names, &reached, at + 1 == self.segments.len()),
            };
        }
        reached[names.len()]
    }
}

/// Can a pattern match anything below this folder?
fn may_match_below(pattern: &IncludePattern, folder: &str) -> bool {
    let names: Vec<&str> = folder.split('/').collect();
    let mut reached = vec![false; names.len() + 1];
    reached[0] = true;
    for segment in &pattern.segments {
        // The whole folder is matched, and there's a segment left for what's in it.
        if reached[names.len()] {
            return true;
        }
        reached = match segment {
            Segment::Name(pattern) => step_name(pattern, &names, &reached),
            Segment::Any if step_any(&names, &reached, false)[names.len()] => return true,
            Segment::Any => step_any(&names, &reached, false),
        };
    }
    false
}

/// After a named segment, one more name is matched.
fn step_name(pattern: &str, names: &[&str], reached: &[bool]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for (at, name) in names.iter().enumerate() {
        next[at + 1] = reached[at] && matches_name(pattern, name);
    }
    next
}

/// After `**`, any number more of names that don't start with a dot.
fn step_any(names: &[&str], reached: &[bool], is_last: bool) -> Vec<bool> {
    let mut next = if is_last { vec![false; reached.len()] } else { reached.to_vec() };
    for (at, name) in names.iter().enumerate() {
        next[at + 1] |= (next[at] || reached[at]) && !name.starts_with('.');
    }
    next
}

/// One segment against one name. Going back to the last `*` is enough, so the cost is at most their product.
fn matches_name(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') {
        return pattern == name;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(one) if *one == '?' || *one == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((star_p, star_n)) = star else { return false };
                star = Some((star_p, star_n + 1));
                (p, n) = (star_p + 1, star_n + 1);
            }
        }
    }
    pattern[p..].iter().all(|one| *one == '*')
}

impl FromStr for IncludePattern {
    type Err = IncludeError;

    fn from_str(text: &str) -> Result<Self, IncludeError> {
        if text.is_empty() || text.len() > MAX_PATH_BYTES || text.split('/').count() > MAX_PATH_COMPONENTS {
            return Err(IncludeError::Limit);
        }
        let refused =
            |one: char| is_control_or_bidi(one) || matches!(one, '[' | ']' | '{' | '}' | '!' | '\\' | '<' | '>' | ':' | '"' | '|');
        if let Some(character) = text.chars().find(|one| refused(*one)) {
            let shown = if is_control_or_bidi(character) { '\u{fffd}' } else { character };
            return Err(IncludeError::Character(shown));
        }
        let segments = text.split('/').map(parse_segment).collect::<Result<_, _>>()?;
        Ok(Self { text: text.into(), segments })
    }
}

fn parse_segment(segment: &str) -> Result<Segment, IncludeError> {
    match segment {
        "" | "." | ".." => Err(IncludeError::Segment),
        "**" => Ok(Segment::Any),
        _ if segment.contains("**") => Err(IncludeError::DoubleStar),
        _ if segment.starts_with('.') && segment.contains(['*', '?']) => Err(IncludeError::Hidden),
        _ => Ok(Segment::Name(segment.into())),
    }
}

impl fmt::Display for IncludePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

impl fmt::Debug for IncludePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, out)
    }
}

/// Why a folder or tree has no package set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// No manifest, no module, or too many of them.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A file belongs to the set, and its name is one that some system can't hold.
    #[error("`{path}` belongs to the package, but {why}")]
    Path {
        /// The path, with characters that change how it's shown replaced.
        path: String,
        /// What's wrong with it.
        why: PathError,
    },
    /// Two files of the set can't stand side by side on every system.
    #[error(transparent)]
    Collision(#[from] ListingError),
}

impl PackageError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Entry(error) => error.code(),
            Self::Path { .. } => "mfp::package::path",
            Self::Collision(_) => "mfp::package::collision",
        }
    }
}

/// The package set of a folder or git tree: which of `files` (relative to where `plugin.yaml` stands, `/`-separated) are the
/// plugin. `plugin_dir` is the project's plugin folder, if the folder is a project's too; nothing in it ever matches.
///
/// Files that aren't selected may be called anything.
pub fn select<'a>(
    manifest: &PluginManifest,
    files: impl IntoIterator<Item = &'a str>,
    plugin_dir: Option<&str>,
) -> Result<BTreeSet<PackagePath>, PackageError> {
    let files: Vec<&str> = files.into_iter().collect();
    check_manifest_files(files.iter().copied())?;
    let mut set = BTreeSet::new();
    let included = |file: &str| manifest.include.iter().any(|pattern| pattern.matches(file)) && !is_never(file, plugin_dir);
    for file in files.iter().filter(|file| is_always(file) || included(file)) {
        set.insert(legal(file)?);
    }
    set.extend(module(manifest, &files)?);
    let mut side_by_side = PathSet::default();
    set.iter().try_for_each(|path| side_by_side.insert(path))?;
    Ok(set)
}

/// Can the package set of a folder or git tree hold files below `folder`, which isn't read yet (a submodule)?
pub fn reaches_into(manifest: &PluginManifest, folder: &str) -> bool {
    let entry = manifest.entry.as_ref().is_some_and(|entry| entry.as_str().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
    entry || manifest.include.iter().any(|pattern| may_match_below(pattern, folder))
}

/// The module's path; a remote plugin has one only if it names it.
fn module(manifest: &PluginManifest, files: &[&str]) -> Result<Option<PackagePath>, PackageError> {
    if manifest.runtime == Runtime::Remote && manifest.entry.is_none() {
        return Ok(None);
    }
    let named: Vec<PackagePath> = files.iter().filter_map(|file| file.parse().ok()).collect();
    Ok(Some(find_entry(manifest.entry.as_ref(), &named)?.clone()))
}

fn legal(file: &str) -> Result<PackagePath, PackageError> {
    let neutral = || file.chars().map(|one| if is_control_or_bidi(one) { '\u{fffd}' } else { one }).collect();
    file.parse().map_err(|why| PackageError::Path { path: neutral(), why })
}

fn is_always(file: &str) -> bool {
    file == MANIFEST_FILE || (!file.contains('/') && ALWAYS.iter().any(|start| file.starts_with(start)))
}

/// What no pattern matches: git's own data anywhere, the project's own files, its plugin folder, and the signature.
fn is_never(file: &str, plugin_dir: Option<&str>) -> bool {
    let in_plugin_dir = |folder: &str| {
        let folder = folder.trim_end_matches('/').trim_start_matches("./");
        file.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    file.split('/').any(|name| name.eq_ignore_ascii_case(".git"))
        || NEVER.contains(&file)
        || file == SIGNATURE_FILE
        || plugin_dir.is_some_and(in_plugin_dir)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> IncludePattern {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn one_grammar() {
        for (text, path, matches) in [
            ("a.txt", "a.txt", true),
            ("a.txt", "A.txt", false),
            ("a.txt", "sub/a.txt", false),
            ("*.txt", "a.txt", true),
            ("*.txt", ".txt", false),
            ("*.txt", "sub/a.txt", false),
            ("?.txt", "é.txt", true),
            ("?.txt", "ab.txt", false),
            ("a*b*c", "aXXbYYbc", true),
            ("a*b*c", "aXXcYY", false),
            ("*", "a", true),
            ("*", "a/b", false),
            ("assets/*", "assets/a", true),
            ("assets/*", "assets/a/b", false),
            ("assets/**", "assets/a/b", true),
            ("assets/**", "assets", false),
            ("assets/**", "assets/.hidden", false),
            ("assets/**", "assets/.git/x", false),
            ("assets/**/x", "assets/x", true),
            ("assets/**/x", "assets/a/b/x", true),
            ("assets/**/x", "assets/.a/x", false),
            ("**", "a", true),
            ("**", "a/b/c", true),
            ("**", ".a", false),
            ("**", "a/.b", false),
            ("**/.b", "a/.b", true),
            (".config/*", ".config/a", true),
            ("**/**", "a", true),
            ("**/*.md", "a/b/c.md", true),
            ("a/**/b/**/c", "a/x/b/y/z/c", true),
            ("a/**/b/**/c", "a/b/c", true),
            ("a/**/b/**/c", "a/c/b", false),
        ] {
            assert_eq!(pattern(text).matches(path), matches, "{text} on {path}");
        }
    }

    #[test]
    fn nothing_else() {
        use IncludeError as E;
        let deep = vec!["a"; 33].join("/");
        for (text, error) in [
            ("", E::Limit),
            (&*"a".repeat(257), E::Limit),
            (&deep, E::Limit),
            ("/a", E::Segment),
            ("a/", E::Segment),
            ("a//b", E::Segment),
            ("../a", E::Segment),
            ("./a", E::Segment),
            ("a/..", E::Segment),
            ("[ab]", E::Character('[')),
            ("{a,b}", E::Character('{')),
            ("!a", E::Character('!')),
            ("a\\*", E::Character('\\')),
            ("C:/x", E::Character(':')),
            ("a\n", E::Character('\u{fffd}')),
            ("a**", E::DoubleStar),
            ("***", E::DoubleStar),
            ("**.md", E::DoubleStar),
            (".*", E::Hidden),
            ("a/.e?v", E::Hidden),
        ] {
            assert_eq!(text.parse::<IncludePattern>(), Err(error), "{text:?}");
        }
    }

    fn manifest(rest: &str) -> PluginManifest {
        PluginManifest::parse(&format!("mfp: 1\nplugin:\n  id: x\n  version: 1.0.0\n  types: [auth]\n{rest}")).unwrap()
    }

    fn selected(rest: &str, files: &[&str]) -> Result<Vec<String>, PackageError> {
        let set = select(&manifest(rest), files.iter().copied(), Some("./plugged/"))?;
        Ok(set.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_set_is_what_is_named_and_no_more() {
        let files = [
            "plugin.yaml",
            "x.wasm",
            "README.md",
            "LICENSE-MIT",
            "CHANGELOG",
            "readme.txt",
            "src/lib.rs",
            "assets/a.json",
            "docs/README.md",
            ".env",
            ".git/config",
            "plugins.lock",
            "mockforge-plugins.toml",
            "plugin.minisig",
            "plugged/y/plugin.yaml",
            "aux.c",
        ];
        let always = ["CHANGELOG", "LICENSE-MIT", "README.md", "plugin.yaml", "x.wasm"];
        assert_eq!(selected("", &files).unwrap(), always);
        assert_eq!(
            selected("  include: ['assets/**', '.env', '.git/config', plugins.lock, plugin.minisig]\n", &files).unwrap(),
            [".env", "CHANGELOG", "LICENSE-MIT", "README.md", "assets/a.json", "plugin.yaml", "x.wasm"]
        );
        let everything = selected("  include: ['**']\n", &files);
        assert_eq!(everything.unwrap_err().code(), "mfp::package::path", "aux.c is no file on Windows");
        let rest: Vec<&str> = files.iter().copied().filter(|file| *file != "aux.c").collect();
        let everything = selected("  include: ['**']\n", &rest).unwrap();
        assert_eq!(
            everything,
            [
                "CHANGELOG",
                "LICENSE-MIT",
                "README.md",
                "assets/a.json",
                "docs/README.md",
                "plugin.yaml",
                "readme.txt",
                "src/lib.rs",
                "x.wasm"
            ]
        );
    }

    #[test]
    fn a_pattern_reaches_into_a_folder_that_it_can_match_something_in() {
        for (pattern, folder, reaches) in [
            ("assets/**", "assets", true),
            ("assets/**", "assets/lib", true),
            ("assets/*", "assets", true),
            ("assets/*", "assets/lib", false),
            ("assets/a.json", "assets", true),
            ("assets/a.json", "assets/a.json", false),
            ("*/x", "lib", true),
            ("*", "lib", false),
            ("**", "lib", true),
            ("**/x", "lib/deep", true),
            ("**", ".hidden", false),
            ("docs/**", "assets", false),
            ("a/**/b/c", "a/x", true),
        ] {
            let manifest = manifest(&format!("  include: ['{pattern}']\n"));
            assert_eq!(reaches_into(&manifest, folder), reaches, "{pattern} into {folder}");
        }
        assert!(reaches_into(&manifest("  entry: lib/x.wasm\n"), "lib"));
        assert!(!reaches_into(&manifest("  entry: library/x.wasm\n"), "lib"));
    }

    #[test]
    fn a_set_has_one_manifest_and_one_module() {
        let entry = |rest, files: &[&str]| match selected(rest, files) {
            Err(PackageError::Entry(error)) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(entry("", &["x.wasm"]), EntryError::NoManifest));
        assert!(matches!(entry("", &["plugin.yaml", "plugin.yml", "x.wasm"]), EntryError::SecondManifest(_)));
        assert!(matches!(entry("", &["plugin.yaml"]), EntryError::NoModule));
        assert!(matches!(entry("", &["plugin.yaml", "a.wasm", "b.wasm"]), EntryError::SeveralModules(_)));
        assert!(matches!(entry("  entry: c.wasm\n", &["plugin.yaml", "a.wasm"]), EntryError::Missing(_)));
        assert_eq!(selected("  entry: out/b.wasm\n", &["plugin.yaml", "a.wasm", "out/b.wasm"]).unwrap(), ["out/b.wasm", "plugin.yaml"]);
        assert_eq!(selected("  runtime: remote\n", &["plugin.yaml"]).unwrap(), ["plugin.yaml"]);
        assert_eq!(
            selected("", &["plugin.yaml", "a.wasm", "README", "Readme"]).unwrap().len(),
            3,
            "`Readme` isn't selected, so it's no collision"
        );
        let collision = selected("  include: ['*']\n", &["plugin.yaml", "a.wasm", "README", "Readme"]).unwrap_err();
        assert_eq!(collision.code(), "mfp::package::collision");
    }

    /// The grammar as a regular expression would have it, by trying everything.
    fn slow(pattern: &[&str], names: &[&str]) -> bool {
        match pattern {
            [] => names.is_empty(),
            ["**"] => !names.is_empty() && names.iter().all(|name| !name.starts_with('.')),
            ["**", rest @ ..] => {
                slow(rest, names) || names.first().is_some_and(|name| !name.starts_with('.') && slow(pattern, &names[1..]))
            }
            [one, rest @ ..] => names.first().is_some_and(|name| slow_name(one, name)) && slow(rest, &names[1..]),
        }
    }

    fn slow_name(pattern: &str, name: &str) -> bool {
        fn go(pattern: &str, name: &str) -> bool {
            let Some(first) = pattern.chars().next() else { return name.is_empty() };
            match first {
                '*' => go(&pattern[1..], name) || (!name.is_empty() && go(pattern, &name[1..])),
                '?' => !name.is_empty() && go(&pattern[1..], &name[1..]),
                _ => name.starts_with(first) && go(&pattern[1..], &name[1..]),
            }
        }
        if name.starts_with('.') { pattern == name } else { go(pattern, name) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn matching_is_what_the_grammar_says(text in "(\\*\\*/|[ab?*]{1,3}/|\\.a/){0,4}(\\*\\*|[ab?*]{1,3}|\\.a)", path in "([ab]{1,3}/|\\.a/){0,4}([ab]{1,3}|\\.a)") {
            if let Ok(parsed) = text.parse::<IncludePattern>() {
                let (segments, names): (Vec<&str>, Vec<&str>) = (text.split('/').collect(), path.split('/').collect());
                prop_assert_eq!(parsed.matches(&path), slow(&segments, &names), "{} on {}", text, path);
            }
        }
    }
}
