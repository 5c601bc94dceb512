//! The session against the real Mosquitto: what happens to the broker, to the link, to the bridge.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

#[path = "mqtt_session/access.rs"]
mod access;
#[path = "mqtt_session/backoff.rs"]
mod backoff;
#[path = "mqtt_session/bridge.rs"]
mod bridge;
#[path = "mqtt_session/ending.rs"]
mod ending;
#[path = "mqtt_session/messages.rs"]
mod messages;
#[path = "mqtt_session/outages.rs"]
mod outages;
#[path = "mqtt_session/stops.rs"]
mod stops;
