//! The reference of all settings, made from their definitions, so that it cannot be wrong.

mod app;
mod example;
mod markdown;
mod schema;

use serde_json::Value as Json;

pub use app::{NOT_OPTIONS, app, app_texts};
pub use example::example;
pub use markdown::markdown;
pub use schema::json_schema;

/// A value as it is written in TOML.
fn toml(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(map) if map.is_empty() => "{}".to_owned(),
        Json::Object(map) => {
            let entry = |(key, value): (&String, &Json)| format!("{key} = {}", toml(value));
            let entries: Vec<_> = map.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        // What JSON escapes in text and how, TOML understands.
        other => other.to_string(),
    }
}

/// Whether a default says anything: nothing, an empty list and an empty table do not.
fn is_empty(default: &Json) -> bool {
    match default {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}
