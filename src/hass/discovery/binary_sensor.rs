//! Binary sensors: is the toy there, is a backend reachable, is quiet on, is something wrong.

use super::component::{Component, Device};
use super::slug::slug;
use crate::domain::{BackendView, BridgeView, ToyView};

/// Whether the toy is there.
pub(super) fn of_toy(view: &ToyView, device: &Device<'_>) -> Vec<Component> {
    let context = device.context;
    let connected = device
        .entity("binary_sensor", "connected", "Connected")
        .with("device_class", "connectivity")
        .with("state_topic", context.topics.toy_availability(view.id))
        .with("payload_on", "online")
        .with("payload_off", "offline")
        .diagnostic()
        // It would otherwise be unavailable when it is to say "disconnected".
        .with_the_bridge(context);
    vec![connected]
}

/// A sensor per backend, one for quiet, and one for problems of the bridge itself.
pub(super) fn of_bridge(view: &BridgeView, device: &Device<'_>) -> Vec<Component> {
    let mut sensors: Vec<_> = view.backends.iter().map(|b| backend(b, device)).collect();
    let info = device.context.topics.bridge_info();
    let problem = device
        .entity("binary_sensor", "problem", "Problem")
        .with("device_class", "problem")
        .with("state_topic", info.clone())
        .with(
            "value_template",
            "{{ 'ON' if value_json.get('problems') else 'OFF' }}",
        )
        .with("json_attributes_topic", info)
        .with(
            "json_attributes_template",
            "{{ {'problems': value_json.get('problems', [])} | to_json }}",
        )
        .diagnostic();
    let quiet = device
        .entity("binary_sensor", "quiet_on", "Quiet")
        .icon("mdi:volume-off")
        .with("state_topic", device.context.topics.quiet_state());
    sensors.extend([problem, quiet]);
    sensors
}

fn backend(view: &BackendView, device: &Device<'_>) -> Component {
    let context = device.context;
    let word = context.privacy.backend(&view.id);
    // A JSON string is a string in a template, too.
    let literal = serde_json::Value::from(word.as_str()).to_string();
    let entry = format!("value_json.get('backends', {{}}).get({literal}, {{}})");
    let info = context.topics.bridge_info();
    let key = format!("backend_{}", slug(&word));
    device
        .entity(
            "binary_sensor",
            &key,
            &context.privacy.backend_label(&view.id),
        )
        .with("device_class", "connectivity")
        .with("state_topic", info.clone())
        .with(
            "value_template",
            format!("{{{{ 'ON' if {entry}.get('state') == 'up' else 'OFF' }}}}"),
        )
        .with("json_attributes_topic", info)
        .with(
            "json_attributes_template",
            format!("{{{{ {entry} | to_json }}}}"),
        )
        .diagnostic()
}
