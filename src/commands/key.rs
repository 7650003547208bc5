//! `mfp key`: a publisher's keys and signatures. Everything happens on this machine: no registry ever sees a secret key.
//!
//! What's signed for a plugin is its statement, so a folder and the archive made of it have one signature; any other file is
//! signed as minisign does it, byte for byte.

use std::path::{Path, PathBuf};

use mfp_model::content::{MANIFEST_FILE, SIGNATURE_FILE};
use mfp_model::name::PluginName;
use mfp_model::signature::rotation::{KeyChange, KeyStatement};
use mfp_model::signature::{SignatureFile, Statement, Unproven};
use mfp_model::signer::Signer;
use mfp_model::source::ArchiveFormat;
use mfp_store::fs::write_atomic;

use crate::app::App;
use crate::cli::key::{KeyAction, KeyArgs, PasswordArgs};
use crate::error::{Error, Result};
use crate::explain;
use crate::keys::{self, KeyFile, SecretKey, password_in, with_ending};
use crate::report::document::{Document, KeyDocument};
use crate::report::{Event, Outcome, ask, clean};
use crate::settings::Hidden;
use crate::sources::declared::read_plugin_folder;
use crate::sources::fetch::look_into;

/// The largest file that's signed or verified as it is, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Do what was asked for.
pub(crate) fn run(app: &App<'_>, args: &KeyArgs) -> Result<Outcome> {
    let at = |path: &Path| app.settings.path(path);
    match &args.action {
        KeyAction::New { output, no_password, password } => new(app, &at(output), *no_password, password),
        KeyAction::Show { file, password } => show(app, &at(file), password),
        KeyAction::Sign { key, path, password } => sign(app, &open(app, &at(key), password)?, &at(path)),
        KeyAction::Verify { key, path, signature } => {
            verify(app, &keys::public(key, &app.settings.current_dir)?, &at(path), signature.as_deref().map(at).as_deref())
        }
        KeyAction::Statement { path } => statement(app, &at(path)),
        KeyAction::Rotate { name, key, to, password } => {
            let to = keys::public(to, &app.settings.current_dir)?;
            rotate(app, name, &open(app, &at(key), password)?, &to)
        }
    }
}

fn new(app: &App<'_>, output: &Path, no_password: bool, password: &PasswordArgs) -> Result<Outcome> {
    let password = if no_password {
        None
    } else {
        Some(secret_word(app, password, || ask::new_password("Password for the new key"))?).filter(|password| !password.is_empty())
    };
    if password.is_none() && !no_password {
        return Err(Error::new("mfp::key::password", "an empty password protects nothing")
            .help("give one, or say that you want none: `--no-password`"));
    }
    let (signer, public) = keys::create(output, password.as_ref())?;
    app.reporter.event(Event::Note(format!("Wrote {} (keep it to yourself) and {}", output.display(), public.display())));
    Ok(shown(app, &signer, KeyDocument { written: [output, &public].map(|path| path.display().to_string()).to_vec(), ..document(&signer) }))
}

fn show(app: &App<'_>, file: &Path, password: &PasswordArgs) -> Result<Outcome> {
    let signer = match keys::read(file)? {
        KeyFile::Public(signer) => signer,
        KeyFile::Secret(key) => key.open(|| existing_password(app, file, password))?.signer().clone(),
    };
    Ok(shown(app, &signer, document(&signer)))
}

/// The key on stdout, what people compare beside it.
fn shown(app: &App<'_>, signer: &Signer, document: KeyDocument) -> Outcome {
    app.reporter.event(Event::Note(format!("fingerprint {}, minisign's id {}", signer.fingerprint(), signer.key_id())));
    Outcome::done(Document::Key(document)).text(format!("{signer}\n"))
}

fn document(signer: &Signer) -> KeyDocument {
    KeyDocument { key: Some(signer.to_string()), fingerprint: Some(signer.fingerprint()), ..KeyDocument::default() }
}

fn sign(app: &App<'_>, key: &SecretKey, path: &Path) -> Result<Outcome> {
    let now = app.settings.now;
    let subject = Subject::at(app, path)?;
    let text = match &subject.what {
        What::Plugin { statement, .. } => {
            let about = format!("{} {}", statement.name, statement.version);
            key.sign_text(&statement.to_string(), &about, now)?.text().to_owned()
        }
        What::File(bytes) => key.sign(bytes, &path.file_name().unwrap_or_default().to_string_lossy(), now)?,
    };
    let place = subject.signature_place(path);
    write_atomic(&place, text.as_bytes()).map_err(explain::store)?;
    let what = subject.shown(path);
    app.reporter.event(Event::Note(format!("Signed {what} with {}: {}", key.signer().fingerprint(), place.display())));
    let written = vec![place.display().to_string()];
    Ok(Outcome::done(Document::Key(KeyDocument { written, statement: subject.statement(), ..document(key.signer()) })))
}

fn verify(app: &App<'_>, signer: &Signer, path: &Path, named: Option<&Path>) -> Result<Outcome> {
    let subject = Subject::at(app, path)?;
    let text = match (named, &subject.what) {
        (None, What::Plugin { signature: Some(inside), .. }) => inside.clone(),
        (named, _) => {
            let place = named.map_or_else(|| subject.signature_place(path), Path::to_owned);
            String::from_utf8(read(&place)?).map_err(|_| unproven(signer, &Unproven::Malformed("it isn't text")))?
        }
    };
    let file = SignatureFile::parse(&text).map_err(|error| unproven(signer, &error.into()))?;
    let proven = match &subject.what {
        What::Plugin { statement, .. } => mfp_model::signature::prove(signer, &statement.to_string(), &file),
        What::File(bytes) => mfp_model::signature::prove_bytes(signer, bytes, &file),
    };
    proven.map_err(|why| unproven(signer, &why))?;
    let what = subject.shown(path);
    app.reporter.event(Event::Note(format!("{what} was signed by {}", signer.fingerprint())));
    let trusted_comment = Some(file.trusted_comment().to_owned());
    Ok(Outcome::done(Document::Key(KeyDocument { statement: subject.statement(), trusted_comment, ..document(signer) })))
}

