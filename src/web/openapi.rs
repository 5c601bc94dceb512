//! The OpenAPI 3.1 document, made from the same table as the routes.

use serde_json::{Map, Value, json};

use super::guard::CSRF_HEADER;
use super::refusal;
use super::schemas::{all, refer};
use super::table::{Answers, EVENTS, Method, OPERATIONS, Operation};
use crate::domain::ErrorCode;

const ABOUT: &str = "\
The same requests as over MQTT, with the same answers and the same error codes. \
Levels are percent. Every POST needs the header `X-Toy2mqtt` with any value; beyond this machine, \
everything needs the token: `Authorization: Bearer …`.";

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let method = match operation.method {
            Method::Get => "get",
            Method::Post => "post",
        };
        // Relative to the document's own address, so that any prefix works.
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[method] = describe(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "toy2mqtt",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0 OR MIT", "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "../", "description": "this bridge"}],
        "security": [{}, {"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": all(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "toy2mqtt"},
            },
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if !operation.more.is_empty() {
        described["description"] = operation.more.into();
    }
    if operation.open {
        described["security"] = json!([{}]);
    }
    if let Some(body) = operation.body {
        let example: Value = serde_json::from_str(body.example).unwrap_or_default();
        described["requestBody"] = json!({
            "required": !body.optional,
            "content": {"application/json": {"schema": refer(body.schema), "example": example}},
        });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation
        .parameters()
        .map(|name| {
            let what = match name {
                "toy" => "the id of a toy",
                "group" => "the name of a group",
                _ => "an output, or brightness, effect, state, limit",
            };
            json!({
                "name": name, "in": "path", "required": true, "description": what,
                "schema": {"type": "string"},
            })
        })
        .collect();
    if operation.method == Method::Post {
        parameters.push(json!({
            "name": CSRF_HEADER, "in": "header", "required": true,
            "description": "any value: shows that no other site sends this",
            "schema": {"type": "string", "default": "1"},
        }));
    }
    parameters
}

fn responses(operation: &Operation) -> Value {
    let json_of = |schema: Value| json!({"application/json": {"schema": schema}});
    let (content, several) = match operation.answers {
        Answers::Json(schema) => (json_of(refer(schema)), schema == "Results"),
        Answers::Text(kind) => (json!({kind: {"schema": {"type": "string"}}}), false),
        Answers::Events => (json!({"text/event-stream": {"schema": stream()}}), false),
    };
    let mut responses = json!({"200": {"description": "done", "content": content}});
    if several {
        responses["207"] =
            json!({"description": "some toys did it, some did not", "content": content});
    }
    let mut refuse = |status: u16, codes: &str| {
        let key = status.to_string();
        let known = responses[&key]["description"].as_str().map(str::to_owned);
        let codes = known.map_or(codes.to_owned(), |known| format!("{known}, {codes}"));
        // A toy that was asked alone answers with its result, which has the same `error`.
        let mut schemas = vec![refer("Error")];
        if let Answers::Json(schema @ ("Result" | "Results")) = operation.answers {
            schemas.push(refer(schema));
        }
        responses[&key] = json!({
            "description": codes,
            "content": json_of(json!({"anyOf": schemas})),
        });
    };
    for code in operation.errors {
        refuse(refusal::status(*code).as_u16(), code.as_str());
    }
    if operation.id == "readyz" {
        responses["503"] = json!({"description": "not now", "content": content});
        return responses;
    }
    if operation.method == Method::Post {
        refuse(403, "forbidden");
        refuse(413, "too_large");
        if !operation.errors.contains(&ErrorCode::Invalid) {
            refuse(400, ErrorCode::Invalid.as_str());
        }
    }
    if !operation.open || operation.id == "login" {
        refuse(401, "unauthorized");
        refuse(429, "too_many");
    }
    refuse(503, "ending");
    responses
}

/// What the stream's events carry.
fn stream() -> Value {
    let kinds = EVENTS.iter().map(|(kind, schema, about)| {
        json!({
            "title": kind,
            "description": about,
            "properties": {"event": {"const": kind}, "data": refer(schema)},
        })
    });
    json!({"oneOf": kinds.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference in a value.
    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(name)) = object.get("$ref") {
                    into.push(name.clone());
                }
                object.values().for_each(|value| references(value, into));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }

    #[test]
    fn everything_that_is_referred_to_is_there_and_everything_there_is_referred_to() {
        let document = document();
        let mut named = Vec::new();
        references(&document, &mut named);
        for name in &named {
            let pointer = name.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{name}");
        }
        let schemas = document["components"]["schemas"]
            .as_object()
            .expect("schemas");
        for schema in schemas.keys() {
            let name = format!("#/components/schemas/{schema}");
            assert!(named.contains(&name), "nothing uses {schema}");
        }
    }

    #[test]
    fn every_operation_is_described_with_a_readable_example() {
        let document = document();
        for operation in OPERATIONS {
            let method = if operation.method == Method::Get {
                "get"
            } else {
                "post"
            };
            let described = &document["paths"][operation.path][method];
            assert_eq!(described["operationId"], operation.id);
            if operation.body.is_some() {
                let content = &described["requestBody"]["content"]["application/json"];
                assert!(!content["example"].is_null(), "{}", operation.id);
            }
        }
    }
}
