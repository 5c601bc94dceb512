//! Toy Events: the websocket at `/v1`.
//!
//! A client asks for access, waits for the user of the phone to allow it, and only then hears
//! anything at all: before the grant the app sends nothing, not even a pong.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message};

use super::app::App;
use super::faults::{Access, Faults, PingDemand};
use super::frames::{ACCESS_GRANTED, BARE_PONG, EVENT_CLOSED, PING, PONG};
use super::options::Flavour;
use super::server::Shared;
use crate::sim::upgrade::{self, Socket};

/// How long a client may take to close its side.
const CLOSING: Duration = Duration::from_secs(1);

/// Answers `GET /v1`.
pub(super) async fn open(State(shared): State<Shared>, mut request: Request) -> Response {
    let app = &shared.app;
    if app.flavour == Flavour::Connect {
        return StatusCode::NOT_FOUND.into_response();
    }
    if let Some(status) = app.faults().no_events {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
        return status.into_response();
    }
    let (upgrade, response) = upgrade::accept(&mut request);
    if let Some(upgrade) = upgrade {
        shared.connections.spawn(serve(Arc::clone(app), upgrade));
    }
    response
}

async fn serve(app: Arc<App>, upgrade: OnUpgrade) {
    let Some(stream) = upgrade::socket(upgrade).await else {
        return;
    };
    let mut session = Session::new(app, stream);
    if let Err(error) = session.run().await {
        tracing::debug!(%error, "simulated app: event socket ended");
    }
}

/// One event socket.
struct Session {
    app: Arc<App>,
    stream: Socket,
    faults: watch::Receiver<Arc<Faults>>,
    /// Frames for everybody, once access is granted.
    events: Option<broadcast::Receiver<Message>>,
    /// Whether the client has asked for access.
    asked: bool,
    /// When the client was last heard.
    heard: Instant,
    next_ping: Instant,
    /// When the answer to our ping is due.
    pong_due: Option<Instant>,
}

type Flow = Result<ControlFlow<()>, tungstenite::Error>;
const GO_ON: Flow = Ok(ControlFlow::Continue(()));

impl Session {
    fn new(app: Arc<App>, stream: Socket) -> Self {
        app.sockets.opened();
        app.touch();
        let faults = app.watch_faults();
        let now = Instant::now();
        Self {
            app,
            stream,
            faults,
            events: None,
            asked: false,
            heard: now,
            next_ping: now,
            pong_due: None,
        }
    }

    async fn run(&mut self) -> Result<(), tungstenite::Error> {
        let mut flow = self.follow_faults().await?;
        while flow.is_continue() {
            let deadline = self.deadline();
            flow = tokio::select! {
                message = self.stream.next() => match message {
                    Some(message) => self.hear(message?).await?,
                    None => ControlFlow::Break(()),
                },
                frame = next_event(&mut self.events) => match frame {
                    Ok(frame) => self.pass_on(frame).await?,
                    Err(RecvError::Lagged(_)) => self.drop_client(),
                    Err(RecvError::Closed) => ControlFlow::Break(()),
                },
                changed = self.faults.changed() => match changed {
                    Ok(()) => self.follow_faults().await?,
                    Err(_) => ControlFlow::Break(()),
                },
                () = sleep_until(deadline) => self.look_at_clock().await?,
            };
        }
        Ok(())
    }

    /// What the client says.
    async fn hear(&mut self, message: Message) -> Flow {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => {
                // The library answers it.
                return Ok(ControlFlow::Break(()));
            }
            // Websocket pings do not count as a sign of life, nor does what the app cannot read.
            _ => return GO_ON,
        };
        self.heard = Instant::now();
        if text.as_str() == BARE_PONG {
            self.pong_due = None;
            return GO_ON;
        }
        let Ok(message) = serde_json::from_str::<Value>(&text) else {
            return GO_ON;
        };
        match message.get("type").and_then(Value::as_str) {
            Some("access") => {
                let name = message.pointer("/data/appName").and_then(Value::as_str);
                // Without a name there is nothing to ask the user.
                let Some(name) = name else { return GO_ON };
                self.app.sockets.named(name);
                self.app.touch();
                self.asked = true;
                self.follow_faults().await
            }
            Some("ping") if self.events.is_some() => self.send(PONG).await,
            _ => GO_ON,
        }
    }

    /// An event of a toy.
    async fn pass_on(&mut self, frame: Message) -> Flow {
        self.stream.send(frame).await?;
        GO_ON
    }

    /// Does what the switches say now.
    async fn follow_faults(&mut self) -> Flow {
        let faults = Arc::clone(&self.faults.borrow_and_update());
        if !faults.game_mode {
            if self.events.is_some() {
                self.stream.send(Message::text(EVENT_CLOSED)).await?;
            }
            return self.close().await;
        }
        if self.asked && self.events.is_none() {
            match faults.access {
                Access::Granted => return self.grant().await,
                Access::Pending => {}
                Access::Denied => return self.close().await,
            }
        }
        GO_ON
    }

    async fn grant(&mut self) -> Flow {
        // Listening before the list is made, so that no change falls in between.
        self.events = Some(self.app.hear());
        self.next_ping = Instant::now();
        self.stream.send(Message::text(ACCESS_GRANTED)).await?;
        let list = self.app.toy_list();
        self.stream.send(Message::text(list)).await?;
        self.app.sockets.granted();
        self.app.touch();
        GO_ON
    }

    /// When something is due that nobody else causes.
    fn deadline(&self) -> Option<Instant> {
        let faults = self.faults.borrow();
        let silence = faults
            .silence_ms
            .map(|millis| self.heard + Duration::from_millis(millis));
        let demanded = faults.ping_demand.is_some() && self.events.is_some();
        let ping = demanded.then_some(self.next_ping);
        let pong = self.pong_due.filter(|_| demanded);
        [silence, ping, pong].into_iter().flatten().min()
    }

    async fn look_at_clock(&mut self) -> Flow {
        let now = Instant::now();
        let faults = Arc::clone(&self.faults.borrow());
        let silent = faults
            .silence_ms
            .is_some_and(|millis| now >= self.heard + Duration::from_millis(millis));
        let demand = faults.ping_demand.filter(|_| self.events.is_some());
        let owing = demand.is_some() && self.pong_due.is_some_and(|due| now >= due);
        if silent || owing {
            return Ok(self.drop_client());
        }
        let Some(PingDemand {
            every_ms,
            within_ms,
        }) = demand
        else {
            return GO_ON;
        };
        if now >= self.next_ping {
            self.next_ping = now + Duration::from_millis(every_ms.max(1));
            self.pong_due
                .get_or_insert(now + Duration::from_millis(within_ms));
            return self.send(PING).await;
        }
        GO_ON
    }

    /// Closes the socket in good order: what the client still says is read to the end, as its
    /// system would otherwise throw away what it was sent last.
    async fn close(&mut self) -> Flow {
        self.stream.close(None).await?;
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        // A client that does not close its side is cut off.
        let _ = tokio::time::timeout(CLOSING, rest).await;
        Ok(ControlFlow::Break(()))
    }

    fn drop_client(&self) -> ControlFlow<()> {
        self.app.sockets.dropped();
        ControlFlow::Break(())
    }

    async fn send(&mut self, frame: &str) -> Flow {
        self.stream.send(Message::text(frame)).await?;
        GO_ON
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.app.sockets.closed(self.events.is_some());
        self.app.touch();
    }
}

async fn next_event(
    events: &mut Option<broadcast::Receiver<Message>>,
) -> Result<Message, RecvError> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
