//! What does a line look like? The shape of its JSON, borrowed from the text, and the way to the types.
//!
//! Reading the index is a large part of a resolution, so nothing is copied before it's needed and what repeats from line to
//! line (names of dependencies, the description) is made once.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::{Deprecated, IndexLine, LINE_VERSION, Yanked};
use crate::capability::Capabilities;
use crate::content::PackagePath;
use crate::keyed::Keyed;
use crate::name::PluginName;
use crate::plugin::{Author, Dependency, MAX_DEPENDENCIES};
use crate::requirement::Requirement;
use crate::source::ArchiveFormat;
use crate::version::Version;

/// A text that is borrowed unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    v: u64,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    types: Vec<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    license: Option<Text<'a>>,
    #[serde(borrow)]
    deps: Vec<Keyed<Dep<'a>>>,
    #[serde(borrow, default)]
    mockforge: Option<Text<'a>>,
    #[serde(borrow)]
    file: Text<'a>,
    size: u64,
    #[serde(borrow)]
    sha256: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
    #[serde(borrow)]
    published: Text<'a>,
    capabilities: Capabilities,
    #[serde(borrow, default)]
    signer: Option<Text<'a>>,
    #[serde(borrow, default)]
    yanked: YankedText<'a>,
    #[serde(borrow, default)]
    deprecated: Option<Keyed<DeprecatedText<'a>>>,
    unpacked: Option<u64>,
    #[serde(borrow, default)]
    author: Option<AuthorText<'a>>,
    #[serde(borrow, default)]
    repository: Option<Text<'a>>,
    #[serde(borrow, default)]
    homepage: Option<Text<'a>>,
    #[serde(borrow, default)]
    documentation: Option<Text<'a>>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
}

#[derive(Deserialize)]
struct Dep<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    req: Text<'a>,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
struct DeprecatedText<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow, default, rename = "use")]
    use_instead: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AuthorText<'a> {
    #[serde(borrow)]
    Name(Text<'a>),
    Author(Keyed<Author>),
}

/// `false`, `true` or a reason.
#[derive(Default)]
enum YankedText<'a> {
    #[default]
    No,
    Yes,
    Because(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for YankedText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagOrReason;

        impl<'de> Visitor<'de> for FlagOrReason {
            type Value = YankedText<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("`true`, `false` or a reason")
            }

            fn visit_bool<E: de::Error>(self, yanked: bool) -> Result<YankedText<'de>, E> {
                Ok(if yanked { YankedText::Yes } else { YankedText::No })
            }

            fn visit_borrowed_str<E: de::Error>(self, reason: &'de str) -> Result<YankedText<'de>, E> {
                Ok(YankedText::Because(Cow::Borrowed(reason)))
            }

            fn visit_str<E: de::Error>(self, reason: &str) -> Result<YankedText<'de>, E> {
                Ok(YankedText::Because(Cow::Owned(reason.to_owned())))
            }
        }

        deserializer.deserialize_any(FlagOrReason)
    }
}

/// What's needed of a line that can't be read in full.
#[derive(Deserialize)]
struct Probe {
    v: Option<u64>,
    name: Option<String>,
    capabilities: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The name that a skipped line is about, if it says one that could be.
pub(super) fn name_of(text: &str) -> Option<PluginName> {
    serde_json::from_str::<Probe>(text).ok()?.name?.parse().ok()
}

/// Is the line written for a newer mfp: another `v`, or a capability that isn't known?
fn is_for_newer(text: &str) -> bool {
    // A newer shape may have other types under the old keys, so each is asked for alone.
    #[derive(Deserialize)]
    struct Edition {
        v: Option<u64>,
    }
    if serde_json::from_str::<Edition>(text).is_ok_and(|line| line.v.is_some_and(|v| v != LINE_VERSION)) {
        return true;
    }
    let Ok(probe) = serde_json::from_str::<Probe>(text) else { return false };
    let is_unknown = |key: &String| !Capabilities::KEYS.contains(&key.as_str());
    probe.v == Some(LINE_VERSION) && probe.capabilities.is_some_and(|keys| keys.keys().any(is_unknown))
}

/// Reads line after line, and keeps what is likely to come again.
#[derive(Default)]
pub(super) struct Reader {
    name: Option<PluginName>,
    names: HashMap<Box<str>, PluginName>,
    requirements: HashMap<Box<str>, Requirement>,
    description: Option<Arc<str>>,
}

/// How many different texts are kept; a file of strangers mustn't decide that.
const MAX_KEPT: usize = 10_000;

impl Reader {
    /// The line, or `None` if it's for a newer mfp, or why it's wrong.
    pub(super) fn line(&mut self, text: &str) -> Result<Option<IndexLine>, String> {
        match serde_json::from_str::<Keyed<Line<'_>>>(text) {
            Ok(Keyed(line)) if line.v != LINE_VERSION => Ok(None),
            Ok(Keyed(line)) => self.convert(line).map(Some),
            Err(_) if is_for_newer(text) => Ok(None),
            Err(error) => Err(without_place(&error)),
        }
    }

