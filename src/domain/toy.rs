//! A toy, and what identifies it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{InputKind, Output, OutputKey};

/// What a backend knows a toy by, as text.
///
/// For Lovense the Bluetooth address as 12 lower-case hex digits, the same over every route; for
/// Buttplug `buttplug/<server>/<index>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareId(Arc<str>);

impl HardwareId {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HardwareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The public name of a toy: `toy_` and the first 8 hex digits of the SHA-256 of its hardware id.
///
/// It never changes, says nothing about the hardware and may stand in any topic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToyId(u32);

impl ToyId {
    /// The id of the toy with this hardware id.
    #[must_use]
    pub fn of(hardware: &HardwareId) -> Self {
        let hash = Sha256::digest(hardware.as_str().as_bytes());
        Self(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]))
    }
}

impl fmt::Display for ToyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "toy_{:08x}", self.0)
    }
}

impl fmt::Debug for ToyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no toy id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a toy id (toy_ and 8 hex digits)")]
pub struct NotAToyId(pub String);

impl FromStr for ToyId {
    type Err = NotAToyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || NotAToyId(text.to_owned());
        let digits = text.strip_prefix("toy_").ok_or_else(bad)?;
        let canonical = digits.len() == 8
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !canonical {
            return Err(bad());
        }
        u32::from_str_radix(digits, 16).map(Self).map_err(|_| bad())
    }
}

/// What a route says about a toy: enough to make a Home Assistant device of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToyDescription {
    /// What the backend knows it by.
    pub hardware: HardwareId,
    /// The maker, e.g. `Lovense`.
    pub manufacturer: String,
    /// The marketing name of the model, e.g. `Edge 2`.
    pub model: String,
    /// The name that the user gave it in the maker's app.
    pub nickname: Option<String>,
    /// Firmware, as the toy reports it.
    pub firmware: Option<String>,
    /// Actuators, in a stable order.
    pub outputs: Vec<Output>,
    /// Sensors.
    pub inputs: BTreeSet<InputKind>,
}

impl ToyDescription {
    /// The toy's public id.
    #[must_use]
    pub fn id(&self) -> ToyId {
        ToyId::of(&self.hardware)
    }

    /// Its output with this key, and where it stands among the outputs.
    #[must_use]
    pub fn output(&self, key: OutputKey) -> Option<(usize, &Output)> {
        self.outputs
            .iter()
            .enumerate()
            .find(|(_, output)| output.key == key)
    }

    /// Takes over what was known better before: a backend may tell first that a toy is a `Lush` and
    /// only later that it is a `Lush 3`, each time that it is connected to; another one knows no
    /// nicknames.
    pub fn keep_better(&mut self, known: &Self) {
        let generation = known.model.strip_prefix(self.model.as_str());
        if generation.is_some_and(|rest| rest.starts_with(' ')) {
            self.model.clone_from(&known.model);
        }
        if self.firmware.is_none() {
            self.firmware.clone_from(&known.firmware);
        }
        // Only some routes tell it at all.
        if self.nickname.is_none() {
            self.nickname.clone_from(&known.nickname);
        }
    }

    /// What to call it when the user has not renamed it here: the nickname, else the model.
    #[must_use]
    pub fn default_name(&self) -> &str {
        match self.nickname.as_deref() {
            Some(name) if !name.trim().is_empty() => name,
            _ => &self.model,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_hash_of_the_hardware_id() {
        // printf f082c00246fa | sha256sum
        let id = ToyId::of(&HardwareId::new("f082c00246fa"));
        assert_eq!(id.to_string().len(), 12);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_generation_that_is_known_is_not_forgotten() {
        let toy = |model: &str, firmware: Option<&str>| ToyDescription {
            hardware: HardwareId::new("x"),
            manufacturer: String::new(),
            model: model.to_owned(),
            nickname: None,
            firmware: firmware.map(str::to_owned),
            outputs: Vec::new(),
            inputs: BTreeSet::new(),
        };
        let known = toy("Lush 3", Some("140"));
        for (told, kept) in [
            ("Lush", "Lush 3"),
            ("Lush 4", "Lush 4"),
            ("Lus", "Lus"),
            ("", ""),
        ] {
            let mut new = toy(told, None);
            new.keep_better(&known);
            assert_eq!(new, toy(kept, Some("140")), "{told}");
        }
        let mut updated = toy("Lush", Some("141"));
        updated.keep_better(&known);
        assert_eq!(updated, toy("Lush 3", Some("141")));
    }

    #[test]
    fn only_the_written_form_is_read() {
        for bad in [
            "toy_1A2B3C4D",
            "toy_1a2b3c4",
            "toy_+a2b3c4d",
            "1a2b3c4d",
            "",
        ] {
            assert!(bad.parse::<ToyId>().is_err(), "{bad}");
        }
    }
}
