//! A Buttplug server with devices as given, which notes what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::Failure;

/// A value that an output was told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at: Instant,
    pub(super) device: u64,
    /// `Vibrate`, `HwPositionWithDuration`, …; `Stop` for all outputs but positions.
    pub(super) output: String,
    pub(super) value: u16,
    /// For a position: how long to take.
    pub(super) over: Duration,
}

type Log = Arc<Mutex<Vec<Told>>>;

/// The server. Dropping it ends it.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    log: Log,
    devices: watch::Sender<Value>,
    _task: JoinSet<()>,
}

impl Server {
    pub(super) async fn start(devices: Value) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let log = Log::default();
        let devices = watch::Sender::new(devices);
        let (noted, mut there) = (Arc::clone(&log), devices.subscribe());
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                if let Ok(mut socket) = accept_async(stream).await {
                    let list = there.borrow_and_update().clone();
                    tokio::select! {
                        () = converse(&mut socket, &noted, &list) => {}
                        _ = there.changed() => {}
                    }
                    // A server switches off what its client leaves behind.
                    stop(&noted, &list, None);
                }
            }
        });
        Ok(Self {
            address,
            log,
            devices,
            _task: task,
        })
    }

    /// The server starts again, with these devices.
    pub(super) fn restart(&self, devices: Value) {
        self.devices.send_replace(devices);
    }

    /// Everything that it was told.
    pub(super) fn told(&self) -> Vec<Told> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }
}

/// A device of version 4 of the protocol, with one output for each feature: kind and range.
pub(super) fn device(name: &str, outputs: &[(&str, Value)]) -> Value {
    let features = outputs.iter().enumerate().map(|(index, (kind, range))| {
        let feature = json!({"FeatureIndex": index, "FeatureDescription": "",
            "Output": {*kind: range}});
        (index.to_string(), feature)
    });
    json!({"DeviceName": name, "DeviceMessageTimingGap": 50,
        "DeviceFeatures": features.collect::<serde_json::Map<_, _>>()})
}

/// What a server lists: devices, in the order of their indexes.
pub(super) fn list(devices: &[Value]) -> Value {
    let devices = devices.iter().enumerate().map(|(index, device)| {
        let mut device = device.clone();
        device["DeviceIndex"] = index.into();
        (index.to_string(), device)
    });
    Value::Object(devices.collect())
}

async fn converse(socket: &mut WebSocketStream<TcpStream>, log: &Log, list: &Value) {
    while let Some(Ok(frame)) = socket.next().await {
        let Message::Text(text) = frame else { continue };
        let at = Instant::now();
        let frame: Value = serde_json::from_str(&text).unwrap_or_default();
        let messages = frame.as_array().into_iter().flatten();
        for (name, body) in messages.filter_map(Value::as_object).flatten() {
            let id = &body["Id"];
            let answer = match name.as_str() {
                "RequestServerInfo" => json!([{"ServerInfo": {"Id": id, "ServerName": "Bench",
                    "MaxPingTime": 0, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}}]),
                "RequestDeviceList" => json!([{"DeviceList": {"Id": id, "Devices": list}}]),
                _ => json!([{"Ok": {"Id": id}}]),
            };
            match name.as_str() {
                "StopCmd" => stop(log, list, body["DeviceIndex"].as_u64()),
                "OutputCmd" => note(log, at, body),
                _ => {}
            }
            let answer = Message::text(answer.to_string());
            if socket.send(answer).await.is_err() {
                return;
            }
        }
    }
}

fn note(log: &Log, at: Instant, body: &Value) {
    let commands = body["Command"].as_object().into_iter().flatten();
    for (output, command) in commands {
        let number = |key: &str| command[key].as_u64().unwrap_or_default();
        let told = Told {
            at,
            device: body["DeviceIndex"].as_u64().unwrap_or_default(),
            output: output.clone(),
            value: u16::try_from(number("Value")).unwrap_or(u16::MAX),
            over: Duration::from_millis(number("Duration")),
        };
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
    }
}

fn stop(log: &Log, list: &Value, only: Option<u64>) {
    let at = Instant::now();
    let devices = list.as_object().map_or(0, |list| list.len() as u64);
    let stopped = (0..devices).filter(|device| only.is_none_or(|only| only == *device));
    let told = stopped.map(|device| Told {
        at,
        device,
        output: "Stop".to_owned(),
        value: 0,
        over: Duration::ZERO,
    });
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(told);
}
