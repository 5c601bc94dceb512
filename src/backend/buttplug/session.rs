//! One connection that has got through the handshake: follows the devices, sends operations,
//! keeps the server from giving us up. What is done from time to time is in `due`.

mod due;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tracing::{debug, warn};

use super::call::{Call, Calls, op_error};
use super::dial::Socket;
use super::fault::Fault;
use super::link::Met;
use super::map::Toy;
use super::wire::{self, Device, Message, Reading, Request};
use super::{PING_ERROR, Server};
use crate::backend::{LinkContext, Report};
use crate::domain::{HardwareId, OpError};

/// Pings are sent this many times as often as the server demands.
const PINGS: u32 = 3;

pub(super) struct Session<'a> {
    server: &'a Server,
    context: &'a LinkContext,
    socket: Socket,
    /// The server in the identity of its toys.
    identity: String,
    max_ping: Duration,
    last_id: u32,
    waiting: HashMap<u32, Waiting>,
    calls: Calls,
    /// When anything was heard last.
    heard: Instant,
    search: Search,
    look: Look,
    /// When the sensors of each toy are to be read next; `None` for a toy that did not answer.
    reads: BTreeMap<HardwareId, Option<Instant>>,
    /// Toys that have come and whose sensors have not been asked to tell by themselves.
    fresh: BTreeSet<HardwareId>,
}

/// A request that is not answered yet.
struct Waiting {
    what: What,
    due: Instant,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq)]
enum What {
    Call(u64),
    Devices,
    Ping,
    Search,
    Read(HardwareId),
    Subscribe,
}

/// The search for toys.
#[derive(Default)]
struct Search {
    on: bool,
    /// Whether somebody had asked for it when that was looked at last.
    asked: bool,
    until: Option<Instant>,
    next: Option<Instant>,
}

/// Looking at the devices.
#[derive(Default)]
struct Look {
    last: Option<Instant>,
    /// A device came or went since the list was asked for, so the list may be older than that.
    outdated: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(server: &'a Server, context: &'a LinkContext, met: Met) -> Self {
        let now = Instant::now();
        let options = &server.options;
        Self {
            identity: options.server_name(&met.name),
            server,
            context,
            socket: met.socket,
            max_ping: met.max_ping,
            // 1 was the handshake's.
            last_id: 1,
            waiting: HashMap::new(),
            calls: Calls::default(),
            heard: now,
            search: Search {
                on: false,
                asked: false,
                until: options.scan.map(|time| now + time),
                next: options.scan.and(options.rescan).map(|time| now + time),
            },
            look: Look::default(),
            reads: BTreeMap::new(),
            fresh: BTreeSet::new(),
        }
    }

    /// The connection, when nothing more is wanted of it.
    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    /// Asks for the devices, and waits for nothing else.
    pub(super) async fn devices(&mut self) -> Result<Vec<Device>, Fault> {
        let limit = self.server.options.timing.answer;
        self.ask_for_devices(limit).await?;
        let answer = async {
            loop {
                for message in hear(self.socket.next().await)? {
                    match message {
                        Message::DeviceList { devices, .. } => return Ok(devices),
                        Message::Error { code, text, .. } => {
                            return Err(Fault::of_event(code, &text));
                        }
                        // The list that is on its way may be older than that.
                        _ => self.server.look.store(true, Ordering::Relaxed),
                    }
                }
            }
        };
        let answer = timeout(limit, answer).await;
        self.waiting.clear();
        answer.unwrap_or(Err(Fault::Silent(limit)))
    }

    /// Serves the connection until it fails.
    pub(super) async fn serve(
        mut self,
        mut stops: UnboundedReceiver<Call>,
        mut calls: UnboundedReceiver<Call>,
    ) -> Fault {
        let pings = self.max_ping / PINGS;
        let mut ping = every(pings.max(Duration::from_millis(5)));
        let mut tick = every(self.server.options.timing.tick);
        let server = self.server;
        let mut waiting = VecDeque::new();
        loop {
            let result = tokio::select! {
                biased;
                Some(stop) = stops.recv() => {
                    while let Ok(call) = calls.try_recv() {
                        waiting.push_back(call);
                    }
                    overtake(&stop.hardware, &mut waiting);
                    self.call(stop).await
                }
                _ = ping.tick(), if !pings.is_zero() => self.ping().await,
                _ = tick.tick() => self.look_around().await,
                Some(call) = next(&mut waiting, &mut calls) => self.call(call).await,
                () = server.wake.notified() => self.look_around().await,
                frame = self.socket.next() => self.take(frame).await,
            };
            if let Err(fault) = result {
                return fault;
            }
        }
    }

