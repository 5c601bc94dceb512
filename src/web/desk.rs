//! Where the panel's requests meet the driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::feed::Event;
use super::metrics::Figures;
use crate::domain::{ErrorCode, Rejection, Target, ToyId};

/// Requests that wait for the driver. Each holds a connection, so that there are never many.
const WAITING: usize = 64;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Over what: `panel` or `rest`.
    pub over: &'static str,
    /// The user, where Home Assistant says who it is.
    pub user: Option<String>,
}

impl Asker {
    /// For people.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.user {
            Some(user) => format!("{} ({user})", self.over),
            None => self.over.to_owned(),
        }
    }
}

/// Something that changes something, other than a stop.
#[derive(Debug)]
pub struct Command {
    /// Counts all commands and stops in the order in which they came in. A command that came before
    /// a stop is not obeyed after it.
    pub number: u64,
    /// Who asks.
    pub asker: Asker,
    /// What is asked.
    pub what: What,
    /// Where the answers go.
    pub answers: Answers,
}

/// What a [`Command`] asks.
#[derive(Debug)]
pub enum What {
    /// As a payload under `<target>/set`, or `<target>/<attribute>/set`.
    Set {
        /// Whom it addresses.
        target: Target,
        /// One thing alone.
        attribute: Option<String>,
        /// As it came.
        payload: Vec<u8>,
    },
    /// As a payload under `bridge/request/<verb>`.
    Request {
        /// The verb.
        verb: &'static str,
        /// The toy, where the address names it.
        toy: Option<ToyId>,
        /// As it came.
        payload: Vec<u8>,
    },
    /// As a payload under `bridge/scan/set`.
    Scan(Vec<u8>),
}

/// What goes before everything else.
#[derive(Debug)]
pub enum Urgent {
    /// Stop these.
    Stop {
        /// Whom.
        targets: Vec<Target>,
        /// Who asks.
        asker: Asker,
        /// Where the answers go.
        answers: Answers,
    },
    /// As a payload under `bridge/quiet/set`.
    Quiet {
        /// As it came.
        payload: Vec<u8>,
        /// Who asks.
        asker: Asker,
        /// Where the answer goes.
        answers: Answers,
    },
    /// Is anybody there?
    Ping(oneshot::Sender<()>),
}

/// A question that changes nothing.
#[derive(Debug)]
pub enum Question {
    /// All toys.
    Toys(oneshot::Sender<Value>),
    /// One toy with everything that is known of it; `None` if there is no such toy.
    Toy(ToyId, oneshot::Sender<Option<Value>>),
    /// What the bridge tells of itself.
    Info(oneshot::Sender<Value>),
    /// Counters, latencies and links.
    Health(oneshot::Sender<Value>),
    /// Everything that helps to find a fault.
    Diagnostics(oneshot::Sender<Value>),
    /// What the metrics are made of.
    Figures(oneshot::Sender<Figures>),
    /// What keeps the bridge from working; empty if nothing does.
    Ready(oneshot::Sender<Vec<&'static str>>),
    /// Everything there is to show now, and whatever changes from then on.
    Watch(oneshot::Sender<(Value, broadcast::Receiver<Event>)>),
}

/// What the driver is asked, other than what is [`Urgent`].
#[derive(Debug)]
pub enum Call {
    /// To change something.
    Command(Command),
    /// To say something.
    Question(Question),
}

/// One answer to a command.
#[derive(Debug)]
pub enum Answer {
    /// So many outcomes follow. Said once, before the first of them.
    Addressed(usize),
    /// What became of it, for one toy.
    Outcome {
        /// The toy, if it exists.
        toy: Option<ToyId>,
        /// As it would be published under `<toy>/result`.
        result: Value,
        /// Why it had no effect, if it had none.
        code: Option<ErrorCode>,
    },
    /// What became of it, if it does not address toys.
    Done(Result<Value, Rejection>),
}

/// Takes the answers to one command. Clones lead to the same place.
#[derive(Clone, Debug)]
pub struct Answers(mpsc::UnboundedSender<Answer>);

impl Answers {
    /// With the other end.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Answer>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Sends an answer. Lost if nobody waits for it any more.
    pub fn send(&self, answer: Answer) {
        let _ = self.0.send(answer);
    }
}

/// The panel's side of the desk.
#[derive(Clone, Debug)]
pub struct Handle {
    calls: mpsc::Sender<Call>,
    urgent: mpsc::UnboundedSender<Urgent>,
    counter: Arc<AtomicU64>,
}

/// The bridge is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bridge is ending")]
pub struct Ending;

impl Handle {
    /// The number of a command that comes in now.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Asks for a change, when there is room for it.
    ///
    /// # Errors
    /// If nobody takes requests any more.
    pub async fn command(&self, command: Command) -> Result<(), Ending> {
        let call = Call::Command(command);
        self.calls.send(call).await.map_err(|_| Ending)
    }

    /// Asks for something urgent.
    ///
    /// # Errors
    /// If nobody takes requests any more.
    pub fn urgent(&self, urgent: Urgent) -> Result<(), Ending> {
        self.urgent.send(urgent).map_err(|_| Ending)
    }

    /// Asks a question, when there is room for it.
    ///
    /// # Errors
    /// If nobody takes questions any more.
    pub async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Ending> {
        let (sender, answer) = oneshot::channel();
        let call = Call::Question(question(sender));
        self.calls.send(call).await.map_err(|_| Ending)?;
        answer.await.map_err(|_| Ending)
    }
}

/// The driver's side of the desk.
#[derive(Debug)]
pub struct Desk {
    /// What goes before everything else.
    pub urgent: mpsc::UnboundedReceiver<Urgent>,
    /// Everything else.
    pub calls: mpsc::Receiver<Call>,
}

impl Desk {
    /// Both sides. The counter tells the number of the last command that came in.
    #[must_use]
    pub fn new() -> (Handle, Self, Arc<AtomicU64>) {
        let (calls_in, calls) = mpsc::channel(WAITING);
        let (urgent_in, urgent) = mpsc::unbounded_channel();
        let counter = Arc::new(AtomicU64::new(0));
        let handle = Handle {
            calls: calls_in,
            urgent: urgent_in,
            counter: Arc::clone(&counter),
        };
        (handle, Self { urgent, calls }, counter)
    }

    /// Where nobody ever asks anything.
    #[must_use]
    pub fn closed() -> Self {
        Self::new().1
    }
}
