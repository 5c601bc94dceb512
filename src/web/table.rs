//! Every operation, once: what it is called, what it takes, what it answers, what it does.

use crate::domain::ErrorCode;

/// What an operation does; [`api`](super::api) says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Toys,
    Toy,
    /// Of whom the address names.
    Set(Whom),
    /// One thing alone.
    SetAttribute(Whom),
    Stop(Whom),
    /// `bridge/request/<verb>` with the toy that the address names.
    OfToy(&'static str),
    /// `bridge/request/<verb>`.
    OfBridge(&'static str),
    Groups,
    Patterns,
    Quiet,
    Scan,
    Info,
    Health,
    Diagnostics,
    Doctor,
    Events,
    Document,
    Login,
    Logout,
    Alive,
    Ready,
    Metrics,
}

/// Whom an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whom {
    Toy,
    Group,
    All,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Changes nothing.
    Get,
    /// Changes something, or does something.
    Post,
}

/// What it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    /// The name of a schema.
    pub(super) schema: &'static str,
    /// Whether it may be left out.
    pub(super) optional: bool,
    /// JSON.
    pub(super) example: &'static str,
}

/// What it answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    /// JSON of this schema.
    Json(&'static str),
    /// Text.
    Text(&'static str),
    /// Server-sent events, each with data of one of the schemas of [`EVENTS`].
    Events,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) act: Act,
    /// Who may ask: everybody, or only who is let in.
    pub(super) open: bool,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    /// More, in Markdown.
    pub(super) more: &'static str,
    pub(super) body: Option<Body>,
    pub(super) answers: Answers,
    /// The codes that it may be refused with, beside those of every operation.
    pub(super) errors: &'static [ErrorCode],
}

/// The kinds of events in the stream, with the schema of their data and what they say.
pub(super) const EVENTS: &[(&str, &str, &str)] = &[
    (
        "all",
        "Snapshot",
        "everything; comes first, and again if the reader was too slow",
    ),
    ("toy", "Toy", "a toy has changed"),
    ("gone", "Gone", "a toy is no longer known"),
    ("bridge", "Info", "the bridge has changed"),
    ("activity", "Activity", "something happened"),
    ("log", "LogLine", "a line of the log"),
    (
        "beat",
        "Beat",
        "nothing, every few seconds, so that a dead connection is noticed",
    ),
];

const SETTING: &[ErrorCode] = &[
    ErrorCode::Invalid,
    ErrorCode::UnknownToy,
    ErrorCode::Offline,
    ErrorCode::Quiet,
    ErrorCode::Limit,
    ErrorCode::Busy,
    ErrorCode::Timeout,
    ErrorCode::Backend,
    ErrorCode::Unsupported,
    ErrorCode::Stopped,
];
const STOPPING: &[ErrorCode] = &[
    ErrorCode::Invalid,
    ErrorCode::UnknownToy,
    ErrorCode::Offline,
    ErrorCode::Timeout,
    ErrorCode::Backend,
];
const KEEPING: &[ErrorCode] = &[ErrorCode::Invalid, ErrorCode::UnknownToy];
const FORGETTING: &[ErrorCode] = &[ErrorCode::Invalid, ErrorCode::UnknownToy, ErrorCode::Busy];
const READING: &[ErrorCode] = &[ErrorCode::Invalid];
const KNOWING: &[ErrorCode] = &[ErrorCode::UnknownToy];

