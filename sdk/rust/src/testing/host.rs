//! A host that a test makes.

use std::collections::BTreeMap;
#[cfg(feature = "files")]
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::about::{About, FileAccess};
use crate::types::{HttpRequest, HttpResponse};
use crate::{Call, Context as _, Host, Level, Result};
#[cfg(feature = "files")]
use crate::{
    Entry,
    files::{holder, missing, read_only},
};

/// Answers requests in the place of servers.
type Server = Box<dyn Fn(&HttpRequest) -> Result<HttpResponse> + Send + Sync>;
/// What's granted: `None` is what the plugin asks for.
#[derive(Debug, Clone, Default)]
struct Granted {
    hosts: Option<Reach>,
    folders: Option<(Vec<String>, FileAccess)>,
}

/// Answers calls in the place of a dependency.
type Dependency = Box<dyn Fn(Call, &Value) -> Result<Value> + Send + Sync>;

/// A host that a test makes: its clock stands, its random bytes are the same in every run, and it has nothing but what it's given.
///
/// What it grants is what a test says, and else what the plugin asks for, once it's a harness's.
pub struct MockHost {
    now_ms: i64,
    seed: u8,
    assets: BTreeMap<String, Vec<u8>>,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    granted: Granted,
    server: Option<Server>,
    dependencies: BTreeMap<String, Dependency>,
    log: Mutex<Vec<(Level, String)>>,
    sent: Mutex<Vec<HttpRequest>>,
}

impl fmt::Debug for MockHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MockHost").field("now_ms", &self.now_ms).field("granted", &self.granted).finish_non_exhaustive()
    }
}

impl Default for MockHost {
    fn default() -> Self {
        Self {
            now_ms: 1_767_225_600_000,
            seed: 7,
            assets: BTreeMap::new(),
            files: Mutex::default(),
            granted: Granted::default(),
            server: None,
            dependencies: BTreeMap::new(),
            log: Mutex::default(),
            sent: Mutex::default(),
        }
    }
}

impl MockHost {
    /// With its clock at so many milliseconds since 1970, in the place of 2026-01-01.
    #[must_use]
    pub fn at(self, now_ms: i64) -> Self {
        Self { now_ms, ..self }
    }

    /// With other random bytes: they count up from here.
    #[must_use]
    pub fn seed(self, seed: u8) -> Self {
        Self { seed, ..self }
    }

    /// With another file in the plugin's package.
    #[must_use]
    pub fn with_asset(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.assets.insert(path.into(), bytes.into());
        self
    }

    /// With another file in the project. Whether the plugin sees it depends on the folders that are granted.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.get_mut().unwrap_or_else(PoisonError::into_inner).insert(path.into(), bytes.into());
        self
    }

    /// With a plugin that can be called.
    #[must_use]
    pub fn with_dependency(
        mut self,
        name: impl Into<String>,
        answer: impl Fn(Call, &Value) -> Result<Value> + Send + Sync + 'static,
    ) -> Self {
        self.dependencies.insert(name.into(), Box::new(answer));
        self
    }

    pub(super) fn grant_hosts(&mut self, hosts: &[&str]) {
        self.granted.hosts = Some(Reach(hosts.iter().map(|host| (*host).to_owned()).collect()));
    }

    pub(super) fn grant_folders(&mut self, folders: &[&str], access: FileAccess) {
        self.granted.folders = Some((folders.iter().map(|folder| (*folder).to_owned()).collect(), access));
    }

    /// Grant what a plugin asks for, where nothing else was said.
    pub(super) fn grant_asked(&mut self, about: &About) {
        self.granted.hosts.get_or_insert_with(|| Reach(about.http.clone()));
        self.granted.folders.get_or_insert_with(|| (about.files.clone(), about.file_access));
    }

    pub(super) fn answer_http(&mut self, server: impl Fn(&HttpRequest) -> Result<HttpResponse> + Send + Sync + 'static) {
        self.server = Some(Box::new(server));
    }

    /// The hosts that may be asked.
    pub fn reach(&self) -> &Reach {
        const NONE: &Reach = &Reach(Vec::new());
        self.granted.hosts.as_ref().unwrap_or(NONE)
    }

    /// The folders of the project that may be read.
    pub fn folders(&self) -> &[String] {
        self.granted.folders.as_ref().map_or(&[], |(folders, _)| folders)
    }

    /// Whether they may be written too.
    pub fn file_access(&self) -> FileAccess {
        self.granted.folders.as_ref().map_or(FileAccess::Read, |(_, access)| *access)
    }

    /// A file of the project, as it is by now.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        locked(&self.files).get(path).cloned()
    }

    /// All files of the project, as they are by now.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        locked(&self.files).clone()
    }

    #[cfg(feature = "sandbox")]
    pub(super) fn set_files(&self, files: BTreeMap<String, Vec<u8>>) {
        *locked(&self.files) = files;
    }

    /// The files of the plugin's package.
    pub fn assets(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.assets
    }

    /// What was logged so far.
    pub fn logged(&self) -> Vec<(Level, String)> {
        locked(&self.log).clone()
    }

    /// The requests that were let through so far.
    pub fn sent(&self) -> Vec<HttpRequest> {
        locked(&self.sent).clone()
    }

    /// What a plugin's request gets: the server's answer, if the host is granted.
    pub fn send(&self, request: &HttpRequest) -> Result<HttpResponse> {
        if !self.reach().allows(&request.url) {
            crate::fail!("{} isn't among the hosts that were approved", host_of(&request.url).unwrap_or(&request.url));
        }
        let Some(server) = &self.server else { crate::fail!("the test answers no requests: `.answering(…)`") };
        locked(&self.sent).push(request.clone());
        server(request)
    }
}

