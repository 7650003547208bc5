//! Whose certificates are trusted, beside the authorities of the system?

use reqwest::Certificate;

/// Authorities of one's own, for networks that have some. They're trusted beside the system's, never instead of them.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<Certificate>);

/// Why a text names no authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// It isn't PEM, or what's in it are no certificates.
    #[error("it isn't PEM")]
    NotPem,
    /// It's a text without any.
    #[error("there's no certificate in it")]
    Empty,
}

impl Roots {
    /// The authorities of a file in PEM, one or many.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        match Certificate::from_pem_bundle(pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Self(certificates)),
            Ok(_) => Err(RootsError::Empty),
            Err(_) => Err(RootsError::NotPem),
        }
    }

    /// As an HTTP client takes them.
    pub fn certificates(&self) -> impl Iterator<Item = Certificate> + use<> {
        self.0.clone().into_iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_authorities_is_one_or_an_error() {
        let ca = include_str!("../../../fixtures/tls/ca.pem");
        assert_eq!(Roots::from_pem(format!("{ca}\n{ca}").as_bytes()).unwrap().certificates().count(), 2);
        assert_eq!(Roots::from_pem(b"").unwrap_err(), RootsError::Empty);
        assert_eq!(Roots::from_pem(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap_err(), RootsError::NotPem);
    }
}
