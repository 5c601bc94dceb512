//! A Buttplug server that says yes to everything, on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::Failure;

/// ms between two commands to one device, as the server tells.
pub(super) const GAP: u64 = 100;

/// A command: device, level, and when it was there.
pub(super) type Driven = (u64, u64, Instant);

/// The server. Dropping it ends it.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    driven: UnboundedReceiver<Driven>,
    /// How many devices there are.
    devices: Arc<watch::Sender<usize>>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// To listen or not to, and where to say since when.
type Order = (bool, oneshot::Sender<Instant>);

impl Server {
    pub(super) async fn start(devices: usize) -> Result<Self, Failure> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (report, driven) = unbounded_channel();
        let (orders, mut ordered) = unbounded_channel::<Order>();
        let devices = Arc::new(watch::Sender::new(devices));
        let there = Arc::clone(&devices);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut listener = TcpListener::from_std(listener).ok();
                loop {
                    let order = match &listener {
                        None => ordered.recv().await,
                        Some(open) => tokio::select! {
                            order = ordered.recv() => order,
                            () = serve(open, &report, &there) => return,
                        },
                    };
                    let Some((listens, since)) = order else {
                        return;
                    };
                    listener = if listens { reopen(address) } else { None };
                    let _ = since.send(Instant::now());
                }
            });
        });
        Ok(Self {
            address,
            driven,
            devices,
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    async fn order(&self, listens: bool) -> Result<Instant, Failure> {
        let (since, when) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or("the server has ended")?;
        orders.send((listens, since))?;
        Ok(when.await?)
    }

    /// There are so many devices now. Returns since when.
    pub(super) fn holds(&self, devices: usize) -> Instant {
        let since = Instant::now();
        self.devices.send_replace(devices);
        since
    }

    /// The connection is closed, and nobody listens. Returns since when.
    pub(super) async fn stop(&self) -> Result<Instant, Failure> {
        self.order(false).await
    }

    /// Listens again. Returns since when.
    pub(super) async fn start_again(&self) -> Result<Instant, Failure> {
        self.order(true).await
    }

    /// Waits until the device was told this level; when that was.
    pub(super) async fn driven(&mut self, device: usize, level: usize) -> Instant {
        loop {
            match self.driven.recv().await {
                Some((to, value, at)) if (to, value) == (device as u64, level as u64) => return at,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// All commands since this was last asked.
    pub(super) fn commands(&mut self) -> Vec<Driven> {
        std::iter::from_fn(|| self.driven.try_recv().ok()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn reopen(address: SocketAddr) -> Option<TcpListener> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(address).ok()?;
    socket.listen(8).ok()
}

/// Serves one client after the other, for ever.
async fn serve(
    listener: &TcpListener,
    report: &UnboundedSender<Driven>,
    there: &watch::Sender<usize>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let _ = stream.set_nodelay(true);
        if let Ok(mut socket) = accept_async(stream).await {
            converse(&mut socket, report, there).await;
        }
    }
}

async fn converse(
    socket: &mut WebSocketStream<TcpStream>,
    report: &UnboundedSender<Driven>,
    there: &watch::Sender<usize>,
) {
    let mut changes = there.subscribe();
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = changes.changed() => {
                let list = json!([{"DeviceList": {"Id": 0, "Devices": devices(*there.borrow())}}]);
                if socket.send(Message::text(list.to_string())).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => return,
        };
        let at = Instant::now();
        let asked: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some((name, body)) = asked[0].as_object().and_then(|it| it.iter().next()) else {
            continue;
        };
        let id = &body["Id"];
        let answer = match name.as_str() {
            "RequestServerInfo" => json!([{"ServerInfo": {"Id": id, "ServerName": "Bench",
                "MaxPingTime": 0, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}}]),
            "RequestDeviceList" => {
                json!([{"DeviceList": {"Id": id, "Devices": devices(*there.borrow())}}])
            }
            _ => json!([{"Ok": {"Id": id}}]),
        };
        if let Some(value) = body["Command"]["Vibrate"]["Value"].as_u64() {
            let _ = report.send((body["DeviceIndex"].as_u64().unwrap_or_default(), value, at));
        }
        if socket
            .send(Message::text(answer.to_string()))
            .await
            .is_err()
        {
            return;
        }
    }
}

fn devices(count: usize) -> Value {
    let device = |index: usize| {
        let features = json!({"0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 20]}}}});
        let device = json!({"DeviceIndex": index, "DeviceName": "Maker Thing",
            "DeviceMessageTimingGap": GAP, "DeviceFeatures": features});
        (index.to_string(), device)
    };
    Value::Object((0..count).map(device).collect())
}
