//! The data of the page.

use super::{About, Direction, Key, Request, Topic};

const fn out(
    about: About,
    topic: &'static str,
    retained: bool,
    qos: u8,
    payload: &'static str,
    example: &'static str,
) -> Topic {
    Topic {
        about,
        topic,
        direction: Direction::Out,
        retained,
        qos,
        payload,
        example,
    }
}

const fn into(
    about: About,
    topic: &'static str,
    payload: &'static str,
    example: &'static str,
) -> Topic {
    Topic {
        about,
        topic,
        direction: Direction::In,
        retained: false,
        qos: 1,
        payload,
        example,
    }
}

/// All topics, in the order documented.
pub const TOPICS: &[Topic] = &[
    out(
        About::ToySays,
        "<base>/<toy>/availability",
        true,
        1,
        "`online` while the toy can be used, else `offline`",
        "online",
    ),
    out(
        About::ToySays,
        "<base>/<toy>/state",
        true,
        1,
        "JSON of everything: `state` (`ON`, `OFF` or, before any level is known, `null`), `brightness` (all intensities together, \
         percent), `effect` (the pattern that plays, or `Off`), one key per output (percent), one \
         per reading (`battery`, `rssi`, …), `limit`, `available`, `route` (the backend that \
         reaches the toy), `note` (that the phone app has the toy's only connection while a better \
         route waits for it), `last_error`. Levels are those that the toy accepted; unknown ones \
         are `null`",
        r#"{"state":"ON","brightness":30,"effect":"Off","vibrate":30,"battery":80,"limit":100,"available":true,"route":"lovense_lan","note":null,"last_error":null}"#,
    ),
    out(
        About::ToySays,
        "<base>/<toy>/event",
        false,
        1,
        "JSON with `event_type`: `button_down`, `button_up`, `button_pressed` (these with \
         `button`, the first is 1), `shake`",
        r#"{"event_type":"button_pressed","button":1}"#,
    ),
    out(
        About::ToySays,
        "<base>/<toy>/result",
        false,
        0,
        "JSON, what became of each command; see [Results](#results)",
        r#"{"id":"a1","ok":true,"requested":{"vibrate":30,"id":"a1"},"applied":{"vibrate":30},"latency_ms":0.61}"#,
    ),
    into(
        About::ToyHears,
        "<base>/<toy>/set",
        "JSON with the [keys](#what-set-takes) below, or only `ON` or `OFF`; at most 4 KiB",
        r#"{"vibrate":40,"for":"10s"}"#,
    ),
    into(
        About::ToyHears,
        "<base>/<toy>/<attribute>/set",
        "one thing: an output, `brightness`, `effect`, `state` or `limit`. The bare value, or JSON \
         with `level`, `id` and, but for `limit`, the keys of timing",
        "40",
    ),
    into(
        About::ToyHears,
        "<base>/<toy>/stop",
        "anything, even nothing: everything of this toy that acts by itself goes to 0, and a movement \
         ends where it is, now. Levels above 0 are refused until none has come for \
         `safety.stop_hold` (2 s)",
        "",
    ),
    into(
        About::ToyHears,
        "<base>/<toy>/identify",
        "anything: two short, gentle pulses, to find out which toy it is",
        "",
    ),
    into(
        About::ToyHears,
        "<base>/<group>/set",
        "as for one toy, to all toys of a group from the settings",
        r#"{"brightness":20}"#,
    ),
    into(
        About::ToyHears,
        "<base>/<group>/<attribute>/set",
        "as for one toy, but for `limit`",
        "OFF",
    ),
    into(
        About::ToyHears,
        "<base>/<group>/stop",
        "anything: stops the toys of the group",
        "",
    ),
    into(
        About::ToyHears,
        "<base>/all/set",
        "as for one toy, to every toy",
        r#"{"state":"OFF","transition":"3s"}"#,
    ),
    into(
        About::ToyHears,
        "<base>/all/<attribute>/set",
        "as for one toy, but for `limit`",
        "15",
    ),
    into(
        About::ToyHears,
        "<base>/all/stop",
        "the same as `<base>/bridge/stop`",
        "",
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/state",
        true,
        1,
        "`online`; `stopped` after a clean end; `offline` once the bridge is lost (its will)",
        "online",
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/info",
        true,
        1,
        "JSON: `version`, `instance`, `process` (another one after each start), `log_level`, `toys` (`known`, `available`), `backends` (each \
         with `state`, `since`, `attempts`, `last_error`), `problems`, `last_error`, `settings` \
         (without secrets; `null` when discreet)",
        r#"{"version":"0.1.0","instance":"5f0c9a3e","process":"c41b7d02","log_level":"info","toys":{"known":2,"available":1},"backends":{"lovense_lan":{"state":"up","since":"2026-11-21T20:15:00Z","attempts":1,"last_error":null}},"problems":[],"last_error":null,"settings":{}}"#,
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/health",
        true,
        1,
        "JSON, every minute: `uptime_s`, `rss_kib`, `published`, `dropped`, `received`, \
         `accepted`, `rejected` (by error code), `latency_ms` (`p50`, `p95`, `p99` from the \
         arrival of a command to its outcome)",
        r#"{"uptime_s":3600,"rss_kib":9120,"published":812,"dropped":0,"received":640,"accepted":633,"rejected":{"limit":7},"latency_ms":{"p50":0.4,"p95":1.2,"p99":3.1}}"#,
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/event",
        false,
        1,
        "JSON with `event_type`: `toy_added`, `toy_removed`, `backend_up`, `backend_down`, \
         `command_rejected` (a command that no toy can answer: `reason` is an error code), \
         `safety_stop` (`reason`: `broker_lost`, `home_assistant_lost`, `idle`, `suspended`, \
         `unconfirmed`)",
        r#"{"event_type":"safety_stop","toy":"toy_1a2b3c4d","reason":"idle"}"#,
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/quiet/state",
        true,
        1,
        "`ON` or `OFF`: whether quiet is on",
        "OFF",
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/scan/state",
        true,
        1,
        "`ON` or `OFF`: whether the bridge looks for toys",
        "OFF",
    ),
    out(
        About::BridgeSays,
        "<base>/bridge/response/<verb>",
        false,
        0,
        "JSON, the answer to a [request](#requests-to-the-bridge): `transaction`, `status` (`ok` \
         or `error`), `data`, `error` (`code`, `message`)",
        r#"{"transaction":"t1","status":"ok","data":{}}"#,
    ),
    into(
        About::BridgeHears,
        "<base>/bridge/stop",
        "anything: stops all toys now. Levels above 0 are refused until none has come for \
         `safety.stop_hold` (2 s)",
        "",
    ),
    into(
        About::BridgeHears,
        "<base>/bridge/quiet/set",
        "`ON` stops everything and refuses every command but stops, until `OFF`; it survives a \
         restart",
        "ON",
    ),
    into(
        About::BridgeHears,
        "<base>/bridge/scan/set",
        "`ON` looks for toys for a while, `OFF` ends that",
        "ON",
    ),
    into(
        About::BridgeHears,
        "<base>/bridge/request/<verb>",
        "JSON, or nothing; see [Requests to the bridge](#requests-to-the-bridge)",
        r#"{"transaction":"t1"}"#,
    ),
    Topic {
        about: About::BridgeHears,
        topic: "<base>/bridge/barrier",
        direction: Direction::Both,
        retained: false,
        qos: 1,
        payload: "a marker. The bridge sends two to itself behind every stop, at QoS 0 and at QoS 1: \
                  commands that come before both are back were sent before the stop, have waited \
                  in the broker, and are discarded. Others follow every connect: what the broker has \
                  kept comes before them. Of no use to other clients; the broker has to let the \
                  bridge read and write it",
        example: "17-1",
    },
    out(
        About::HomeAssistant,
        "<discovery_prefix>/device/<device>/config",
        true,
        1,
        "discovery, one payload per toy and one for the bridge. The bridge also reads these \
         topics, to remove its own stale ones",
        r#"{"device":{"identifiers":["toy2mqtt_toy_1a2b3c4d"]},"components":{}}"#,
    ),
    Topic {
        about: About::HomeAssistant,
        topic: "<status_topic>",
        direction: Direction::In,
        retained: false,
        qos: 1,
        payload: "`online` and `offline` of Home Assistant, `homeassistant/status` by default. \
                  When it comes, everything is published again; when it stays away, toys are \
                  stopped",
        example: "online",
    },
];