    fn convert(&mut self, line: Line<'_>) -> Result<IndexLine, String> {
        let name = self.own_name(&line.name.0).map_err(|why| format!("`name`: {why}"))?;
        let types: BTreeSet<_> = line.types.iter().map(|one| field("types", one)).collect::<Result<_, _>>()?;
        if types.is_empty() {
            return Err("`types`: a plugin has at least one type".to_owned());
        }
        let deps = self.deps(&line.deps)?;
        let format = check_file(&line.file.0, &name)?;
        Ok(IndexLine {
            name,
            version: Version::parse_published(&line.version.0).map_err(|why| format!("`version`: {why}"))?,
            types,
            description: line.description.map(|text| self.description(&text.0)),
            license: line.license.map(owned).filter(|text| !text.is_empty()),
            deps,
            mockforge: line.mockforge.as_ref().map(|text| field("mockforge", text)).transpose()?,
            file: owned(line.file),
            format,
            size: line.size,
            sha256: field("sha256", &line.sha256)?,
            content: field("content", &line.content)?,
            published: field("published", &line.published)?,
            capabilities: line.capabilities,
            signer: line.signer.filter(|text| !text.0.is_empty()).map(|text| field("signer", &text)).transpose()?,
            yanked: match line.yanked {
                YankedText::No => Yanked::No,
                YankedText::Yes => Yanked::Yes,
                YankedText::Because(reason) => Yanked::Because(reason.into_owned()),
            },
            deprecated: line.deprecated.map(|Keyed(one)| Deprecated { reason: owned(one.reason), use_instead: one.use_instead.map(owned) }),
            unpacked: line.unpacked,
            author: line.author.map(|author| match author {
                AuthorText::Name(name) => Author { name: Some(owned(name)), ..Author::default() },
                AuthorText::Author(Keyed(author)) => author,
            }),
            repository: line.repository.map(owned),
            homepage: line.homepage.map(owned),
            documentation: line.documentation.map(owned),
            keywords: line.keywords,
            categories: line.categories,
        })
    }

    fn deps(&mut self, deps: &[Keyed<Dep<'_>>]) -> Result<Vec<Dependency>, String> {
        if deps.len() > MAX_DEPENDENCIES {
            return Err(format!("`deps`: {} dependencies; the limit is {MAX_DEPENDENCIES}", deps.len()));
        }
        let mut all: Vec<Dependency> = Vec::with_capacity(deps.len());
        for Keyed(dep) in deps {
            let name = self.name(&dep.name.0).map_err(|why| format!("`deps`: {why}"))?;
            if all.iter().any(|one| one.name == name) {
                return Err(format!("`deps`: `{name}` is there twice"));
            }
            let requirement = self.requirement(&dep.req.0).map_err(|why| format!("`deps`: `{name}`: {why}"))?;
            all.push(Dependency { name, requirement, optional: dep.optional });
        }
        Ok(all)
    }

    /// The name that the line is about: mostly that of the line before.
    fn own_name(&mut self, text: &str) -> Result<PluginName, String> {
        match &self.name {
            Some(last) if last.as_str() == text => Ok(last.clone()),
            _ => {
                let name = self.name(text)?;
                Ok(self.name.insert(name).clone())
            }
        }
    }

    fn name(&mut self, text: &str) -> Result<PluginName, String> {
        kept(&mut self.names, text)
    }

    fn requirement(&mut self, text: &str) -> Result<Requirement, String> {
        kept(&mut self.requirements, text)
    }

    /// Versions of one plugin mostly say the same about it.
    fn description(&mut self, text: &str) -> Arc<str> {
        match &self.description {
            Some(last) if **last == *text => last.clone(),
            _ => self.description.insert(text.into()).clone(),
        }
    }
}

/// The error with its column alone: the text was one line, and which one is said elsewhere.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.split(" at line 1 column").next().unwrap_or(&text);
    format!("{message} (column {})", error.column())
}

/// Parse, or take what the same text gave before.
fn kept<T>(known: &mut HashMap<Box<str>, T>, text: &str) -> Result<T, String>
where
    T: FromStr + Clone,
    T::Err: Display,
{
    if let Some(value) = known.get(text) {
        return Ok(value.clone());
    }
    let value: T = text.parse().map_err(|why: T::Err| why.to_string())?;
    if known.len() < MAX_KEPT {
        known.insert(text.into(), value.clone());
    }
    Ok(value)
}

fn field<T>(key: &str, text: &Text<'_>) -> Result<T, String>
where
    T: FromStr,
    T::Err: Display,
{
    text.0.parse().map_err(|why: T::Err| format!("`{key}`: {why}"))
}

fn owned(text: Text<'_>) -> String {
    text.0.into_owned()
}

/// The artifact's file: one legal segment of a path, with an ending that says how it's packed.
fn check_file(file: &str, name: &PluginName) -> Result<ArchiveFormat, String> {
    if file.contains('/') {
        return Err("`file`: it must be a file's name, without a folder".to_owned());
    }
    if !is_usual_file(file, name) {
        file.parse::<PackagePath>().map_err(|why| format!("`file`: {why}"))?;
    }
    ArchiveFormat::from_file_name(file)
        .ok_or_else(|| "`file`: its ending isn't that of a package (.tar.zst, .tar.gz, .tgz, .zip, .wasm)".to_owned())
}

/// Is it `<name>-…` in plain characters, and so a legal path without a closer look? No device's name has a hyphen, and
/// what's left to go wrong, a trailing dot, is no package's ending.
fn is_usual_file(file: &str, name: &PluginName) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    file.len() <= 128 && file.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('-') && rest.bytes().all(plain))
}
