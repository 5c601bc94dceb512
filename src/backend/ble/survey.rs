//! Looking what is there: the only file that knows the Bluetooth library.
//!
//! On Linux the library talks to bluetoothd over the system's D-Bus.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::Duration;

#[cfg(target_os = "linux")]
use bluez_async::BluetoothError;
use btleplug::api::{BDAddr, Central, CentralState, Manager as _, Peripheral, ScanFilter};
use btleplug::platform::{Adapter, Manager};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::advert::{Advertisement, Sighting, recognise};
use super::fault::SurveyError;

/// How long one hop may take to answer. The library alone would wait for half a minute.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// All adapters, by name. At least one of them is on.
    pub radios: Vec<Radio>,
    /// Toys that advertise. One that is connected to something does not.
    pub toys: Vec<Sighting>,
}

/// A Bluetooth adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Radio {
    /// What the system calls it, e.g. `hci0`.
    pub name: String,
    /// Whether it is on.
    pub powered: bool,
}

/// Lists adapters and, for `duration`, listens for toys on those that are on. Connects to nothing,
/// switches no adapter on, and ends the scan that it started.
///
/// Needs a tokio runtime with IO and time. Takes `duration` and, at worst, five seconds for each
/// hop that does not answer.
///
/// # Errors
/// The first hop that fails: the bus, the service, the adapter.
pub async fn survey(duration: Duration) -> Result<Survey, SurveyError> {
    let manager = connect().await?;
    let found = answer(examine(&manager)).await?;
    let radios: Vec<Radio> = found.iter().map(|(radio, _)| radio.clone()).collect();
    if radios.is_empty() {
        return Err(SurveyError::NoAdapter);
    }
    // Starting a scan would switch an adapter on, which is not ours to do.
    let usable: Vec<Adapter> = found
        .into_iter()
        .filter_map(|(radio, adapter)| radio.powered.then_some(adapter))
        .collect();
    if usable.is_empty() {
        let names: Vec<String> = radios.into_iter().map(|radio| radio.name).collect();
        return Err(SurveyError::PoweredOff(names.join(", ")));
    }
    let toys = scan(&usable, duration).await;
    for adapter in &usable {
        // It may not have started. Once we are gone from the bus, bluetoothd ends it as well.
        if let Err(error) = answer(adapter.stop_scan()).await {
            debug!(%error, "the scan was not ended");
        }
    }
    Ok(Survey {
        radios,
        toys: toys?,
    })
}

/// Connects to the bus, which blocks: in a thread of its own, so that it can be given up.
async fn connect() -> Result<Manager, SurveyError> {
    let (sender, connected) = oneshot::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        // Nobody waits for it any more if it took too long.
        let _ = sender.send(runtime.block_on(Manager::new()));
    });
    match timeout(PATIENCE, connected).await {
        Ok(Ok(manager)) => manager.map_err(fault),
        Ok(Err(_)) | Err(_) => Err(SurveyError::Silent("the D-Bus system bus")),
    }
}

async fn examine(manager: &Manager) -> btleplug::Result<Vec<(Radio, Adapter)>> {
    let mut found = Vec::new();
    for adapter in manager.adapters().await? {
        // "hci0 (usb:v1D6Bp0246d0537)". It also proves that the adapter can be asked: the next call
        // says "off" if it cannot.
        let info = adapter.adapter_info().await?;
        let name = info.split(' ').next().unwrap_or_default().to_owned();
        let powered = adapter.adapter_state().await? == CentralState::PoweredOn;
        found.push((Radio { name, powered }, adapter));
    }
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(found)
}

async fn scan(adapters: &[Adapter], duration: Duration) -> Result<Vec<Sighting>, SurveyError> {
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

async fn sightings(adapters: &[Adapter]) -> btleplug::Result<Vec<Sighting>> {
    let mut toys: BTreeMap<BDAddr, Sighting> = BTreeMap::new();
    for adapter in adapters {
        for device in adapter.peripherals().await? {
            // It may be gone already.
            let Ok(Some(known)) = device.properties().await else {
                continue;
            };
            let advertisement = Advertisement {
                // The other name is one that somebody on this machine may have given it.
                name: known.advertisement_name.or(known.local_name),
                services: known.services.iter().map(|uuid| uuid.as_u128()).collect(),
                manufacturer_data: known.manufacturer_data.into_iter().collect(),
            };
            let Some(sighting) = recognise(&advertisement) else {
                continue;
            };
            // bluetoothd remembers devices. Only those that it hears just now have a strength.
            let heard = known.rssi.is_some();
            debug!(address = %known.address, model = sighting.model_name(), heard, "a toy");
            if heard {
                toys.insert(known.address, sighting);
            }
        }
    }
    Ok(toys.into_values().collect())
}

async fn answer<T>(call: impl Future<Output = btleplug::Result<T>>) -> Result<T, SurveyError> {
    match timeout(PATIENCE, call).await {
        Ok(answer) => answer.map_err(fault),
        Err(_) => Err(SurveyError::Silent("bluetoothd")),
    }
}

fn fault(error: btleplug::Error) -> SurveyError {
    match error {
        error @ btleplug::Error::PermissionDenied => SurveyError::NotAllowed(error.into()),
        btleplug::Error::NoAdapterAvailable => SurveyError::NoAdapter,
        btleplug::Error::Other(cause) => {
            let name = dbus_name(&*cause).unwrap_or_default().to_owned();
            SurveyError::named(&name, cause)
        }
        error => SurveyError::Refused(error.into()),
    }
}

/// What D-Bus calls the error, if it is one of D-Bus.
#[cfg(target_os = "linux")]
fn dbus_name<'a>(cause: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a str> {
    match cause.downcast_ref()? {
        BluetoothError::DbusError(error) => error.name(),
        _ => None,
    }
}

/// There is no D-Bus here.
#[cfg(not(target_os = "linux"))]
fn dbus_name<'a>(_cause: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a str> {
    None
}
