//! The link to one toy: connects when it is heard, proves that it is a toy, and talks to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};
use tracing::debug;

use super::fault::{RadioError, without_addresses};
use super::radio::{Place, WriteError};
use super::scanner::{Ble, Conversation};
use super::wires::{Line, Wires};
use crate::backend::lovense::text::{Courtesy, Greeting, Proof, Session, Step};
use crate::backend::{BoxFuture, Link, LinkContext, LinkError, Report};
use crate::domain::{Command, HardwareId, InputKind, Instant, OpError, Reading, ToyInput};

/// How often to ask whether it is still connected. Its end is usually told at once, but not by a
/// service that was restarted.
const CHECK: Duration = Duration::from_secs(2);

/// What turned out to be no toy is left alone for this long.
const STRANGER: Duration = Duration::from_secs(20);

/// How long a toy that is connected may take to show its services.
const RESOLVE: Duration = Duration::from_secs(4);

/// That it was heard is believed again after this time although nothing new has come.
const STALE: Duration = Duration::from_secs(10);

/// How long the goodbye may take. The service would need two seconds to answer.
const GOODBYE: Duration = Duration::from_millis(200);

/// Something is asked of a toy.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<(), OpError>>,
}

/// What is known of a toy without being connected to it.
#[derive(Clone, Debug, Default)]
struct Presence {
    place: Option<Place>,
    rssi: Option<i16>,
    /// How often it was heard.
    heard: u64,
    heard_at: Instant,
    connected: bool,
    /// How often a connection to it has ended.
    losses: u64,
}

/// A toy, as the scanner knows it.
#[derive(Debug)]
pub(super) struct Seat {
    address: String,
    presence: watch::Sender<Presence>,
}

impl Seat {
    pub(super) fn new(address: String) -> Self {
        Self {
            address,
            presence: watch::Sender::default(),
        }
    }

    /// Its address, 12 lower-case hex digits.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The service knows it, and may have heard it.
    pub(super) fn seen(&self, place: &Place, rssi: Option<i16>, connected: bool, now: Instant) {
        self.presence.send_if_modified(|presence| {
            let moved = presence.place.as_ref() != Some(place);
            let stale = now.since(presence.heard_at) >= STALE || presence.heard == 0;
            let heard = rssi.is_some() && (moved || stale);
            let changed = moved || heard || presence.connected != connected;
            if moved {
                presence.place = Some(place.clone());
            }
            if heard {
                presence.heard += 1;
                presence.heard_at = now;
                presence.rssi = rssi;
            }
            presence.connected = connected;
            changed
        });
    }

    /// It was heard.
    pub(super) fn heard(&self, rssi: Option<i16>, now: Instant) {
        self.presence.send_modify(|presence| {
            presence.heard += 1;
            presence.heard_at = now;
            presence.rssi = rssi.or(presence.rssi);
        });
    }

    /// A connection to it is there, or has ended.
    pub(super) fn connected(&self, connected: bool) {
        self.presence.send_modify(|presence| {
            presence.connected = connected;
            presence.losses += u64::from(!connected);
        });
    }
}

/// Keeps one toy connected.
pub(super) struct ToyLink {
    name: String,
    seat: Arc<Seat>,
    ble: Arc<Ble>,
    wires: Wires,
    /// How often it had been heard when it was tried last.
    tried: u64,
}

