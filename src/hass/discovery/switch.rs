//! Switches of the bridge: quiet and scanning.

use super::component::{Component, Device};

/// Quiet and scanning.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let topics = device.context.topics;
    vec![
        device
            .entity("switch", "quiet", "Quiet")
            .icon("mdi:volume-off")
            .with("command_topic", topics.quiet_set())
            .with("state_topic", topics.quiet_state()),
        device
            .entity("switch", "scanning", "Scanning")
            .icon("mdi:radar")
            .with("command_topic", topics.scan_set())
            .with("state_topic", topics.scan_state())
            .config(),
    ]
}