#[cfg(feature = "files")]
impl MockHost {
    /// What's below the granted folder that holds a path.
    fn below<'p>(&self, path: &'p str) -> Result<&'p str> {
        let folders: Vec<&str> = self.folders().iter().map(String::as_str).collect();
        Ok(holder(path, &folders)?.1)
    }
}

#[cfg(feature = "files")]
fn is_folder(files: &BTreeMap<String, Vec<u8>>, path: &str) -> bool {
    files.keys().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host for MockHost {
    fn log(&self, level: Level, text: &str) {
        locked(&self.log).push((level, text.to_owned()));
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn random(&self, out: &mut [u8]) {
        for (byte, count) in out.iter_mut().zip((0..=u8::MAX).cycle()) {
            *byte = self.seed.wrapping_add(count);
        }
    }

    fn asset(&self, path: &str) -> Result<Vec<u8>> {
        self.assets.get(path).cloned().with_context(|| format!("there's no file `{path}` in the package"))
    }

    #[cfg(feature = "files")]
    fn read_file(&self, path: &str) -> Result<Vec<u8>> {
        self.below(path)?;
        let files = locked(&self.files);
        if is_folder(&files, path) {
            crate::fail!("`{path}` is a folder");
        }
        files.get(path).cloned().ok_or_else(|| missing(path))
    }

    #[cfg(feature = "files")]
    fn list_folder(&self, path: &str) -> Result<Vec<Entry>> {
        let is_granted = self.below(path)?.is_empty();
        let files = locked(&self.files);
        if files.contains_key(path) {
            crate::fail!("`{path}` isn't a folder, or is in none");
        }
        if !is_granted && !is_folder(&files, path) {
            return Err(missing(path));
        }
        let names = files.keys().filter_map(|file| file.strip_prefix(path)?.strip_prefix('/'));
        let entries: BTreeSet<Entry> = names
            .map(|name| match name.split_once('/') {
                Some((folder, _)) => Entry { name: folder.to_owned(), is_folder: true },
                None => Entry { name: name.to_owned(), is_folder: false },
            })
            .collect();
        Ok(entries.into_iter().collect())
    }

    #[cfg(feature = "files")]
    fn write_file(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let is_granted = self.below(path)?.is_empty();
        let mut files = locked(&self.files);
        if is_granted || is_folder(&files, path) {
            crate::fail!("`{path}` is a folder");
        }
        if self.file_access() == FileAccess::Read {
            return Err(read_only(path));
        }
        if path.match_indices('/').any(|(end, _)| files.contains_key(&path[..end])) {
            crate::fail!("`{path}` isn't a folder, or is in none");
        }
        files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn call(&self, dependency: &str, call: Call, request: &Value) -> Result<Value> {
        match self.dependencies.get(dependency) {
            Some(answer) => answer(call, request),
            None => crate::fail!("`{dependency}` isn't a dependency"),
        }
    }

    #[cfg(feature = "http")]
    fn http(&self, request: &HttpRequest) -> Result<HttpResponse> {
        self.send(request)
    }
}

/// The hosts that requests may go to, as capabilities name them: `api.example.com`, `*.example.com:8443`, `http://localhost:9000`.
///
/// For tests of a plugin's own; what a real host lets through, mfp decides (`Wasm` asks it).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach(Vec<String>);

impl Reach {
    /// The patterns.
    pub fn hosts(&self) -> &[String] {
        &self.0
    }

    /// May a request go to this URL?
    pub fn allows(&self, url: &str) -> bool {
        let Some((scheme, rest)) = url.split_once("://") else { return false };
        let (name, port) = name_and_port(scheme, rest);
        self.0.iter().any(|pattern| {
            let (of_scheme, rest) = pattern.split_once("://").unwrap_or(("https", pattern));
            let (of_name, of_port) = name_and_port(of_scheme, rest);
            let names = match of_name.strip_prefix("*.") {
                Some(parent) => name.strip_suffix(parent).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.')),
                None => of_name == "*" || of_name == name,
            };
            of_scheme == scheme && of_port == port && names
        })
    }
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn name_and_port(scheme: &str, rest: &str) -> (String, u16) {
    let authority = authority(rest);
    let standard = if scheme == "http" { 80 } else { 443 };
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().unwrap_or(standard)),
        _ => (authority, standard),
    };
    (name.trim_end_matches('.').to_ascii_lowercase(), port)
}

fn host_of(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| authority(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_as_capabilities_name_them() {
        let reach = Reach(["api.example.com", "*.x.com:8443", "http://localhost:9000"].map(str::to_owned).into());
        for url in ["https://api.example.com/a?b", "https://API.example.com.:443/", "https://a.b.x.com:8443/", "http://localhost:9000"] {
            assert!(reach.allows(url), "{url}");
        }
        for url in
            ["http://api.example.com/", "https://x.com:8443/", "https://a.x.com/", "https://evilx.com:8443/", "http://localhost/", "x"]
        {
            assert!(!reach.allows(url), "{url}");
        }
    }
}
