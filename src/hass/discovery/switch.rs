//! Switches of the bridge: scanning. Quiet is none: see [`super::button`].

use super::component::{Component, Device};

/// Scanning.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let topics = device.context.topics;
    vec![
        device
            .entity("switch", "scanning", "Scanning")
            .icon("mdi:radar")
            .with("command_topic", topics.scan_set())
            .with("state_topic", topics.scan_state())
            .config(),
    ]
}