/// Why a connection was not made, or has ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it cannot be connected to: {0}")]
    Radio(#[from] RadioError),
    #[error("the connection to it was lost")]
    Link,
    #[error("writing to it failed: {0}")]
    Write(#[from] WriteError),
    #[error("the system's message bus was restarted")]
    Bus,
    #[error("it does not answer any more")]
    Silent,
    #[error("it does not answer as a toy should")]
    Stranger,
    #[error("the settings keep it out")]
    Denied,
}

impl Lost {
    /// Whether it was there, and would not be connected to.
    fn is_refusal(&self) -> bool {
        use RadioError::{NoServices, NoToy, Refused};
        matches!(self, Self::Radio(NoToy | NoServices | Refused(_)))
    }

    /// For people.
    fn words(&self) -> String {
        without_addresses(&self.to_string())
    }
}

impl ToyLink {
    pub(super) fn new(number: usize, seat: Arc<Seat>, ble: Arc<Ble>) -> Self {
        Self {
            // No address and no brand: it stands in the log.
            name: format!("bluetooth toy {number}"),
            seat,
            ble,
            wires: Wires::default(),
            tried: 0,
        }
    }

    async fn live(&mut self, context: &LinkContext) -> Result<std::convert::Infallible, Lost> {
        let mut presence = self.seat.presence.subscribe();
        let (place, losses) = self.wait(&mut presence).await;
        let (ble, seat) = (Arc::clone(&self.ble), Arc::clone(&self.seat));
        let epoch = *ble.epoch.borrow();
        let (bus, line) = self.wires.open(&place, epoch).await?;
        {
            let _one_at_a_time = ble.connecting.acquire().await;
            tokio::select! {
                connected = line.device.connect() => connected?,
                () = lost(&mut presence, losses) => return Err(Lost::Link),
                () = unresolved(&ble, &seat) => return Err(RadioError::NoServices.into()),
            }
        }
        let losses = presence.borrow().losses;
        let proof = tokio::select! {
            proof = greet(&ble, line, &seat) => proof?,
            () = lost(&mut presence, losses) => return Err(Lost::Link),
        };
        let (proof, hardware) = proof;
        let told = proof.device.address.clone();
        let (asks, mut asked) = mpsc::channel(16);
        let look = Arc::new(Notify::new());
        let rssi = presence.borrow().rssi;
        let (description, capabilities) = proof.describe(
            &hardware,
            ble.options.manners.pace,
            rssi.map(|_| InputKind::Rssi),
        );
        let mut epochs = ble.epoch.subscribe();
        let session = Session::new(proof, ble.options.manners, ble.now());
        let conversation = Conversation {
            asks,
            look: Arc::clone(&look),
        };
        ble.came(&hardware, &told, conversation, &context.reports);
        bus.trust();
        context.proven();
        context.reports.send(Report::Up(description, capabilities));
        let told = |reading| {
            let input = ToyInput::Reading(reading);
            context.reports.send(Report::Told(hardware.clone(), input));
        };
        if let Some(rssi) = rssi {
            told(Reading::Rssi(rssi));
        }
        let ended = tokio::select! {
            ended = converse(&ble, line, session, &mut asked, &look, &told) => ended,
            () = lost(&mut presence, losses) => Lost::Link,
            _ = epochs.changed() => Lost::Bus,
        };
        ble.went(&hardware, &context.reports);
        context
            .reports
            .send(Report::Down(hardware.clone(), ended.words()));
        Err(ended)
    }

    /// Waits until there is something to connect to: it has been heard since the last attempt, or is
    /// connected already, and is ours to have.
    async fn wait(&mut self, presence: &mut watch::Receiver<Presence>) -> (Place, u64) {
        loop {
            let found = {
                let known = presence.borrow_and_update();
                let there = known.heard > self.tried || known.connected;
                let ours = || {
                    let now = self.ble.now();
                    let roster = self.ble.roster();
                    roster.admits(&self.seat.address, known.connected, now)
                };
                let place = known.place.clone().filter(|_| there && ours());
                place.map(|place| (place, known.losses, known.heard))
            };
            if let Some((place, losses, heard)) = found {
                self.tried = heard;
                return (place, losses);
            }
            if presence.changed().await.is_err() {
                // The seat is ours as well, so its other end stays.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Link for ToyLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            let Err(ended) = self.live(context).await;
            debug!(address = self.seat.address, %ended, "no connection");
            if ended.is_refusal() {
                let missed = self.ble.roster().refused(&self.seat.address);
                if let Some(hardware) = missed.map(HardwareId::new) {
                    context.reports.send(Report::Missed(hardware, true));
                }
            }
            if let Lost::Radio(error) = &ended {
                self.wires.doubt(error);
            }
            if let Some(device) = self.wires.device() {
                // Otherwise the service goes on trying, or holds what it believes to have.
                if let Err(error) = device.disconnect().await {
                    self.wires.doubt(&error);
                }
            }
            if matches!(ended, Lost::Radio(_)) {
                // It may have been forgotten, and come back as another object.
                self.seat.connected(false);
            }
            match ended {
                Lost::Stranger if !self.ble.roster().knows(&self.seat.address) => {
                    LinkError::RetryAfter(ended.words(), STRANGER)
                }
                Lost::Denied => LinkError::Fatal(ended.words()),
                ended => LinkError::Retry(ended.words()),
            }
        })
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(device) = self.wires.device() {
                // A toy that stays connected could not be used by anybody else.
                let _ = timeout(GOODBYE, device.disconnect()).await;
            }
        })
    }
}

