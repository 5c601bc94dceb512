//! Made-up toys: for the simulator, the demo, and the reference of discovery payloads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::backend::lovense::catalog;
use crate::cli::Models;
use crate::domain::{BridgeView, HardwareId, Limits, Pattern, ToyDescription, ToyView};
use crate::hass::Privacy;
use crate::hass::discovery::{self, Context};
use crate::mqtt::Topics;
use crate::sim::lovense_app::{AppOptions, Spread, ToySpec};

/// How long a lively toy waits before it does something by itself.
const LIVELY: std::ops::RangeInclusive<Duration> = Duration::from_secs(3)..=Duration::from_secs(12);

/// How long a lively toy lives on one percent of its battery.
const BATTERY_DRAIN: Duration = Duration::from_secs(60);

/// The toys that the command line asks for.
#[must_use]
pub fn toys(models: &Models) -> Vec<ToySpec> {
    if models.models.is_empty() {
        ToySpec::assorted(models.toys.into())
    } else {
        models.models.iter().map(ToySpec::new).collect()
    }
}

/// A simulated app with the toys that the command line asks for.
#[must_use]
pub fn app(models: &Models, lively: bool, delay: Duration) -> AppOptions {
    let mut options = AppOptions::with_toys(toys(models));
    if lively {
        options.lively = Some(LIVELY);
        options.battery_drain = Some(BATTERY_DRAIN);
    }
    let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    options.faults.effect_latency = Spread {
        min_ms: millis,
        max_ms: millis,
    };
    options
}

/// The discovery payloads of the bridge and of one toy of each kind, by topic.
#[must_use]
pub fn discovery() -> Value {
    let Ok(topics) = Topics::new("toy2mqtt") else {
        return Value::Null;
    };
    let context = Context {
        discovery_prefix: "homeassistant",
        topics: &topics,
        version: env!("CARGO_PKG_VERSION"),
        privacy: Privacy::Open,
        light: true,
        support_url: env!("CARGO_PKG_REPOSITORY"),
        configuration_url: None,
    };
    let bridge = discovery::bridge(&BridgeView::default(), None, &context);
    let mut payloads = serde_json::Map::new();
    payloads.insert(bridge.topic, bridge.payload);
    let patterns = Pattern::builtin();
    let effects: Arc<[String]> = patterns.iter().map(|p| p.name().to_owned()).collect();
    for (index, model) in catalog::models().iter().enumerate() {
        let description = ToyDescription {
            hardware: HardwareId::new(format!("{index:012x}")),
            manufacturer: "Lovense".to_owned(),
            model: model.marketing_name(None).to_owned(),
            nickname: None,
            firmware: None,
            outputs: model.outputs(),
            inputs: model.inputs.iter().copied().collect(),
        };
        let view = ToyView {
            id: description.id(),
            name: description.default_name().to_owned(),
            description: Arc::new(description),
            available: true,
            route: None,
            held_by_app: false,
            levels: BTreeMap::new(),
            effect: None,
            effects: Arc::clone(&effects),
            limits: Limits::default(),
            readings: BTreeMap::new(),
            last_error: None,
        };
        let toy = discovery::toy(&view, None, &context);
        payloads.insert(toy.topic, toy.payload);
    }
    json!(payloads)
}
