//! Looking once what is there: adapters, and toys that advertise.

use std::collections::BTreeMap;
use std::time::Duration;

use btleplug::api::{BDAddr, Central, Peripheral, ScanFilter};
use btleplug::platform::Adapter;
use tokio::time::sleep;
use tracing::debug;

use super::advert::{Sighting, recognise};
use super::fault::RadioError;
use super::radio::{Bus, Radio, advertisement, answer};

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// All adapters, by name. At least one of them is on.
    pub radios: Vec<Radio>,
    /// Toys that advertise. One that is connected to something does not.
    pub toys: Vec<Sighting>,
    /// How many toys are connected to this machine.
    pub connected: usize,
}

/// Lists adapters and, for `duration`, listens for toys on those that are on. Connects to nothing,
/// switches no adapter on, and ends the scan that it started.
///
/// Needs a tokio runtime with IO and time. Takes `duration` and, at worst, five seconds for each
/// hop that does not answer.
///
/// # Errors
/// The first hop that fails: the bus, the service, the adapter.
pub async fn survey(duration: Duration) -> Result<Survey, RadioError> {
    let bus = Bus::open().await?;
    let found = bus.adapters().await?;
    let radios: Vec<Radio> = found.iter().map(|(radio, _)| radio.clone()).collect();
    // Starting a scan would switch an adapter on, which is not ours to do.
    let usable: Vec<Adapter> = found
        .into_iter()
        .filter_map(|(radio, adapter)| radio.powered.then_some(adapter))
        .collect();
    if usable.is_empty() {
        let names: Vec<String> = radios.into_iter().map(|radio| radio.name).collect();
        return Err(RadioError::PoweredOff(names.join(", ")));
    }
    let toys = scan(&usable, duration).await;
    for adapter in &usable {
        // It may not have started. Once we are gone from the bus, bluetoothd ends it as well.
        if let Err(error) = answer(adapter.stop_scan()).await {
            debug!(%error, "the scan was not ended");
        }
    }
    let (toys, connected) = toys?;
    Ok(Survey {
        radios,
        toys,
        connected,
    })
}

async fn scan(
    adapters: &[Adapter],
    duration: Duration,
) -> Result<(Vec<Sighting>, usize), RadioError> {
    for adapter in adapters {
        // Whatever others on this machine scan for, bluetoothd tells everybody of everything: a
        // filter would promise what it cannot keep.
        answer(adapter.start_scan(ScanFilter::default())).await?;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "how long to listen; nothing tells that all toys have been heard"
    )]
    sleep(duration).await;
    answer(sightings(adapters)).await
}

/// Toys that are heard, and how many are connected to this machine.
async fn sightings(adapters: &[Adapter]) -> btleplug::Result<(Vec<Sighting>, usize)> {
    let mut connected = 0;
    let mut toys: BTreeMap<BDAddr, Sighting> = BTreeMap::new();
    for adapter in adapters {
        for device in adapter.peripherals().await? {
            // It may be gone already.
            let Ok(Some(known)) = device.properties().await else {
                continue;
            };
            let (address, heard) = (known.address, known.rssi.is_some());
            let Some(sighting) = recognise(&advertisement(known)) else {
                continue;
            };
            // bluetoothd remembers devices. Only those that it hears just now have a strength.
            debug!(%address, model = sighting.model_name(), heard, "a toy");
            if device.is_connected().await.unwrap_or(false) {
                connected += 1;
            } else if heard {
                toys.insert(address, sighting);
            }
        }
    }
    Ok((toys.into_values().collect(), connected))
}
