//! The link: gets a connection to the point where it can be used, and reports how the server is.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message as Frame;
use tracing::debug;

use super::dial::{Dialler, Socket};
use super::fault::Fault;
use super::options::Options;
use super::session::Session;
use super::wire::{self, Dialect, Message, Request};
use super::{Lanes, Server};
use crate::backend::{BoxFuture, Link, LinkContext, LinkError, Standing};
use crate::domain::BackendState;

/// The id of the first message.
const HELLO: u32 = 1;

pub(super) struct ServerLink {
    server: Arc<Server>,
    name: String,
    greeter: Greeter,
    standing: Standing,
}

/// A connection that has got through the handshake.
pub(super) struct Met {
    pub(super) socket: Socket,
    pub(super) dialect: Dialect,
    /// What the server calls itself.
    pub(super) name: String,
    /// How often it wants to hear a ping; zero for never.
    pub(super) max_ping: Duration,
}

impl Link for ServerLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            self.standing.begin(context);
            let fault = match self.greeter.meet(&self.server.options).await {
                Ok(met) => {
                    let fault = self.serve(met, context).await;
                    self.greeter.lost();
                    fault
                }
                Err(fault) => fault,
            };
            self.lost(context, &fault);
            fault.into()
        })
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        // What a server has said to have done may still be on its way to a toy. One elsewhere
        // goes on without us; the one in this process does not.
        Box::pin(self.greeter.dialler.give_up())
    }
}

impl ServerLink {
    pub(super) fn new(server: Arc<Server>) -> Self {
        Self {
            name: server.options.link_name(),
            server,
            greeter: Greeter::default(),
            standing: Standing::default(),
        }
    }

    async fn serve(&mut self, met: Met, context: &LinkContext) -> Fault {
        let server = Arc::clone(&self.server);
        let (dialect, name) = (met.dialect.number(), met.name.clone());
        debug!(link = self.name, dialect, name, "the server answers");
        let mut session = Session::new(&server, context, met);
        let devices = match session.devices().await {
            Ok(devices) => devices,
            Err(fault) => return fault,
        };
        let (stops, calls) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        server.shared().lanes = Some(Lanes {
            stops: stops.0,
            calls: calls.0,
        });
        self.standing.set(context, BackendState::Up);
        context.proven();
        session.listed(devices);
        let dialler = &mut self.greeter.dialler;
        let fault = tokio::select! {
            fault = session.serve(stops.1, calls.1) => return fault,
            fault = dialler.lost() => fault,
        };
        dialler.give_up().await;
        fault
    }

    fn lost(&mut self, context: &LinkContext, fault: &Fault) {
        let reason = fault.to_string();
        let reports = {
            let mut shared = self.server.shared();
            shared.lanes = None;
            shared.roster.lost(&reason)
        };
        for report in reports {
            context.reports.send(report);
        }
        self.standing.set(context, BackendState::Down(reason));
    }
}

/// Gets through the handshake, in whichever version the server understands.
#[derive(Debug, Default)]
pub(super) struct Greeter {
    dialler: Dialler,
    /// The version that the server understood, or is likely to.
    known: Option<Dialect>,
    /// How often it has hung up on version 4 without a word.
    hung_up: u32,
    /// Since when it has been away.
    away: Option<Instant>,
}

