//! Having the Bluetooth service scan, where it is not bluetoothd: the library does not switch
//! anything on there.

use btleplug::api::{Central, Manager as _, ScanFilter};
use btleplug::platform::{Adapter, Manager};

use super::bus::{answer, fault};
use crate::backend::ble::fault::RadioError;

/// A scan of our own.
pub(in crate::backend::ble) struct Discovery(Adapter);

impl Discovery {
    /// Of the first adapter: there is only one. Does not scan yet.
    ///
    /// # Errors
    /// There is no adapter.
    pub(in crate::backend::ble) async fn open(_adapter: &str) -> Result<Self, RadioError> {
        let manager = Manager::new().await.map_err(fault)?;
        let mut adapters = answer(manager.adapters()).await?.into_iter();
        adapters.next().map(Self).ok_or(RadioError::NoAdapter)
    }

    /// Scans from now on.
    ///
    /// # Errors
    /// An adapter that cannot be asked.
    pub(in crate::backend::ble) async fn start(&self) -> Result<(), RadioError> {
        answer(self.0.start_scan(ScanFilter::default())).await
    }

    /// Does not scan any more.
    ///
    /// # Errors
    /// An adapter that cannot be asked.
    pub(in crate::backend::ble) async fn stop(&self) -> Result<(), RadioError> {
        answer(self.0.stop_scan()).await
    }
}