const SET: Option<Body> = body("Set", r#"{"vibrate": 40, "for": "5s"}"#);
const ATTRIBUTE: Option<Body> = body("Attribute", r#"{"level": 40, "transition": "2s"}"#);

const fn body(schema: &'static str, example: &'static str) -> Option<Body> {
    Some(Body {
        schema,
        optional: false,
        example,
    })
}

const fn maybe(schema: &'static str, example: &'static str) -> Option<Body> {
    Some(Body {
        schema,
        optional: true,
        example,
    })
}

const fn get(path: &'static str, act: Act, answers: Answers) -> Operation {
    Operation {
        method: Method::Get,
        path,
        act,
        open: false,
        id: "",
        tag: "",
        summary: "",
        more: "",
        body: None,
        answers,
        errors: &[],
    }
}

const fn post(path: &'static str, act: Act, body: Option<Body>, schema: &'static str) -> Operation {
    Operation {
        method: Method::Post,
        body,
        ..get(path, act, Answers::Json(schema))
    }
}

impl Operation {
    const fn named(self, tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            id,
            summary,
            ..self
        }
    }

    const fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    const fn refused(self, errors: &'static [ErrorCode]) -> Self {
        Self { errors, ..self }
    }

    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// The names in the path.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// All of them, in the order in which they are documented.
pub(super) const OPERATIONS: &[Operation] = &[
    get("/api/toys", Act::Toys, Answers::Json("Toys"))
        .named("Toys", "toys", "List all toys"),
    get("/api/toys/{toy}", Act::Toy, Answers::Json("ToyInFull"))
        .named("Toys", "toy", "One toy with everything that is known of it")
        .more("With its discovery payload and its last 50 outcomes, the newest first.")
        .refused(KNOWING),
    post("/api/toys/{toy}/set", Act::Set(Whom::Toy), SET, "Result")
        .named("Toys", "set_toy", "Change outputs of a toy")
        .more("Answers when the toy has accepted it. The same as `<toy>/set` over MQTT.")
        .refused(SETTING),
    post("/api/toys/{toy}/{attribute}/set", Act::SetAttribute(Whom::Toy), ATTRIBUTE, "Result")
        .named("Toys", "set_toy_attribute", "Change one thing of a toy")
        .more(
            "The attribute is an output (`vibrate`, `rotate_2`), `brightness`, `effect`, `state` or \
             `limit`. The same as `<toy>/<attribute>/set` over MQTT.",
        )
        .refused(SETTING),
    post("/api/toys/{toy}/stop", Act::Stop(Whom::Toy), None, "Result")
        .named("Stop", "stop_toy", "Stop a toy")
        .more("Goes before everything else. Answers when the toy has confirmed it; the bridge repeats it until then.")
        .refused(STOPPING),
    post("/api/toys/{toy}/identify", Act::OfToy("identify"), None, "Done")
        .named("Toys", "identify_toy", "Make a toy noticeable")
        .more("Two short, gentle pulses.")
        .refused(SETTING),
    post("/api/toys/{toy}/rename", Act::OfToy("rename"), body("Rename", r#"{"name": "Alpha"}"#), "Done")
        .named("Toys", "rename_toy", "Call a toy something else")
        .refused(KEEPING),
    post("/api/toys/{toy}/limits", Act::OfToy("limits"), body("Limits", r#"{"max": 60}"#), "Done")
        .named("Toys", "limit_toy", "Change what a toy may do at most")
        .refused(KEEPING),
    post("/api/toys/{toy}/forget", Act::OfToy("forget"), None, "Done")
        .named("Toys", "forget_toy", "Drop everything known about a toy that is not there")
        .refused(FORGETTING),
    post("/api/stop", Act::Stop(Whom::All), maybe("StopSome", r#"{"toys": ["toy_d3ef8320"]}"#), "Results")
        .named("Stop", "stop_all", "Stop all toys, or those that the body lists")
        .more(
            "Goes before everything else. After a stop of all toys, levels above 0 are refused for a \
             moment. A body that does not say in time and for certain which toys are meant stops all.",
        )
        .refused(STOPPING),
    post("/api/all/set", Act::Set(Whom::All), SET, "Results")
        .named("Groups", "set_all", "Change outputs of all toys")
        .refused(SETTING),
    post("/api/all/{attribute}/set", Act::SetAttribute(Whom::All), ATTRIBUTE, "Results")
        .named("Groups", "set_all_attribute", "Change one thing of all toys")
        .refused(SETTING),
    get("/api/groups", Act::Groups, Answers::Json("Groups"))
        .named("Groups", "groups", "List the groups of the settings"),
    post("/api/groups/{group}/set", Act::Set(Whom::Group), SET, "Results")
        .named("Groups", "set_group", "Change outputs of the toys of a group")
        .refused(SETTING),
    post("/api/groups/{group}/{attribute}/set", Act::SetAttribute(Whom::Group), ATTRIBUTE, "Results")
        .named("Groups", "set_group_attribute", "Change one thing of the toys of a group")
        .refused(SETTING),
    post("/api/groups/{group}/stop", Act::Stop(Whom::Group), None, "Results")
        .named("Stop", "stop_group", "Stop the toys of a group")
        .refused(STOPPING),
    get("/api/patterns", Act::Patterns, Answers::Json("Patterns"))
        .named("Toys", "patterns", "List the patterns")
        .more("Play one with `{\"effect\": \"Wave\"}`, end it with `{\"effect\": \"Off\"}`."),
    post("/api/quiet", Act::Quiet, body("Switch", "\"ON\""), "Done")
        .named("Bridge", "quiet", "Stop everything and refuse every request but stop, or end that")
        .more("Goes before everything else.")
        .refused(READING),
    post("/api/scan", Act::Scan, maybe("Switch", "\"ON\""), "Done")
        .named("Bridge", "scan", "Look for new toys for a while, or end that")
        .refused(READING),
    post("/api/refresh", Act::OfBridge("refresh"), None, "Done")
        .named("Bridge", "refresh", "Ask all backends again which toys are there"),
    post("/api/republish", Act::OfBridge("republish"), None, "Done")
        .named("Bridge", "republish", "Publish everything to the broker again"),
    post("/api/log_level", Act::OfBridge("log_level"), body("LogLevel", r#"{"level": "debug"}"#), "Done")
        .named("Bridge", "log_level", "Say more or less in the log")
        .refused(READING),
    post("/api/restart", Act::OfBridge("restart"), None, "Done")
        .named("Bridge", "restart", "Stop all toys, end, and start again with the settings read anew"),
    post("/api/doctor", Act::Doctor, None, "Findings")
        .named("Bridge", "doctor", "Try every hop and say what to do about the first that fails")
        .more("The same as `toy2mqtt doctor`. Takes some seconds.")
        .refused(&[ErrorCode::Busy]),
    get("/api/info", Act::Info, Answers::Json("Info"))
        .named("Bridge", "info", "What the bridge tells of itself"),
    get("/api/health", Act::Health, Answers::Json("Health"))
        .named("Health", "health", "Links, counters and latencies"),
    get("/api/diagnostics", Act::Diagnostics, Answers::Json("Diagnostics"))
        .named("Health", "diagnostics", "Everything that helps to find a fault, without secrets"),
    get("/api/events", Act::Events, Answers::Events)
        .named("Events", "events", "Everything there is to show, and each change of it")
        .more("Server-sent events. Whoever is cut off comes back after 500 ms and is shown everything anew."),
    post("/api/login", Act::Login, body("Login", r#"{"token": "…"}"#), "Done")
        .named("Session", "login", "Exchange the token for a cookie, for browsers")
        .open(),
    post("/api/logout", Act::Logout, None, "Done")
        .named("Session", "logout", "Give the cookie back")
        .open(),
    get("/api/openapi.json", Act::Document, Answers::Json("Document"))
        .named("Session", "document", "This document")
        .open(),
    get("/healthz", Act::Alive, Answers::Text("text/plain"))
        .named("Health", "healthz", "Whether the bridge lives")
        .more("Liveness only: never fails because a broker, an app or a toy is away.")
        .open(),
    get("/readyz", Act::Ready, Answers::Json("Ready"))
        .named("Health", "readyz", "Whether the bridge can work")
        .more("503 with the reasons while the broker is away.")
        .open(),
    get("/metrics", Act::Metrics, Answers::Text("text/plain; version=0.0.4"))
        .named("Health", "metrics", "Metrics for Prometheus"),
    get("/api/metrics", Act::Metrics, Answers::Text("text/plain; version=0.0.4"))
        .named("Health", "metrics_for_browsers", "The same where the cookie of a login holds"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hass::command::VERBS;

    #[test]
    fn operations_are_told_apart() {
        let ids: BTreeSet<_> = OPERATIONS.iter().map(|op| op.id).collect();
        assert_eq!(ids.len(), OPERATIONS.len());
        for operation in OPERATIONS {
            assert!(!operation.summary.is_empty() && !operation.tag.is_empty());
            assert!(operation.body.is_none() || operation.method == Method::Post);
        }
    }

    #[test]
    fn every_request_to_the_bridge_can_be_made() {
        let made: BTreeSet<_> = OPERATIONS
            .iter()
            .filter_map(|op| match op.act {
                Act::OfToy(verb) | Act::OfBridge(verb) => Some(verb),
                Act::Toys => Some("toys"),
                Act::Scan => Some("scan"),
                Act::Diagnostics => Some("diagnostics"),
                _ => None,
            })
            .collect();
        assert_eq!(made, VERBS.into_iter().collect());
    }

    #[test]
    fn no_get_has_an_effect() {
        for operation in OPERATIONS {
            let asks = matches!(
                operation.act,
                Act::Toys
                    | Act::Toy
                    | Act::Groups
                    | Act::Patterns
                    | Act::Info
                    | Act::Health
                    | Act::Diagnostics
                    | Act::Events
                    | Act::Document
                    | Act::Alive
                    | Act::Ready
                    | Act::Metrics
            );
            assert_eq!(operation.method == Method::Get, asks, "{}", operation.id);
        }
    }
}
