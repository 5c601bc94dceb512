//! The envelope of every answer, and its result code.

use std::fmt;

use serde_json::Value;

use super::toys::number;
use crate::domain::OpError;

/// The most bytes of an answer that are read. A list of toys takes some hundred bytes per toy.
pub const MAX_ANSWER: usize = 1 << 20;

/// An answer with result code 200.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked for; `Null` where nothing was.
    pub data: Value,
}

/// Why bytes are no answer of the app, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAnswer {
    /// Not JSON: another server, a captive portal, an error page.
    #[error("not JSON but text that begins with {0:?}")]
    NotJson(String),
    /// JSON, but not of the app.
    #[error("JSON without a result code")]
    NoCode,
    /// The app's answer, and it says no.
    #[error(transparent)]
    Complaint(#[from] Complaint),
}

/// A result code other than 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The code.
    pub code: i64,
    /// What the app says about it, if anything.
    pub message: Option<String>,
}

impl Complaint {
    /// Game Mode, which serves the API, is switched off.
    pub const GAME_MODE_OFF: i64 = 500;

    const fn meaning(&self) -> &'static str {
        match self.code {
            400 => "the app does not know this command",
            401 => "the app does not know this toy",
            402 => "the toy is switched off or out of reach of the phone",
            403 => "the toy cannot do this",
            404 => "the app calls a parameter invalid",
            Self::GAME_MODE_OFF => "Game Mode is off: switch on \"Enable LAN\" in the app",
            501 => "the developer token is invalid",
            502 => "the developer token does not permit this",
            503 => "the app's user is unknown",
            506 => "the app's server failed: restart the app",
            507 => "the app is offline",
            _ => "the app answered with an unknown code",
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {}", self.meaning(), self.code)?;
        match &self.message {
            Some(message) => write!(f, ", {message:?})"),
            None => f.write_str(")"),
        }
    }
}

impl std::error::Error for Complaint {}

impl From<Complaint> for OpError {
    fn from(complaint: Complaint) -> Self {
        let text = complaint.to_string();
        match complaint.code {
            401 | 402 | 507 => Self::Offline(text),
            403 => Self::Unsupported(text),
            500 | 506 => Self::Link(text),
            _ => Self::Refused(text),
        }
    }
}

/// Reads an answer, whatever MIME type it came with: apps say `text/plain`.
///
/// # Errors
/// Anything but an answer with code 200.
pub fn parse_answer(bytes: &[u8]) -> Result<Answer, NotAnAnswer> {
    parse_envelope(bytes, 200)
}

/// Reads an answer whose result code for success is `good`: 200 for commands, 0 where an account
/// is asked about.
///
/// # Errors
/// Anything but an answer with that code.
pub fn parse_envelope(bytes: &[u8], good: i64) -> Result<Answer, NotAnAnswer> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|_| NotAnAnswer::NotJson(beginning(bytes)))?;
    let Value::Object(mut fields) = value else {
        return Err(NotAnAnswer::NoCode);
    };
    let word = |name: &str| {
        let text = fields.get(name).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty()).map(short)
    };
    let said_ok = word("type").is_some_and(|word| word.eq_ignore_ascii_case("ok"));
    let code = match fields.get("code").and_then(number) {
        Some(code) => code as i64,
        None if said_ok => good,
        None => return Err(NotAnAnswer::NoCode),
    };
    if code != good {
        // "type" is "ERROR" or the like where there is no message.
        let message = word("message").or_else(|| word("type").filter(|_| !said_ok));
        return Err(Complaint { code, message }.into());
    }
    let data = fields.remove("data").unwrap_or(Value::Null);
    Ok(Answer { data })
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn beginning(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(160)]);
    short(text.trim()).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn complaint(code: i64) -> OpError {
        let body = json!({"code": code, "type": "ERROR"}).to_string();
        match parse_answer(body.as_bytes()) {
            Err(NotAnAnswer::Complaint(complaint)) => complaint.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn codes_become_the_errors_of_operations() {
        assert!(matches!(complaint(401), OpError::Offline(_)));
        assert!(matches!(complaint(402), OpError::Offline(_)));
        assert!(matches!(complaint(403), OpError::Unsupported(_)));
        assert!(matches!(complaint(400), OpError::Refused(_)));
        assert!(matches!(complaint(404), OpError::Refused(_)));
        assert!(matches!(complaint(506), OpError::Link(_)));
        assert!(matches!(complaint(999), OpError::Refused(_)));
        let OpError::Link(text) = complaint(500) else {
            panic!("Game Mode off is a failed connection")
        };
        assert!(
            text.contains("Game Mode is off") && text.contains("500"),
            "{text}"
        );
    }

    #[test]
    fn both_spellings_of_ok_are_taken() {
        for body in [
            json!({"code": 200, "data": ["Domi"], "type": "OK"}),
            json!({"code": 200, "data": ["Domi"], "type": "ok"}),
            json!({"code": "200", "data": ["Domi"]}),
            json!({"code": 200.0, "data": ["Domi"]}),
            json!({"type": "ok", "data": ["Domi"]}),
        ] {
            let answer = parse_answer(body.to_string().as_bytes()).unwrap();
            assert_eq!(answer.data, json!(["Domi"]));
        }
        assert_eq!(
            parse_answer(br#"{"code":200,"type":"ok"}"#).unwrap().data,
            Value::Null
        );
    }

    #[test]
    fn an_error_page_is_named_as_such() {
        let error = parse_answer(b"  <!DOCTYPE html>\n<html>Login</html>").unwrap_err();
        assert_eq!(
            error.to_string(),
            "not JSON but text that begins with \"<!DOCTYPE html><html>Login</html>\""
        );
        assert_eq!(parse_answer(b"[]"), Err(NotAnAnswer::NoCode));
        assert_eq!(parse_answer(b"{}"), Err(NotAnAnswer::NoCode));
        assert!(matches!(parse_answer(b""), Err(NotAnAnswer::NotJson(_))));
        let deep = "[".repeat(100_000);
        assert!(matches!(
            parse_answer(deep.as_bytes()),
            Err(NotAnAnswer::NotJson(_))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_answer(&bytes);
        }
    }
}
