//! The first message of a toy: who it is.
//!
//! `{"identifier":"LVSDevice","address":"8A3D9FAC2A45","version":0}`, as Buttplug's websocket device
//! manager reads it: the identifier tells which protocol the toy speaks, the address tells it from
//! others, and the version has never meant anything.

use serde::Deserialize;

use crate::domain::HardwareId;

/// What the identifier of a toy that speaks the text protocol begins with.
const IDENTIFIER: &str = "LVS";

/// The most characters of an identifier or an address that are quoted back.
const MAX_QUOTED: usize = 24;

/// Who a toy says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Its address, 12 lower-case hex digits.
    pub hardware: HardwareId,
}

/// A first message that is none. The message is also what the toy is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHandshake {
    /// Not of that form at all.
    #[error(
        "the first message has to be {{\"identifier\":\"LVSDevice\",\"address\":\"<12 hex digits>\",\"version\":0}}"
    )]
    Form,
    /// It wants to speak another protocol.
    #[error("identifier {0:?} is unknown: only LVSDevice is")]
    Identifier(String),
    /// Its address is none.
    #[error("address {0:?} is not 12 hex digits")]
    Address(String),
}

#[derive(Deserialize)]
struct Message {
    identifier: String,
    address: String,
}

impl Handshake {
    /// Reads the first message.
    ///
    /// # Errors
    /// [`BadHandshake`], in words that the maker of a toy can use.
    pub fn read(message: &[u8]) -> Result<Self, BadHandshake> {
        let Ok(Message {
            identifier,
            address,
        }) = serde_json::from_slice(message)
        else {
            return Err(BadHandshake::Form);
        };
        let begins = identifier.get(..IDENTIFIER.len());
        if !begins.is_some_and(|begins| begins.eq_ignore_ascii_case(IDENTIFIER)) {
            return Err(BadHandshake::Identifier(quoted(&identifier)));
        }
        // As people write addresses.
        let digits: String = address.chars().filter(|c| !":-".contains(*c)).collect();
        if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadHandshake::Address(quoted(&address)));
        }
        Ok(Self {
            hardware: HardwareId::new(digits.to_ascii_lowercase()),
        })
    }
}

fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, BadHandshake> {
        let read = Handshake::read(text.as_bytes());
        read.map(|handshake| handshake.hardware.as_str().to_owned())
    }

    #[test]
    fn handshakes() {
        let known = Ok("8a3d9fac2a45".to_owned());
        for good in [
            r#"{"identifier":"LVSDevice","address":"8A3D9FAC2A45","version":0}"#,
            r#" {"version":"1.0","address":"8a:3d:9f:ac:2a:45","identifier":"lvs-Hush10","more":[]} "#,
            r#"{"identifier":"LVSDevice","address":"8A-3D-9F-AC-2A-45"}"#,
        ] {
            assert_eq!(read(good), known, "{good}");
        }
        for bad in [
            "",
            "DeviceType;",
            "{}",
            "[]",
            "{\"identifier\":\"LVSDevice\"}",
            "{\"identifier\":7,\"address\":\"8A3D9FAC2A45\"}",
            "{\"identifier\":\"LVSDevice\",\"address\":\"8A3D9FAC2A45\"",
        ] {
            assert_eq!(read(bad), Err(BadHandshake::Form), "{bad}");
        }
        let other = read(r#"{"identifier":"TCodeDevice","address":"8A3D9FAC2A45"}"#);
        assert_eq!(other, Err(BadHandshake::Identifier("TCodeDevice".into())));
        for address in [
            "",
            "my toy",
            "8A3D9FAC2A4",
            "8A3D9FAC2A45F",
            "8A3D9FAC2A4G",
            "8Ä3D9FAC2A4",
        ] {
            let text = format!(r#"{{"identifier":"LVSDevice","address":"{address}"}}"#);
            assert_eq!(read(&text), Err(BadHandshake::Address(address.into())));
        }
    }

    #[test]
    fn what_is_quoted_fits_into_a_close_frame() {
        let long = "ü".repeat(1_000);
        for text in [
            format!(r#"{{"identifier":"{long}","address":""}}"#),
            format!(r#"{{"identifier":"LVSDevice","address":"{long}"}}"#),
            String::new(),
        ] {
            let error = read(&text).expect_err("bad").to_string();
            assert!(error.len() <= 123, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Handshake::read(&bytes);
        }

        #[test]
        fn what_is_accepted_is_an_address(identifier in "(LVS|lvs)?\\PC{0,6}", address in "[0-9A-Fa-f:-]{10,18}|\\PC{0,14}") {
            let message = serde_json::json!({ "identifier": identifier, "address": address });
            match Handshake::read(message.to_string().as_bytes()) {
                Ok(Handshake { hardware }) => {
                    let hardware = hardware.as_str();
                    prop_assert_eq!(hardware.len(), 12);
                    prop_assert!(hardware.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
                    prop_assert!(identifier.to_lowercase().starts_with("lvs"));
                }
                Err(error) => prop_assert!(error.to_string().len() <= 200),
            }
        }
    }
}
