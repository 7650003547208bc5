//! Publishers with the keys of `fixtures/keys`, who sign as the published rules say.

use std::path::{Path, PathBuf};

use base64::Engine as _;

use super::Plugin;

/// Somebody with a key pair.
pub(crate) struct Publisher {
    name: &'static str,
    secret: minisign::SecretKey,
}

impl Publisher {
    /// One of `publisher`, `other`, `next`, `same-id`.
    pub(crate) fn named(name: &'static str) -> Self {
        let text = std::fs::read_to_string(file(&format!("{name}.key"))).expect("the key is there");
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.lines().nth(1).expect("two lines")).expect("base64");
        Self { name, secret: minisign::SecretKey::from_bytes(&bytes).expect("a key without a password") }
    }

    /// As index lines, locks and manifests name them.
    pub(crate) fn signer(&self) -> String {
        signer(self.name)
    }

    /// A signature file on a text.
    pub(crate) fn sign(&self, text: &str) -> String {
        minisign::sign(None, &self.secret, std::io::Cursor::new(text), Some("of a test"), None).expect("it can be signed").to_string()
    }

    /// The signature file for this version of a plugin.
    pub(crate) fn sign_plugin(&self, plugin: &Plugin) -> String {
        self.sign(&statement(&plugin.name, &plugin.version, &plugin.content()))
    }

    /// The line of `keys/<name>.ndjson` that hands a plugin over.
    pub(crate) fn hands_over(&self, name: &str, to: &Self) -> String {
        let signature = self.sign(&format!("mockforge-plugin-key/v1\nname: {name}\nnew: {}\n", to.signer()));
        format!("{}\n", serde_json::json!({ "new": to.signer(), "old": self.signer(), "sig": signature }))
    }
}

/// What a publisher signs.
pub(crate) fn statement(name: &str, version: &str, content: &str) -> String {
    format!("mockforge-plugin-statement/v1\nname: {name}\nversion: {version}\ncontent: {content}\n")
}

/// A file of `fixtures/keys`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/keys").join(name)
}

/// Put one of them where only its owner reads it, as git can't keep that.
pub(crate) fn put(name: &str, place: &Path) {
    std::fs::copy(file(name), place).expect("it can be copied");
    #[cfg(unix)]
    std::fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it's ours");
}

/// The public key of one of them.
pub(crate) fn signer(name: &str) -> String {
    let text = std::fs::read_to_string(file(&format!("{name}.pub"))).expect("the key is there");
    format!("minisign:{}", text.lines().nth(1).expect("two lines"))
}

impl Plugin {
    /// Signed, and said to be.
    #[must_use]
    pub(crate) fn signed_by(self, publisher: &Publisher) -> Self {
        let signature = publisher.sign_plugin(&self);
        Self { signer: Some(publisher.signer()), signature: Some(signature), ..self }
    }

    /// Said to be signed by somebody, whatever stands in the package.
    #[must_use]
    pub(crate) fn claims(self, publisher: &Publisher) -> Self {
        Self { signer: Some(publisher.signer()), ..self }
    }

    /// With this signature file in the package, whatever is said.
    #[must_use]
    pub(crate) fn carries(self, signature: impl Into<String>) -> Self {
        Self { signature: Some(signature.into()), ..self }
    }
}
