//! JSON Schema, so that editors can complete and check the file while it is written.

use serde_json::{Map, Value as Json, json};

use super::is_empty;
use crate::config::section::{Field, Section, Shape};
use crate::config::sections::Config;

/// The schema of the settings file, for editors that check TOML or JSON (draft 7, which most of
/// them know).
#[must_use]
pub fn json_schema() -> Json {
    let mut schema = object(&Config::fields());
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "Settings of toy2mqtt".into();
    schema
}

fn object(fields: &[Field]) -> Json {
    let property = |field: &Field| (field.name.to_owned(), property(field));
    let properties: Map<String, Json> = fields.iter().map(property).collect();
    let required = fields.iter().filter(|field| field.required);
    let required: Vec<_> = required.map(|field| field.name).collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

fn property(field: &Field) -> Json {
    let (mut schema, doc) = match &field.shape {
        Shape::Value(kind) => (kind.schema(), field.doc),
        Shape::Section(about, fields) => (object(fields), *about),
        Shape::List(about, fields) => {
            let list = json!({"type": "array", "items": object(fields)});
            (list, *about)
        }
    };
    let doc: Vec<_> = doc.lines().map(str::trim).collect();
    schema["description"] = doc.join(" ").into();
    if !is_empty(&field.default) {
        schema["default"] = field.default.clone();
    }
    schema
}
