//! A real Buttplug server (the crates that Intiface is made of) behind a websocket of ours that
//! behaves like Intiface's: one client at a time, and a closed port meanwhile.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use buttplug_core::message::serializer::{ButtplugMessageSerializer, ButtplugSerializedMessage};
use buttplug_server::device::{ServerDeviceManager, ServerDeviceManagerBuilder};
use buttplug_server::message::ButtplugServerMessageVariant;
use buttplug_server::message::serializer::ButtplugServerJSONSerializer;
use buttplug_server::{ButtplugServer, ButtplugServerBuilder};
use buttplug_server_device_config::load_protocol_configs;
use buttplug_server_hwmgr_websocket::WebsocketServerDeviceCommunicationManagerBuilder as ToyPort;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
use tokio_util::sync::CancellationToken;

use crate::toys::Air;

/// What a user of Intiface has to write for toys that connect by themselves.
const TOY_PORT_CONFIG: &str = r#"{"version":{"major":5,"minor":0},"user_configs":{"protocols":
    {"lovense":{"communication":[{"websocket":{"name":"LVSDevice"}}]}}}}"#;

/// How the server is to behave.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    /// ms; 0 for never.
    pub(crate) max_ping: u32,
    /// As servers before 2026: a handshake in version 4 is not answered.
    pub(crate) only_v3: bool,
    /// The port for toys that connect by themselves.
    pub(crate) toy_port: Option<u16>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            name: "Test Engine",
            max_ping: 0,
            only_v3: false,
            toy_port: None,
        }
    }
}

/// A running server. Dropping it ends it.
pub(crate) struct Engine {
    pub(crate) address: SocketAddr,
    pub(crate) air: Air,
    setup: Setup,
    devices: Arc<ServerDeviceManager>,
    /// Every message that clients sent.
    heard: Arc<Mutex<Vec<String>>>,
    /// Whether a client is connected.
    client: Arc<watch::Sender<bool>>,
    /// Pings are lost on their way.
    pub(crate) deaf_to_pings: Arc<watch::Sender<bool>>,
    serving: JoinSet<()>,
    ending: CancellationToken,
}

impl Engine {
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::start_at(setup, ([127, 0, 0, 1], 0).into()).await
    }

    /// One that knows nothing of what was at this address before.
    pub(crate) async fn start_at(setup: Setup, address: SocketAddr) -> Self {
        let mut engine = Self::idle(setup);
        engine.listen(address).await;
        engine
    }

    /// One that neither listens nor dials yet.
    pub(crate) fn idle(setup: Setup) -> Self {
        let air = Air::default();
        let user = setup.toy_port.map(|_| TOY_PORT_CONFIG.to_owned());
        let configs = load_protocol_configs(&None, &user, false).unwrap().finish();
        let mut builder = ServerDeviceManagerBuilder::new(configs.unwrap());
        builder.comm_manager(air.clone());
        if let Some(port) = setup.toy_port {
            builder.comm_manager(ToyPort::default().server_port(port));
        }
        let devices = builder.finish().unwrap();
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            air,
            setup,
            devices: Arc::new(devices),
            heard: Arc::default(),
            client: Arc::new(watch::Sender::new(false)),
            deaf_to_pings: Arc::new(watch::Sender::new(false)),
            serving: JoinSet::new(),
            ending: CancellationToken::new(),
        }
    }

    fn front(&self) -> Front {
        Front {
            setup: self.setup.clone(),
            devices: Arc::clone(&self.devices),
            heard: Arc::clone(&self.heard),
            client: Arc::clone(&self.client),
            deaf_to_pings: Arc::clone(&self.deaf_to_pings),
            ending: self.ending.clone(),
        }
    }

    async fn listen(&mut self, address: SocketAddr) {
        let first = TcpListener::bind(address).await.unwrap();
        self.address = first.local_addr().unwrap();
        let front = self.front();
        let address = self.address;
        self.serving.spawn(async move {
            let mut listener = Some(first);
            while !front.ending.is_cancelled() {
                let open = match listener.take() {
                    Some(open) => open,
                    None => TcpListener::bind(address).await.unwrap(),
                };
                let accepted = front.ending.run_until_cancelled(open.accept()).await;
                let Some(accepted) = accepted else { break };
                let (stream, _) = accepted.unwrap();
                // While somebody is connected the port is closed.
                drop(open);
                if let Ok(socket) = accept_async(stream).await {
                    front.serve(socket).await;
                }
            }
        });
    }

    /// Connects to a client that listens, again and again, as `--websocket-client-address` does.
    pub(crate) fn dial(&mut self, url: String, address: SocketAddr) {
        let front = self.front();
        self.serving.spawn(async move {
            while !front.ending.is_cancelled() {
                if let Ok(stream) = TcpStream::connect(address).await
                    && let Ok((socket, _)) = client_async(&url, stream).await
                {
                    front.serve(socket).await;
                }
                tokio::task::yield_now().await;
            }
        });
    }

    /// The connection breaks and nobody listens any more. Toys stay with the server.
    pub(crate) async fn stop(&mut self) {
        self.ending.cancel();
        while self.serving.join_next().await.is_some() {}
        self.ending = CancellationToken::new();
    }

    /// Listens again where it did.
    pub(crate) async fn start_again(&mut self) {
        self.listen(self.address).await;
    }

    /// Waits until a client is connected, or none is.
    pub(crate) async fn has_client(&self, is: bool) {
        let mut client = self.client.subscribe();
        crate::shared::soon("a client", client.wait_for(|it| *it == is))
            .await
            .unwrap();
    }

    /// Everything that clients have said.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

