//! YAML as JSON, which is easier to look into.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// A text with one document. A tag of its own (`!input name`) becomes `{"!input": "name"}`.
pub(crate) fn parse(text: &str) -> Value {
    let mut documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(documents.len(), 1, "one document");
    as_json(&documents.remove(0))
}

/// A file of the repository.
pub(crate) fn file(path: &str) -> Value {
    parse(&crate::repository(path))
}

fn as_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(yes)) => json!(yes),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(as_json).collect(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value)| match as_json(key) {
                Value::String(key) => (key, as_json(value)),
                key => (key.to_string(), as_json(value)),
            };
            let map: Map<String, Value> = entries.iter().map(entry).collect();
            assert_eq!(map.len(), entries.len(), "a key stands there twice");
            map.into()
        }
        Yaml::Tagged(tag, value) => json!({format!("!{}", tag.suffix): as_json(value)}),
        other => panic!("no plain YAML: {other:?}"),
    }
}
