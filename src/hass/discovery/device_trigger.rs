//! Device triggers: the same as the events, to be chosen by a click in the automation editor.
//!
//! Home Assistant (2025.4 to 2026.11 at least) logs "Unable to remove unknown dispatcher" once per
//! trigger if its MQTT integration is reloaded after the trigger was removed, whoever published
//! it. So triggers must not come and go with the route or the state of a toy.

use super::component::{Component, Device};
use crate::domain::{Gesture, InputKind, ToyView};

/// The trigger of a gesture. Home Assistant translates the types and subtypes that it knows and
/// shows others as they are.
struct Trigger {
    key: &'static str,
    gesture: Gesture,
    kind: &'static str,
    subtype: &'static str,
}

const BUTTON: [Trigger; 3] = [
    Trigger {
        key: "trigger_button_pressed",
        gesture: Gesture::ButtonPressed(0),
        kind: "button_short_press",
        subtype: "button_1",
    },
    Trigger {
        key: "trigger_button_down",
        gesture: Gesture::ButtonDown(0),
        kind: "button_down",
        subtype: "button_1",
    },
    Trigger {
        key: "trigger_button_up",
        gesture: Gesture::ButtonUp(0),
        kind: "button_short_release",
        subtype: "button_1",
    },
];

const SHAKE: [Trigger; 1] = [Trigger {
    key: "trigger_shake",
    gesture: Gesture::Shake,
    kind: "shaken",
    subtype: "device",
}];

/// The first button's triggers, and that of being shaken.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    let inputs = &view.description.inputs;
    let mut triggers = Vec::new();
    if inputs.contains(&InputKind::Button) {
        triggers.extend(BUTTON.iter().map(|known| trigger(view, device, known)));
    }
    if inputs.contains(&InputKind::Shake) {
        triggers.extend(SHAKE.iter().map(|known| trigger(view, device, known)));
    }
    triggers
}

fn trigger(view: &ToyView, device: &Device<'_>, trigger: &Trigger) -> Component {
    device
        .component("device_automation", trigger.key)
        .with("automation_type", "trigger")
        .with("type", trigger.kind)
        .with("subtype", trigger.subtype)
        .with("topic", device.context.topics.toy_event(view.id))
        .with("payload", trigger.gesture.event_type())
        .with(
            "value_template",
            "{{ value_json.get('event_type') if value_json.get('button', 1) == 1 else '' }}",
        )
}
