//! A Buttplug server (Intiface, or any other) as a way to reach toys of many makers. One
//! [`Server`] is one server, with one link.
//!
//! The link connects, or waits until the server does; finds out which version of the protocol it
//! speaks; asks for its devices and follows their changes. It decides alone whether the server is
//! there. Commands are handed to it over two lanes, of which the one for stops comes first; it
//! sends them without waiting for answers, so that no toy waits for another.
//!
//! A toy is stopped by setting its features to zero, never by the protocol's own stop, which on
//! deployed servers stops every toy. The server itself stops all toys when our connection ends.

mod call;
mod dial;
#[cfg(feature = "embedded-buttplug")]
mod embedded;
mod fault;
mod identity;
mod link;
mod map;
mod mdns;
mod options;
mod places;
mod probe;
mod roster;
mod session;
pub mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use self::call::Call;
#[cfg(feature = "embedded-buttplug")]
pub use self::embedded::adapters;
pub use self::fault::Fault;
use self::identity::Identities;
pub use self::map::Toy;
pub use self::mdns::{Announced, announced};
pub use self::options::{Options, PORT, Place, RECONNECT, Timing};
pub use self::probe::{ProbeReport, probe};
use self::roster::Roster;
use crate::backend::{Backend, BoxFuture, Link};
use crate::domain::{BackendId, Command, Op, OpError};

/// `ErrorCode` of errors about pings.
const PING_ERROR: u32 = 2;

/// One Buttplug server.
#[derive(Debug)]
pub struct Server {
    options: Options,
    shared: Mutex<Shared>,
    /// Somebody searches for toys.
    searching: AtomicBool,
    /// Somebody wants the devices looked at.
    look: AtomicBool,
    /// One of the two has changed.
    wake: Notify,
}

#[derive(Debug)]
struct Shared {
    roster: Roster,
    lanes: Option<Lanes>,
}

/// Into the connection that stands.
#[derive(Debug)]
struct Lanes {
    stops: mpsc::UnboundedSender<Call>,
    calls: mpsc::UnboundedSender<Call>,
}

impl Server {
    /// A server that is reached as `options` say.
    #[must_use]
    pub fn new(options: Options) -> Arc<Self> {
        let known = options.known.iter().cloned();
        let identities = Identities::new(known, options.keeps_indexes());
        let shared = Shared {
            roster: Roster::new(identities),
            lanes: None,
        };
        Arc::new(Self {
            options,
            shared: Mutex::new(shared),
            searching: AtomicBool::new(false),
            look: AtomicBool::new(false),
            wake: Notify::new(),
        })
    }

    /// Held for moments, never across an await.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry_out(&self, op: Op) -> Result<(), OpError> {
        let is_stop = op.command == Command::Stop;
        let hardware = op.route.hardware;
        let (index, answer) = {
            let mut shared = self.shared();
            let now = Instant::now().into_std();
            let roster = &mut shared.roster;
            let order = roster.order(&hardware, &op.command, now, &self.options)?;
            let index = order.index;
            if order.requests.is_empty() {
                return Ok(());
            }
            let (done, answer) = oneshot::channel();
            let call = Call {
                hardware: hardware.clone(),
                index,
                requests: order.requests,
                done,
            };
            // One operation per toy and its stop: the lanes cannot grow long.
            let sent = shared.lanes.as_ref().is_some_and(|lanes| {
                let lane = if is_stop { &lanes.stops } else { &lanes.calls };
                lane.send(call).is_ok()
            });
            if !sent {
                return Err(OpError::Offline("the server cannot be reached".to_owned()));
            }
            (index, answer)
        };
        let limit = self.options.timing.command;
        let result = match timeout(limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(OpError::Link("the server is gone".to_owned())),
            Err(_) => Err(OpError::Timeout(limit)),
        };
        let roster = &mut self.shared().roster;
        match &result {
            Ok(()) if is_stop => roster.stopped(&hardware),
            Ok(()) => {}
            // The engine takes it for gone now: the next list is to say that it is there.
            Err(OpError::Offline(_)) => {
                roster.forget(&hardware, index);
                self.refresh();
            }
            Err(_) => roster.doubt(&hardware),
        }
        result
    }
}

impl Backend for Server {
    fn id(&self) -> &BackendId {
        &self.options.id
    }

    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
        vec![Box::new(link::ServerLink::new(self))]
    }

    fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>> {
        Box::pin(async move { self.carry_out(op).await })
    }

    fn refresh(&self) {
        self.look.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    fn scan(&self, on: bool) {
        self.searching.store(on, Ordering::Relaxed);
        self.refresh();
    }

    fn searches(&self) -> bool {
        true
    }
}
