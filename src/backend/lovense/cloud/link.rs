//! The link that keeps the socket, hands commands over, and tells who is at the other end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tracing::debug;

use super::Cloud;
use super::account::Socket;
use super::fault::Fault;
use super::frame::{self, Frame};
use super::line::{Line, Parcel, Pulse};
use super::news::{self, News};
use crate::backend::lovense::wire::ToyList;
use crate::backend::{BoxFuture, Link, LinkContext, LinkError, Standing};
use crate::domain::BackendState;

/// How long a frame may take to leave. A stop waits for it.
const WRITE: Duration = Duration::from_secs(2);

/// How long a question about pairing may stay without an answer before it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// What is said while nobody has been told how to pair an app.
const NOBODY: &str = "no app is connected to the account: open the one that is paired, or pair one; \
                      the panel and `toy2mqtt doctor` say how";

/// What is said when the app that was there is not.
const APP_GONE: &str = "the app is not connected to the maker's server any more: is it open, and \
                        does the phone reach the internet?";

pub(super) struct CloudLink {
    cloud: Arc<Cloud>,
    name: String,
    /// What was last reported, so that it is reported on change only.
    standing: Standing,
    /// The toys as the server listed them last: an app that comes back need not list them again.
    toys: Option<ToyList>,
    /// When to ask how an app can be paired.
    ask: Option<Instant>,
    unusable: u64,
}

impl Link for CloudLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            let cloud = Arc::clone(&self.cloud);
            self.standing.begin(context);
            let fault = match cloud.account.open(&cloud.options).await {
                Ok(socket) => {
                    let _open = Open(&cloud);
                    self.converse(socket, context).await
                }
                Err(fault) => fault,
            };
            self.gone(context, &fault.to_string());
            fault.into_error(cloud.options.timing.refused)
        })
    }
}

/// Ends with the socket: nothing is handed over any more.
struct Open<'a>(&'a Cloud);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut reach = self.0.reach();
        reach.line = None;
        reach.online = false;
    }
}

impl CloudLink {
    pub(super) fn new(cloud: Arc<Cloud>) -> Self {
        Self {
            name: cloud.options.link_name(),
            cloud,
            standing: Standing::default(),
            toys: None,
            ask: None,
            unusable: 0,
        }
    }

