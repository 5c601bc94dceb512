//! `toy2mqtt simulate --wsdm`: simulated toys that connect to a server by websocket, each by itself
//! and again whenever it is disconnected.
//!
//! The server may be the bridge, or a Buttplug server with a websocket device manager, such as
//! Intiface. Source: the websocket device manager of the Buttplug project (docs.buttplug.io).
#![expect(
    clippy::disallowed_methods,
    reason = "a toy waits a moment before it tries again"
)]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;

use super::lovense_app::{BadToy, ToySpec, toy_id};
use super::text_toy::{TextToy, TextToySpec};
use crate::backend::lovense::catalog;

/// How long a toy waits before it connects again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long connecting and saying goodbye may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which toys are to connect where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WsdmOptions {
    /// The server: `ws://host:port`, with a path if it wants one.
    pub url: String,
    /// The toys.
    pub toys: Vec<TextToySpec>,
}

impl WsdmOptions {
    /// Toys of these models, with made-up addresses that are always the same.
    ///
    /// # Errors
    /// A model that is not in the catalogue.
    pub fn new(url: impl Into<String>, toys: &[ToySpec]) -> Result<Self, BadToy> {
        let toys = toys.iter().enumerate();
        let toys = toys.map(|(index, spec)| {
            let model = catalog::find(&spec.model, spec.firmware)
                .or_else(|| catalog::by_letter(&spec.model))
                .ok_or_else(|| BadToy::UnknownModel(spec.model.clone()))?;
            // One that firmware made another model of, and names of the time before there were letters.
            let letters = model.letters.iter().find(|it| !it.starts_with("TOY"));
            let letters = letters.copied().unwrap_or("Z").trim_end_matches("-FW3");
            let address = spec.id.clone().unwrap_or_else(|| toy_id(SEED, index));
            let plain = TextToySpec::new(letters, &address);
            Ok(TextToySpec {
                battery: spec.battery,
                firmware: spec.firmware.unwrap_or(plain.firmware),
                ..plain
            })
        });
        Ok(Self {
            url: url.into(),
            toys: toys.collect::<Result<_, _>>()?,
        })
    }
}

/// What the addresses of toys are made of.
const SEED: u64 = 0x0077_7364_6d00;

/// Simulates toys until `shutdown`, and gives `out` a line for each thing worth knowing: the toys,
/// when they connect and why they cannot, and every change of a level.
pub async fn run_wsdm(
    options: WsdmOptions,
    shutdown: CancellationToken,
    mut out: impl FnMut(String),
) {
    let (lines, mut printed) = unbounded_channel();
    let started = Instant::now();
    let mut toys = JoinSet::new();
    for spec in options.toys {
        out(format!("toy {} {}", spec.address, spec.letters));
        let life = Life {
            url: options.url.clone(),
            address: spec.address.clone(),
            toy: TextToy::new(spec),
            started,
            lines: lines.clone(),
            shutdown: shutdown.clone(),
        };
        toys.spawn(life.live());
    }
    drop(lines);
    // Ends when the last toy has.
    while let Some(line) = printed.recv().await {
        out(line);
    }
    while toys.join_next().await.is_some() {}
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Life {
    url: String,
    address: String,
    toy: TextToy,
    started: Instant,
    lines: UnboundedSender<String>,
    shutdown: CancellationToken,
}

impl Life {
    async fn live(mut self) {
        let shutdown = self.shutdown.clone();
        let mut last = String::new();
        while !shutdown.is_cancelled() {
            let connected = shutdown.run_until_cancelled(connect(&self.url)).await;
            let reason = match connected {
                None => return,
                Some(Ok(socket)) => {
                    self.tell("connected");
                    last.clear();
                    self.talk(socket).await
                }
                Some(Err(reason)) => reason,
            };
            if reason != last && !shutdown.is_cancelled() {
                self.tell(&format!("disconnected: {reason}"));
                last = reason;
            }
            shutdown.run_until_cancelled(sleep(PAUSE)).await;
        }
    }

    fn tell(&self, text: &str) {
        // Nobody reads any more only while everything ends.
        let at = self.started.elapsed().as_secs_f64();
        let _ = self.lines.send(format!("{at:.3} {} {text}", self.address));
    }

    /// Serves a connection until it ends; why it did.
    async fn talk(&mut self, mut socket: Socket) -> String {
        let address = self.address.to_uppercase();
        let hello = json!({ "identifier": "LVSDevice", "address": address, "version": 0 });
        let mut ended = match socket.send(Message::text(hello.to_string())).await {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        while ended.is_none() {
            let message = tokio::select! {
                message = socket.next() => message,
                () = self.shutdown.cancelled() => {
                    // Some servers never notice that a toy has gone without a word.
                    let _ = timeout(PATIENCE, socket.close(None)).await;
                    break;
                }
            };
            ended = match message {
                None => Some("the server closed the connection".to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| frame.reason.to_string());
                    let reason = reason.filter(|reason| !reason.is_empty());
                    Some(reason.unwrap_or_else(|| "the server closed the connection".to_owned()))
                }
                Some(Ok(message)) if message.is_text() || message.is_binary() => {
                    self.answer(&mut socket, &message.into_data()).await
                }
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(error.to_string()),
            };
        }
        self.changing(|toy, now| toy.left_alone(now));
        ended.unwrap_or_default()
    }

    /// Does what it is told. Returns why it could not answer.
    async fn answer(&mut self, socket: &mut Socket, bytes: &[u8]) -> Option<String> {
        let mut answers = Vec::new();
        self.changing(|toy, now| answers = toy.write(now, bytes));
        for answer in answers {
            if let Err(error) = socket.send(Message::text(answer)).await {
                return Some(error.to_string());
            }
        }
        None
    }

    /// Has something happen to the toy, and tells which levels it changed.
    fn changing(&mut self, act: impl FnOnce(&mut TextToy, Duration)) {
        let before = self.toy.levels().to_vec();
        act(&mut self.toy, self.started.elapsed());
        for ((function, to), (_, from)) in self.toy.levels().iter().zip(before) {
            if *to != from {
                self.tell(&format!("{function} {from} -> {to}"));
            }
        }
    }
}

async fn connect(url: &str) -> Result<Socket, String> {
    let connecting = connect_async_with_config(url, None, true);
    match timeout(PATIENCE, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(answer))) => {
            let status = answer.status().as_u16();
            let body = answer.into_body().unwrap_or_default();
            let why = String::from_utf8_lossy(&body).trim().to_owned();
            Err(format!("the server refuses (HTTP status {status}) {why}"))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the server does not answer".to_owned()),
    }
}
