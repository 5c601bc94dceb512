//! Getting rid of what is no longer there: components, devices, what an earlier run left.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Context, ORIGIN, Publication};
use crate::domain::ToyId;

/// The components of a published payload: key → platform.
pub type Components = BTreeMap<String, String>;

/// The components of a payload; none of one that is not as ours are.
#[must_use]
pub fn components(payload: &Value) -> Components {
    let components = payload.get("components").and_then(Value::as_object);
    let components = components.into_iter().flatten();
    components
        .filter_map(|(key, component)| {
            let platform = component.get("platform")?.as_str()?;
            Some((key.clone(), platform.to_owned()))
        })
        .collect()
}

/// What has to be published before `new`, if components of `previous` are not in it.
///
/// Home Assistant does not notice that a component is missing from a payload until it restarts. It
/// removes one that is reduced to its platform. So this payload is `new` with such remains; publish
/// it, wait for at least a second (a payload that comes while one is being set up is processed only
/// in part), then publish `new`.
#[must_use]
pub fn tombstone(previous: &Components, new: &Publication) -> Option<Publication> {
    let kept = components(&new.payload);
    let vanished: Map<String, Value> = previous
        .iter()
        .filter(|(key, platform)| kept.get(*key) != Some(*platform))
        .map(|(key, platform)| (key.clone(), json!({"platform": platform})))
        .collect();
    if vanished.is_empty() {
        return None;
    }
    let mut between = new.clone();
    let components = between.payload.get_mut("components")?.as_object_mut()?;
    components.extend(vanished);
    Some(between)
}

/// Removes what is retained under `topic`, and with it the device.
#[must_use]
pub fn forget(topic: String) -> Publication {
    let payload = Value::Null;
    Publication { topic, payload }
}

/// Whose a payload of this bridge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ours {
    /// A toy's.
    Toy(ToyId),
    /// The bridge's own.
    Bridge,
}

/// Whose a retained discovery payload is, if this bridge published it, perhaps in an earlier run.
///
/// Never true of what another program published, or another bridge with a base topic of its own:
/// topic, origin, identifier and availability have to be ours.
#[must_use]
pub fn whose(topic: &str, payload: &Value, context: &Context<'_>) -> Option<Ours> {
    let device = topic
        .strip_prefix(context.discovery_prefix)?
        .strip_prefix("/device/")?
        .strip_suffix("/config")?;
    let namespace = context.namespace();
    let ours = match device.strip_prefix(&namespace)?.strip_prefix('_')? {
        "bridge" => Ours::Bridge,
        toy => Ours::Toy(toy.parse().ok()?),
    };
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let state = context.topics.bridge_state();
    let written_here = text("/origin/name") == Some(ORIGIN)
        && text("/device/identifiers/0") == Some(device)
        && text("/availability/0/topic") == Some(&state);
    written_here.then_some(ours)
}