    async fn take(
        &mut self,
        frame: Option<Result<Frame, tungstenite::Error>>,
    ) -> Result<(), Fault> {
        let messages = hear(frame)?;
        self.heard = Instant::now();
        self.context.proven();
        for message in messages {
            self.message(message).await?;
        }
        Ok(())
    }

    async fn message(&mut self, message: Message) -> Result<(), Fault> {
        if let Message::Error { code, text, id } = &message
            && (*id == 0 || *code == PING_ERROR)
        {
            // After this servers stay connected and do nothing any more.
            return Err(Fault::of_event(*code, text));
        }
        match self.waiting.remove(&message.id()) {
            Some(waiting) => self.answered(waiting.what, message).await,
            None => {
                self.told(message);
                Ok(())
            }
        }
    }

    async fn answered(&mut self, what: What, message: Message) -> Result<(), Fault> {
        match (what, message) {
            (What::Call(call), Message::Ok { .. }) => self.calls.answered(call, Ok(())),
            (What::Call(call), Message::Error { text, .. }) => {
                let error = op_error(&text);
                if matches!(error, OpError::Offline(_)) {
                    self.server.look.store(true, Ordering::Relaxed);
                    self.server.wake.notify_one();
                }
                self.calls.answered(call, Err(error));
            }
            (What::Call(call), _) => {
                let error = OpError::Link("an answer of another kind".to_owned());
                self.calls.answered(call, Err(error));
            }
            (What::Devices, Message::DeviceList { devices, .. }) => {
                if std::mem::take(&mut self.look.outdated) {
                    self.ask_for_devices(self.server.options.timing.answer)
                        .await?;
                } else {
                    self.listed(devices);
                }
            }
            (What::Search, Message::Error { text, .. }) => {
                warn!("the server cannot search for toys");
                debug!("because: {text}");
                self.search_ended();
            }
            (What::Read(_), Message::Reading(reading)) => self.reading(&reading),
            (What::Subscribe | What::Read(_), Message::Error { text, .. }) => {
                debug!("a sensor cannot be used: {text}");
            }
            (What::Search, Message::Ok { .. }) => self.server.wake.notify_one(),
            (What::Ping | What::Subscribe, Message::Ok { .. }) => {}
            (what, message) => debug!(?what, ?message, "an unexpected answer"),
        }
        Ok(())
    }

    /// Something that was not asked for, or no longer.
    fn told(&mut self, message: Message) {
        match message {
            Message::DeviceList { devices, .. } => {
                self.look.outdated = self.asked(&What::Devices);
                self.listed(devices);
            }
            Message::DeviceAdded(device) => {
                self.look.outdated = self.asked(&What::Devices);
                let toy = self.toy(device);
                let reports = self.server.shared().roster.came(toy);
                self.report(reports);
            }
            Message::DeviceRemoved(index) => {
                self.look.outdated = self.asked(&What::Devices);
                let reports = self.server.shared().roster.left(index, None);
                self.report(reports);
            }
            Message::Reading(reading) => self.reading(&reading),
            Message::ScanningFinished => self.search_ended(),
            Message::ServerInfo { .. } | Message::Ok { .. } | Message::Error { .. } => {}
        }
    }

    /// The server does not search any more; most never say so. The next search is started in its
    /// own time, or when somebody asks for one.
    fn search_ended(&mut self) {
        if std::mem::take(&mut self.search.on) {
            self.search.until = None;
            self.server.searching.store(false, Ordering::Relaxed);
            self.context.reports.send(Report::SearchEnded);
        }
    }

    /// These devices are there, and no others.
    pub(super) fn listed(&mut self, devices: Vec<Device>) {
        let toys = devices.into_iter().map(|device| self.toy(device)).collect();
        let reports = self.server.shared().roster.listed(toys);
        self.report(reports);
    }

    fn toy(&self, device: Device) -> Toy {
        Toy::of(device, &self.identity, &self.server.options)
    }

    fn reading(&mut self, reading: &Reading) {
        let reports = self.server.shared().roster.told(reading);
        self.report(reports);
    }

