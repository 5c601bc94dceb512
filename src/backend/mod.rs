//! Ways to reach toys.
//!
//! A backend connects, translates and reports. It holds no policy: what is sent when, what is
//! allowed and what a failure means for a toy is the engine's business, and reconnecting is
//! written once, in [`supervisor`]. Backends know [`domain`](crate::domain) and nothing of MQTT,
//! of Home Assistant or of one another.

#[cfg(feature = "ble")]
pub mod ble;
pub mod buttplug;
pub mod lovense;
pub mod supervisor;
mod token;
pub mod wsdm;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use token::Token;

use crate::domain::{
    BackendId, BackendState, Capabilities, HardwareId, Op, OpError, ToyDescription, ToyInput,
};

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to reach toys.
pub trait Backend: Send + Sync + 'static {
    /// Its name.
    fn id(&self) -> &BackendId;

    /// The connections it needs, each to be kept up by a [`supervisor`]. Called once.
    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>>;

    /// Carries out one operation. The caller bounds it in time by dropping the future.
    ///
    /// At most one operation per toy is under way, but a stop may run beside it and has to be
    /// able to overtake it.
    fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>>;

    /// Ends at once whatever any client plays on any of its toys, as far as one request can. Stops
    /// of single toys follow, so a failure is not reported. The caller bounds it in time.
    fn stop_all(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// How long a stop may take to be confirmed. One that takes longer is sent again, so this is no
    /// less than the way there and back.
    fn stop_patience(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Asks it to look soon which toys are there, instead of when it would next.
    fn refresh(&self);

    /// Starts or ends a search for toys that have not been seen before. Called with `false` only
    /// after `true`; the bridge bounds it in time.
    ///
    /// A backend whose far end knows all its toys by itself has only to look again.
    fn scan(&self, on: bool) {
        if on {
            self.refresh();
        }
    }

    /// Whether [`Self::scan`] starts a search that takes its time. One that ends by itself is
    /// [reported](Report::SearchEnded).
    fn searches(&self) -> bool {
        false
    }
}

/// One connection of a backend.
pub trait Link: Send {
    /// For log lines, without brand: `phone events`.
    fn name(&self) -> &str;

    /// Connects and serves the connection until it fails. Dropping the future ends it.
    ///
    /// Calls [`LinkContext::proven`] once the far end has shown that it works, not merely that it
    /// accepts connections: this resets the backoff.
    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError>;

    /// The bridge ends, [`Self::run`] has been dropped: the moment for a goodbye, which may take
    /// some tenths of a second.
    fn close(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Why a connection ended, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Try again, as the backoff says.
    #[error("{0}")]
    Retry(String),
    /// Try again, but not before this time has passed.
    #[error("{0}")]
    RetryAfter(String, Duration),
    /// Never try again: it cannot work.
    #[error("{0}")]
    Fatal(String),
}

/// What a running link is given.
#[derive(Clone)]
pub struct LinkContext {
    /// Where to report.
    pub reports: Reports,
    proven: Arc<dyn Fn() + Send + Sync>,
    open: Arc<dyn Fn(Box<dyn Link>) + Send + Sync>,
}

impl LinkContext {
    /// A context that reports to `reports` and calls `proven` whenever the link has proved itself.
    #[must_use]
    pub fn new(reports: Reports, proven: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            reports,
            proven,
            open: Arc::new(|_| ()),
        }
    }

    /// The same, with somebody who keeps up further links.
    #[must_use]
    pub fn with_opener(self, open: Arc<dyn Fn(Box<dyn Link>) + Send + Sync>) -> Self {
        Self { open, ..self }
    }

    /// Has one more connection kept up from now on: not all are known from the start.
    pub fn open(&self, link: Box<dyn Link>) {
        (self.open)(link);
    }

    /// The far end works: the next failure starts again with a short delay.
    pub fn proven(&self) {
        (self.proven)();
    }
}

/// What a link said last of its backend's state, which is reported on change only.
#[derive(Debug, Default)]
pub struct Standing(Option<BackendState>);

impl Standing {
    /// It is tried for the first time; nothing if it was before.
    pub fn begin(&mut self, context: &LinkContext) {
        if self.0.is_none() {
            self.set(context, BackendState::Connecting);
        }
    }

    /// It is like this now.
    pub fn set(&mut self, context: &LinkContext, state: BackendState) {
        if self.0.as_ref() != Some(&state) {
            self.0 = Some(state.clone());
            context.reports.send(Report::State(state));
        }
    }
}

/// Where a backend reports to. Never blocks: the receiver is the driver, which in turn waits for
/// backends, and a bounded channel both ways could deadlock.
#[derive(Clone, Debug)]
pub struct Reports {
    backend: BackendId,
    sender: mpsc::UnboundedSender<(BackendId, Report)>,
}

impl Reports {
    /// Reports of `backend` into `sender`.
    #[must_use]
    pub fn new(backend: BackendId, sender: mpsc::UnboundedSender<(BackendId, Report)>) -> Self {
        Self { backend, sender }
    }

    /// Sends a report. Lost if the bridge is ending.
    pub fn send(&self, report: Report) {
        // Nobody listens any more only while the process ends.
        let _ = self.sender.send((self.backend.clone(), report));
    }
}

/// What a backend reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// Whether the backend can be reached. Sent on change.
    State(BackendState),
    /// A toy is there, or what is known of it has changed. Repeats do no harm.
    Up(ToyDescription, Capabilities),
    /// A toy is not there any more; why, in words for the user. Repeats do no harm.
    Down(HardwareId, String),
    /// A toy that has been here before, and is not, cannot be reached although it was looked for
    /// (`true`); or nothing is known of that any more. It says more together with what other
    /// backends report. Repeats do no harm.
    Missed(HardwareId, bool),
    /// A toy reported something.
    Told(HardwareId, ToyInput),
    /// Nothing tells the toys of each of these sets from one another: what was one before may be another
    /// now. Takes the place of what was reported before.
    Alike(Vec<BTreeSet<HardwareId>>),
    /// What the user has to know of this backend although it works, each in a sentence that says what
    /// to do. Takes the place of what was reported before.
    Problems(Vec<String>),
    /// The search for toys has ended by itself, or there cannot be one.
    SearchEnded,
}
