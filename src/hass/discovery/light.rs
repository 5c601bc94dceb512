//! The light: all intensities together, as a dimmer.

use serde_json::json;

use super::component::{Component, Device};
use crate::domain::{Target, ToyView};
use crate::hass::words::{effects, has_intensity};

/// The main entity of a toy, unless the user does without, or nothing acts by itself.
///
/// In the JSON schema, so that the bridge decides what "on" without a brightness means; in the
/// default schema Home Assistant could send full power.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    if !device.context.light || !has_intensity(view) {
        return Vec::new();
    }
    let topics = device.context.topics;
    let light = device
        .main_entity("light", "light")
        .with_some("icon", device.telling_icon("mdi:vibrate"))
        .with("schema", "json")
        .with("command_topic", topics.set(&Target::Toy(view.id)))
        .with("state_topic", topics.toy_state(view.id))
        // `brightness: true` means the same, but makes 2025.4 log that no color mode is reported.
        .with("supported_color_modes", json!(["brightness"]))
        .with("brightness_scale", 100)
        .with("effect", true)
        .with("effect_list", effects(view))
        .with("transition", true)
        .with("flash", false);
    vec![light]
}
