//! What of an index document decides, in as few bytes as possible: for caches that are read far more often than they're
//! written.
//!
//! A document is parsed and checked in full once, when it comes; what choosing and locking need of it is then kept in this
//! form, which is read some twenty times faster than the JSON. It's a cache's form and no contract: whoever keeps it keeps a
//! checksum and the original text beside it, and goes back to the text where this can't be read. Names, requirements and
//! capabilities are still only made by their types' own rules.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use jiff::Timestamp;

use super::{IndexDocument, IndexLine, Yanked};
use crate::capability::Capabilities;
use crate::digest::{ContentDigest, Sha256};
use crate::name::PluginName;
use crate::plugin::{Dependency, PluginType};
use crate::requirement::Requirement;
use crate::signer::Signer;
use crate::source::{ArchiveFormat, Artifact};
use crate::version::Version;

/// A document in its packed form.
#[derive(Debug, Clone)]
pub struct Packed<'p> {
    texts: Vec<&'p str>,
    count: usize,
    lines: Bytes<'p>,
}

/// One version of a packed document. What's dear to make is made when it's asked for.
#[derive(Debug, Clone)]
pub struct PackedLine<'p> {
    /// Its version.
    pub version: Version,
    /// When it was published.
    pub published: Timestamp,
    /// Has it been taken back?
    pub yanked: Yanked,
    /// The artifact as a lock has it.
    pub artifact: Artifact,
    /// What the plugin is.
    pub content: ContentDigest,
    types: u8,
    license: Option<&'p str>,
    mockforge: Option<&'p str>,
    capabilities: Option<&'p str>,
    signer: Option<&'p str>,
    dependencies: Bytes<'p>,
}

/// Names and requirements that were read before: documents repeat each other's.
#[derive(Debug, Default)]
pub struct Repeated {
    names: HashMap<Box<str>, PluginName>,
    requirements: HashMap<Box<str>, Requirement>,
}

/// Makes the names and requirements of one document, each once.
#[derive(Debug)]
pub struct Reader<'p, 'k> {
    texts: Vec<&'p str>,
    names: Vec<Option<PluginName>>,
    requirements: Vec<Option<Requirement>>,
    known: &'k mut Repeated,
}

/// The packed form of a document.
pub fn pack(document: &IndexDocument) -> Vec<u8> {
    let mut texts = Texts::default();
    let mut lines = Vec::with_capacity(document.lines.len() * 112);
    for line in &document.lines {
        pack_line(line, &mut texts, &mut lines);
    }
    let mut packed = Vec::with_capacity(lines.len() + 512);
    push_number(&mut packed, texts.order.len() as u64);
    for text in &texts.order {
        push_number(&mut packed, text.len() as u64);
        packed.extend_from_slice(text.as_bytes());
    }
    push_number(&mut packed, document.lines.len() as u64);
    packed.append(&mut lines);
    packed
}

/// What follows the flags, if it's there.
mod flag {
    pub(super) const PRERELEASE: u8 = 1;
    pub(super) const YANKED: u8 = 2;
    pub(super) const REASON: u8 = 4;
    pub(super) const MOCKFORGE: u8 = 8;
    pub(super) const LICENSE: u8 = 16;
    pub(super) const CAPABILITIES: u8 = 32;
    pub(super) const SIGNER: u8 = 64;
}

fn pack_line(line: &IndexLine, texts: &mut Texts, out: &mut Vec<u8>) {
    let capabilities = (line.capabilities != Capabilities::default())
        .then(|| serde_json::to_string(&line.capabilities).expect("capabilities are texts and numbers"));
    let optional = [
        (flag::PRERELEASE, line.version.is_prerelease().then(|| line.version.to_string())),
        (flag::REASON, line.yanked.reason().map(str::to_owned)),
        (flag::MOCKFORGE, line.mockforge.as_ref().map(ToString::to_string)),
        (flag::LICENSE, line.license.clone()),
        (flag::CAPABILITIES, capabilities),
        (flag::SIGNER, line.signer.as_ref().map(ToString::to_string)),
    ];
    let yanked = if line.yanked.is_yanked() { flag::YANKED } else { 0 };
    out.push(optional.iter().filter(|(_, text)| text.is_some()).fold(yanked, |flags, (flag, _)| flags | flag));
    for text in optional.iter().filter_map(|(_, text)| text.as_deref()) {
        push_number(out, texts.place(text));
    }
    let (major, minor, patch) = line.version.numbers();
    for number in [major, minor, patch] {
        push_number(out, number);
    }
    out.extend_from_slice(&line.published.as_second().to_le_bytes());
    out.extend_from_slice(&line.published.subsec_nanosecond().to_le_bytes());
    let mut dependencies = Vec::with_capacity(line.deps.len() * 3);
    for dependency in &line.deps {
        push_number(&mut dependencies, texts.place(dependency.name.as_str()));
        push_number(&mut dependencies, texts.place(&dependency.requirement.to_string()) << 1 | u64::from(dependency.optional));
    }
    push_number(out, dependencies.len() as u64);
    out.append(&mut dependencies);
    out.push(PluginType::ALL.iter().zip(0..).filter(|(one, _)| line.types.contains(one)).fold(0, |bits, (_, at)| bits | 1 << at));
    out.push(ArchiveFormat::ALL.iter().zip(0u8..).find(|(one, _)| **one == line.format).map_or(u8::MAX, |(_, at)| at));
    push_number(out, line.size);
    out.extend_from_slice(line.sha256.as_bytes());
    out.extend_from_slice(line.content.as_bytes());
}

