//! Looking once what is there: adapters, and toys that advertise.

use std::collections::BTreeMap;
use std::time::Duration;

use btleplug::api::{BDAddr, Central, Peripheral};
use btleplug::platform::Adapter;
use tokio::time::sleep;
use tracing::debug;

use super::advert::{Sighting, recognise};
use super::fault::RadioError;
use super::radio::{Bus, Discovery, Radio, advertisement, answer};

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
    // Those that are off stay so.
    let (names, usable): (Vec<String>, Vec<Adapter>) = found
        .into_iter()
        .filter_map(|(radio, adapter)| radio.powered.then_some((radio.name, adapter)))
        .unzip();
    if usable.is_empty() {
        let names: Vec<String> = radios.into_iter().map(|radio| radio.name).collect();
        return Err(RadioError::PoweredOff(names.join(", ")));
    }
    let mut scans = Vec::new();
    for name in names {
        scans.push(Discovery::open(&name).await?);
    }
    let toys = scan(&usable, &scans, duration).await;
    for scan in &scans {
        // It may not have started. Once we are gone from the bus, bluetoothd ends it as well.
        if let Err(error) = scan.stop().await {
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
    scans: &[Discovery],
    duration: Duration,
) -> Result<(Vec<Sighting>, usize), RadioError> {
    for scan in scans {
        scan.start().await?;
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
