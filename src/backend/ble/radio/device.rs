//! One toy.

use std::pin::Pin;
use std::time::Duration;

use btleplug::api::{
    Central, CharPropFlags, Characteristic, Peripheral as _, ValueNotification, WriteType,
};
use btleplug::platform::Peripheral;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;

use super::bus::{answer, dbus_name};
use super::{Bus, Place};
use crate::backend::ble::fault::{RadioError, without_addresses};
use crate::backend::ble::gatt::{Port, Properties, choose};

/// How long a connection may take. The Bluetooth service alone would try for 40 s, in which nobody
/// else can be connected to.
const CONNECT: Duration = Duration::from_secs(12);

/// How long one write may take.
const WRITE: Duration = Duration::from_secs(2);

/// How often a write is tried that collides with another one.
const COLLISIONS: u32 = 5;

/// What a toy says, as it comes.
pub(in crate::backend::ble) struct Notifications {
    stream: Pin<Box<dyn Stream<Item = ValueNotification> + Send>>,
}

impl Notifications {
    /// What comes next. Never ends, not even with the connection: there may be another one.
    pub(in crate::backend::ble) async fn next(&mut self) -> Vec<u8> {
        match self.stream.next().await {
            Some(notification) => notification.value,
            None => std::future::pending().await,
        }
    }
}

impl Notifications {
    /// Forgets what has come and was not taken.
    pub(in crate::backend::ble) fn drain(&mut self) {
        while self.stream.next().now_or_never().flatten().is_some() {}
    }

    /// Ends without a word to the bus, which is gone: the library panics when it cannot say it.
    pub(in crate::backend::ble) fn abandon(self) {
        std::mem::forget(self.stream);
    }
}

/// A toy, over a bus of its own.
#[derive(Debug)]
pub(in crate::backend::ble) struct Device {
    peripheral: Peripheral,
    port: Option<Line>,
}

/// Where to write to and how.
#[derive(Debug)]
struct Line {
    to: Characteristic,
    first: WriteType,
    other: Option<WriteType>,
}

/// Why a write failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::backend::ble) enum WriteError {
    /// This write did, the next one may not.
    #[error("{0}")]
    Failed(String),
    /// There is no connection any more.
    #[error("the connection is gone: {0}")]
    Gone(String),
}

impl Device {
    /// The device at this place, and what it says. Needs no connection to it, and lasts over many.
    ///
    /// # Errors
    /// A bus or a service that cannot be asked, and a device that the service has forgotten.
    pub(in crate::backend::ble) async fn find(
        bus: &Bus,
        place: &Place,
    ) -> Result<(Self, Notifications), RadioError> {
        let adapters = bus.adapters().await?;
        let (_, adapter) = adapters.first().ok_or(RadioError::NoAdapter)?;
        // Any adapter can be asked: the place says by which one it is reached.
        let peripheral = answer(adapter.peripheral(&place.0)).await?;
        let stream = answer(peripheral.notifications()).await?;
        let device = Self {
            peripheral,
            port: None,
        };
        Ok((device, Notifications { stream }))
    }

    /// Connects, finds where to write to, and has the toy speak.
    ///
    /// # Errors
    /// Whatever fails. [`Self::disconnect`] then, or the service goes on trying.
    pub(in crate::backend::ble) async fn connect(&mut self) -> Result<(), RadioError> {
        match timeout(CONNECT, self.peripheral.connect()).await {
            Ok(connected) => answer(std::future::ready(connected)).await?,
            Err(_) => return Err(RadioError::NoToy),
        }
        // Also when it was connected before: this object does not know its services yet.
        answer(self.peripheral.discover_services()).await?;
        let mut ports = Vec::new();
        let mut characteristics = Vec::new();
        for service in self.peripheral.services() {
            for characteristic in service.characteristics {
                let has = |flag| characteristic.properties.contains(flag);
                ports.push(Port {
                    service: service.uuid.as_u128(),
                    uuid: characteristic.uuid.as_u128(),
                    properties: Properties {
                        write: has(CharPropFlags::WRITE),
                        write_silently: has(CharPropFlags::WRITE_WITHOUT_RESPONSE),
                        notify: has(CharPropFlags::NOTIFY),
                    },
                });
                characteristics.push(characteristic);
            }
        }
        let (to, from) = choose(&ports).ok_or(RadioError::NoPort)?;
        let Properties {
            write,
            write_silently,
            ..
        } = ports[to].properties;
        let (first, other) = match (write, write_silently) {
            (true, true) => (WriteType::WithoutResponse, Some(WriteType::WithResponse)),
            (true, false) => (WriteType::WithResponse, None),
            (false, _) => (WriteType::WithoutResponse, None),
        };
        self.port = Some(Line {
            to: characteristics[to].clone(),
            first,
            other,
        });
        answer(self.peripheral.subscribe(&characteristics[from])).await
    }

    /// Writes. Whether the toy has heard it is for the toy to say.
    ///
    /// # Errors
    /// Whether it makes sense to try again.
    pub(in crate::backend::ble) async fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let gone = || WriteError::Gone("not connected".to_owned());
        let line = self.port.as_ref().ok_or_else(gone)?;
        let writing = async {
            let mut kind = line.first;
            for _ in 0..COLLISIONS {
                let error = match self.peripheral.write(&line.to, bytes, kind).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                };
                let why = without_addresses(&error.to_string());
                match (sort(&error), line.other) {
                    // It comes back in a moment, when the other write has ended.
                    (Sort::Collision, _) => tokio::task::yield_now().await,
                    (Sort::WrongKind, Some(other)) if kind != other => kind = other,
                    (Sort::Gone, _) => return Err(WriteError::Gone(why)),
                    _ => return Err(WriteError::Failed(why)),
                }
            }
            Err(WriteError::Failed("another write is under way".to_owned()))
        };
        match timeout(WRITE, writing).await {
            Ok(written) => written,
            Err(_) => Err(WriteError::Gone("a write was not taken in time".to_owned())),
        }
    }

    /// Whether it is still connected.
    ///
    /// # Errors
    /// A service that cannot be asked.
    pub(in crate::backend::ble) async fn is_connected(&self) -> Result<bool, RadioError> {
        answer(self.peripheral.is_connected()).await
    }

    /// Disconnects, or gives up connecting.
    ///
    /// # Errors
    /// Harmless ones, save that nothing answers any more.
    pub(in crate::backend::ble) async fn disconnect(&mut self) -> Result<(), RadioError> {
        self.port = None;
        answer(self.peripheral.disconnect()).await
    }
}

enum Sort {
    Collision,
    WrongKind,
    Gone,
    Other,
}

fn sort(error: &btleplug::Error) -> Sort {
    let text = error.to_string();
    let name = match error {
        btleplug::Error::NotConnected => return Sort::Gone,
        btleplug::Error::Other(cause) => dbus_name(&**cause).unwrap_or_default(),
        _ => "",
    };
    match name {
        "org.bluez.Error.InProgress" => Sort::Collision,
        "org.bluez.Error.NotSupported"
        | "org.bluez.Error.NotPermitted"
        | "org.bluez.Error.InvalidArguments" => Sort::WrongKind,
        "org.bluez.Error.NotConnected"
        | "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner"
        | "org.freedesktop.DBus.Error.UnknownObject"
        | "org.freedesktop.DBus.Error.UnknownMethod"
        | "org.freedesktop.DBus.Error.Disconnected"
        | "org.freedesktop.DBus.Error.NoReply" => Sort::Gone,
        _ if text.contains("Not connected") => Sort::Gone,
        _ => Sort::Other,
    }
}