impl<'p> Packed<'p> {
    /// Read the packed form; `None` if it isn't one.
    pub fn read(bytes: &'p [u8]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        let count = rest.small()?;
        let texts = (0..count).map(|_| rest.text()).collect::<Option<_>>()?;
        Some(Self { texts, count: rest.small()?, lines: rest })
    }

    /// Its lines, in order of publication; `None` in the place of what can't be read.
    pub fn lines(&self) -> impl Iterator<Item = Option<PackedLine<'p>>> {
        let mut rest = self.lines;
        (0..self.count).map(move |_| self.line(&mut rest))
    }

    /// The line of this version.
    pub fn find(&self, version: &Version) -> Option<PackedLine<'p>> {
        self.lines().map_while(|line| line).find(|line| line.version == *version)
    }

    fn line(&self, rest: &mut Bytes<'p>) -> Option<PackedLine<'p>> {
        let flags = rest.byte()?;
        let mut optional = |flag| if flags & flag == 0 { Some(None) } else { self.text(rest.small()?).map(Some) };
        let (prerelease, reason, mockforge, license, capabilities, signer) = (
            optional(flag::PRERELEASE)?,
            optional(flag::REASON)?,
            optional(flag::MOCKFORGE)?,
            optional(flag::LICENSE)?,
            optional(flag::CAPABILITIES)?,
            optional(flag::SIGNER)?,
        );
        let numbers = [rest.number()?, rest.number()?, rest.number()?];
        Some(PackedLine {
            version: version(prerelease, numbers)?,
            published: Timestamp::new(i64::from_le_bytes(rest.array()?), i32::from_le_bytes(rest.array()?)).ok()?,
            yanked: match reason {
                Some(reason) => Yanked::Because(reason.to_owned()),
                None if flags & flag::YANKED != 0 => Yanked::Yes,
                None => Yanked::No,
            },
            dependencies: rest.part()?,
            types: rest.byte()?,
            artifact: Artifact {
                format: *ArchiveFormat::ALL.get(usize::from(rest.byte()?))?,
                size: rest.number()?,
                sha256: Sha256::from_hash(rest.array()?),
            },
            content: ContentDigest::from_hash(rest.array()?),
            license,
            mockforge,
            capabilities,
            signer,
        })
    }

    /// What makes this document's names and requirements.
    pub fn reader<'k>(&self, known: &'k mut Repeated) -> Reader<'p, 'k> {
        let count = self.texts.len();
        Reader { texts: self.texts.clone(), names: vec![None; count], requirements: vec![None; count], known }
    }

    fn text(&self, at: usize) -> Option<&'p str> {
        self.texts.get(at).copied()
    }
}

fn version(prerelease: Option<&str>, [major, minor, patch]: [u64; 3]) -> Option<Version> {
    match prerelease {
        Some(text) => Version::parse_published(text).ok(),
        None if major.max(minor).max(patch) < crate::version::NUMBER_LIMIT => Some(Version::new(major, minor, patch)),
        None => None,
    }
}

impl<'p> PackedLine<'p> {
    /// The plugins that it may call; `None` if that can't be read. The reader is that of the line's document.
    pub fn dependencies(&self, reader: &mut Reader<'_, '_>) -> Option<Vec<Dependency>> {
        let mut rest = self.dependencies;
        // Two bytes each at least.
        let mut all = Vec::with_capacity(rest.0.len() / 2);
        while !rest.0.is_empty() {
            let (name, requirement) = (rest.small()?, rest.small()?);
            let (name, optional) = (reader.name(name)?, requirement & 1 == 1);
            all.push(Dependency { name, requirement: reader.requirement(requirement >> 1)?, optional });
        }
        Some(all)
    }

    /// The hosts that it supports; absent means all. `None` if that can't be read.
    pub fn mockforge(&self) -> Option<Option<Requirement>> {
        self.mockforge.map(str::parse).transpose().ok()
    }

    /// Its types.
    pub fn types(&self) -> BTreeSet<PluginType> {
        PluginType::ALL.into_iter().zip(0..).filter(|(_, at)| self.types & 1 << at != 0).map(|(one, _)| one).collect()
    }

