//! Toys that connect to the bridge by themselves: each opens a websocket, says who it is in its
//! first message, and is driven with the text protocol of Lovense toys from then on. That is what
//! Buttplug calls a websocket device (WSDM); a toy or script that was made for it works unchanged,
//! and needs no Intiface.
//!
//! One [`Wsdm`] is one port. Its only link keeps the port open and owns a task for every connection
//! (`device`), which lets it in (`door`), reads who it is (`handshake`), greets it and holds the
//! conversation. `roster` knows which toys are there: one connection per address, and a newer one
//! takes the place of an older one, whose toy is stopped first.
//!
//! Nobody but the toy can connect it, so nothing here reconnects, and a search for toys does
//! nothing. A toy is stopped when it has connected and is never driven before somebody asks.
//!
//! Sources: the websocket device manager of the Buttplug project (docs.buttplug.io, and what
//! intiface-engine 5 does); the text protocol has sources of its own.

mod device;
mod door;
mod end;
mod handshake;
mod link;
mod roster;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use self::handshake::{BadHandshake, Handshake};
use self::roster::{Ask, Roster};
use super::supervisor::Policy;
use super::{Backend, BoxFuture, Link, Token};
use crate::domain::{BackendId, Op, OpError};

/// How often to try again to open the port.
pub const RECONNECT: Policy = Policy {
    initial: Duration::from_millis(250),
    cap: Duration::from_secs(10),
};

/// Where to wait for toys, and how to treat them.
#[derive(Clone, Debug)]
pub struct Options {
    /// The backend's name.
    pub id: BackendId,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What a toy has to know to be let in.
    pub token: Option<Token>,
    /// The least time between two operations to one toy. A stop does not wait for it.
    pub pace: Duration,
    /// How often to ask a toy for its charge.
    pub battery: Duration,
    /// How long to wait for what.
    pub timing: Timing,
}

impl Options {
    /// Listening there, with everything else as usual.
    #[must_use]
    pub fn new(id: BackendId, listen: SocketAddr) -> Self {
        Self {
            id,
            listen,
            token: None,
            pace: Duration::from_millis(100),
            battery: Duration::from_secs(60),
            timing: Timing::default(),
        }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection to become a websocket, and again for its first message.
    pub handshake: Duration,
    /// Between two pings.
    pub ping: Duration,
    /// A toy of which nothing was heard for this long, not even an answer to a ping, is gone.
    pub dead: Duration,
    /// For a toy to take what it is sent.
    pub write: Duration,
    /// For a stop to be taken by a toy whose connection is about to be closed.
    pub goodbye: Duration,
    /// A connection that has taken the place of another one is not replaced itself before this, so
    /// that two toys of one address do not take turns all the time.
    pub calm: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            ping: Duration::from_secs(4),
            dead: Duration::from_secs(10),
            write: Duration::from_secs(1),
            goodbye: Duration::from_millis(500),
            calm: Duration::from_secs(10),
        }
    }
}

/// A port for toys that connect by themselves.
#[derive(Debug)]
pub struct Wsdm {
    options: Options,
    roster: Arc<Roster>,
    address: watch::Sender<Option<SocketAddr>>,
}

impl Wsdm {
    /// A port as `options` say; it is opened by the link.
    #[must_use]
    pub fn new(options: Options) -> Arc<Self> {
        Arc::new(Self {
            roster: Arc::new(Roster::new(options.timing.calm)),
            address: watch::Sender::default(),
            options,
        })
    }

    /// Where it listens, once it does.
    #[must_use]
    pub fn address(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.address.subscribe()
    }
}

impl Backend for Wsdm {
    fn id(&self) -> &BackendId {
        &self.options.id
    }

    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
        vec![Box::new(link::PortLink::new(self))]
    }

    fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let ask = Ask::Do(op.command, reply);
            if !self.roster.ask(&op.route.hardware, ask) {
                let why = "it has not connected to the bridge".to_owned();
                return Err(OpError::Offline(why));
            }
            let gone = || OpError::Link("the toy has gone meanwhile".to_owned());
            answer.await.unwrap_or_else(|_| Err(gone()))
        })
    }

    fn refresh(&self) {
        self.roster.ask_all();
    }
}
