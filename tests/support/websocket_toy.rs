//! A toy that connects by websocket.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use toy2mqtt::sim::text_toy::{TextToy, TextToySpec};

use super::soon;

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A toy that runs in a task of its own. Dropping it cuts the connection, without a goodbye.
pub struct WebsocketToy {
    heard: watch::Receiver<Vec<String>>,
    end: watch::Receiver<Option<String>>,
    _task: JoinSet<()>,
}

/// The first message of the toy with this address.
pub fn hello(address: &str) -> String {
    json!({"identifier": "LVSDevice", "address": address.to_uppercase(), "version": 0}).to_string()
}

/// Connects as soon as somebody listens.
pub async fn open(url: &str) -> Socket {
    soon("somebody who listens", async {
        loop {
            match connect_async(url).await {
                Ok((socket, _)) => return socket,
                Err(Error::Io(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    })
    .await
}

impl WebsocketToy {
    /// One that says `hello` and then answers commands.
    pub async fn connect(
        url: &str,
        hello: &str,
        mut answer: impl FnMut(&str) -> Vec<String> + Send + 'static,
    ) -> Self {
        let mut socket = open(url).await;
        socket.send(Message::text(hello)).await.expect("sent");
        let (heard_in, heard) = watch::channel(Vec::new());
        let (end_in, end) = watch::channel(None);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let reason = loop {
                let command = match socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => String::from_utf8(bytes.into()),
                    Some(Ok(Message::Close(Some(frame)))) => {
                        break format!("{} {}", u16::from(frame.code), frame.reason);
                    }
                    Some(Ok(Message::Text(text))) => panic!("{text:?} is no binary message"),
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => break error.to_string(),
                    None => break "no reason".to_owned(),
                };
                let command = command.expect("ASCII");
                let answers = answer(&command);
                heard_in.send_modify(|heard: &mut Vec<String>| heard.push(command));
                for answer in answers {
                    // The end is seen above.
                    let _ = socket.send(Message::text(answer)).await;
                }
            };
            end_in.send_replace(Some(reason));
        });
        Self {
            heard,
            end,
            _task: task,
        }
    }

    /// A simulated toy, and what moves of it.
    pub async fn simulated(url: &str, spec: TextToySpec) -> (Self, Arc<Mutex<TextToy>>) {
        let hello = hello(&spec.address);
        let toy = Arc::new(Mutex::new(TextToy::new(spec)));
        let body = Arc::clone(&toy);
        let answer = move |command: &str| {
            let mut toy = body.lock().expect("not poisoned");
            toy.write(std::time::Duration::ZERO, command.as_bytes())
        };
        (Self::connect(url, &hello, answer).await, toy)
    }

    /// Everything that it was told.
    pub fn heard(&self) -> Vec<String> {
        self.heard.borrow().clone()
    }

    /// Waits until everything that it was told is accepted by `wanted`.
    pub async fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        let mut heard = self.heard.clone();
        let waiting = heard.wait_for(|heard| wanted(heard));
        assert!(soon(what, waiting).await.is_ok(), "{:?}", self.heard());
    }

    /// Waits until it is told this last.
    pub async fn told(&self, command: &str) {
        self.until(command, |heard| {
            heard.last().is_some_and(|last| last == command)
        })
        .await;
    }

    /// Waits until the other side has ended the connection; code and reason.
    pub async fn ended(&self) -> String {
        let mut end = self.end.clone();
        let ended = soon("the end of a connection", end.wait_for(Option::is_some)).await;
        ended.expect("it runs").clone().unwrap_or_default()
    }
}
