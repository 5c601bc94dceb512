//! Selects: the pattern of a toy, the log level of the bridge.

use super::component::{Component, Device};
use crate::domain::{Target, ToyView};
use crate::hass::command::LOG_LEVELS;
use crate::hass::words::{effects, has_intensity};

/// The pattern, "Off" among the options, if there is something it could play on.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    if !has_intensity(view) {
        return Vec::new();
    }
    let topics = device.context.topics;
    let target = Target::Toy(view.id);
    let pattern = device
        .entity("select", "pattern", "Pattern")
        .icon("mdi:waveform")
        .with("command_topic", topics.attribute_set(&target, "effect"))
        .shows(topics.toy_state(view.id), "effect")
        .with("options", effects(view));
    vec![pattern]
}

/// How much the log says.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let topics = device.context.topics;
    let level = device
        .entity("select", "log_level", "Log level")
        .icon("mdi:text-box-search-outline")
        .with("command_topic", topics.bridge_request("log_level"))
        .with("command_template", r#"{"level": "{{ value }}"}"#)
        .shows(topics.bridge_info(), "log_level")
        .with("options", LOG_LEVELS.to_vec())
        .config();
    vec![level]
}
