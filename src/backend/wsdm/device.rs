//! One connection: let in, handshake, greeting, conversation, end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::accept_hdr_async_with_config;
use tracing::debug;

use super::door::Door;
use super::end::End;
use super::handshake::Handshake;
use super::roster::{Ask, Presence, Reply};
use super::wire::{self, Wire};
use super::{Options, Wsdm};
use crate::backend::lovense::text::{Courtesy, Greeting, Manners, Proof, Session, Step};
use crate::backend::{Report, Reports};
use crate::domain::{Command, HardwareId, Instant, OpError, ToyInput};

/// The least time between the commands of one operation. A websocket loses none, but a small toy
/// may have to be done with one before it takes the next.
const LINE_PACE: Duration = Duration::from_millis(10);

/// When nothing else is due.
const IDLE: Duration = Duration::from_secs(60);

/// Serves a connection until it ends; why it did.
pub(super) async fn serve(
    wsdm: Arc<Wsdm>,
    stream: TcpStream,
    from: SocketAddr,
    reports: Reports,
) -> End {
    // A delay is no reason to refuse it.
    let _ = stream.set_nodelay(true);
    let mut wire = match enter(&wsdm.options, stream).await {
        Ok(wire) => wire,
        Err(end) => return end,
    };
    let end = match meet(&wsdm.options, &mut wire).await {
        Ok(hardware) => {
            debug!(%from, %hardware, "a toy has connected");
            let end = attend(&wsdm, &mut wire, &hardware, &reports).await;
            debug!(%from, %hardware, "its connection ended: {end}");
            end
        }
        Err(end) => end,
    };
    wire.close(&end).await;
    end
}

/// From a connection to a websocket.
async fn enter(options: &Options, stream: TcpStream) -> Result<Wire<TcpStream>, End> {
    let mut refusal = None;
    let door = Door {
        token: options.token.as_ref(),
        refusal: &mut refusal,
    };
    let accepting = accept_hdr_async_with_config(stream, door, Some(wire::config()));
    let accepted = timeout(options.timing.handshake, accepting).await;
    match accepted {
        Ok(Ok(socket)) => Ok(Wire::new(socket, options.timing)),
        Ok(Err(error)) => Err(refusal.map_or(End::NoWebsocket(error.to_string()), End::from)),
        Err(_) => Err(End::NoHandshake(options.timing.handshake)),
    }
}

/// Reads who it is.
async fn meet(options: &Options, wire: &mut Wire<TcpStream>) -> Result<HardwareId, End> {
    let patience = options.timing.handshake;
    let first = timeout(patience, wire.hear()).await;
    let first = first.map_err(|_| End::NoHandshake(patience))??;
    Ok(Handshake::read(&first)?.hardware)
}

/// Makes a toy of it, and keeps it one for as long as it lasts.
async fn attend(
    wsdm: &Wsdm,
    wire: &mut Wire<TcpStream>,
    hardware: &HardwareId,
    reports: &Reports,
) -> End {
    let Some((mut presence, mut asks)) = wsdm.roster.claim(hardware, reports).await else {
        return End::Taken;
    };
    let clock = Clock::start();
    let end = match greet(wire, &mut asks, clock).await {
        Err(end) => end,
        Ok(proof) => {
            let (description, capabilities) = proof.describe(hardware, wsdm.options.pace, []);
            let manners = Manners {
                pace: LINE_PACE,
                battery: wsdm.options.battery,
            };
            let session = Session::new(proof, manners, clock.now());
            presence.up(description, capabilities);
            let conversation = Conversation {
                session,
                clock,
                goodbye: wsdm.options.timing.goodbye,
                leaving: None,
                answers: false,
            };
            conversation.hold(wire, &mut asks, &presence, reports).await
        }
    };
    presence.end(end.to_string());
    end
}

/// Time as the conversation counts it.
#[derive(Clone, Copy)]
struct Clock(tokio::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    fn now(self) -> Instant {
        Instant::after_start(self.0.elapsed())
    }

    async fn until(self, at: Instant) {
        sleep_until(self.0 + at.since_start()).await;
    }
}

