//! The bridge's own info and events.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use crate::domain::{BackendState, BackendView, BridgeEvent, BridgeView, Rejection};
use crate::hass::Privacy;
use crate::hass::command::LOG_LEVELS;

/// What the bridge knows of itself without asking the engine.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its version.
    pub version: &'a str,
    /// The instance id from the data folder.
    pub instance: &'a str,
    /// A word of this process alone: two processes with one instance id have copies of one data folder.
    pub process: &'a str,
    /// The settings, without secrets. Not published when discreet: they name backends and toys.
    pub settings: &'a Value,
    /// The wall clock, when the view was made.
    pub now: SystemTime,
}

/// The payload of `bridge/info`.
#[must_use]
pub fn info(view: &BridgeView, about: &About<'_>, privacy: Privacy) -> Value {
    let backends: Map<String, Value> = view
        .backends
        .iter()
        .map(|known| (privacy.backend(&known.id), backend(known, about, privacy)))
        .collect();
    let level = LOG_LEVELS
        .into_iter()
        .find(|level| *level == view.log_level);
    let problems: Vec<String> = view.problems.iter().map(|p| privacy.text(p)).collect();
    let last_error = view.last_error.as_deref().map(|error| privacy.text(error));
    let settings = if privacy.is_discreet() {
        &Value::Null
    } else {
        about.settings
    };
    json!({
        "version": about.version,
        "instance": about.instance,
        "process": about.process,
        "log_level": level,
        "toys": {"known": view.toys.known, "available": view.toys.available},
        "backends": backends,
        "problems": problems,
        "last_error": last_error,
        "settings": settings,
    })
}

fn backend(view: &BackendView, about: &About<'_>, privacy: Privacy) -> Value {
    let (state, error) = match &view.state {
        BackendState::Connecting => ("connecting", None),
        BackendState::Up => ("up", None),
        BackendState::Down(reason) | BackendState::Unpaired(reason) => {
            ("down", Some(privacy.text(reason)))
        }
    };
    json!({
        "state": state,
        "since": timestamp(about.now, view.since),
        "attempts": view.attempts,
        "last_error": error,
    })
}

/// The time `ago` before `now`, if that can be written; a clock that was never set may show 1970.
fn timestamp(now: SystemTime, ago: Duration) -> Option<String> {
    /// 31 December 9999, the last day that RFC 3339 can write.
    const LAST: Duration = Duration::from_secs(253_402_214_400);
    let since = now.checked_sub(ago)?;
    let age = since.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (age < LAST).then(|| humantime::format_rfc3339_seconds(since).to_string())
}

/// The payload of `bridge/event` for something that happened.
#[must_use]
pub fn event(event: &BridgeEvent, privacy: Privacy) -> Value {
    match event {
        BridgeEvent::ToyAdded(toy) => json!({"event_type": "toy_added", "toy": toy.to_string()}),
        BridgeEvent::ToyRemoved(toy) => {
            json!({"event_type": "toy_removed", "toy": toy.to_string()})
        }
        BridgeEvent::BackendUp(id) => {
            json!({"event_type": "backend_up", "backend": privacy.backend(id)})
        }
        BridgeEvent::BackendDown(id, reason) => json!({
            "event_type": "backend_down",
            "backend": privacy.backend(id),
            "reason": privacy.text(reason),
        }),
        BridgeEvent::SafetyStop(toy, reason) => json!({
            "event_type": "safety_stop",
            "toy": toy.to_string(),
            "reason": reason.as_str(),
        }),
    }
}

/// The payload of `bridge/event` for a command that had no effect and has no toy to tell it to.
#[must_use]
pub fn command_rejected(topic: &str, rejection: &Rejection, privacy: Privacy) -> Value {
    json!({
        "event_type": "command_rejected",
        "reason": rejection.code.as_str(),
        "topic": privacy.text(topic),
        "message": privacy.text(&rejection.message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_cannot_be_written_are_unknown() {
        let epoch = SystemTime::UNIX_EPOCH;
        let minute = Duration::from_secs(60);
        assert_eq!(timestamp(epoch, minute), None);
        assert_eq!(
            timestamp(epoch + Duration::from_secs(1 << 40), minute),
            None
        );
        let written = timestamp(epoch + minute, minute);
        assert_eq!(written.as_deref(), Some("1970-01-01T00:00:00Z"));
    }
}
