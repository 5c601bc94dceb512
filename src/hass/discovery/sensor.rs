//! Sensors: what toys measure, and diagnostics.

use super::component::{Component, Device};
use crate::domain::{InputKind, ToyView};
use crate::hass::words::readings;

/// How a reading is shown.
struct Reading {
    /// In the state, see [`readings`].
    key: &'static str,
    /// In ids.
    id: &'static str,
    name: &'static str,
    unit: Option<&'static str>,
    device_class: Option<&'static str>,
    icon: Option<&'static str>,
}

/// Scales that are the maker's have no unit.
const READINGS: [Reading; 8] = [
    Reading {
        key: "battery",
        id: "battery",
        name: "Battery",
        unit: Some("%"),
        device_class: Some("battery"),
        icon: None,
    },
    Reading {
        key: "rssi",
        id: "signal",
        name: "Signal",
        unit: Some("dBm"),
        device_class: Some("signal_strength"),
        icon: None,
    },
    Reading {
        key: "pressure",
        id: "pressure",
        name: "Pressure",
        unit: None,
        device_class: None,
        icon: Some("mdi:gauge"),
    },
    Reading {
        key: "insertion_depth",
        id: "insertion_depth",
        name: "Depth",
        unit: None,
        device_class: None,
        icon: Some("mdi:arrow-expand-down"),
    },
    Reading {
        key: "motion_position",
        id: "motion_position",
        name: "Motion position",
        unit: Some("%"),
        device_class: None,
        icon: Some("mdi:arrow-left-right"),
    },
    Reading {
        key: "motion_speed",
        id: "motion_speed",
        name: "Motion speed",
        unit: Some("%"),
        device_class: None,
        icon: Some("mdi:speedometer"),
    },
    Reading {
        key: "shake_frequency",
        id: "shake_frequency",
        name: "Shake frequency",
        unit: None,
        device_class: None,
        icon: Some("mdi:sine-wave"),
    },
    Reading {
        key: "strength",
        id: "strength",
        name: "Strength",
        unit: None,
        device_class: None,
        icon: Some("mdi:signal"),
    },
];

/// What the toy measures; then the route in use and the last error.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    let state = || device.context.topics.toy_state(view.id);
    let mut sensors = Vec::new();
    for kind in &view.description.inputs {
        for key in readings(*kind) {
            let known = READINGS.iter().find(|reading| reading.key == *key);
            let sensor = known.map(|known| reading(device, known).shows(state(), key));
            sensors.extend(sensor.map(|sensor| match kind {
                InputKind::Battery | InputKind::Rssi => sensor.diagnostic(),
                _ => sensor,
            }));
        }
    }
    let route = device
        .entity("sensor", "route", "Route")
        .icon("mdi:transit-connection-variant")
        .shows(state(), "route")
        .with("json_attributes_topic", state())
        .with(
            "json_attributes_template",
            "{{ {'note': value_json.get('note')} | tojson }}",
        )
        .diagnostic();
    sensors.push(route);
    let last_error = device
        .entity("sensor", "last_error", "Last error")
        .icon("mdi:alert-circle-outline")
        .tells(state(), "last_error")
        .diagnostic()
        // It may say why the toy is not there.
        .with_the_bridge(device.context);
    sensors.push(last_error);
    sensors
}

fn reading(device: &Device<'_>, reading: &Reading) -> Component {
    let icon = reading.icon.and_then(|icon| device.telling_icon(icon));
    device
        .entity("sensor", reading.id, reading.name)
        .with_some("device_class", reading.device_class)
        .with("state_class", "measurement")
        .with_some("unit_of_measurement", reading.unit)
        .with_some("icon", icon)
}

/// How many toys can be used, the version, the last error.
pub(super) fn of_bridge(device: &Device<'_>) -> Vec<Component> {
    let info = || device.context.topics.bridge_info();
    let toys = if device.context.privacy.is_discreet() {
        "Devices"
    } else {
        "Toys"
    };
    vec![
        device
            .entity("sensor", "toys", toys)
            .icon("mdi:counter")
            .with("state_topic", info())
            .with(
                "value_template",
                "{{ value_json.get('toys', {}).get('available') }}",
            )
            .with("state_class", "measurement")
            .diagnostic(),
        device
            .entity("sensor", "version", "Version")
            .icon("mdi:tag-outline")
            .shows(info(), "version")
            .diagnostic(),
        device
            .entity("sensor", "last_error", "Last error")
            .icon("mdi:alert-circle-outline")
            .tells(info(), "last_error")
            .diagnostic(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_can_be_shown() {
        for key in InputKind::ALL.into_iter().flat_map(readings) {
            assert!(READINGS.iter().any(|reading| reading.key == *key), "{key}");
        }
    }
}
