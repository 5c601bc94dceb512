//! The broker inside `toy2mqtt demo`, for those who have none yet.
//!
//! It keeps everything in memory, asks nobody for a password and therefore only listens on a
//! loopback address. It is no broker for daily use.

use std::net::SocketAddr;
use std::time::Duration;

use mqtt5::broker::config::{StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, BrokerShutdownHandle, MqttBroker};
use tokio::task::JoinSet;
use tracing::debug;

/// How long clients have to go before they are dropped.
const PATIENCE: Duration = Duration::from_secs(2);

/// Messages that may wait for one client, so that a slow one loses nothing in a demo.
const QUEUE: usize = 100_000;

/// Why the demo's broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoBrokerError {
    /// An address that others can reach: everybody could drive the toys.
    #[error(
        "the demo's broker has no passwords and only listens on a loopback address, not on {0}"
    )]
    NotLoopback(SocketAddr),
    /// The port is taken, as a rule.
    #[error("the demo's broker cannot listen on {addr}: {cause}")]
    Bind {
        /// Where it was to listen.
        addr: SocketAddr,
        /// What the broker says.
        #[source]
        cause: mqtt5::MqttError,
    },
    /// It ended before it was ready.
    #[error("the demo's broker ended while it was starting")]
    Ended,
}

/// A running broker. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct DemoBroker {
    addr: SocketAddr,
    handle: Handle,
    /// Its one task.
    tasks: JoinSet<()>,
}

/// Stops the broker when it goes.
struct Handle(BrokerShutdownHandle);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

impl DemoBroker {
    /// Starts a broker and returns once it accepts clients. Port 0 takes any free port; see
    /// [`Self::addr`].
    ///
    /// # Errors
    /// An address that is not loopback, or that is taken.
    pub async fn start(addr: SocketAddr) -> Result<Self, DemoBrokerError> {
        if !addr.ip().is_loopback() {
            return Err(DemoBrokerError::NotLoopback(addr));
        }
        let bind = |cause| DemoBrokerError::Bind { addr, cause };
        let mut broker = MqttBroker::with_config(config(addr)).await.map_err(bind)?;
        let addr = broker.local_addr().ok_or(DemoBrokerError::Ended)?;
        let handle = Handle(broker.shutdown_handle());
        let mut ready = broker.ready_receiver();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = broker.run().await {
                debug!(%error, "the demo's broker ended");
            }
        });
        if ready.wait_for(|ready| *ready).await.is_err() {
            return Err(DemoBrokerError::Ended);
        }
        Ok(Self {
            addr,
            handle,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Drops all clients and frees the port. Takes two seconds at most.
    pub async fn stop(self) {
        let Self {
            handle, mut tasks, ..
        } = self;
        drop(handle);
        if tokio::time::timeout(PATIENCE, tasks.join_next())
            .await
            .is_err()
        {
            debug!("the demo's broker did not end by itself");
            tasks.shutdown().await;
        }
    }
}

fn config(addr: SocketAddr) -> BrokerConfig {
    // Without its own word on it, the library writes to ./mqtt_storage.
    let storage = StorageConfig::new()
        .with_backend(StorageBackend::Memory)
        .with_persistence(true)
        .with_max_queued_messages_per_client(QUEUE);
    BrokerConfig::new()
        .with_bind_address(addr)
        .with_storage(storage)
        .with_client_channel_capacity(QUEUE)
        .with_sys_topics_enabled(false)
}
