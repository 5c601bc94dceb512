//! Having the Bluetooth service scan, and nothing more.
//!
//! The library's own scan switches the adapter on first. That is not ours to do, and no look before
//! it keeps somebody from switching it off in between, so on Linux the service is asked directly.

use std::sync::Arc;

use dbus::arg::{PropMap, Variant};
use dbus::nonblock::{Proxy, SyncConnection};
use tokio::task::JoinSet;
use tracing::debug;

use super::bus::{PATIENCE, in_a_thread};
use crate::backend::ble::fault::RadioError;

const ADAPTER: &str = "org.bluez.Adapter1";

/// A scan of our own, over a connection of its own: the service ends it when that is closed.
pub(in crate::backend::ble) struct Discovery {
    connection: Arc<SyncConnection>,
    adapter: String,
    _traffic: JoinSet<()>,
}

impl Discovery {
    /// Of the adapter with this name, e.g. `hci0`. Does not scan yet.
    ///
    /// # Errors
    /// A bus that cannot be reached.
    pub(in crate::backend::ble) async fn open(adapter: &str) -> Result<Self, RadioError> {
        let opened = in_a_thread(async { dbus_tokio::connection::new_system_sync() }).await?;
        let (resource, connection) = opened.map_err(fault)?;
        let mut traffic = JoinSet::new();
        traffic.spawn(async move {
            let lost = resource.await;
            debug!(%lost, "the connection for scanning has ended");
        });
        Ok(Self {
            connection,
            adapter: format!("/org/bluez/{adapter}"),
            _traffic: traffic,
        })
    }

    /// Scans from now on; harmless if it does already.
    ///
    /// # Errors
    /// An adapter that is off or gone, a service that does not answer.
    pub(in crate::backend::ble) async fn start(&self) -> Result<(), RadioError> {
        // Every advertisement, not only the first one of each device: they say who is near now. No
        // other filter: whatever anybody on this machine scans for, everybody is told of everything.
        let mut filter = PropMap::new();
        filter.insert("DuplicateData".to_owned(), Variant(Box::new(true)));
        filter.insert("Transport".to_owned(), Variant(Box::new("auto".to_owned())));
        self.ask("SetDiscoveryFilter", (filter,))
            .await
            .map_err(fault)?;
        match self.ask("StartDiscovery", ()).await {
            Err(error) if error.name() == Some("org.bluez.Error.InProgress") => Ok(()),
            other => other.map_err(fault),
        }
    }

    /// Does not scan any more.
    ///
    /// # Errors
    /// Harmless ones, save that nothing answers any more.
    pub(in crate::backend::ble) async fn stop(&self) -> Result<(), RadioError> {
        self.ask("StopDiscovery", ()).await.map_err(fault)
    }

    async fn ask(
        &self,
        method: &str,
        arguments: impl dbus::arg::AppendAll,
    ) -> Result<(), dbus::Error> {
        let adapter = self.adapter.as_str();
        let proxy = Proxy::new("org.bluez", adapter, PATIENCE, self.connection.clone());
        proxy.method_call(ADAPTER, method, arguments).await
    }
}

fn fault(error: dbus::Error) -> RadioError {
    let name = error.name().unwrap_or_default().to_owned();
    RadioError::named(&name, error.into())
}
