//! Topics, names and addresses.

use std::fmt;
use std::str::FromStr;

use super::Invalid;
use crate::config::kind::Kind;
use crate::config::value::Text;
use crate::domain::{HardwareId, ToyId};

/// Text that was checked when it was read: the type, and what it is to the reference and the schema.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident: $what:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// As it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Text for $name {
            fn kind() -> Kind {
                Kind::Text {
                    what: $what,
                    pattern: Some($pattern),
                }
            }
        }
    };
}

checked_text! {
    /// An MQTT topic to publish to, or the first part of one: no wildcards, no empty level.
    Topic: "an MQTT topic", r"^[^$/+#\s][^/+#\s]*(/[^/+#\s]+)*$"
}

impl Topic {
    /// The most characters. MQTT allows 65,535 bytes for a whole topic (MQTT 3.1.1 §4.7.3).
    const MAX: usize = 200;

    /// Whether this is the other topic, or below it.
    pub(in crate::config) fn is_within(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(other.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(in crate::config) fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Topic {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = if text.chars().count() > Self::MAX {
            "is longer than 200 characters"
        } else if text.contains(['+', '#']) {
            "holds a wildcard (+ or #)"
        } else if text.starts_with('$') {
            "starts with $, which is the broker's"
        } else if text.split('/').any(str::is_empty) {
            "has an empty level: write no / at the start, at the end or twice"
        } else if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            "holds spaces or control characters"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(Invalid::new(text, wrong))
    }
}

checked_text! {
    /// What a toy is called.
    ToyName: "a name of up to 64 characters", "^.{1,64}$"
}

impl ToyName {
    /// Whether people would take the two for the same.
    pub(in crate::config) fn is_like(&self, other: &str) -> bool {
        self.0.to_lowercase() == other.trim().to_lowercase()
    }
}

impl FromStr for ToyName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = trimmed(text)?;
        if name.parse::<ToyId>().is_ok() {
            return Err(Invalid::new(text, "is a toy's id and cannot be a name"));
        }
        Ok(Self(name.to_owned()))
    }
}

checked_text! {
    /// What a server is called.
    ServerName: "a name of up to 64 characters", "^.{1,64}$"
}

impl FromStr for ServerName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        trimmed(text).map(|name| Self(name.to_owned()))
    }
}

/// A name as people write names, without the spaces around it.
fn trimmed(text: &str) -> Result<&str, Invalid> {
    let name = text.trim();
    if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Invalid::new(text, "is not a name of 1 to 64 characters"));
    }
    Ok(name)
}

checked_text! {
    /// What a group is called: part of its topic.
    GroupName: "a name of a-z, 0-9 and _", "^[a-z0-9_]{1,32}$"
}

impl FromStr for GroupName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=32).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(Invalid::new(
                text,
                "is not a group's name: up to 32 of a-z, 0-9 and _ (it is part of a topic)",
            ));
        }
        if ["all", "bridge"].contains(&text) || text.starts_with("toy_") {
            return Err(Invalid::new(
                text,
                "is taken: all, bridge and toy_… have a meaning of their own",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

checked_text! {
    /// What the bridge calls itself towards an app. It travels in an HTTP header.
    AppName: "up to 32 ASCII characters", "^[!-~]([ -~]{0,30}[!-~])?$"
}

impl AppName {
    pub(in crate::config) fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for AppName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let printable = |byte: u8| (b' '..=b'~').contains(&byte);
        if text.trim() != text || !(1..=32).contains(&text.len()) || !text.bytes().all(printable) {
            return Err(Invalid::new(
                text,
                "is not a name of 1 to 32 printable ASCII characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The Bluetooth address of a toy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(HardwareId);

impl Address {
    /// As backends know the toy: 12 lower-case hex digits.
    #[must_use]
    pub const fn hardware(&self) -> &HardwareId {
        &self.0
    }

    /// The toy with this address.
    #[must_use]
    pub fn toy(&self) -> ToyId {
        ToyId::of(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits: String = text.chars().filter(|c| !":-".contains(*c)).collect();
        if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Invalid::new(
                text,
                "is not a Bluetooth address (12 hex digits, e.g. F0:82:C0:02:46:FA)",
            ));
        }
        Ok(Self(HardwareId::new(digits.to_ascii_lowercase())))
    }
}

impl Text for Address {
    fn kind() -> Kind {
        Kind::Text {
            what: "a Bluetooth address",
            pattern: Some("^([0-9A-Fa-f]{2}[:-]?){6}$"),
        }
    }
}

impl Text for ToyId {
    fn kind() -> Kind {
        Kind::Text {
            what: "a toy's id: toy_ and 8 hex digits",
            pattern: Some("^toy_[0-9a-f]{8}$"),
        }
    }
}

/// A toy as a user names it: by id, by address, or by the name of a `[[toy]]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToyRef {
    /// By its id.
    Id(ToyId),
    /// By its address.
    Address(Address),
    /// By its name.
    Name(String),
}

impl fmt::Display for ToyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for ToyRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name: ToyName = text.parse()?;
        Ok(Self::Name(name.0))
    }
}

impl Text for ToyRef {
    fn kind() -> Kind {
        Kind::Text {
            what: "a toy's id, address or name",
            pattern: Some("^.{1,64}$"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics() {
        for good in ["toy2mqtt", "home/toys", "ä", "a.b-c"] {
            assert!(good.parse::<Topic>().is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "a/#", "+", "$SYS", "a b", "a\0"] {
            assert!(bad.parse::<Topic>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_topic_is_within_itself_and_what_is_above_it() {
        let topic = |text: &str| text.parse::<Topic>().expect("valid");
        assert!(topic("a/b").is_within(&topic("a")));
        assert!(topic("a").is_within(&topic("a")));
        assert!(!topic("ab").is_within(&topic("a")));
        assert!(!topic("a").is_within(&topic("a/b")));
    }

    #[test]
    fn every_spelling_of_an_address_is_one_toy() {
        let toy = |text: &str| text.parse::<Address>().expect("valid").toy();
        assert_eq!(toy("F0:82:C0:02:46:FA"), toy("f082c00246fa"));
        assert_eq!(toy("f0-82-c0-02-46-fa"), toy("f082c00246fa"));
    }

    #[test]
    fn a_group_cannot_be_called_what_topics_mean_otherwise() {
        for bad in ["all", "bridge", "toy_x", "Duo", "a/b", "", "ä"] {
            assert!(bad.parse::<GroupName>().is_err(), "{bad}");
        }
        assert!("duo".parse::<GroupName>().is_ok());
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "\\PC*") {
            if let Ok(topic) = text.parse::<Topic>() {
                prop_assert_eq!(topic.to_string(), text.clone());
            }
            if let Ok(toy) = text.parse::<ToyRef>() {
                prop_assert_eq!(toy.to_string().parse(), Ok(toy));
            }
            let _ = (text.parse::<GroupName>(), text.parse::<AppName>());
        }
    }
}