/// What came, with its end: each message is whole, and not every toy ends its own with `;`.
fn ended(message: &[u8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    bytes.push(b';');
    bytes
}

async fn greet(
    wire: &mut Wire<TcpStream>,
    asks: &mut UnboundedReceiver<Ask>,
    clock: Clock,
) -> Result<Proof, End> {
    let mut greeting = Greeting::new(LINE_PACE);
    loop {
        match greeting.next(clock.now()) {
            Courtesy::Write(bytes) => {
                wire.say(bytes).await?;
                greeting.written(clock.now());
            }
            Courtesy::Wait(until) => tokio::select! {
                message = wire.hear() => greeting.heard(&ended(&message?)),
                ask = asks.recv() => match ask {
                    Some(Ask::Do(_, reply)) => {
                        let why = "it has only just connected".to_owned();
                        // Whoever asked may not care any more.
                        let _ = reply.send(Err(OpError::Offline(why)));
                    }
                    Some(Ask::Look) => {}
                    Some(Ask::Leave) | None => return Err(End::Replaced),
                },
                () = clock.until(until) => {}
            },
            Courtesy::Known(proof) => return Ok(*proof),
            Courtesy::Stranger => return Err(End::Stranger),
        }
    }
}

/// Who asked.
enum Ticket {
    Op(Reply),
    /// Nobody: the connection is about to be closed.
    Goodbye,
}

struct Conversation {
    session: Session<Ticket>,
    clock: Clock,
    goodbye: Duration,
    /// When to close at the latest.
    leaving: Option<Instant>,
    /// Whether the toy has ever answered a question. One that never does is known to be there by its
    /// answers to pings.
    answers: bool,
}

impl Conversation {
    async fn hold(
        mut self,
        wire: &mut Wire<TcpStream>,
        asks: &mut UnboundedReceiver<Ask>,
        presence: &Presence,
        reports: &Reports,
    ) -> End {
        loop {
            // Whatever has been asked meanwhile is known before the next write: a stop goes first.
            while let Ok(ask) = asks.try_recv() {
                self.take(ask);
            }
            let now = self.clock.now();
            match self.session.poll(now) {
                Some(Step::Write(bytes)) => match wire.say(bytes).await {
                    Ok(()) => self.session.written(self.clock.now(), Ok(())),
                    Err(end) => return end,
                },
                Some(Step::Done(Ticket::Op(reply), result)) => {
                    // Whoever asked may not care any more.
                    let _ = reply.send(result);
                }
                Some(Step::Done(Ticket::Goodbye, _)) => return End::Replaced,
                Some(Step::Told(reading)) => {
                    self.answers = true;
                    let told = ToyInput::Reading(reading);
                    reports.send(Report::Told(presence.hardware().clone(), told));
                }
                Some(Step::Silent) if self.answers => return End::Mute,
                Some(Step::Silent) => {}
                None => {
                    let due = self.session.next_deadline();
                    let due = [due, self.leaving].into_iter().flatten().min();
                    let due = due.unwrap_or(now + IDLE);
                    tokio::select! {
                        biased;
                        ask = asks.recv() => match ask {
                            Some(ask) => self.take(ask),
                            None => return End::Replaced,
                        },
                        message = wire.hear() => match message {
                            Ok(message) => self.session.heard(self.clock.now(), &ended(&message)),
                            Err(end) => return end,
                        },
                        () = self.clock.until(due) => {}
                    }
                    if self.leaving.is_some_and(|until| self.clock.now() >= until) {
                        return End::Replaced;
                    }
                }
            }
        }
    }

    fn take(&mut self, ask: Ask) {
        let now = self.clock.now();
        match ask {
            Ask::Do(command, reply) => self.session.ask(Ticket::Op(reply), &command),
            Ask::Look => self.session.look(now),
            Ask::Leave if self.leaving.is_none() => {
                self.leaving = Some(now + self.goodbye);
                self.session.ask(Ticket::Goodbye, &Command::Stop);
            }
            Ask::Leave => {}
        }
    }
}
