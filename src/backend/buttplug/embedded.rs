//! A Buttplug server within this process: the only file that knows its crates.
//!
//! It is spoken to as any other server is, in JSON over a websocket, but through memory: so there
//! is one client, tested against the same server, and a new version of the crates can break this
//! file alone. Lovense toys are left to our own Bluetooth, so that the two never fight over one.

use std::path::PathBuf;
use std::sync::Arc;

use btleplug::api::Manager as _;
use btleplug::platform::Manager;
use buttplug_core::message::serializer::{ButtplugMessageSerializer, ButtplugSerializedMessage};
use buttplug_server::device::hardware::communication::{
    HardwareCommunicationManager, HardwareCommunicationManagerBuilder,
    HardwareCommunicationManagerEvent as Found,
};
use buttplug_server::device::{ServerDeviceManager, ServerDeviceManagerBuilder};
use buttplug_server::message::serializer::ButtplugServerJSONSerializer;
use buttplug_server::{ButtplugServer, ButtplugServerBuilder};
use buttplug_server_device_config::{
    DeviceConfigurationManager, load_protocol_configs, save_user_config,
};
use buttplug_server_hwmgr_btleplug::BtlePlugCommunicationManagerBuilder;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::Role;
use tracing::{debug, warn};

use super::dial::{Pipe, Socket, config};
use super::fault::Fault;

/// What the server is called in the identity of its toys.
const NAME: &str = "embedded";

/// How many bytes may be on their way. More than a list of many devices.
const BUFFER: usize = 1 << 16;

/// How Lovense toys call themselves when they advertise.
const OURS: [&str; 2] = ["LVS-", "LOVE-"];

/// How long the system may take to say which adapters there are.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// How many Bluetooth adapters there are. The server itself would say nothing if there is none.
///
/// # Errors
/// None, or nobody who could tell.
pub async fn adapters() -> Result<usize, Fault> {
    let looking = async {
        let manager = Manager::new().await?;
        manager.adapters().await
    };
    let cannot = |reason: String| Fault::Embedded(format!("Bluetooth cannot be used: {reason}"));
    match timeout(PATIENCE, looking).await {
        Ok(Ok(adapters)) if adapters.is_empty() => {
            Err(Fault::Embedded("there is no Bluetooth adapter".to_owned()))
        }
        Ok(Ok(adapters)) => Ok(adapters.len()),
        Ok(Err(error)) => Err(cannot(error.to_string())),
        Err(_) => Err(cannot("the system does not answer".to_owned())),
    }
}

/// The server, and its connection to us. Dropping it ends both.
pub(super) struct Embedded {
    devices: Arc<ServerDeviceManager>,
    memory: Arc<Memory>,
    tasks: JoinSet<()>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

impl Embedded {
    /// Starts the server, with the indices that `file` remembers.
    pub(super) async fn start(file: Option<PathBuf>) -> Result<Self, Fault> {
        let bluetooth = BtlePlugCommunicationManagerBuilder::default();
        Self::with(file, Others(bluetooth)).await
    }

    /// The same, with toys from elsewhere.
    async fn with(
        file: Option<PathBuf>,
        source: impl HardwareCommunicationManagerBuilder + 'static,
    ) -> Result<Self, Fault> {
        let failed = |error: &dyn std::fmt::Display| Fault::Embedded(error.to_string());
        let known = match &file {
            Some(file) => tokio::fs::read_to_string(file).await.ok(),
            None => None,
        };
        let config = match load_protocol_configs(&None, &known, false) {
            Ok(config) => Ok(config),
            Err(error) => {
                warn!(
                    "the file with the numbers of toys cannot be used, and is begun anew: {error}"
                );
                load_protocol_configs(&None, &None, false)
            }
        };
        let config = config.and_then(|mut config| config.finish());
        let config = Arc::new(config.map_err(|error| failed(&error))?);
        let mut builder = ServerDeviceManagerBuilder::new_with_arc(Arc::clone(&config));
        let devices = builder.comm_manager(source).finish();
        Ok(Self {
            devices: Arc::new(devices.map_err(|error| failed(&error))?),
            memory: Arc::new(Memory {
                config,
                file,
                saving: Mutex::default(),
            }),
            tasks: JoinSet::new(),
        })
    }

