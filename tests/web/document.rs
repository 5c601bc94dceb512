//! What the document says of answers is so.

use serde_json::{Value, json};

use crate::client::{Client, Events, WithPanel as _};
use crate::support::{Setup, soon, toy};

const LUSH: &str = "f082c00246fa";

/// Whether a value is what a schema says; the part of JSON Schema that the document uses.
fn check(document: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let wrong = |why: String| Err(format!("{path}: {why}: {value}"));
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#')).unwrap();
        return check(document, schema, value, path);
    }
    for (word, all) in [("oneOf", false), ("anyOf", false), ("allOf", true)] {
        let Some(schemas) = schema[word].as_array() else {
            continue;
        };
        let fits = schemas
            .iter()
            .filter(|s| check(document, s, value, path).is_ok())
            .count();
        let good = match word {
            "oneOf" => fits == 1,
            _ if all => fits == schemas.len(),
            _ => fits > 0,
        };
        if !good {
            return wrong(format!("{fits} of {word} fit"));
        }
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return wrong(format!("is not {}", schema["const"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !words.contains(value))
    {
        return wrong("is none of the words".to_owned());
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        other => panic!("unknown type {other}"),
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        return wrong(format!("is not {kinds:?}"));
    }
    let number = value.as_f64().unwrap_or_default();
    if schema["minimum"]
        .as_f64()
        .is_some_and(|min| value.is_number() && number < min)
        || schema["maximum"]
            .as_f64()
            .is_some_and(|max| value.is_number() && number > max)
    {
        return wrong("is out of range".to_owned());
    }
    if let Some(object) = value.as_object() {
        for key in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(key.as_str().unwrap()) {
                return wrong(format!("lacks {key}"));
            }
        }
        for (key, value) in object {
            let path = format!("{path}.{key}");
            match (&schema["properties"][key], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) if schema.get("patternProperties").is_none() => {
                    return Err(format!("{path}: is not described"));
                }
                (Value::Null, Value::Object(other)) => {
                    check(document, &other.clone().into(), value, &path)?;
                }
                (Value::Null, _) => {}
                (own, _) => check(document, own, value, &path)?,
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if !schema["items"].is_null() {
            check(
                document,
                &schema["items"],
                item,
                &format!("{path}[{index}]"),
            )?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_operation_answers_as_described() {
    let groups = format!(
        "[safety]\nstop_hold = \"0s\"\n[[group]]\nname = \"one\"\ntoys = [\"{}\"]\n",
        toy(LUSH)
    );
    let rig = Setup::toys(&[("Lush 3", LUSH)])
        .panel("")
        .more(&groups)
        .start()
        .await;
    let client = Client::of(&rig).await;
    let document = client.get("/api/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            // One never ends, the other ends the bridge, and this is a matter for the last.
            if ["events", "restart", "quiet", "forget_toy"].contains(&id) {
                continue;
            }
            let real = path
                .replace("{toy}", &toy(LUSH))
                .replace("{group}", "one")
                .replace("{attribute}", "vibrate");
            let content = &operation["requestBody"]["content"]["application/json"];
            let mut body = content["example"].clone();
            if id == "stop_all" {
                body = json!({"toys": [toy(LUSH)]});
            }
            if !body.is_null() && id != "login" {
                check(&document, &content["schema"], &body, id).unwrap();
            }
            let answer = if method == "get" {
                client.get(&real).await
            } else {
                let body = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                client.post(&real, body).await
            };
            let described = &operation["responses"][answer.status.to_string()];
            assert!(
                !described.is_null(),
                "{id}: {} {}",
                answer.status,
                answer.text()
            );
            if id != "login" {
                assert_eq!(answer.status, 200, "{id}: {}", answer.text());
            }
            let schema = &described["content"]["application/json"]["schema"];
            if !schema.is_null() {
                check(&document, schema, &answer.json(), id).unwrap();
            }
            asked += 1;
        }
    }
    assert!(asked > 25, "{asked}");

    let kinds = &document["paths"]["/api/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]
        ["schema"]["oneOf"];
    let mut events = Events::open(client, &[("host", "localhost")]).await;
    rig.set(LUSH, json!({"vibrate": 30})).await;
    client.done("/api/quiet", json!("ON")).await;
    let mut seen = Vec::new();
    while !["all", "toy", "bridge", "activity", "log"]
        .iter()
        .all(|kind| seen.contains(&kind.to_string()))
    {
        let (kind, data, _) = soon("an event", events.next()).await.unwrap();
        let described = kinds
            .as_array()
            .unwrap()
            .iter()
            .find(|own| own["title"] == kind);
        let schema = &described.unwrap()["properties"]["data"];
        check(&document, schema, &data, &kind).unwrap();
        seen.push(kind);
    }
    let answer = client
        .post(&format!("/api/toys/{}/set", toy(LUSH)), r#"{"vibrate": 1}"#)
        .await;
    assert_eq!(answer.status, 409);
    let schema = &document["paths"]["/api/toys/{toy}/set"]["post"]["responses"]["409"]["content"]["application/json"]
        ["schema"];
    check(&document, schema, &answer.json(), "409").unwrap();
}