    /// Its licence.
    pub fn license(&self) -> Option<&'p str> {
        self.license
    }

    /// What it asks for beyond the defaults; `None` if that can't be read.
    pub fn capabilities(&self) -> Option<Capabilities> {
        self.capabilities.map_or_else(|| Some(Capabilities::default()), |text| serde_json::from_str(text).ok())
    }

    /// Does it ask for anything beyond the defaults? Cheaper than asking for what.
    pub fn asks(&self) -> bool {
        self.capabilities.is_some()
    }

    /// Who the index claims signed it, which only the package can prove; `None` if that can't be read.
    pub fn signer(&self) -> Option<Option<Signer>> {
        self.signer.map(str::parse).transpose().ok()
    }
}

impl Reader<'_, '_> {
    fn name(&mut self, at: usize) -> Option<PluginName> {
        once(&mut self.names, at, &self.texts, &mut self.known.names)
    }

    fn requirement(&mut self, at: usize) -> Option<Requirement> {
        once(&mut self.requirements, at, &self.texts, &mut self.known.requirements)
    }
}

/// What was made of the text at this place before, here or in another document, or else what it parses to.
fn once<T: FromStr + Clone>(made: &mut [Option<T>], at: usize, texts: &[&str], known: &mut HashMap<Box<str>, T>) -> Option<T> {
    let place = made.get_mut(at)?;
    if place.is_none() {
        let text = *texts.get(at)?;
        *place = Some(match known.get(text) {
            Some(value) => value.clone(),
            None => known.entry(text.into()).insert_entry(text.parse().ok()?).get().clone(),
        });
    }
    place.clone()
}

/// The texts of a document, each once.
#[derive(Default)]
struct Texts {
    places: HashMap<String, u64>,
    order: Vec<String>,
}

impl Texts {
    fn place(&mut self, text: &str) -> u64 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.order.len() as u64;
        self.order.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}

/// Seven bits a byte, the lowest first.
fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// What's left to read.
#[derive(Debug, Clone, Copy)]
struct Bytes<'p>(&'p [u8]);

impl<'p> Bytes<'p> {
    fn take(&mut self, count: usize) -> Option<&'p [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number of things, each of which takes a byte at least: so none that would make us reserve what isn't there.
    fn small(&mut self) -> Option<usize> {
        self.number().and_then(|number| usize::try_from(number).ok())
    }

    fn part(&mut self) -> Option<Self> {
        let length = self.small()?;
        self.take(length).map(Self)
    }

    fn text(&mut self) -> Option<&'p str> {
        std::str::from_utf8(self.part()?.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = concat!(
        r#"{"v":1,"name":"a-b","version":"1.0.0-rc.1","types":["auth","template"],"deps":[{"name":"c","req":"^1.2"},{"name":"d","req":"*","optional":true}],"mockforge":">=0.9","file":"a-b-1.0.0-rc.1.zip","size":300,"sha256":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","content":"blake3:1f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","published":"2025-01-01T00:00:00.5Z","capabilities":{"memory":134217728},"signer":"minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa","yanked":"bad"}"#,
        "\n",
        r#"{"v":1,"name":"a-b","version":"4294967295.200.3","types":["response"],"license":"MIT","deps":[],"file":"a-b.tar.zst","size":1,"sha256":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","content":"blake3:2f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","published":"1960-01-01T00:00:00Z","capabilities":{},"yanked":true}"#,
        "\n"
    );

    fn document() -> IndexDocument {
        IndexDocument::parse(LINES.as_bytes(), &"a-b".parse().unwrap()).unwrap()
    }

    #[test]
    fn what_was_packed_is_read_again() {
        let document = document();
        let bytes = pack(&document);
        let packed = Packed::read(&bytes).unwrap();
        let mut known = Repeated::default();
        let mut reader = packed.reader(&mut known);
        assert_eq!(packed.lines().count(), document.lines.len());
        for (line, from) in packed.lines().zip(&document.lines) {
            let line = line.unwrap();
            assert_eq!(line.version.to_string(), from.version.to_string());
            assert_eq!((line.published, &line.yanked, line.artifact), (from.published, &from.yanked, from.artifact()));
            assert_eq!((line.content, line.types(), line.license()), (from.content, from.types.clone(), from.license.as_deref()));
            assert_eq!(line.dependencies(&mut reader).unwrap(), from.deps);
            assert_eq!(line.mockforge().unwrap(), from.mockforge);
            assert_eq!((line.capabilities().unwrap(), line.signer().unwrap()), (from.capabilities.clone(), from.signer.clone()));
            assert_eq!(packed.find(&from.version).unwrap().content, from.content);
        }
    }

    #[test]
    fn what_was_cut_anywhere_is_never_read_whole() {
        let bytes = pack(&document());
        for end in 0..bytes.len() {
            let lines: Option<Vec<_>> = Packed::read(&bytes[..end]).and_then(|packed| packed.lines().collect());
            assert!(lines.is_none(), "{end} of {} bytes", bytes.len());
        }
    }
}
