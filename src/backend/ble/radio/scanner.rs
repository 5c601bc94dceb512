//! Listening for advertisements.

use std::fmt;
use std::pin::Pin;

use btleplug::api::{Central, CentralEvent, CentralState, Peripheral as _, PeripheralProperties};
use btleplug::platform::{Adapter, Peripheral, PeripheralId};
use futures_util::{Stream, StreamExt};

use super::bus::{answer, digits, examine};
use super::{Bus, Discovery};
use crate::backend::ble::advert::Advertisement;
use crate::backend::ble::fault::RadioError;

/// Where a device is to be found: adapter and address, as the library wants to hear it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::backend::ble) struct Place(pub(super) PeripheralId);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A device that the Bluetooth service knows.
#[derive(Clone, Debug)]
pub(in crate::backend::ble) struct Seen {
    pub(in crate::backend::ble) place: Place,
    /// 12 lower-case hex digits.
    pub(in crate::backend::ble) address: String,
    pub(in crate::backend::ble) advertisement: Advertisement,
    /// How strongly it was heard, dBm; none if it is only remembered.
    pub(in crate::backend::ble) rssi: Option<i16>,
}

/// What happens around the adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend::ble) enum News {
    /// The adapter was switched on or off.
    Powered(bool),
    /// A device is known now that was not.
    New(Place),
    /// A device was heard, this strongly.
    Heard(Place, Option<i16>),
    /// A connection to it is there.
    Connected(Place),
    /// The connection to it has ended.
    Disconnected(Place),
}

/// An adapter that listens.
pub(in crate::backend::ble) struct Scanner {
    adapter: Adapter,
    name: String,
    discovery: Discovery,
}

/// What happens around it.
pub(in crate::backend::ble) struct Feed {
    events: Pin<Box<dyn Stream<Item = CentralEvent> + Send>>,
}

impl Feed {
    /// Ends without a word to the bus, which is gone: the library panics when it cannot say it.
    pub(in crate::backend::ble) fn abandon(self) {
        std::mem::forget(self.events);
    }

    /// What happens next. Never ends, not even with the service.
    pub(in crate::backend::ble) async fn next(&mut self) -> News {
        while let Some(event) = self.events.next().await {
            return match event {
                CentralEvent::StateUpdate(state) => News::Powered(state == CentralState::PoweredOn),
                CentralEvent::DeviceDiscovered(id) => News::New(Place(id)),
                CentralEvent::DeviceConnected(id) => News::Connected(Place(id)),
                CentralEvent::DeviceDisconnected(id) => News::Disconnected(Place(id)),
                CentralEvent::RssiUpdate { id, rssi } => News::Heard(Place(id), Some(rssi)),
                CentralEvent::ManufacturerDataAdvertisement { id, .. }
                | CentralEvent::ServiceDataAdvertisement { id, .. } => News::Heard(Place(id), None),
                _ => continue,
            };
        }
        std::future::pending().await
    }
}

impl Scanner {
    /// Uses the adapter of this name or address, or the first one that is on. Never switches one on.
    ///
    /// # Errors
    /// The first hop that fails; an adapter that is off.
    pub(in crate::backend::ble) async fn open(
        bus: &Bus,
        wanted: Option<&str>,
    ) -> Result<(Self, Feed), RadioError> {
        let mut found = bus.adapters().await?;
        if let Some(wanted) = wanted {
            found.retain(|(radio, _)| radio.is_meant_by(wanted));
            if found.is_empty() {
                return Err(RadioError::NoSuchAdapter(wanted.to_owned()));
            }
        }
        let names: Vec<_> = found.iter().map(|(radio, _)| radio.name.clone()).collect();
        let (radio, adapter) = found
            .into_iter()
            .find(|(radio, _)| radio.powered)
            .ok_or_else(|| RadioError::PoweredOff(names.join(", ")))?;
        let discovery = Discovery::open(&radio.name).await?;
        // Last: dropped without a `Feed` around it, it would panic on a bus that has gone.
        let events = answer(adapter.events()).await?;
        let scanner = Self {
            adapter,
            discovery,
            name: radio.name,
        };
        Ok((scanner, Feed { events }))
    }

    /// Whether the adapter is there and on.
    ///
    /// # Errors
    /// What it is instead.
    pub(in crate::backend::ble) async fn check(&self) -> Result<(), RadioError> {
        let radio = answer(examine(&self.adapter)).await;
        let radio = radio.map_err(|error| match error {
            // It was there a moment ago.
            RadioError::Refused(_) => RadioError::NoAdapter,
            other => other,
        })?;
        if radio.powered {
            Ok(())
        } else {
            Err(RadioError::PoweredOff(self.name.clone()))
        }
    }

    /// Scans from now on, or makes sure that it still does: a service that was restarted starts
    /// again.
    ///
    /// # Errors
    /// An adapter that is off, or cannot be asked.
    pub(in crate::backend::ble) async fn scan(&self) -> Result<(), RadioError> {
        // Starting does not say why it cannot be.
        self.check().await?;
        self.discovery.start().await
    }

    /// Ends the scan and begins it again.
    ///
    /// # Errors
    /// An adapter that is off, or cannot be asked.
    pub(in crate::backend::ble) async fn scan_anew(&self) -> Result<(), RadioError> {
        // If it has ended by itself, that is no error.
        if let Err(error @ RadioError::Silent(_)) = self.rest().await {
            return Err(error);
        }
        self.scan().await
    }

    /// Does not scan any more.
    pub(in crate::backend::ble) async fn rest(&self) -> Result<(), RadioError> {
        self.discovery.stop().await
    }

    /// All devices that the service knows, heard just now or not.
    ///
    /// # Errors
    /// A service that cannot be asked.
    pub(in crate::backend::ble) async fn look(&self) -> Result<Vec<Seen>, RadioError> {
        let mut all = Vec::new();
        for device in answer(self.adapter.peripherals()).await? {
            // It may be gone already.
            if let Ok(Some(known)) = answer(device.properties()).await {
                all.push(seen(&device, known));
            }
        }
        Ok(all)
    }

    /// One device that the service knows; none if it does not.
    pub(in crate::backend::ble) async fn look_at(&self, place: &Place) -> Option<Seen> {
        let device = answer(self.adapter.peripheral(&place.0)).await.ok()?;
        let known = answer(device.properties()).await.ok()??;
        Some(seen(&device, known))
    }

    /// Whether it is connected, to whomever.
    pub(in crate::backend::ble) async fn is_connected(&self, place: &Place) -> bool {
        let connected = async {
            let device = self.adapter.peripheral(&place.0).await?;
            device.is_connected().await
        };
        answer(connected).await.unwrap_or(false)
    }
}

fn seen(device: &Peripheral, known: PeripheralProperties) -> Seen {
    let address = known.address.into_inner();
    Seen {
        place: Place(device.id()),
        address: digits(&address),
        rssi: known.rssi,
        advertisement: advertisement(known),
    }
}

/// What it says of itself.
pub(in crate::backend::ble) fn advertisement(known: PeripheralProperties) -> Advertisement {
    Advertisement {
        // The other name is one that somebody on this machine may have given it.
        name: known.advertisement_name.or(known.local_name),
        services: known.services.iter().map(|uuid| uuid.as_u128()).collect(),
        manufacturer_data: known.manufacturer_data.into_iter().collect(),
    }
}