/// Waits until the connection has ended once more.
async fn lost(presence: &mut watch::Receiver<Presence>, losses: u64) {
    let ended = presence.wait_for(|presence| presence.losses > losses);
    if ended.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until it has been connected for long enough to show its services.
async fn unresolved(ble: &Ble, seat: &Seat) {
    let mut presence = seat.presence.subscribe();
    if presence
        .wait_for(|presence| presence.connected)
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
    sleep_until(ble.at(ble.now() + RESOLVE)).await;
}

/// Finds out what the toy is, and which one. Nothing but that is asked of a toy that the settings keep
/// out: it may be a neighbour's.
async fn greet(ble: &Arc<Ble>, line: &mut Line, seat: &Seat) -> Result<(Proof, HardwareId), Lost> {
    let mut greeting = Greeting::new(ble.options.manners.pace);
    let mut hardware = None;
    loop {
        if let (None, Some(device)) = (&hardware, greeting.device()) {
            let known = ble.identify(&seat.address, &device.address).await;
            hardware = Some(known.ok_or(Lost::Denied)?);
        }
        match greeting.next(ble.now()) {
            Courtesy::Write(bytes) => {
                line.device.write(&bytes).await?;
                greeting.written(ble.now());
            }
            Courtesy::Wait(until) => {
                tokio::select! {
                    bytes = line.notifications.next() => greeting.heard(&bytes),
                    () = sleep_until(ble.at(until)) => {}
                }
            }
            Courtesy::Known(proof) => {
                return hardware.map(|it| (*proof, it)).ok_or(Lost::Stranger);
            }
            Courtesy::Stranger => return Err(Lost::Stranger),
        }
    }
}

async fn converse(
    ble: &Ble,
    line: &mut Line,
    mut session: Session<oneshot::Sender<Result<(), OpError>>>,
    asked: &mut mpsc::Receiver<Ask>,
    look: &Notify,
    told: &(dyn Fn(Reading) + Sync),
) -> Lost {
    let Line {
        device,
        notifications,
    } = line;
    let device = &*device;
    let mut checks = interval(CHECK);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut writing: Option<BoxFuture<'_, Result<(), WriteError>>> = None;
    let mut checking: Option<BoxFuture<'_, Result<bool, RadioError>>> = None;
    loop {
        while let Some(step) = session.poll(ble.now()) {
            match step {
                Step::Write(bytes) => {
                    writing = Some(Box::pin(async move { device.write(&bytes).await }));
                }
                // Whoever asked may have given up waiting.
                Step::Done(reply, result) => drop(reply.send(result)),
                Step::Told(reading) => told(reading),
                Step::Silent => return Lost::Silent,
            }
        }
        let deadline = session.next_deadline().map(|at| ble.at(at));
        tokio::select! {
            biased;
            Some(ask) = asked.recv() => session.ask(ask.reply, &ask.command),
            result = async { running(&mut writing).await } => {
                writing = None;
                let gone = match &result {
                    Err(error @ WriteError::Gone(_)) => Some(error.clone()),
                    _ => None,
                };
                session.written(ble.now(), result.map_err(|error| error.to_string()));
                if let Some(error) = gone {
                    // Who waits for it is told first.
                    while let Some(Step::Done(reply, result)) = session.poll(ble.now()) {
                        drop(reply.send(result));
                    }
                    return Lost::Write(error);
                }
            }
            bytes = notifications.next() => session.heard(ble.now(), &bytes),
            connected = running(&mut checking) => {
                checking = None;
                match connected {
                    Ok(true) => {}
                    Ok(false) => return Lost::Link,
                    Err(error) => return Lost::Radio(error),
                }
            }
            () = look.notified() => session.look(ble.now()),
            _ = checks.tick(), if checking.is_none() => {
                checking = Some(Box::pin(device.is_connected()));
            }
            () = sleep_until(deadline.unwrap_or_else(|| ble.at(ble.now()))), if deadline.is_some() => {}
        }
    }
}

/// Waits for what is under way; for ever if nothing is.
async fn running<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