fn unproven(signer: &Signer, why: &Unproven) -> Error {
    Error::new(why.code(), format!("it isn't proven that {} signed this: {why}", signer.fingerprint()))
        .help("ask the publisher for the right key, and for a signature on these very bytes")
}

fn statement(app: &App<'_>, path: &Path) -> Result<Outcome> {
    match Subject::at(app, path)?.statement() {
        Some(statement) => {
            let document = KeyDocument { statement: Some(statement.clone()), ..KeyDocument::default() };
            Ok(Outcome::done(Document::Key(document)).text(statement))
        }
        None => Err(Error::new("mfp::usage::arguments", format!("{} is neither a plugin's folder nor an archive", path.display()))
            .help("such a file is signed as it is: `mfp key sign --key FILE PATH`")),
    }
}

fn rotate(app: &App<'_>, name: &PluginName, old: &SecretKey, new: &Signer) -> Result<Outcome> {
    if old.signer() == new {
        return Err(
            Error::new("mfp::usage::arguments", "that's the key that signs it already").help("`mfp key new --output FILE` makes another")
        );
    }
    let text = KeyStatement { name, new }.to_string();
    let signature = old.sign_text(&text, &format!("{name} goes to {}", new.fingerprint()), app.settings.now)?;
    let change = KeyChange { old: old.signer().clone(), new: new.clone(), signature };
    app.reporter.event(Event::Note(format!(
        "{name} goes from {} to {}: append this line to keys/{name}.ndjson of the registry",
        old.signer().fingerprint(),
        new.fingerprint()
    )));
    let line = change.to_line();
    let document = KeyDocument { line: Some(line.trim_end().to_owned()), statement: Some(text), ..document(new) };
    Ok(Outcome::done(Document::Key(document)).text(line))
}

pub(crate) fn open(app: &App<'_>, key: &Path, password: &PasswordArgs) -> Result<SecretKey> {
    keys::secret(key)?.open(|| existing_password(app, key, password))
}

fn existing_password(app: &App<'_>, key: &Path, args: &PasswordArgs) -> Result<Hidden> {
    secret_word(app, args, || ask::password(&format!("Password of {}", key.display())))
}

/// A password: from the file that's named, else from the environment, else from whoever sits there.
fn secret_word(app: &App<'_>, args: &PasswordArgs, ask: impl FnOnce() -> Result<Hidden>) -> Result<Hidden> {
    if let Some(file) = &args.password_file {
        return password_in(&app.settings.path(file));
    }
    if let Some(password) = &app.settings.key_password {
        return Ok(password.clone());
    }
    if app.may_ask() {
        return ask();
    }
    Err(Error::new("mfp::key::password", "the secret key needs a password, and nobody is there to be asked")
        .help("name a file with it: `--password-file FILE`, or set MFP_KEY_PASSWORD"))
}

/// What's signed or verified.
struct Subject {
    what: What,
    is_folder: bool,
}

enum What {
    /// A plugin, by its statement; and the signature that's in it.
    Plugin { statement: Statement, signature: Option<String> },
    /// A file, as it is.
    File(Vec<u8>),
}

impl Subject {
    fn at(app: &App<'_>, path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| explain::io("read", path, &error))?;
        if metadata.is_dir() {
            if !path.join(MANIFEST_FILE).exists() {
                return Err(Error::new("mfp::path::invalid", format!("there's no {MANIFEST_FILE} in {}", path.display()))
                    .help("name a plugin's own folder, or a file"));
            }
            let name: PluginName = "plugin".parse().expect("`plugin` is a name");
            let folder = read_plugin_folder(&name, &path.display().to_string(), path)?;
            let statement =
                Statement { name: folder.manifest.id.clone(), version: folder.manifest.version.clone(), content: folder.listing.content() };
            return Ok(Self { what: What::Plugin { statement, signature: folder.signature }, is_folder: true });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let what = match ArchiveFormat::from_file_name(&name) {
            Some(format) => {
                let (manifest, tree) = look_into(&app.store()?, path, format)?;
                let statement = Statement { name: manifest.id, version: manifest.version, content: tree.content() };
                What::Plugin { statement, signature: tree.signature().map(str::to_owned) }
            }
            None => What::File(read(path)?),
        };
        Ok(Self { what, is_folder: false })
    }

    fn signature_place(&self, path: &Path) -> PathBuf {
        if self.is_folder { path.join(SIGNATURE_FILE) } else { with_ending(path, "minisig") }
    }

    fn statement(&self) -> Option<String> {
        match &self.what {
            What::Plugin { statement, .. } => Some(statement.to_string()),
            What::File(_) => None,
        }
    }

    fn shown(&self, path: &Path) -> String {
        match &self.what {
            What::Plugin { statement, .. } => {
                format!("{} {} ({})", statement.name, statement.version, &statement.content.to_string()[..19])
            }
            What::File(_) => clean(&path.display().to_string()).into_owned(),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let metadata = std::fs::metadata(path).map_err(|error| explain::io("read", path, &error))?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(Error::new("mfp::path::invalid", format!("{} isn't a file of at most 1 GiB", path.display())).help("name a file"));
    }
    std::fs::read(path).map_err(|error| explain::io("read", path, &error))
}
