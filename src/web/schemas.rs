//! The shapes of what travels, for the document. Words come from the code that reads them.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use crate::domain::{ErrorCode, OutputKind};
use crate::hass::command::LOG_LEVELS;

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

/// An object without any other keys.
fn closed(properties: Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn map(values: Value) -> Value {
    json!({"type": "object", "additionalProperties": values})
}

/// A reference to another schema.
pub(super) fn refer(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

fn percent() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 100})
}

fn signed() -> Value {
    json!({"type": "number", "minimum": -100, "maximum": 100})
}

fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn yes_no() -> Value {
    json!({"type": "boolean"})
}

/// All of them.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    for group in [requests(), results(), toys(), bridge(), events()] {
        if let Value::Object(group) = group {
            all.extend(group);
        }
    }
    all
}

fn requests() -> Value {
    let kinds = OutputKind::ALL.map(OutputKind::as_str).join("|");
    let span = json!({
        "type": ["string", "number"],
        "description": "seconds, or text with a unit: 2s, 500ms, 10min",
    });
    let timing = json!({
        "id": {"type": "string", "maxLength": 64, "description": "repeated in the result"},
        "transition": span, "for": span, "pause": span,
        "repeat": {"type": "integer", "minimum": 1},
    });
    let with = |more: Value| -> Value {
        let mut properties = timing.as_object().cloned().unwrap_or_default();
        properties.extend(more.as_object().cloned().unwrap_or_default());
        properties.into()
    };
    let power = json!({"enum": ["ON", "OFF", "on", "off", true, false]});
    json!({
        "Set": {"oneOf": [
            {
                "type": "object",
                "properties": with(json!({
                    "state": power, "brightness": percent(), "effect": text(),
                })),
                "patternProperties": {format!("^({kinds})(_[1-9][0-9]*)?$"): signed()},
                "additionalProperties": false,
            },
            power,
        ]},
        "Attribute": {"oneOf": [
            closed(with(json!({"level": {"type": ["number", "string", "boolean"]}})), &["level"]),
            {"type": ["number", "string", "boolean"]},
        ]},
        "Rename": closed(json!({
            "name": {"type": ["string", "null"], "maxLength": 64,
                     "description": "null goes back to the toy's own name"},
        }), &["name"]),
        "Limits": closed(json!({
            "max": percent(),
            "outputs": map(json!({"type": ["number", "null"], "minimum": 0, "maximum": 100,
                                  "description": "null takes the limit of this output away"})),
            "slope": {"type": ["number", "null"], "minimum": 0.1, "maximum": 1000,
                      "description": "percent per second; null for no bound"},
        }), &[]),
        "StopSome": closed(json!({"toys": list(text())}), &["toys"]),
        "Switch": {"enum": ["ON", "OFF", "on", "off", true, false, 1, 0]},
        "LogLevel": closed(json!({"level": {"enum": LOG_LEVELS}}), &["level"]),
        "Login": closed(json!({"token": text()}), &["token"]),
    })
}

fn results() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL
        .into_iter()
        .map(ErrorCode::as_str)
        .chain(Refusal::CODES)
        .collect();
    let error = object(
        json!({"code": {"enum": codes}, "message": text()}),
        &["code", "message"],
    );
    json!({
        "Error": object(
            json!({"ok": {"const": false}, "error": error}),
            &["ok", "error"],
        ),
        "Result": object(json!({
            "id": text(),
            "ok": yes_no(),
            "error": error,
            "requested": {},
            "applied": map(signed()),
            "clamped_by": {"enum": ["limit"]},
            "superseded": yes_no(),
            "latency_ms": {"type": "number", "minimum": 0},
        }), &["ok", "requested", "latency_ms"]),
        "Results": object(json!({
            "ok": {"type": "boolean", "description": "whether all toys did it"},
            "results": map(refer("Result")),
            "error": error,
        }), &["ok", "results"]),
        "Done": object(json!({"ok": {"const": true}, "data": {"type": "object"}}), &["ok", "data"]),
        "Findings": object(json!({
            "ok": yes_no(),
            "findings": list(object(json!({
                "hop": text(), "ok": yes_no(), "text": text(), "cure": maybe_text(),
            }), &["hop", "ok", "text", "cure"])),
        }), &["ok", "findings"]),
    })
}

