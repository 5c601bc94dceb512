//! The words that discovery announces and states use, so that both always agree.

use crate::domain::{Class, Gesture, InputKind, OutputKind, SetCommand, ToyView};

/// The types of a button's events.
pub(super) const BUTTON_EVENTS: [&str; 3] = [
    Gesture::ButtonDown(0).event_type(),
    Gesture::ButtonUp(0).event_type(),
    Gesture::ButtonPressed(0).event_type(),
];

/// The types of a movement's events.
pub(super) const GESTURE_EVENTS: [&str; 1] = [Gesture::Shake.event_type()];

/// The types of the bridge's events.
pub(super) const BRIDGE_EVENTS: [&str; 6] = [
    "toy_added",
    "toy_removed",
    "backend_up",
    "backend_down",
    "command_rejected",
    "safety_stop",
];

/// The effects to choose from: "Off", then the patterns.
///
/// An option called "none" could never be shown, because it means unknown, and one given twice
/// could not be told from the other.
pub(super) fn effects(view: &ToyView) -> Vec<&str> {
    let mut effects = vec![SetCommand::NO_EFFECT];
    for name in view.effects.iter().map(String::as_str) {
        let shown = !name.trim().is_empty() && !name.eq_ignore_ascii_case("none");
        if shown && !effects.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            effects.push(name);
        }
    }
    effects
}

/// The keys of the readings that an input gives, as [`Reading::key`](crate::domain::Reading::key).
pub(super) const fn readings(kind: InputKind) -> &'static [&'static str] {
    match kind {
        InputKind::Battery => &["battery"],
        InputKind::Rssi => &["rssi"],
        InputKind::Button => &[],
        InputKind::Pressure => &["pressure"],
        InputKind::Depth => &["insertion_depth"],
        InputKind::Motion => &["motion_position", "motion_speed"],
        InputKind::Shake => &["shake_frequency"],
        InputKind::Strength => &["strength"],
    }
}

/// Whether an output moves the toy by itself. What sprays, heats or shines acts only when it is named:
/// it is no part of the light, of brightness or of patterns.
pub(super) const fn moves(kind: OutputKind) -> bool {
    matches!(kind.class(), Class::Intensity)
        && !matches!(
            kind,
            OutputKind::Spray | OutputKind::Temperature | OutputKind::Led
        )
}

/// Whether anything of the toy moves by itself, so that there is something to switch on.
pub(super) fn has_intensity(view: &ToyView) -> bool {
    let mut outputs = view.description.outputs.iter();
    outputs.any(|output| moves(output.key.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Reading;

    #[test]
    fn every_reading_belongs_to_an_input() {
        let known: Vec<_> = InputKind::ALL.into_iter().flat_map(readings).collect();
        for reading in [
            Reading::Battery(0),
            Reading::Rssi(0),
            Reading::Pressure(0.0),
            Reading::InsertionDepth(0.0),
            Reading::MotionPosition(0.0),
            Reading::MotionSpeed(0.0),
            Reading::ShakeFrequency(0.0),
            Reading::Strength(0.0),
        ] {
            assert!(known.contains(&&reading.key()), "{}", reading.key());
        }
    }

    #[test]
    fn every_gesture_is_announced_once() {
        let announced: Vec<_> = BUTTON_EVENTS.into_iter().chain(GESTURE_EVENTS).collect();
        assert_eq!(announced, Gesture::EVENT_TYPES);
    }
}
