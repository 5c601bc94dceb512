//! A socket of a client: Socket.IO 2 over Engine.IO 3, as much as the API takes.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{self, Message};

use super::{CloudFaults, Server};
use crate::sim::upgrade::{self, Socket};

/// The most commands that are kept.
const MAX_KEPT: usize = 10_000;

pub(super) async fn serve(server: Arc<Server>, upgrade: OnUpgrade) {
    let Some(stream) = upgrade::socket(upgrade).await else {
        return;
    };
    server.count(|counts| {
        counts.opened += 1;
        counts.open += 1;
    });
    // Also when this is cut off.
    let _open = Open(&server);
    if let Err(error) = converse(&server, stream).await {
        tracing::debug!(%error, "simulated server: socket ended");
    }
}

struct Open<'a>(&'a Server);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.count(|counts| counts.open -= 1);
    }
}

/// An event, with its payload packed twice as the real server does.
fn event(name: &str, payload: &Value) -> String {
    format!("42{}", json!([name, payload.to_string()]))
}

async fn converse(server: &Server, mut stream: Socket) -> Result<(), tungstenite::Error> {
    let mut faults = server.faults.subscribe();
    let mut cut = server.cut.subscribe();
    let mut said = server.said.subscribe();
    let mut news = server.app.news();
    let mut known = faults.borrow_and_update().clone();
    let patience = known.ping_interval * 3 / 2;
    let greeting = json!({"sid": "simulated", "upgrades": [],
        "pingInterval": known.ping_interval.as_millis() as u64, "pingTimeout": 5_000});
    say(&mut stream, format!("0{greeting}")).await?;
    say(&mut stream, "40".to_owned()).await?;
    for text in present(server, &known) {
        say(&mut stream, text).await?;
    }
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = message else { return Ok(()) };
                let Message::Text(text) = message? else { continue };
                heard = Instant::now();
                if let Some(reply) = hear(server, &text) {
                    say(&mut stream, reply).await?;
                }
            }
            _ = faults.changed() => {
                let now = faults.borrow_and_update().clone();
                for text in changes(server, &known, &now) {
                    say(&mut stream, text).await?;
                }
                known = now;
            }
            frame = news.recv() => match frame {
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    if known.paired && known.online {
                        say(&mut stream, device(server)).await?;
                    }
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            text = said.recv() => {
                if let Ok(text) = text {
                    say(&mut stream, text).await?;
                }
            }
            _ = cut.changed() => return Ok(()),
            () = sleep_until(heard + patience) => return Ok(()),
        }
    }
}

async fn say(stream: &mut Socket, text: String) -> Result<(), tungstenite::Error> {
    stream.send(Message::text(text)).await
}

fn device(server: &Server) -> String {
    event("basicapi_update_device_info_tc", &server.app.device_info())
}

fn status(name: &str, on: bool) -> String {
    event(name, &json!({"status": u8::from(on)}))
}

/// What a client is told first.
fn present(server: &Server, faults: &CloudFaults) -> Vec<String> {
    match (faults.paired, faults.online) {
        (false, _) => Vec::new(),
        (true, online) => {
            let mut texts = vec![status("basicapi_update_app_online_tc", online)];
            if online {
                texts.push(device(server));
            }
            texts
        }
    }
}

/// What a client is told of a change.
fn changes(server: &Server, before: &CloudFaults, now: &CloudFaults) -> Vec<String> {
    let mut texts = Vec::new();
    if before.paired != now.paired {
        texts.push(status("basicapi_update_app_status_tc", now.paired));
    }
    if now.paired && before.online != now.online {
        texts.push(status("basicapi_update_app_online_tc", now.online));
    }
    let there = |faults: &CloudFaults| faults.paired && faults.online;
    if there(now) && !there(before) {
        texts.push(device(server));
    }
    texts
}

fn hear(server: &Server, text: &str) -> Option<String> {
    let faults = server.faults();
    if text == "2" {
        server.count(|counts| counts.pings += 1);
        return faults.pongs.then(|| "3".to_owned());
    }
    let parsed = text.strip_prefix("42").map(serde_json::from_str::<Value>);
    let Some(Ok(list)) = parsed else {
        server.count(|counts| counts.odd += 1);
        return None;
    };
    match list[0].as_str() {
        Some("basicapi_get_qrcode_ts") => {
            server.count(|counts| counts.pairings += 1);
            let data = json!({"ackId": list[1]["ackId"], "code": "395079", "qrcode": "{\"type\":5}",
                "qrcodeUrl": "https://pictures.example/qr/868406629d1a.jpg"});
            let payload = json!({"code": 0, "message": "Success", "data": data});
            Some(event("basicapi_get_qrcode_tc", &payload))
        }
        Some("basicapi_send_toy_command_ts") => {
            let body = list[1].to_string();
            if faults.paired && faults.online && faults.passes_on {
                server.app.take(body.clone());
            }
            server.count(|counts| {
                if counts.commands.len() < MAX_KEPT {
                    counts.commands.push(body);
                }
            });
            None
        }
        _ => {
            server.count(|counts| counts.odd += 1);
            None
        }
    }
}
