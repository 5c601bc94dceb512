//! The frames between the bridge and the maker's server: as much of Socket.IO 2 over Engine.IO 3 as
//! the Socket API takes. Pure: no IO, and nothing that a server may send makes it panic.
//!
//! Every frame is one text message of the websocket. Its first digit is Engine.IO's; the second
//! one, in a message, Socket.IO's: `42["name",{…}]` is an event. There is one namespace, `/`, which
//! is not written, and the server connects us to it without being asked (`40`).
//!
//! Sources: engine.io-protocol, revision 3; socket.io-protocol, revision 4 (Socket.IO 2).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Asks whether the other end is there. In this version only clients ask.
pub(super) const PING: &str = "2";

/// The answer to a ping that the server sent although it need not.
pub(super) const PONG: &str = "3";

/// What the server sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frame {
    /// The first frame of a connection.
    Open(Greeting),
    /// The server ends the connection.
    Close,
    /// The server wants an answer.
    Ping,
    /// The answer to the oldest ping that has none yet.
    Pong,
    /// Events can come and go from now on.
    Connected,
    /// No more events.
    Disconnected,
    /// The server refuses; why.
    Refused(String),
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// What it carries; `Null` for nothing. What comes as JSON within a text is unpacked.
        payload: Value,
    },
    /// Something that is of no use here: an acknowledgement, another namespace, an upgrade.
    Other,
}

/// How the server wants to be asked whether it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Greeting {
    /// Time from ping to ping, milliseconds.
    ping_interval: Option<u64>,
}

impl Greeting {
    /// The time from ping to ping, where the server says one that can be kept: 1 s to 10 min.
    #[must_use]
    pub(super) fn ping_interval(&self) -> Option<Duration> {
        let millis = self.ping_interval?;
        (1_000..=600_000)
            .contains(&millis)
            .then(|| Duration::from_millis(millis))
    }
}

/// A text that is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFrame {
    /// It does not begin with a digit that means something.
    #[error("a frame of an unknown kind")]
    Kind,
    /// What follows is not what goes with its kind.
    #[error("a frame with a body that does not fit its kind")]
    Body,
}

/// Reads one text message.
///
/// # Errors
/// A text that is no frame. Says nothing of what was in it, which may be secret.
pub(super) fn parse(text: &str) -> Result<Frame, BadFrame> {
    let (kind, body) = digit(text).ok_or(BadFrame::Kind)?;
    Ok(match kind {
        b'0' => Frame::Open(serde_json::from_str(body).map_err(|_| BadFrame::Body)?),
        b'1' => Frame::Close,
        b'2' => Frame::Ping,
        b'3' => Frame::Pong,
        b'4' => return message(body),
        b'5' | b'6' => Frame::Other,
        _ => return Err(BadFrame::Kind),
    })
}

fn message(text: &str) -> Result<Frame, BadFrame> {
    let (kind, body) = digit(text).ok_or(BadFrame::Kind)?;
    let body = match body.strip_prefix('/') {
        // The namespace that need not be written, written.
        Some(rest) if rest.is_empty() => rest,
        Some(rest) => match rest.strip_prefix(',') {
            Some(body) => body,
            None => return Ok(Frame::Other),
        },
        None => body,
    };
    match kind {
        b'0' => Ok(Frame::Connected),
        b'1' => Ok(Frame::Disconnected),
        b'2' => event(body),
        b'4' => Ok(Frame::Refused(reason(body))),
        b'3' | b'5' | b'6' => Ok(Frame::Other),
        _ => Err(BadFrame::Kind),
    }
}

fn digit(text: &str) -> Option<(u8, &str)> {
    let first = *text.as_bytes().first()?;
    // A digit is one byte, so the rest begins where a character does.
    first.is_ascii_digit().then(|| (first, &text[1..]))
}

fn event(body: &str) -> Result<Frame, BadFrame> {
    // Before the list there may be the number under which the server wants to be answered.
    let body = body.trim_start_matches(|c: char| c.is_ascii_digit());
    let list: Vec<Value> = serde_json::from_str(body).map_err(|_| BadFrame::Body)?;
    let mut list = list.into_iter();
    let Some(Value::String(name)) = list.next() else {
        return Err(BadFrame::Body);
    };
    let payload = match list.next() {
        // The server packs its payloads twice.
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(unpacked) => unpacked,
            Err(_) => Value::String(text),
        },
        other => other.unwrap_or_default(),
    };
    Ok(Frame::Event { name, payload })
}

/// What the server says about a refusal: a text, or something with a message in it.
fn reason(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let text = value.as_str().or_else(|| value["message"].as_str());
    let text = text.unwrap_or("for no reason that it tells");
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// The frame of an event.
///
/// # Panics
/// Never: what is sent here are texts and numbers.
#[must_use]
pub(super) fn event_frame(name: &str, payload: &impl Serialize) -> String {
    let list = serde_json::to_string(&(name, payload));
    let list = list.expect("texts and numbers can always be written");
    format!("42{list}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::backend::lovense::wire::any_json;

    fn event_of(name: &str, payload: Value) -> Frame {
        let name = name.to_owned();
        Frame::Event { name, payload }
    }

    #[test]
    fn frames_are_read() {
        let cases = [
            (
                r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#,
                {
                    Frame::Open(Greeting {
                        ping_interval: Some(25_000),
                    })
                },
            ),
            ("0{}", Frame::Open(Greeting::default())),
            ("1", Frame::Close),
            ("2", Frame::Ping),
            ("3", Frame::Pong),
            ("3probe", Frame::Pong),
            ("40", Frame::Connected),
            ("40/", Frame::Connected),
            ("40/admin,", Frame::Other),
            ("41", Frame::Disconnected),
            (r#"42["a"]"#, event_of("a", Value::Null)),
            (r#"42["a",{"b":1}]"#, event_of("a", json!({"b": 1}))),
            (
                r#"42/,17["a","{\"b\":1}",2]"#,
                event_of("a", json!({"b": 1})),
            ),
            (r#"42["a","plain"]"#, event_of("a", json!("plain"))),
            (r#"42/admin,["a"]"#, Frame::Other),
            ("430[]", Frame::Other),
            (r#"44"no""#, Frame::Refused("no".to_owned())),
            (r#"44{"message":"no"}"#, Frame::Refused("no".to_owned())),
            ("6", Frame::Other),
        ];
        for (text, frame) in cases {
            assert_eq!(parse(text), Ok(frame), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_frames() {
        for bad in [
            "",
            " ",
            "x",
            "9",
            "4",
            "4x",
            "49",
            "0",
            "0[]x",
            "42",
            "42{}",
            "42[]",
            "42[1]",
            "é",
            "4é",
            "42[\"a\"",
            "0{\"pingInterval\":\"soon\"}",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        let deep = format!("42[\"a\",{}", "[".repeat(100_000));
        assert_eq!(parse(&deep), Err(BadFrame::Body));
    }

    #[test]
    fn only_a_ping_interval_that_can_be_kept_counts() {
        let interval = |millis| {
            let ping_interval = Some(millis);
            Greeting { ping_interval }.ping_interval()
        };
        assert_eq!(interval(25_000), Some(Duration::from_secs(25)));
        assert_eq!((interval(0), interval(u64::MAX)), (None, None));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "\\PC*", payload in any_json()) {
            let written = event_frame(&name, &payload);
            // A text that happens to be JSON is unpacked.
            prop_assume!(!payload.is_string());
            prop_assert_eq!(parse(&written), Ok(Frame::Event { name, payload }));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-6]?[0-9]?(/[a-z]*,)?[0-9]*(?s).*") {
            let _ = parse(&text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