    fn report(&mut self, reports: Vec<Report>) {
        for report in reports {
            match &report {
                Report::Up(description, _) => {
                    let now = Instant::now();
                    self.reads.insert(description.hardware.clone(), Some(now));
                    self.fresh.insert(description.hardware.clone());
                    // Its sensors are wanted soon.
                    self.server.wake.notify_one();
                }
                Report::Down(hardware, _) => {
                    self.reads.remove(hardware);
                    self.fresh.remove(hardware);
                }
                Report::State(_)
                | Report::Missed(..)
                | Report::Told(..)
                | Report::Alike(_)
                | Report::Problems(_)
                | Report::SearchEnded => {}
            }
            self.context.reports.send(report);
        }
    }

    /// Sends an operation.
    async fn call(&mut self, call: Call) -> Result<(), Fault> {
        // What it was meant for may have gone, and another toy have its index.
        let same = {
            let shared = self.server.shared();
            let toy = shared.roster.toy(&call.hardware);
            toy.is_some_and(|toy| toy.index == call.index)
        };
        if !same {
            let gone = OpError::Offline("the toy has just gone".to_owned());
            let _ = call.done.send(Err(gone));
            return Ok(());
        }
        let limit = self.server.options.timing.command;
        let id = self.calls.open(call.requests.len(), call.done);
        for request in call.requests {
            self.ask(&request, What::Call(id), limit).await?;
        }
        self.flush().await
    }

    async fn ping(&mut self) -> Result<(), Fault> {
        let limit = self.server.options.timing.answer;
        self.ask(&Request::Ping {}, What::Ping, limit).await?;
        self.flush().await
    }

    async fn ask_for_devices(&mut self, limit: Duration) -> Result<(), Fault> {
        self.look.last = Some(Instant::now());
        self.ask(&Request::RequestDeviceList {}, What::Devices, limit)
            .await?;
        self.flush().await
    }

    /// Puts a request on its way; [`Self::flush`] sends it.
    async fn ask(&mut self, request: &Request, what: What, limit: Duration) -> Result<(), Fault> {
        // 0 is the server's.
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let due = Instant::now() + limit;
        self.waiting.insert(self.last_id, Waiting { what, due });
        let frame = Frame::text(request.encode(self.last_id));
        self.sent(limit, |socket| socket.feed(frame)).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let limit = self.server.options.timing.answer;
        self.sent(limit, |socket| socket.flush()).await
    }

    async fn sent<'s, F>(
        &'s mut self,
        limit: Duration,
        send: impl FnOnce(&'s mut Socket) -> F,
    ) -> Result<(), Fault>
    where
        F: Future<Output = Result<(), tungstenite::Error>> + 's,
    {
        match timeout(limit, send(&mut self.socket)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Fault::Silent(limit)),
        }
    }

    fn asked(&self, what: &What) -> bool {
        self.waiting.values().any(|waiting| waiting.what == *what)
    }
}

/// A stop of this toy goes first, so what has not been sent yet would start it again.
fn overtake(hardware: &HardwareId, waiting: &mut VecDeque<Call>) {
    let (overtaken, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(waiting)
        .into_iter()
        .partition(|call| call.hardware == *hardware);
    *waiting = rest;
    for call in overtaken {
        let error = OpError::Refused("a stop came after it".to_owned());
        // Whoever asked may have gone meanwhile.
        let _ = call.done.send(Err(error));
    }
}

/// The oldest call. Safe to cancel: it takes one only when it returns it.
async fn next(waiting: &mut VecDeque<Call>, calls: &mut UnboundedReceiver<Call>) -> Option<Call> {
    match waiting.pop_front() {
        Some(call) => Some(call),
        None => calls.recv().await,
    }
}

/// The messages in a frame, if it is one.
fn hear(frame: Option<Result<Frame, tungstenite::Error>>) -> Result<Vec<Message>, Fault> {
    let text = match frame {
        None | Some(Ok(Frame::Close(_))) => return Err(Fault::Closed),
        Some(Err(error)) => return Err(broken(&error)),
        Some(Ok(Frame::Text(text))) => text,
        Some(Ok(_)) => return Ok(Vec::new()),
    };
    match wire::parse(&text) {
        Ok(frame) => {
            for name in frame.unknown {
                debug!(name, "a message that is not known or makes no sense");
            }
            Ok(frame.messages)
        }
        Err(problem) => {
            debug!("{problem}");
            Ok(Vec::new())
        }
    }
}

fn broken(error: &tungstenite::Error) -> Fault {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Fault::Closed,
        other => Fault::Broken(other.to_string()),
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now(), period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