fn toys() -> Value {
    let output = object(
        json!({
            "key": text(), "steps": whole(), "signed": yes_no(), "label": maybe_text(),
            "limit": percent(),
        }),
        &["key", "steps", "signed", "label", "limit"],
    );
    let toy = json!({
        "id": {"type": "string", "pattern": "^toy_[0-9a-f]{8}$"},
        "name": text(),
        "manufacturer": maybe_text(), "model": maybe_text(), "firmware": maybe_text(),
        "outputs": list(output),
        "inputs": list(text()),
        "slope": {"type": ["number", "null"]},
        "state": {"type": "object", "description": "as published under <toy>/state"},
        "target": {"type": "object", "description": "what is wanted: a level per output, and the effect"},
        "effects": list(text()),
        "stopped": {
            "type": ["object", "null"],
            "description": "why it was stopped while it ran, until it runs again: `why` is stop, \
                            quiet or the reason of a safety stop; `by` is who asked, if any",
            "properties": {"at": whole(), "why": text(), "by": text()},
            "required": ["at", "why", "by"],
        },
        "lost": {
            "type": ["object", "null"],
            "description": "the backend over which it was lost, until it is there again",
            "properties": {"route": text(), "reason": text()},
            "required": ["route", "reason"],
        },
    });
    let required = [
        "id",
        "name",
        "manufacturer",
        "model",
        "firmware",
        "outputs",
        "inputs",
        "slope",
        "state",
        "target",
        "effects",
        "stopped",
        "lost",
    ];
    let mut full = toy.as_object().cloned().unwrap_or_default();
    full.insert(
        "discovery".into(),
        json!({"type": ["object", "null"], "description": "topic and payload, if it is announced"}),
    );
    full.insert("outcomes".into(), list(refer("PastOutcome")));
    let full_required: Vec<&str> = required
        .into_iter()
        .chain(["discovery", "outcomes"])
        .collect();
    json!({
        "Toy": object(toy, &required),
        "ToyInFull": object(full.into(), &full_required),
        "Toys": object(json!({"toys": list(refer("Toy"))}), &["toys"]),
        "PastOutcome": object(json!({
            "at": {"type": "integer", "description": "milliseconds since 1970"},
            "by": {"type": "string", "description": "mqtt, rest or panel, with the user where known"},
            "result": refer("Result"),
        }), &["at", "by", "result"]),
        "Groups": object(json!({
            "groups": list(object(json!({"name": text(), "toys": list(text())}), &["name", "toys"])),
        }), &["groups"]),
        "Patterns": object(json!({
            "patterns": list(object(json!({
                "name": text(), "step_ms": whole(), "levels": list(percent()),
            }), &["name", "step_ms", "levels"])),
        }), &["patterns"]),
    })
}

fn bridge() -> Value {
    let backend = object(
        json!({
            "state": {"enum": ["connecting", "up", "down"]},
            "since": maybe_text(),
            "attempts": whole(),
            "last_error": maybe_text(),
            "label": text(),
            "advice": maybe_text(),
        }),
        &[
            "state",
            "since",
            "attempts",
            "last_error",
            "label",
            "advice",
        ],
    );
    let percentile = json!({"type": ["number", "null"]});
    json!({
        "Info": object(json!({
            "version": text(), "instance": text(),
            "log_level": {"enum": LOG_LEVELS},
            "toys": object(json!({"known": whole(), "available": whole()}), &["known", "available"]),
            "backends": map(backend),
            "problems": list(text()),
            "last_error": maybe_text(),
            "settings": {"type": ["object", "null"]},
            "quiet": yes_no(), "scanning": yes_no(),
            "broker": object(json!({"connected": yes_no()}), &["connected"]),
            "proposals": list(object(json!({"found": text(), "settings": text()}),
                                     &["found", "settings"])),
            "base_topic": text(),
            "discovery": yes_no(),
        }), &["version", "instance", "toys", "backends", "problems", "quiet", "scanning", "broker",
              "proposals", "base_topic", "discovery"]),
        "Health": object(json!({
            "uptime_s": whole(), "rss_kib": {"type": ["integer", "null"]},
            "published": whole(), "dropped": whole(), "received": whole(), "accepted": whole(),
            "rejected": map(whole()),
            "latency_ms": object(json!({"p50": percentile, "p95": percentile, "p99": percentile}),
                                 &["p50", "p95", "p99"]),
            "info": refer("Info"),
        }), &["uptime_s", "received", "accepted", "rejected", "latency_ms", "info"]),
        "Diagnostics": object(json!({
            "info": {"type": "object"}, "health": {"type": "object"}, "toys": list(json!({"type": "object"})),
        }), &["info", "health", "toys"]),
        "Ready": object(json!({"ok": yes_no(), "missing": list(text())}), &["ok", "missing"]),
        "Document": {"type": "object"},
    })
}

fn events() -> Value {
    let at = json!({"type": "integer", "description": "milliseconds since 1970"});
    json!({
        "Snapshot": object(json!({
            "info": refer("Info"), "toys": list(refer("Toy")),
            "activity": list(refer("Activity")), "log": list(refer("LogLine")),
            "patterns": list(json!({"type": "object"})), "groups": list(json!({"type": "object"})),
        }), &["info", "toys", "activity", "log", "patterns", "groups"]),
        "Gone": object(json!({"id": text()}), &["id"]),
        "Activity": object(json!({
            "at": at, "kind": {"enum": ["event", "gesture", "outcome", "request"]},
            "by": text(), "toy": maybe_text(), "event": {"type": "object"},
        }), &["at", "kind", "event"]),
        "LogLine": object(json!({"at": at, "level": {"enum": LOG_LEVELS}, "text": text()}),
                          &["at", "level", "text"]),
        "Beat": object(json!({}), &[]),
    })
}