    async fn converse(&mut self, mut socket: Socket, context: &LinkContext) -> Fault {
        let cloud = Arc::clone(&self.cloud);
        let timing = &cloud.options.timing;
        let (line, mut parcels) = Line::new();
        let mut line = Some(line);
        let mut pulse = Pulse::new(timing.pong);
        let mut interval = timing.ping;
        let mut next_ping = Instant::now() + interval;
        let greeting_due = Instant::now() + timing.answer;
        (self.ask, self.toys) = (None, None);
        loop {
            let (silent, fault) = match &line {
                Some(_) => (Some(greeting_due), Fault::NoAnswer(timing.answer)),
                None => (pulse.deadline(), Fault::Silent(timing.pong)),
            };
            let step = tokio::select! {
                // What the server tells does not keep a stop waiting.
                biased;
                Some(parcel) = parcels.recv() => {
                    // Whoever has given up has been told that nothing happened; and what the server
                    // gets for an app that is away it may deliver later.
                    let is_stale = parcel.receipt.is_closed() || !cloud.reach().online;
                    if is_stale && !parcel.is_stop {
                        continue;
                    }
                    self.hand_over(&mut socket, parcel, &mut pulse).await
                }
                message = socket.next() => {
                    let text = match message {
                        None | Some(Ok(Message::Close(_))) => return Fault::Closed,
                        Some(Err(error)) => return Fault::Broken(error.to_string()),
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(_)) => continue,
                    };
                    match frame::parse(&text) {
                        Ok(Frame::Open(greeting)) => {
                            // At half the time, since the server counts from what it hears.
                            let wanted = greeting.ping_interval().map(|time| time / 2);
                            interval = wanted.map_or(interval, |time| interval.min(time));
                            next_ping = Instant::now() + interval;
                            Ok(())
                        }
                        Ok(Frame::Connected) => {
                            if let Some(line) = line.take() {
                                cloud.reach().line = Some(line);
                                self.ask = Some(Instant::now() + timing.patience);
                            }
                            Ok(())
                        }
                        Ok(Frame::Ping) => send(&mut socket, &[frame::PONG.to_owned()]).await,
                        Ok(Frame::Pong) => {
                            pulse.answered();
                            Ok(())
                        }
                        Ok(Frame::Close | Frame::Disconnected) => return Fault::Closed,
                        Ok(Frame::Refused) => return Fault::SentAway,
                        Ok(Frame::Event { name, payload }) => {
                            match news::read(&name, &payload) {
                                Ok(news) => self.take(news, context),
                                Err(problem) => self.unusable(&problem),
                            }
                            Ok(())
                        }
                        Ok(Frame::Other) => Ok(()),
                        Err(problem) => {
                            self.unusable(&problem.to_string());
                            Ok(())
                        }
                    }
                }
                () = until(silent) => return fault,
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + interval;
                    ping(&mut socket, &mut pulse).await
                }
                () = cloud.doubt.notified() => ping(&mut socket, &mut pulse).await,
                () = until(self.ask) => {
                    self.ask = Some(Instant::now() + ASK_AGAIN);
                    self.standing.set(context, BackendState::Down(NOBODY.to_owned()));
                    send(&mut socket, &[news::ask_for_pairing()]).await
                }
            };
            if let Err(fault) = step {
                return fault;
            }
        }
    }

    async fn hand_over(
        &self,
        socket: &mut Socket,
        parcel: Parcel,
        pulse: &mut Pulse,
    ) -> Result<(), Fault> {
        let mut frames = parcel.frames;
        if !self.cloud.options.confirm {
            send(socket, &frames).await?;
            // Whoever asked may have given up.
            let _ = parcel.receipt.send(());
            return Ok(());
        }
        frames.push(frame::PING.to_owned());
        pulse.asked(Instant::now(), Some(parcel.receipt));
        send(socket, &frames).await
    }

    /// Acts on something that the server told.
    fn take(&mut self, news: News, context: &LinkContext) {
        match news {
            News::Unknown => return,
            News::Device {
                online: Some(false),
                ..
            }
            | News::Online(false) => self.gone(context, APP_GONE),
            News::Paired(false) => {
                self.gone(context, APP_GONE);
                self.ask = Some(Instant::now() + self.cloud.options.timing.patience);
            }
            News::Device { list, .. } => {
                for bad in &list.bad {
                    self.unusable(&bad.to_string());
                }
                self.toys = Some(list);
                self.came(context);
            }
            News::Paired(true) | News::Online(true) => self.came(context),
            News::Pairing(pairing) if !self.cloud.reach().online => {
                self.ask = Some(Instant::now() + self.cloud.options.timing.pairing);
                self.standing
                    .set(context, BackendState::Unpaired(pairing.instructions()));
            }
            News::NoPairing(why) if !self.cloud.reach().online => {
                debug!(link = self.name, "the server pairs no app: {why}");
                let reason = "no app is connected, and the server pairs none at present";
                self.standing
                    .set(context, BackendState::Down(reason.to_owned()));
            }
            News::Pairing(_) | News::NoPairing(_) => {}
        }
        // Not merely that it lets us in.
        context.proven();
    }

    /// The app is there, with the toys that were last listed.
    fn came(&mut self, context: &LinkContext) {
        self.ask = None;
        self.cloud.reach().online = true;
        self.standing.set(context, BackendState::Up);
        if let Some(list) = self.toys.clone() {
            let mut roster = self.cloud.roster();
            let asked = roster.epoch();
            let reports = roster.listed(list, asked);
            drop(roster);
            for report in reports {
                context.reports.send(report);
            }
        }
    }

    /// The app cannot be reached.
    fn gone(&mut self, context: &LinkContext, reason: &str) {
        self.cloud.reach().online = false;
        let reports = self.cloud.roster().lost(reason);
        for report in reports {
            context.reports.send(report);
        }
        self.standing
            .set(context, BackendState::Down(reason.to_owned()));
    }

    fn unusable(&mut self, problem: &str) {
        self.unusable += 1;
        // A flood of them is as telling as the first few.
        if self.unusable.is_power_of_two() {
            let count = self.unusable;
            debug!(link = self.name, count, "the server sent {problem}");
        }
    }
}

async fn ping(socket: &mut Socket, pulse: &mut Pulse) -> Result<(), Fault> {
    pulse.asked(Instant::now(), None);
    send(socket, &[frame::PING.to_owned()]).await
}

/// Sends frames, one after the other.
pub(super) async fn send(socket: &mut Socket, frames: &[String]) -> Result<(), Fault> {
    let sending = async {
        for frame in frames {
            socket.feed(Message::text(frame.as_str())).await?;
        }
        socket.flush().await
    };
    match timeout(WRITE, sending).await {
        Ok(sent) => sent.map_err(|error| Fault::Broken(error.to_string())),
        Err(_) => Err(Fault::Silent(WRITE)),
    }
}

/// Until then; for ever if there is no then.
async fn until(then: Option<Instant>) {
    match then {
        Some(then) => sleep_until(then).await,
        None => std::future::pending().await,
    }
}
