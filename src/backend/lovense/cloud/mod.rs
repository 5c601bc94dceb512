//! The Lovense app by way of its maker's server: for a phone that is not in this network. The one
//! way to toys that leaves the house, so nobody gets it without asking for it.
//!
//! `account` logs in with the user's own developer token and opens a socket; `door` is where it
//! leads. `frame` is what travels there, `news` what it means, `pairing` how an app gets to the other
//! end. One [`Link`] keeps the socket and tells who is there.
//!
//! # What "accepted" means here
//! The server does not say what became of a command. One socket keeps its order, though, so a ping
//! is sent after each command: once it is answered, the server has had the command, at a time when it
//! said that the app was connected. Whether the app has passed it on, nobody tells. What is not
//! answered is an error to the engine, as on every route, and a stop is sent again until it is. Every
//! level has a time after which the app ends it by itself (`timeSec`).
//!
//! # Pace
//! No limit is published for commands. At least 200 ms between two to one toy is our choice: as fast
//! as a hand on a slider is worth over this way, and far from what could be called a flood.
//!
//! Source: Lovense Standard Socket API. Tested against a simulation only.

mod account;
mod door;
mod fault;
mod frame;
mod line;
mod link;
mod news;
mod options;
mod pairing;
mod probe;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use self::account::Account;
pub use self::fault::Fault;
use self::line::Line;
pub use self::options::{Options, OptionsError, RECONNECT, SERVER, Timing};
pub use self::pairing::Pairing;
pub use self::probe::{ProbeError, ProbeReport, probe};
use super::roster::{Address, Roster, starts, unmet};
use super::wire::{requests, stop_of_all};
use crate::backend::{Backend, BoxFuture, Link};
use crate::domain::{BackendId, Bound, Capabilities, Command, Op, OpError};

/// One account at the maker's server, with the app that is paired with it.
#[derive(Debug)]
pub struct Cloud {
    options: Options,
    account: Account,
    roster: Mutex<Roster>,
    reach: Mutex<Reach>,
    /// Somebody doubts that the connection works.
    doubt: Notify,
}

/// Whether and how the app can be reached.
#[derive(Debug, Default)]
struct Reach {
    /// The way to the server, while there is one.
    line: Option<Line>,
    /// Whether the server says that the app is there.
    online: bool,
}

impl Cloud {
    /// An account that is used as `options` say.
    ///
    /// # Errors
    /// Options that cannot work.
    pub fn new(options: Options) -> Result<Arc<Self>, OptionsError> {
        let capabilities = Capabilities {
            pace: options.pace,
            bound: Bound::Lease(options.lease.max(Duration::from_secs(1))),
            plays: options.play_in_app,
            travel: None,
        };
        Ok(Arc::new(Self {
            account: Account::new(&options)?,
            roster: Mutex::new(Roster::new(capabilities, false)),
            reach: Mutex::default(),
            doubt: Notify::new(),
            options,
        }))
    }

    /// Held for moments, never across an await.
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Self::roster`].
    fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry_out(&self, op: Op) -> Result<(), OpError> {
        let hardware = &op.route.hardware;
        let is_stop = op.command == Command::Stop;
        let (line, online) = {
            let reach = self.reach();
            (reach.line.clone(), reach.online)
        };
        let offline = |why: &str| OpError::Offline(why.to_owned());
        let line = line.ok_or_else(|| offline("there is no connection to the maker's server"))?;
        if !online && !is_stop {
            return Err(offline("the app is not connected to the maker's server"));
        }
        let address = match self.roster().address(hardware) {
            Some(address) => address,
            None if is_stop => unmet(hardware)?,
            None => return Err(offline("the app does not know the toy")),
        };
        let Address {
            app_id,
            outputs,
            may_run,
        } = address;
        // Nothing is ever started over this way that does not end by itself.
        let lease = Some(op.lease.unwrap_or(self.options.lease));
        let requests = requests(&op.command, lease, &app_id, &outputs, may_run)?;
        // Before, not after: whether it arrives is not certain.
        if starts(&op.command) {
            self.roster().ran(hardware, true);
        }
        line.send(requests.iter().map(news::command), is_stop)
            .await?;
        // What the server told before it answered has been taken in by now.
        if !self.reach().online {
            return Err(offline("the app is not connected to the maker's server"));
        }
        if !starts(&op.command) {
            self.roster().ran(hardware, false);
        }
        // What the server told before its answer has been taken in by now.
        if !is_stop && !self.reach().online {
            return Err(offline("the app left the maker's server meanwhile"));
        }
        Ok(())
    }
}

impl Backend for Cloud {
    fn id(&self) -> &BackendId {
        &self.options.id
    }

    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
        vec![Box::new(link::CloudLink::new(self))]
    }

    fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>> {
        Box::pin(async move { self.carry_out(op).await })
    }

    fn stop_all(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let line = self.reach().line.clone();
            if let Some(line) = line {
                // Stops of single toys follow, which report what failed.
                let frames = stop_of_all();
                let _ = line.send(frames.iter().map(news::command), true).await;
            }
        })
    }

    /// It goes through the internet, and the next one would queue behind it.
    fn stop_patience(&self) -> Duration {
        Duration::from_secs(3)
    }

    /// The server tells by itself which toys are there; what can be looked at is whether it does.
    fn refresh(&self) {
        self.doubt.notify_one();
    }
}
