//! TOML and JSON as figment's values.

use figment::value::{Dict, Empty, Num, Tag, Value};
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layers::child;

/// A list of tables becomes a dictionary of its indices; every other list stays one.
fn list_of(items: Vec<Value>) -> Value {
    if matches!(items.first(), Some(Value::Dict(..))) {
        let indexed = items.into_iter().enumerate();
        let dict: Dict = indexed.map(|(i, item)| (i.to_string(), item)).collect();
        Value::from(dict)
    } else {
        Value::from(items)
    }
}

/// Whether this was a list where it comes from.
pub(super) fn is_list(value: &Value) -> bool {
    match value {
        Value::Array(..) => true,
        Value::Dict(_, dict) => dict.contains_key("0"),
        _ => false,
    }
}

/// A TOML table, noting where in the text each key stands (its path, a byte offset).
pub(super) fn table_of(
    table: &DeTable<'_>,
    path: &str,
    note: &mut impl FnMut(String, usize),
) -> Dict {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &str = std::borrow::Borrow::<str>::borrow(key.get_ref());
        let path = child(path, name);
        note(path.clone(), key.span().start);
        (name.to_owned(), value_of(value, &path, note))
    };
    table.iter().map(entry).collect()
}

fn value_of(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    note: &mut impl FnMut(String, usize),
) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(yes) => Value::from(*yes),
        DeValue::Integer(integer) => {
            match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(number) => Value::from(number),
                // Too large for any setting; its range will be complained about.
                Err(_) => Value::from(f64::INFINITY),
            }
        }
        DeValue::Float(float) => Value::from(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Datetime(_) => Value::Empty(Tag::Default, Empty::Unit),
        DeValue::Table(table) => Value::from(table_of(table, path, note)),
        DeValue::Array(array) => {
            let item = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                let path = format!("{path}[{index}]");
                note(path.clone(), item.span().start);
                value_of(item, &path, note)
            };
            list_of(array.iter().enumerate().map(item).collect())
        }
    }
}

/// `None` for what counts as not set.
pub(super) fn value_of_json(value: Json) -> Option<Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(yes) => Value::from(yes),
        Json::Number(number) => {
            let integer = number.as_i64().map(Num::I64);
            let number = integer.unwrap_or(Num::F64(number.as_f64().unwrap_or(f64::NAN)));
            Value::Num(Tag::Default, number)
        }
        Json::String(text) if text.is_empty() => return None,
        Json::String(text) => Value::from(text),
        Json::Array(items) if items.is_empty() => return None,
        Json::Array(items) => list_of(items.into_iter().filter_map(value_of_json).collect()),
        Json::Object(map) => {
            let filled = |(key, value)| Some((key, value_of_json(value)?));
            Value::from(map.into_iter().filter_map(filled).collect::<Dict>())
        }
    })
}