/// The keys of `set` besides the outputs.
pub const KEYS: &[Key] = &[
    Key {
        key: "state",
        takes: "`\"ON\"` or `\"OFF\"`, true or false, 1 or 0",
        does: "on: all motors and pumps together, at `safety.default_level` (30 %), or as they last were \
               with `safety.turn_on = \"last\"`; off: everything is 0",
    },
    Key {
        key: "brightness",
        takes: "0–100, percent",
        does: "all intensities together, keeping their ratio",
    },
    Key {
        key: "effect",
        takes: "text, at most 64 characters",
        does: "plays a pattern by its name; `\"Off\"` ends it",
    },
    Key {
        key: "flash",
        takes: "anything but `false` and `null`; Home Assistant sends 2 or 10",
        does: "two gentle pulses, as `identify`, and nothing else of the payload. Refused while \
               the toy is in use",
    },
    Key {
        key: "transition",
        takes: "time, 0 to 24 h",
        does: "reaches the new levels over this time rather than at once",
    },
    Key {
        key: "for",
        takes: "time, above 0, to 24 h",
        does: "goes back to 0 after this time",
    },
    Key {
        key: "repeat",
        takes: "whole number, 1–10,000",
        does: "with `for`: how many times in all; 24 h together at most",
    },
    Key {
        key: "pause",
        takes: "time, 0 to 24 h",
        does: "with `repeat`: the rest between two times",
    },
    Key {
        key: "id",
        takes: "text, at most 64 characters",
        does: "comes back in the result, so that it can be told from others",
    },
];

