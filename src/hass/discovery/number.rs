//! Numbers: a slider per output, and the limit.

use super::component::{Component, Device};
use crate::domain::{Output, OutputKey, OutputKind, Target, ToyView};

/// The outputs of a toy in its order, then its limit.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    let outputs = view.description.outputs.iter().enumerate();
    let mut numbers: Vec<_> = outputs
        .map(|(index, output)| number(view, device, index, output))
        .collect();
    let limit = percent(device, view, "limit", "Limit")
        .with("min", 0)
        .icon("mdi:speedometer-slow")
        .config()
        // It is wise to set it before the toy is there.
        .with_the_bridge(device.context);
    numbers.push(limit);
    numbers
}

fn number(view: &ToyView, device: &Device<'_>, index: usize, output: &Output) -> Component {
    let key = output.key.to_string();
    let name = if device.context.privacy.is_discreet() {
        // What an output does would say what the device is.
        format!("Channel {}", index + 1)
    } else {
        name(view, output)
    };
    let telling = device.telling_icon(icon(output.key.kind));
    percent(device, view, &key, &name)
        .with("min", if output.signed { -100 } else { 0 })
        .icon(telling.unwrap_or("mdi:tune-variant"))
}

fn percent(device: &Device<'_>, view: &ToyView, key: &str, name: &str) -> Component {
    let topics = device.context.topics;
    let target = Target::Toy(view.id);
    device
        .entity("number", key, name)
        .with("command_topic", topics.attribute_set(&target, key))
        .shows(topics.toy_state(view.id), key)
        .with("max", 100)
        .with("step", 1)
        .with("mode", "slider")
        .with("unit_of_measurement", "%")
}

/// The maker's word for an output, where no other has the same, else ours.
fn name(view: &ToyView, output: &Output) -> String {
    let label = |output: &Output| output.label.as_deref().map(sentence).unwrap_or_default();
    let own = label(output);
    let mut others = view.description.outputs.iter();
    let unique = !others.any(|other| other.key != output.key && label(other) == own);
    if own.is_empty() || !unique {
        our_name(output.key)
    } else {
        own
    }
}

fn our_name(key: OutputKey) -> String {
    let name = match key.kind {
        OutputKind::Vibrate => "Vibrate",
        OutputKind::Rotate => "Rotate",
        OutputKind::Oscillate => "Oscillate",
        OutputKind::Constrict => "Constrict",
        OutputKind::Thrust => "Thrust",
        OutputKind::Finger => "Finger",
        OutputKind::Suction => "Suction",
        OutputKind::Depth => "Depth",
        OutputKind::StrokeMin => "Stroke minimum",
        OutputKind::StrokeMax => "Stroke maximum",
        OutputKind::Position => "Position",
        OutputKind::Spray => "Spray",
        OutputKind::Temperature => "Temperature",
        OutputKind::Led => "LED",
    };
    match key.number {
        0 => name.to_owned(),
        number => format!("{name} {number}"),
    }
}

/// "Tip Vibe" → "Tip vibe". At most 60 characters.
fn sentence(label: &str) -> String {
    let label: String = label
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(60)
        .collect();
    let mut words = label.split_whitespace();
    let Some(first) = words.next() else {
        return String::new();
    };
    let mut letters = first.chars();
    let capital = letters.next().map(char::to_uppercase).into_iter().flatten();
    let mut sentence: String = capital.chain(letters).collect();
    for word in words {
        sentence.push(' ');
        if word.chars().any(char::is_lowercase) {
            sentence.push_str(&word.to_lowercase());
        } else {
            // An abbreviation.
            sentence.push_str(word);
        }
    }
    sentence
}

const fn icon(kind: OutputKind) -> &'static str {
    match kind {
        OutputKind::Vibrate => "mdi:vibrate",
        OutputKind::Rotate => "mdi:rotate-3d-variant",
        OutputKind::Oscillate => "mdi:sine-wave",
        OutputKind::Constrict => "mdi:arrow-collapse-horizontal",
        OutputKind::Thrust => "mdi:arrow-left-right",
        OutputKind::Finger => "mdi:gesture-tap",
        OutputKind::Suction => "mdi:vacuum-outline",
        OutputKind::Depth => "mdi:arrow-expand-horizontal",
        OutputKind::StrokeMin => "mdi:ray-start",
        OutputKind::StrokeMax => "mdi:ray-end",
        OutputKind::Position => "mdi:ray-vertex",
        OutputKind::Spray => "mdi:spray",
        OutputKind::Temperature => "mdi:thermometer",
        OutputKind::Led => "mdi:led-on",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_sentence_case() {
        for (label, expected) in [
            ("Tip Vibe", "Tip vibe"),
            ("internal  VIBE", "Internal VIBE"),
            ("élan\tVital", "Élan vital"),
            (" ", ""),
        ] {
            assert_eq!(sentence(label), expected, "{label:?}");
        }
        assert_eq!(sentence(&"ab ".repeat(100)).chars().count(), 59);
    }
}
