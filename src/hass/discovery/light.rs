//! The light: all intensities together, as a dimmer.

use serde_json::json;

use super::component::{Component, Device};
use crate::domain::{Target, ToyView};
use crate::hass::words::{effects, has_intensity};

/// How many seconds `flash: short` and `flash: long` are sent as: Home Assistant's defaults.
const FLASH_SHORT: u8 = 2;
const FLASH_LONG: u8 = 10;

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
        // A light that offers no flash is sent a bare ON for one (2026.11), which goes on for ever; one
        // that offers it is sent how long, which the bridge takes for two gentle pulses.
        .with("flash", true)
        .with("flash_time_short", FLASH_SHORT)
        .with("flash_time_long", FLASH_LONG);
    vec![light]
}
