//! What may be written for a setting, in words for people and as JSON Schema for editors.

use std::time::Duration;

use serde_json::{Value as Json, json};

/// What may be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A number, fractions allowed.
    Number {
        /// What it counts.
        unit: &'static str,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// Text of a certain form.
    Text {
        /// What it is, with its article.
        what: &'static str,
        /// A regular expression that it matches, for editors.
        pattern: Option<&'static str>,
    },
    /// Text that is never shown.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A time with its unit, e.g. `1m 30s`.
    Duration {
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
    /// That, or the word `off`.
    OrOff(Box<Kind>),
    /// Any number of those.
    List(Box<Kind>),
    /// A table with keys of one form and values of one kind.
    Map {
        /// What the keys are.
        keys: &'static str,
        /// A regular expression that they match.
        pattern: String,
        /// The values.
        values: Box<Kind>,
    },
}

/// What editors are to take for a duration.
const DURATION: &str = "^[0-9]+ ?[a-z]+( ?[0-9]+ ?[a-z]+)*$";

impl Kind {
    /// For people, with its article: `a number from 1 to 100`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { unit, min, max } => format!("a number from {min} to {max} ({unit})"),
            Self::Text { what, .. } => (*what).to_owned(),
            Self::Secret => "text (secret)".to_owned(),
            Self::Choice(words) => match words.split_last() {
                Some((last, rest)) if !rest.is_empty() => {
                    let rest: Vec<_> = rest.iter().map(|word| format!("\"{word}\"")).collect();
                    format!("{} or \"{last}\"", rest.join(", "))
                }
                _ => format!("{words:?}"),
            },
            Self::Duration { min, max } => {
                let show = humantime::format_duration;
                format!("a duration from {} to {}", show(*min), show(*max))
            }
            Self::OrOff(kind) => format!("{}, or \"off\"", kind.describe()),
            Self::List(kind) => format!("a list, each {}", kind.describe()),
            Self::Map { keys, values, .. } => {
                format!("a table: {keys} = {}", values.describe())
            }
        }
    }

    /// For editors.
    #[must_use]
    pub fn schema(&self) -> Json {
        match self {
            Self::Bool => json!({"type": "boolean"}),
            Self::Integer { min, max } => {
                json!({"type": "integer", "minimum": min, "maximum": max})
            }
            Self::Number { min, max, .. } => {
                json!({"type": "number", "minimum": min, "maximum": max})
            }
            Self::Text { pattern: None, .. } | Self::Secret => {
                json!({"type": "string", "minLength": 1})
            }
            Self::Text {
                pattern: Some(pattern),
                ..
            } => json!({"type": "string", "pattern": pattern}),
            Self::Choice(words) => json!({"type": "string", "enum": words}),
            Self::Duration { .. } => json!({"type": "string", "pattern": DURATION}),
            Self::OrOff(kind) => json!({"anyOf": [kind.schema(), {"const": "off"}]}),
            Self::List(kind) => json!({"type": "array", "items": kind.schema()}),
            Self::Map {
                pattern, values, ..
            } => json!({
                "type": "object",
                "patternProperties": {pattern: values.schema()},
                "additionalProperties": false,
            }),
        }
    }
}
