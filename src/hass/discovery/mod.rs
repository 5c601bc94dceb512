//! Discovery: the payload that makes a toy, or the bridge, a device in Home Assistant.
//!
//! One retained payload per device ("device-based discovery"), with one component per entity; a
//! file here per platform. Rules that all of them keep:
//!
//! - `unique_id` and component keys never change, whatever the toy is called: Home Assistant knows
//!   entities by them.
//! - `default_entity_id` is on every entity, because Home Assistant would otherwise make ids of
//!   area, device and name. Older cores ignore it; `object_id` is never sent, because others log
//!   that it is deprecated. What it begins with is kept, see [`toy`]: Home Assistant keeps the ids
//!   that it made first. Two devices never propose the same, see [`distinct`].
//! - `qos` is on every component, because not all cores inherit it.
//! - Nothing new goes to the root, the device or the origin, because older cores drop the whole
//!   payload for a key that they do not know. In a component they drop the key.
//! - No entity is disabled by default: Home Assistant 2025.4 logs a warning when a device is removed
//!   that has disabled ones.
//! - A component that vanished has to be removed in two steps, see [`tombstone`].

mod binary_sensor;
mod button;
mod component;
mod device_trigger;
mod event;
mod ids;
mod light;
mod number;
mod removal;
mod select;
mod sensor;
mod slug;
mod switch;

pub use ids::{
    differ_from_proposed, distinct, entity_ids, entity_ids_of, ids_by_component, keep_ids,
    mark_differing,
};
pub use removal::{Components, Ours, components, forget, tombstone, whose};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::component::{Component, Device};
use super::{Privacy, privacy};
use crate::domain::{BridgeView, ToyId, ToyView};
use crate::mqtt::topics::Topics;

/// The name of the program, in every payload.
const ORIGIN: &str = "toy2mqtt";

/// What all payloads depend on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The first part of discovery topics; Home Assistant's default is `homeassistant`.
    pub discovery_prefix: &'a str,
    /// The topics of this bridge.
    pub topics: &'a Topics,
    /// The version of the bridge.
    pub version: &'a str,
    /// What may be said about toys.
    pub privacy: Privacy,
    /// Whether toys get a light. "All lights on" reaches it.
    pub light: bool,
    /// Where help is to be had; Home Assistant prints it beside every complaint.
    pub support_url: &'a str,
    /// The bridge's own page, `http://` or `https://`.
    pub configuration_url: Option<&'a str>,
}

impl Context<'_> {
    /// What ids begin with: different for every base topic, so that bridges that share a broker
    /// never write one another's payloads.
    fn namespace(&self) -> String {
        let base = self.topics.base();
        if base == ORIGIN {
            return ORIGIN.to_owned();
        }
        let hash = Sha256::digest(base.as_bytes());
        let [a, b, c, d] = [hash[0], hash[1], hash[2], hash[3]];
        format!("{ORIGIN}_{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    fn toy_device(&self, toy: ToyId) -> String {
        format!("{}_{toy}", self.namespace())
    }

    fn bridge_device(&self) -> String {
        format!("{}_bridge", self.namespace())
    }

    fn topic(&self, device: &str) -> String {
        format!("{}/device/{device}/config", self.discovery_prefix)
    }

    /// Where the payload of a toy is published.
    #[must_use]
    pub fn toy_topic(&self, toy: ToyId) -> String {
        self.topic(&self.toy_device(toy))
    }

    /// Where the payload of the bridge is published.
    #[must_use]
    pub fn bridge_topic(&self) -> String {
        self.topic(&self.bridge_device())
    }

    /// What to subscribe to in order to see [what is left](whose) of an earlier run. Payloads of
    /// others match it, too.
    #[must_use]
    pub fn filter(&self) -> String {
        self.topic("+")
    }

    /// Whether the bridge is there. What it says beside `online` (`stopped`, `offline`) means that
    /// it is not.
    fn bridge_availability(&self) -> Value {
        let mut availability = available_under(self.topics.bridge_state());
        availability["value_template"] =
            "{{ 'online' if value == 'online' else 'offline' }}".into();
        availability
    }
}

/// Availability as a topic tells it. The payloads are the default ones, and said all the same:
/// Home Assistant 2025.4 was once seen to miss a default while it set up many entities, and then it
/// drops the entity.
fn available_under(topic: String) -> Value {
    json!({
        "topic": topic,
        "payload_available": "online",
        "payload_not_available": "offline",
    })
}

/// Something to be retained at the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// Where.
    pub topic: String,
    /// What; `null` for the empty payload, which removes what is there.
    pub payload: Value,
}

impl Publication {
    /// The payload as it is published.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.payload {
            Value::Null => String::new(),
            payload => payload.to_string(),
        }
    }
}

