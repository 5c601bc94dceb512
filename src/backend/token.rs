//! What somebody has to know who connects to the bridge by themselves, or the bridge where it connects.

use std::fmt;

use sha2::{Digest, Sha256};

/// A secret that both sides know. It never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Only for handing it to whoever asks for it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes the same time whatever is wrong with `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
