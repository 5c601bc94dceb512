//! Text that nobody is to see.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::kind::Kind;
use super::reading::{Reported, Slot};
use super::section::Setting;

/// What is shown instead of a secret.
pub const REDACTED: &str = "<redacted>";

/// A password or token. It shows as `<redacted>` wherever it could be printed.
///
/// ```
/// use toy2mqtt::config::Secret;
///
/// let password = Secret::new("0815");
/// assert_eq!(format!("{password} {password:?}"), "<redacted> <redacted>");
/// assert_eq!(password.reveal(), "0815");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Only for handing it to whoever asks for the secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl Setting for Secret {
    fn kind() -> Kind {
        Kind::Secret
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        // Its own message, since an unquoted number would have lost its leading zeros.
        match slot.text("text in quotes")? {
            "" => Err(slot.wrong("empty: write something, or leave the key out")),
            text => Ok(Self::new(text)),
        }
    }

    fn show(&self) -> Json {
        REDACTED.into()
    }
}