    /// Connects to it.
    pub(super) async fn connect(&mut self) -> Result<Socket, Fault> {
        // The last connection has ended, or we would not be here.
        self.tasks.abort_all();
        let devices = Arc::clone(&self.devices);
        let mut builder = ButtplugServerBuilder::with_shared_device_manager(devices);
        let server = builder.name(NAME).finish();
        let server = server.map_err(|error| Fault::Embedded(error.to_string()))?;
        let (near, far) = duplex(BUFFER);
        let near: Box<dyn Pipe> = Box::new(near);
        let near = WebSocketStream::from_raw_socket(near, Role::Client, Some(config())).await;
        let far = WebSocketStream::from_raw_socket(far, Role::Server, Some(config())).await;
        let memory = Arc::clone(&self.memory);
        self.tasks.spawn(async move {
            serve(&server, far, &memory).await;
            // It stops all toys.
            let _ = server.disconnect().await;
        });
        Ok(near)
    }
}

/// Passes messages between the socket and the server until the socket is closed.
async fn serve(
    server: &ButtplugServer,
    mut socket: WebSocketStream<DuplexStream>,
    memory: &Arc<Memory>,
) {
    let serializer = ButtplugServerJSONSerializer::default();
    let mut events = Box::pin(server.event_stream());
    let (sender, mut replies) = mpsc::unbounded_channel();
    let mut requests = JoinSet::new();
    loop {
        let message = tokio::select! {
            frame = socket.next() => {
                let text = match frame {
                    Some(Ok(Frame::Text(text))) => text.to_string(),
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => continue,
                };
                let frame = ButtplugSerializedMessage::Text(text);
                for message in serializer.deserialize(&frame).unwrap_or_default() {
                    let sender = sender.clone();
                    let work = server.parse_message(message);
                    requests.spawn(async move {
                        // Nobody listens any more if the socket is closed.
                        let _ = sender.send(work.await.unwrap_or_else(|error| error));
                    });
                }
                continue;
            }
            Some(event) = events.next() => {
                // A toy came or went.
                let memory = Arc::clone(memory);
                requests.spawn(async move { memory.save().await });
                event
            }
            Some(reply) = replies.recv() => reply,
            Some(_) = requests.join_next() => continue,
        };
        let ButtplugSerializedMessage::Text(text) = serializer.serialize(&[message]) else {
            continue;
        };
        if socket.send(Frame::text(text)).await.is_err() {
            return;
        }
    }
}

/// Which toy has which index.
struct Memory {
    config: Arc<DeviceConfigurationManager>,
    file: Option<PathBuf>,
    /// Toys may come while others are being saved: one file at a time.
    saving: Mutex<()>,
}

impl Memory {
    async fn save(&self) {
        let Some(file) = &self.file else { return };
        let _alone = self.saving.lock().await;
        let text = match save_user_config(&self.config) {
            Ok(text) => text,
            Err(error) => {
                debug!("the numbers of toys cannot be written down: {error}");
                return;
            }
        };
        // A file that is half written would number all toys anew.
        let half = file.with_extension("new");
        let written = async {
            tokio::fs::write(&half, text).await?;
            tokio::fs::rename(&half, file).await
        };
        if let Err(error) = written.await {
            warn!("the numbers of toys cannot be saved: {error}");
        }
    }
}

/// Finds the toys that are not ours.
struct Others<B>(B);

impl<B: HardwareCommunicationManagerBuilder> HardwareCommunicationManagerBuilder for Others<B> {
    fn finish(&mut self, sender: mpsc::Sender<Found>) -> Box<dyn HardwareCommunicationManager> {
        let (filter, mut found) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Some(found) = found.recv().await {
                if !is_ours(&found) && sender.send(found).await.is_err() {
                    return;
                }
            }
        });
        Box::new(Filtered {
            inner: self.0.finish(filter),
            _tasks: tasks,
        })
    }
}

fn is_ours(found: &Found) -> bool {
    match found {
        Found::DeviceFound { name, .. } => OURS.iter().any(|start| name.starts_with(start)),
        Found::ScanningFinished => false,
    }
}

struct Filtered {
    inner: Box<dyn HardwareCommunicationManager>,
    _tasks: JoinSet<()>,
}

impl HardwareCommunicationManager for Filtered {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn start_scanning(&mut self) -> buttplug_core::ButtplugResultFuture {
        self.inner.start_scanning()
    }

    fn stop_scanning(&mut self) -> buttplug_core::ButtplugResultFuture {
        self.inner.stop_scanning()
    }

    fn scanning_status(&self) -> bool {
        self.inner.scanning_status()
    }

    fn can_scan(&self) -> bool {
        self.inner.can_scan()
    }
}

#[cfg(test)]
mod tests;
