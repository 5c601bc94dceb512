//! Strict JSON: no key twice, bounded nesting.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{invalid, text};
use crate::domain::Rejection;

/// How deep objects and lists may be nested.
const MAX_DEPTH: usize = 8;

/// Reads a JSON document.
///
/// # Errors
/// Too long, not UTF-8, not JSON (which knows no NaN and no infinities), a number that no `f64` can
/// hold, a key given twice, nested too deep.
pub(super) fn read(payload: &[u8]) -> Result<Value, Rejection> {
    let mut deserializer = serde_json::Deserializer::from_str(text(payload)?);
    let strict = Strict { depth: MAX_DEPTH };
    strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            if error.is_data() {
                invalid("payload", error.to_string())
            } else {
                invalid("payload", format!("is not JSON: {error}"))
            }
        })
}

/// Reads a JSON object.
///
/// # Errors
/// As [`read`], and anything else than an object.
pub(super) fn object(payload: &[u8]) -> Result<Map<String, Value>, Rejection> {
    match read(payload)? {
        Value::Object(object) => Ok(object),
        other => {
            let rule = format!("must be a JSON object, not {}", kind(&other));
            Err(invalid("payload", rule))
        }
    }
}

/// What a value is, in a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads a value in which nothing is nested deeper than `depth`.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nested more than {MAX_DEPTH} deep")))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("{key:?} is given twice")));
            }
            let value = entries.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn good_json_is_read_as_it_is() {
        let text = br#" {"a": [1, -2, 3.5, null, true], "b": {"c": "\u00e4"}} "#;
        let expected = json!({"a": [1, -2, 3.5, null, true], "b": {"c": "ä"}});
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn bad_json_is_refused_with_a_reason() {
        let nested = "[".repeat(9) + &"]".repeat(9);
        for (bad, reason) in [
            (r#"{"a": 1, "a": 1}"#, "\"a\" is given twice"),
            (r#"[{"a": {"b": 1, "b": 2}}]"#, "\"b\" is given twice"),
            (nested.as_str(), "nested more than 8 deep"),
            ("NaN", "is not JSON"),
            ("-Infinity", "is not JSON"),
            ("1e999", "is not JSON"),
            ("{} {}", "is not JSON"),
            ("", "is not JSON"),
            ("{\"a\": 1", "is not JSON"),
        ] {
            let message = read(bad.as_bytes()).expect_err(bad).message;
            assert!(message.contains(reason), "{bad}: {message}");
        }
        assert!(read(&"9".repeat(MAX_DEPTH).into_bytes()).is_ok());
        assert!(read(b"\xff\xfe").is_err());
        assert!(read(&[b' '; 5_000]).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_what_serde_reads(payload in "[\\[\\]{}:,\"a0-9.e\\- ]{0,40}") {
            if let Ok(value) = read(payload.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Value>(&payload).ok(), Some(value));
            }
        }
    }
}
