//! Buttons: stop and identify; stop all and restart.

use super::component::{Component, Device};
use crate::domain::{Target, ToyView};

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

/// Stop all and restart.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let topics = device.context.topics;
    vec![
        device
            .entity("button", "stop_all", "Stop all")
            .icon("mdi:stop-circle")
            .with("command_topic", topics.bridge_stop()),
        device
            .entity("button", "restart", "Restart")
            .with("device_class", "restart")
            .with("command_topic", topics.bridge_request("restart"))
            .with("payload_press", "{}")
            .config(),
    ]
}
