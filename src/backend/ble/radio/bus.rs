//! A connection to the system's Bluetooth service.

use std::error::Error;
use std::thread;
use std::time::Duration;

#[cfg(target_os = "linux")]
use bluez_async::BluetoothError;
use btleplug::api::{BDAddr, Central, CentralState, Manager as _};
use btleplug::platform::{Adapter, Manager};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant as Now, timeout};

use crate::backend::ble::fault::RadioError;

/// How long one hop may take to answer. The library alone would wait for half a minute.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait before a silent connection is replaced again, at first and at most.
const REPLACE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// A Bluetooth adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Radio {
    /// What the system calls it, e.g. `hci0`.
    pub name: String,
    /// Its address, 12 lower-case hex digits, where the system tells it.
    pub address: String,
    /// Whether it is on.
    pub powered: bool,
}

impl Radio {
    /// Whether the settings mean this adapter: by its name, or by its address, which stays the same when
    /// the adapter returns under another index.
    #[must_use]
    pub fn is_meant_by(&self, wanted: &str) -> bool {
        let digits = wanted.bytes().filter(|byte| !b":-".contains(byte));
        let same = || {
            digits
                .map(|b| b.to_ascii_lowercase())
                .eq(self.address.bytes())
        };
        self.name == wanted || (!self.address.is_empty() && same())
    }
}

/// A connection to the system's Bluetooth service.
#[derive(Clone, Debug)]
pub(in crate::backend::ble) struct Bus(Manager);

impl Bus {
    /// Connects to the bus.
    pub(in crate::backend::ble) async fn open() -> Result<Self, RadioError> {
        let manager = in_a_thread(Manager::new()).await?;
        manager.map(Self).map_err(fault)
    }

    /// All adapters, by name.
    ///
    /// # Errors
    /// Any hop to them, and that there is none.
    pub(in crate::backend::ble) async fn adapters(
        &self,
    ) -> Result<Vec<(Radio, Adapter)>, RadioError> {
        let found = answer(self.examine()).await?;
        if found.is_empty() {
            return Err(RadioError::NoAdapter);
        }
        Ok(found)
    }

    async fn examine(&self) -> btleplug::Result<Vec<(Radio, Adapter)>> {
        let mut found = Vec::new();
        for adapter in self.0.adapters().await? {
            found.push((examine(&adapter).await?, adapter));
        }
        found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(found)
    }
}

/// Connects to the bus, which blocks: in a thread of its own, so that it can be given up.
pub(super) async fn in_a_thread<T: Send + 'static>(
    connecting: impl Future<Output = T> + Send + 'static,
) -> Result<T, RadioError> {
    let (sender, connected) = oneshot::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        // Nobody waits for it any more if it took too long.
        let _ = sender.send(runtime.block_on(connecting));
    });
    match timeout(PATIENCE, connected).await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(_)) | Err(_) => Err(RadioError::Silent("the D-Bus system bus")),
    }
}

/// A bus that is opened when it is needed, and replaced when it is broken.
#[derive(Debug, Default)]
pub(in crate::backend::ble) struct KeptBus {
    bus: Option<Bus>,
    /// When a silent one was replaced last, and how long the next one is put up with. None since
    /// one has worked.
    replaced: Option<(Now, Duration)>,
}

impl KeptBus {
    /// The bus, and whether it is a new one.
    ///
    /// # Errors
    /// It cannot be reached.
    pub(in crate::backend::ble) async fn get(&mut self) -> Result<(Bus, bool), RadioError> {
        if let Some(bus) = &self.bus {
            return Ok((bus.clone(), false));
        }
        let bus = Bus::open().await?;
        self.bus = Some(bus.clone());
        Ok((bus, true))
    }

    /// It works.
    pub(in crate::backend::ble) fn trust(&mut self) {
        self.replaced = None;
    }

    /// Something failed over it. Whether it is replaced: a dead connection looks just like a service
    /// that hangs. The library never closes one, so it is replaced less and less often.
    pub(in crate::backend::ble) fn doubt(&mut self, error: &RadioError) -> bool {
        let is_silent = matches!(error, RadioError::Silent(_));
        if !is_silent && !matches!(error, RadioError::NoBus(_)) {
            return false;
        }
        if is_silent {
            let (at, patience) = self
                .replaced
                .map_or((None, REPLACE.0), |(at, patience)| (Some(at), patience));
            if at.is_some_and(|at| at.elapsed() < patience) {
                return false;
            }
            let next = at.map_or(patience, |_| (patience * 2).min(REPLACE.1));
            self.replaced = Some((Now::now(), next));
        }
        self.bus = None;
        true
    }
}

/// An address as 12 lower-case hex digits.
pub(super) fn digits(address: &[u8]) -> String {
    address.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn examine(adapter: &Adapter) -> btleplug::Result<Radio> {
    // "hci0 (usb:v1D6Bp0246d0537)". It also proves that the adapter can be asked: the next call
    // says "off" if it cannot.
    let info = adapter.adapter_info().await?;
    let name = info.split(' ').next().unwrap_or_default().to_owned();
    let powered = adapter.adapter_state().await? == CentralState::PoweredOn;
    let address = adapter.adapter_address().await?.map(BDAddr::into_inner);
    Ok(Radio {
        name,
        address: address.map_or_else(String::new, |it| digits(&it)),
        powered,
    })
}

/// Waits for an answer, not for long.
pub(in crate::backend::ble) async fn answer<T>(
    call: impl Future<Output = btleplug::Result<T>>,
) -> Result<T, RadioError> {
    match timeout(PATIENCE, call).await {
        Ok(answer) => answer.map_err(fault),
        Err(_) => Err(RadioError::Silent("bluetoothd")),
    }
}

pub(super) fn fault(error: btleplug::Error) -> RadioError {
    match error {
        error @ btleplug::Error::PermissionDenied => RadioError::NotAllowed(error.into()),
        btleplug::Error::NoAdapterAvailable => RadioError::NoAdapter,
        btleplug::Error::Other(cause) => {
            let name = dbus_name(&*cause).unwrap_or_default().to_owned();
            RadioError::named(&name, cause)
        }
        error => RadioError::Refused(error.into()),
    }
}

/// What D-Bus calls the error, if it is one of D-Bus.
#[cfg(target_os = "linux")]
pub(super) fn dbus_name<'a>(cause: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a str> {
    match cause.downcast_ref()? {
        BluetoothError::DbusError(error) => error.name(),
        _ => None,
    }
}

/// There is no D-Bus here.
#[cfg(not(target_os = "linux"))]
pub(super) fn dbus_name<'a>(_cause: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_meant_by_its_name_or_by_its_address() {
        let radio = |address: &str| Radio {
            name: "hci1".to_owned(),
            address: address.to_owned(),
            powered: true,
        };
        let known = radio("001a7dda7113");
        for wanted in [
            "hci1",
            "00:1A:7D:DA:71:13",
            "00-1a-7d-da-71-13",
            "001A7DDA7113",
        ] {
            assert!(known.is_meant_by(wanted), "{wanted}");
        }
        for other in ["hci0", "hci", "00:1A:7D:DA:71:14", ""] {
            assert!(!known.is_meant_by(other), "{other}");
            assert!(!radio("").is_meant_by(other), "{other}");
        }
    }
}
