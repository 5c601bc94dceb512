//! Events: what happens once. Never retained, and each lets only the types through that it
//! announces, for several share a topic.

use super::component::{Component, Device, only};
use crate::domain::{InputKind, ToyView};
use crate::hass::words::{BRIDGE_EVENTS, BUTTON_EVENTS, GESTURE_EVENTS};

/// The toy's button and its movements.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    let topic = device.context.topics.toy_event(view.id);
    let inputs = &view.description.inputs;
    let mut events = Vec::new();
    if inputs.contains(&InputKind::Button) {
        let button = device
            .entity("event", "button", "Button")
            .with("device_class", "button");
        events.push(announcing(button, topic.clone(), &BUTTON_EVENTS));
    }
    if inputs.contains(&InputKind::Shake) {
        let gesture = device
            .entity("event", "gesture", "Gesture")
            .icon("mdi:gesture");
        events.push(announcing(gesture, topic, &GESTURE_EVENTS));
    }
    events
}

/// What happens to the bridge.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let topic = device.context.topics.bridge_event();
    let event = device
        .entity("event", "bridge", "Bridge")
        .icon("mdi:bell-outline")
        .diagnostic();
    vec![announcing(event, topic, &BRIDGE_EVENTS)]
}

fn announcing(event: Component, topic: String, types: &[&str]) -> Component {
    event
        .with("state_topic", topic)
        .with("value_template", only(types))
        .with("event_types", types.to_vec())
}