struct Front {
    setup: Setup,
    devices: Arc<ServerDeviceManager>,
    heard: Arc<Mutex<Vec<String>>>,
    client: Arc<watch::Sender<bool>>,
    deaf_to_pings: Arc<watch::Sender<bool>>,
    ending: CancellationToken,
}

impl Front {
    fn server(&self) -> ButtplugServer {
        let devices = Arc::clone(&self.devices);
        let mut builder = ButtplugServerBuilder::with_shared_device_manager(devices);
        builder.name(self.setup.name);
        if self.setup.max_ping > 0 {
            builder.max_ping_time(self.setup.max_ping);
        }
        builder.finish().unwrap()
    }

    async fn serve(&self, mut socket: WebSocketStream<TcpStream>) {
        self.client.send_replace(true);
        let server = self.server();
        let serializer = ButtplugServerJSONSerializer::default();
        let mut events = Box::pin(server.event_stream());
        let (sender, mut replies) = mpsc::unbounded_channel::<ButtplugServerMessageVariant>();
        let mut requests = JoinSet::new();
        loop {
            let message = tokio::select! {
                () = self.ending.cancelled() => break,
                frame = socket.next() => {
                    let text = match frame {
                        Some(Ok(Message::Text(text))) => text.to_string(),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                        Some(Ok(_)) => continue,
                    };
                    self.heard.lock().unwrap().push(text.clone());
                    if self.setup.only_v3 && text.contains("ProtocolVersionMajor") {
                        continue;
                    }
                    if *self.deaf_to_pings.borrow() && text.contains("{\"Ping\"") {
                        continue;
                    }
                    let frame = ButtplugSerializedMessage::Text(text);
                    for message in serializer.deserialize(&frame).unwrap_or_default() {
                        let sender = sender.clone();
                        let work = server.parse_message(message);
                        requests.spawn(async move {
                            let _ = sender.send(work.await.unwrap_or_else(|error| error));
                        });
                    }
                    continue;
                }
                Some(event) = events.next() => event,
                Some(reply) = replies.recv() => reply,
            };
            let ButtplugSerializedMessage::Text(text) = serializer.serialize(&[message]) else {
                continue;
            };
            if socket.send(Message::text(text)).await.is_err() {
                break;
            }
        }
        server.disconnect().await.unwrap();
        self.client.send_replace(false);
    }
}
