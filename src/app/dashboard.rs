//! `dashboard`: what the broker has kept for Home Assistant, as something to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::config::Loaded;
use crate::hass::dashboard;
use crate::hass::discovery::{self, Context, Ours};

use super::client::{Client, ClientError};
use super::compose;

/// A dashboard, and what is not certain about it.
#[derive(Debug)]
pub struct Made {
    /// The dashboard.
    pub dashboard: Value,
    /// For people, a line each.
    pub doubts: Vec<String>,
}

/// The dashboard for the toys that the bridge knows.
///
/// # Errors
/// No bridge there, or it tells Home Assistant nothing.
pub async fn dashboard(loaded: &Loaded, patience: Duration) -> Result<Made, ClientError> {
    let settings = &loaded.config.home_assistant;
    if !settings.discovery {
        return Err(ClientError::NoDiscovery);
    }
    let topics = compose::topics(&loaded.config)?;
    let context = Context {
        discovery_prefix: settings.discovery_prefix.as_str(),
        topics: &topics,
        version: env!("CARGO_PKG_VERSION"),
        privacy: loaded.config.privacy.discreet.into(),
        light: settings.light,
        support_url: env!("CARGO_PKG_REPOSITORY"),
        configuration_url: None,
    };
    let mut client = Client::hearing(loaded, patience, vec![context.filter()]).await?;
    let announced = client.announced(&context).await;
    client.close().await;
    let (mut announced, others) = announced?;
    let bridge = announced.remove(&Ours::Bridge);
    let bridge = bridge.ok_or(ClientError::NoDiscovery)?;
    let mut toys: Vec<Value> = announced.into_values().collect();
    toys.sort_by_key(|toy| toy["device"]["name"].as_str().map(str::to_lowercase));
    Ok(Made {
        dashboard: dashboard::dashboard(&bridge, &toys),
        doubts: dashboard::doubts(&bridge, &toys, &others),
    })
}

impl Client {
    /// The discovery payloads of the bridge and of its toys, and the entity ids that others propose.
    /// One that does not come in time, because the toy was removed just now, is left out.
    async fn announced(
        &mut self,
        context: &Context<'_>,
    ) -> Result<(BTreeMap<Ours, Value>, BTreeSet<String>), ClientError> {
        let response = self.ask_for_toys();
        let mut expected: Option<Vec<Ours>> = None;
        let (mut seen, mut others) = (BTreeMap::new(), BTreeSet::new());
        let complete = self.wait(|topic, value| {
            if response.is_in(topic, value) {
                let toys = response
                    .toys(value)
                    .into_iter()
                    .map(|toy| Ours::Toy(toy.id));
                expected = Some(toys.chain([Ours::Bridge]).collect());
            } else if let Some(ours) = discovery::whose(topic, value, context) {
                seen.insert(ours, value.clone());
            } else {
                others.extend(discovery::entity_ids(value));
            }
            let all = expected.as_ref()?;
            all.iter().all(|ours| seen.contains_key(ours)).then_some(())
        });
        match complete.await {
            Err(ClientError::Timeout(_)) if expected.is_none() => Err(self.no_bridge()),
            Ok(()) | Err(ClientError::Timeout(_)) => Ok((seen, others)),
            Err(error) => Err(error),
        }
    }
}
