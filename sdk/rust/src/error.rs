//! Why a plugin has no answer.

use alloc::string::{String, ToString};
use core::fmt;

/// Why a call has no answer: words for whoever called. Hosts cut them after 4096 bytes.
///
/// Every error becomes one by `?`; [`fail!`](crate::fail) makes one of words. Like `anyhow::Error` it's no
/// [`core::error::Error`] itself, which is what lets all others become it.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.0
    }

    /// The same, with what was being done before it: `{context}: {message}`.
    #[must_use]
    pub fn context(self, context: impl fmt::Display) -> Self {
        Self(alloc::format!("{context}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<E: core::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Say what was being done when something failed: for [`Result`]s whose error is no [`core::error::Error`] (a text; base64's and others without
/// `std`), and for all others.
///
/// ```
/// use mockforge_plugin_sdk::{Context, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     let (_, port) = text.split_once(':').context("there's no port")?;
///     port.parse::<u16>().with_context(|| format!("the port `{port}`"))
/// }
///
/// assert_eq!(port("localhost").unwrap_err().to_string(), "there's no port");
/// assert_eq!(port("localhost:x").unwrap_err().to_string(), "the port `x`: invalid digit found in string");
/// ```
pub trait Context<T> {
    /// `{context}: {error}`; of an [`Option`] the context alone.
    fn context(self, context: impl fmt::Display) -> Result<T>;

    /// The same, said only if it's needed.
    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for core::result::Result<T, E> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.with_context(|| context)
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| Error(alloc::format!("{}: {error}", context())))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.with_context(|| context)
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.ok_or_else(|| Error(context().to_string()))
    }
}

/// A value, or why there's none.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Return an [`Error`] with words as `format!` takes them.
///
/// ```
/// use mockforge_plugin_sdk::{Result, fail};
///
/// fn half(number: u32) -> Result<u32> {
///     if number % 2 == 1 {
///         fail!("{number} is odd");
///     }
///     Ok(number / 2)
/// }
///
/// assert_eq!(half(3).unwrap_err().to_string(), "3 is odd");
/// ```
#[macro_export]
macro_rules! fail {
    ($($words:tt)*) => {
        return ::core::result::Result::Err($crate::Error::new($crate::__private::format!($($words)*)))
    };
}