/// The requests to the bridge.
pub const REQUESTS: &[Request] = &[
    Request {
        verb: "toys",
        takes: "–",
        does: "lists all toys with their outputs, inputs, limits and state",
        example: "{}",
    },
    Request {
        verb: "refresh",
        takes: "–",
        does: "asks all backends again which toys are there",
        example: "{}",
    },
    Request {
        verb: "rename",
        takes: "`toy`, `name` (at most 64 characters; `null` goes back to its own)",
        does: "calls a toy something else. Its id and topics stay",
        example: r#"{"toy":"toy_1a2b3c4d","name":"Alpha"}"#,
    },
    Request {
        verb: "forget",
        takes: "`toy`",
        does: "drops everything known about a toy that is not there",
        example: r#"{"toy":"toy_1a2b3c4d"}"#,
    },
    Request {
        verb: "limits",
        takes: "`toy` and at least one of `max` (percent), `outputs` (percent by output; `null` \
                takes one away), `slope` (percent per second, 0.1–1,000; `null` for none)",
        does: "changes what a toy may do. It survives a restart",
        example: r#"{"toy":"toy_1a2b3c4d","max":60,"outputs":{"rotate":40},"slope":25}"#,
    },
    Request {
        verb: "identify",
        takes: "`toy`",
        does: "makes a toy noticeable",
        example: r#"{"toy":"toy_1a2b3c4d"}"#,
    },
    Request {
        verb: "scan",
        takes: "–",
        does: "looks for toys; `data` says for how many `seconds`",
        example: "{}",
    },
    Request {
        verb: "log_level",
        takes: "`level`: `error`, `warn`, `info`, `debug` or `trace`",
        does: "says more or less in the log until the next restart",
        example: r#"{"level":"debug"}"#,
    },
    Request {
        verb: "republish",
        takes: "–",
        does: "publishes everything that is retained again",
        example: "{}",
    },
    Request {
        verb: "restart",
        takes: "–",
        does: "stops all toys, ends in order and starts again",
        example: "{}",
    },
    Request {
        verb: "diagnostics",
        takes: "–",
        does: "answers with everything that helps to find a fault, without secrets",
        example: r#"{"transaction":"t1"}"#,
    },
];
