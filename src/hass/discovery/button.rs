//! Buttons: stop and identify; stop all, quiet and restart.
//!
//! Quiet is two buttons, and a binary sensor that shows it. "Turn everything off", by an area, by voice
//! or by a scene, reaches every switch, and "turn everything on" does, too: a switch would be lifted by
//! one of them whichever way round it is. A lock is opened by Assist's "turn off", and HomeKit selects
//! an option of a select when it switches that option off. No "turn off" and no scene presses a button;
//! ending quiet is a setting as well, so that areas and voice assistants leave it out.

use super::component::{Component, Device};
use crate::domain::{Target, ToyView};
use crate::hass::state::switch;

/// Stop and identify.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    let topics = device.context.topics;
    vec![
        device
            .entity("button", "stop", "Stop")
            .icon("mdi:stop")
            .with("command_topic", topics.stop(&Target::Toy(view.id))),
        device
            .entity("button", "identify", "Identify")
            .with("device_class", "identify")
            .with("command_topic", topics.identify(view.id))
            .diagnostic(),
    ]
}

/// Stop all, the two of quiet, and restart.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let topics = device.context.topics;
    vec![
        device
            .entity("button", "stop_all", "Stop all")
            .icon("mdi:stop-circle")
            .with("command_topic", topics.bridge_stop()),
        device
            .entity("button", "quiet_start", "Start quiet")
            .icon("mdi:volume-off")
            .with("command_topic", topics.quiet_set())
            .with("payload_press", switch(true)),
        device
            .entity("button", "quiet_end", "End quiet")
            .icon("mdi:volume-high")
            .with("command_topic", topics.quiet_set())
            .with("payload_press", switch(false))
            .config(),
        device
            .entity("button", "restart", "Restart")
            .with("device_class", "restart")
            .with("command_topic", topics.bridge_request("restart"))
            .with("payload_press", "{}")
            .config(),
    ]
}
