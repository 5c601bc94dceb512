//! Toys of a Buttplug server: from a write to the server, and back after it was gone.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::lovense_app::AppOptions;

use crate::client::Client;
use crate::stage::{App, Bridge, Broker, all_there};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, within};

const SAMPLES: usize = 500;
const WARM_UP: usize = 50;

/// Enough that each is written to more slowly than its server allows.
const TOYS: usize = 64;
const PAUSE: Duration = Duration::from_millis(3);
const RESTARTS: usize = 20;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let broker = Broker::start().await?;
    let app = App::start(AppOptions::with_toys([])).await?;
    let mut server = Server::start().await?;
    let bare = Server::start().await?;
    let mut client = Client::connect(broker.port, "audience", &["bench/#"]).await?;
    let mut listener = Client::connect(broker.port, "listener", &["floor/#"]).await?;
    let settings = format!("[[buttplug]]\nurl = \"ws://{}\"", server.address);
    let _bridge = Bridge::start(&broker, &app, &settings)?;
    within(60, "the toys", all_there(&mut client, TOYS)).await??;

    let stream = TcpStream::connect(bare.address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async("ws://bare/", stream).await?;
    let (mut writes, mut hops, mut trips) = Default::default();
    for sample in 0..WARM_UP + SAMPLES {
        let (toy, level) = (sample % TOYS, 1 + (sample / TOYS) % 20);
        let payload = (level * 5).to_string();
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let topic = format!("{}/vibrate/set", topic(toy));
        client.publish(&topic, &payload).await?;
        let write = within(5, "a write at the server", server.driven(toy, level)).await? - began;

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let topic = topic.replace("bench/", "floor/");
        client.publish(&topic, &payload).await?;
        let hop = within(5, "a bare message", listener.next()).await??.at - began;

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let command = json!([{"OutputCmd": {"Id": 9, "DeviceIndex": 0, "FeatureIndex": 0,
            "Command": {"Vibrate": {"Value": level}}}}]);
        socket.send(Message::text(command.to_string())).await?;
        within(5, "a bare answer", socket.next())
            .await?
            .ok_or("the server is gone")??;
        let trip = began.elapsed();
        if sample >= WARM_UP {
            Samples::add(&mut writes, write);
            Samples::add(&mut hops, hop);
            Samples::add(&mut trips, trip);
        }
    }

    let mut gone = Samples::default();
    let mut back = Samples::default();
    for _ in 0..RESTARTS {
        client.forget();
        let began = server.stop().await?;
        let away = within(30, "toys to go", client.find(|it| it.payload == b"offline")).await??;
        gone.add(away.at - began);
        tokio::time::sleep(Duration::from_millis(700)).await;
        let began = server.start_again().await?;
        let there = within(
            30,
            "toys to come",
            client.find(|it| it.payload == b"online"),
        )
        .await??;
        back.add(there.at - began);
    }
    Ok(rows(&writes, &hops, &trips, &gone, &back))
}

fn rows(
    writes: &Samples,
    hops: &Samples,
    trips: &Samples,
    gone: &Samples,
    back: &Samples,
) -> Vec<Row> {
    let floor = hops.p50() + trips.p50();
    let reach = floor.mul_f64(1.5);
    let ratio = writes.p50().as_secs_f64() / floor.as_secs_f64();
    let back_in = back.percentile(95);
    vec![
        Row::new(
            format!(
                "MQTT write → command at a Buttplug server, p50 of {}",
                writes.len()
            ),
            format!("{} ({ratio:.2} × the hops)", millis(writes.p50())),
            format!(
                "broker hop {} + websocket round trip {}",
                millis(hops.p50()),
                millis(trips.p50())
            ),
            format!("≤ 1.5 × = {}", millis(reach)),
            writes.p50() <= reach,
        ),
        Row::new(
            format!(
                "Buttplug server gone → first toy unavailable, max of {}",
                gone.len()
            ),
            millis(gone.max()),
            "–",
            "≤ 1 s",
            gone.max() <= Duration::from_secs(1),
        ),
        Row::new(
            format!(
                "Buttplug server back → first toy available, p95 of {}",
                back.len()
            ),
            millis(back_in),
            "–",
            "≤ 2 s",
            back_in <= Duration::from_secs(2),
        ),
    ]
}

fn topic(toy: usize) -> String {
    let hardware = HardwareId::new(format!("buttplug/Bench/{toy}/Maker Thing"));
    format!("bench/{}", ToyId::of(&hardware))
}

/// A server that says yes to everything, on a thread of its own.
struct Server {
    address: SocketAddr,
    /// Device, level, and when it was asked for.
    driven: UnboundedReceiver<(u64, u64, Instant)>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// To listen or not to, and where to say since when.
type Order = (bool, oneshot::Sender<Instant>);

impl Server {
    async fn start() -> Result<Self, Failure> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (report, driven) = unbounded_channel();
        let (orders, mut ordered) = unbounded_channel::<Order>();
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
                            () = serve(open, &report) => return,
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

    /// The connection is closed, and nobody listens. Returns since when.
    async fn stop(&self) -> Result<Instant, Failure> {
        self.order(false).await
    }

    /// Listens again. Returns since when.
    async fn start_again(&self) -> Result<Instant, Failure> {
        self.order(true).await
    }

    /// Waits until the device was told this level; when that was.
    async fn driven(&mut self, device: usize, level: usize) -> Instant {
        loop {
            match self.driven.recv().await {
                Some((to, value, at)) if (to, value) == (device as u64, level as u64) => return at,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
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
async fn serve(listener: &TcpListener, report: &UnboundedSender<(u64, u64, Instant)>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let _ = stream.set_nodelay(true);
        if let Ok(mut socket) = accept_async(stream).await {
            converse(&mut socket, report).await;
        }
    }
}

async fn converse(
    socket: &mut WebSocketStream<TcpStream>,
    report: &UnboundedSender<(u64, u64, Instant)>,
) {
    while let Some(Ok(frame)) = socket.next().await {
        let Message::Text(text) = frame else { continue };
        let at = Instant::now();
        let asked: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some((name, body)) = asked[0].as_object().and_then(|it| it.iter().next()) else {
            continue;
        };
        let id = &body["Id"];
        let answer = match name.as_str() {
            "RequestServerInfo" => json!([{"ServerInfo": {"Id": id, "ServerName": "Bench",
                "MaxPingTime": 0, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}}]),
            "RequestDeviceList" => json!([{"DeviceList": {"Id": id, "Devices": devices()}}]),
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

fn devices() -> Value {
    let device = |index: usize| {
        let features = json!({"0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 20]}}}});
        let device = json!({"DeviceIndex": index, "DeviceName": "Maker Thing",
            "DeviceMessageTimingGap": 100, "DeviceFeatures": features});
        (index.to_string(), device)
    };
    Value::Object((0..TOYS).map(device).collect())
}