impl Greeter {
    /// Connects and shakes hands.
    ///
    /// A server that knows only version 3 does not answer a handshake in version 4, and after that
    /// nothing at all: it takes a new connection to try again. Others close the connection, or
    /// answer with an error.
    pub(super) async fn meet(&mut self, options: &Options) -> Result<Met, Fault> {
        let away = self.away.map(|since| since.elapsed());
        if away.is_some_and(|away| away > options.timing.forget) {
            // It may have been updated meanwhile.
            self.known = None;
            self.hung_up = 0;
        }
        let first = options.dialect.or(self.known).unwrap_or(Dialect::V4);
        let mut met = self.greet(options, first).await;
        if let Err(fault) = &met
            && options.dialect.is_none()
            && first == Dialect::V4
            && self.may_be_older(fault)
        {
            debug!("not let in with version 4 of the protocol ({fault}): trying version 3");
            let refusal = fault.clone();
            if refusal.is_silence() {
                // If it is not back at once, this is not to be waited for again.
                self.known = Some(Dialect::V3);
            }
            met = self.greet(options, Dialect::V3).await;
            if refusal.is_refusal() && met.as_ref().is_err_and(|second| !second.is_refusal()) {
                // Which says more.
                met = Err(refusal);
            }
        }
        match &met {
            Ok(met) => {
                self.known = Some(met.dialect);
                self.hung_up = 0;
                self.away = None;
            }
            Err(fault) => {
                // Not in this version, either: begin anew.
                if fault.is_silence() || fault.is_refusal() {
                    self.known = None;
                }
                self.lost();
            }
        }
        met
    }

    /// Whether a server that does this with a handshake in version 4 may know only version 3.
    fn may_be_older(&mut self, fault: &Fault) -> bool {
        if fault.is_refusal() {
            return true;
        }
        if self.known.is_some() {
            return false;
        }
        if fault.is_hang_up() {
            // One that is just being started or ended does so, too, but not again and again.
            self.hung_up += 1;
            return self.hung_up > 1;
        }
        fault.is_silence()
    }

    /// The connection has ended.
    pub(super) fn lost(&mut self) {
        self.away.get_or_insert_with(Instant::now);
    }

    async fn greet(&mut self, options: &Options, dialect: Dialect) -> Result<Met, Fault> {
        let place = options.place.to_string();
        let mut socket = self.dialler.open(options).await?;
        let hello = Request::hello(&options.client_name, dialect).encode(HELLO);
        let answer = async {
            let sent = socket.send(Frame::text(hello)).await;
            sent.map_err(|error| Fault::Broken(error.to_string()))?;
            loop {
                let text = match socket.next().await {
                    None | Some(Ok(Frame::Close(_))) => return Err(Fault::Closed),
                    Some(Err(error)) => return Err(Fault::Broken(error.to_string())),
                    Some(Ok(Frame::Text(text))) => text,
                    Some(Ok(_)) => continue,
                };
                // What makes no sense here will be asked for later.
                let messages = wire::parse(&text).unwrap_or_default().messages;
                for message in messages {
                    if let ControlFlow::Break(end) = hear_hello(&place, dialect, message) {
                        return end;
                    }
                }
            }
        };
        match timeout(options.timing.hello, answer).await {
            Ok(answer) => answer.map(|(name, max_ping)| Met {
                socket,
                dialect,
                name,
                max_ping,
            }),
            Err(_) => {
                // The server takes the next connection only once this one is gone.
                let _ = timeout(options.timing.hello, goodbye(&mut socket)).await;
                Err(Fault::Mute { place })
            }
        }
    }
}

/// Closes a connection and waits until the other side has done so, too.
pub(super) async fn goodbye(socket: &mut Socket) {
    if socket.close(None).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

/// What a message means while the answer to the handshake is awaited.
fn hear_hello(
    place: &str,
    dialect: Dialect,
    message: Message,
) -> ControlFlow<Result<(String, Duration), Fault>> {
    match message {
        Message::ServerInfo {
            id: HELLO,
            name,
            max_ping,
            version,
        } => ControlFlow::Break(if version == dialect.number() {
            Ok((name, max_ping))
        } else {
            Err(Fault::Handshake {
                place: place.to_owned(),
                reason: format!("it answers in version {version} of the protocol"),
            })
        }),
        Message::Error { id, text, .. } => {
            let fault = Fault::of_hello(place, &text);
            // A toy that comes just now makes servers complain that we have not introduced
            // ourselves.
            if id == 0 && !matches!(fault, Fault::VersionStuck { .. }) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(Err(fault))
            }
        }
        _ => ControlFlow::Continue(()),
    }
}