/// The device of a toy.
///
/// `told` is what its entity ids [began with](entity_ids_of) when it was announced first: Home
/// Assistant keeps to these, so they stay if the toy gets another name, or its own is told better
/// later (`Lush 3` instead of `Lush`). Nothing of a discreet toy's ids is to come from a time when it
/// was none: then the payload proposes neutral ones, and [says](differ_from_proposed) that Home
/// Assistant may have others.
#[must_use]
pub fn toy(view: &ToyView, told: Option<&str>, context: &Context<'_>) -> Publication {
    let id = context.toy_device(view.id);
    let name = context.privacy.toy_name(view);
    let device = Device::new(context, id.clone(), &name, view.id.to_string());
    let neutral = [
        slug::slug(&name),
        slug::slug(&privacy::neutral_name(view.id)),
    ];
    let telling = |told: &str| context.privacy.is_discreet() && !ids::are_of(told, &neutral);
    let differs = told.is_some_and(telling);
    let told = told.filter(|_| !differs);
    let device = match told {
        Some(told) => device.called(told),
        None => device,
    };
    // Home Assistant before 2025.10 makes ids of the name alone, so the digits are in both.
    let digits = told.and_then(|told| ids::digits(told, &neutral[0], view.id));
    let name = digits.map_or(name.clone(), |digits| format!("{name} {digits}"));
    let components: Vec<Component> = [
        light::of_toy(view, &device),
        number::of_toy(view, &device),
        select::of_toy(view, &device),
        button::of_toy(view, &device),
        sensor::of_toy(view, &device),
        binary_sensor::of_toy(view, &device),
        event::of_toy(view, &device),
        device_trigger::of_toy(view, &device),
    ]
    .into_iter()
    .flatten()
    .collect();

    let description = &view.description;
    let mut about = Map::new();
    about.insert("identifiers".into(), json!([id]));
    about.insert("name".into(), name.into());
    if context.privacy.is_discreet() {
        about.insert("model".into(), "Device".into());
    } else {
        let firmware = description.firmware.as_deref().unwrap_or_default();
        for (key, text) in [
            ("manufacturer", description.manufacturer.as_str()),
            ("model", &description.model),
            ("sw_version", firmware),
        ] {
            let text = context.privacy.text(text);
            if !text.is_empty() {
                about.insert(key.into(), text.into());
            }
        }
    }
    about.insert("via_device".into(), context.bridge_device().into());

    let own = available_under(context.topics.toy_availability(view.id));
    let availability = vec![context.bridge_availability(), own];
    let topic = context.toy_topic(view.id);
    let mut publication = publication(context, topic, about, availability, components);
    if differs {
        mark_differing(&mut publication);
    }
    publication
}

/// The device of the bridge.
///
/// `told` is what its entity ids began with when it was announced first. They stay when discreet mode
/// is switched on: the topics in the payload name the bridge in any case.
#[must_use]
pub fn bridge(view: &BridgeView, told: Option<&str>, context: &Context<'_>) -> Publication {
    let id = context.bridge_device();
    let name = bridge_name(context);
    let mut device = Device::new(context, id.clone(), &name, ORIGIN.to_owned());
    if let Some(told) = told {
        device = device.called(told);
    }
    let components: Vec<Component> = [
        button::of_bridge(&device),
        switch::of_bridge(&device),
        binary_sensor::of_bridge(view, &device),
        event::of_bridge(&device),
        sensor::of_bridge(&device),
        select::of_bridge(&device),
    ]
    .into_iter()
    .flatten()
    .collect();

    let mut about = Map::new();
    about.insert("identifiers".into(), json!([id]));
    about.insert("name".into(), name.into());
    if !context.privacy.is_discreet() {
        about.insert("manufacturer".into(), ORIGIN.into());
    }
    about.insert("model".into(), "Bridge".into());
    about.insert("sw_version".into(), context.version.into());
    if let Some(url) = context.configuration_url {
        about.insert("configuration_url".into(), url.into());
    }

    let availability = vec![context.bridge_availability()];
    publication(
        context,
        context.bridge_topic(),
        about,
        availability,
        components,
    )
}

/// What the bridge's device is called; the base topic tells several of them apart.
fn bridge_name(context: &Context<'_>) -> String {
    let name = if context.privacy.is_discreet() {
        "Bridge"
    } else {
        ORIGIN
    };
    match context.topics.base() {
        ORIGIN => name.to_owned(),
        base => format!("{name} {base}"),
    }
}

fn publication(
    context: &Context<'_>,
    topic: String,
    device: Map<String, Value>,
    availability: Vec<Value>,
    components: Vec<Component>,
) -> Publication {
    let components: Map<String, Value> = components.into_iter().map(Component::entry).collect();
    let payload = json!({
        "device": device,
        "origin": {
            "name": ORIGIN,
            "sw_version": context.version,
            "support_url": context.support_url,
        },
        "availability": availability,
        "availability_mode": "all",
        "components": components,
    });
    Publication { topic, payload }
}
