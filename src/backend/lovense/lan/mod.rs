//! The Lovense app on the local network, with Game Mode on: commands over HTTP, news from toys
//! over the Toy Events websocket. One [`LanApp`] is one app on one phone.
//!
//! Two links keep it up. The **toys** link looks for the toys (`GetToys`), finds the app's port
//! where it is not configured, and alone decides whether the app is there. The **events** link
//! waits until it is, listens, and asks the toys link to look at once when the connection falls
//! silent or breaks. So a lost app is noticed within seconds either way, and an app without Toy
//! Events is looked at every few seconds instead.
//!
//! Commands wait for nothing but their own answer: they share no lock across an await with one
//! another or with the links, and stops have connections of their own.

mod client;
mod fault;
mod feed;
mod options;
mod poll;
mod probe;
mod stop;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{Notify, watch};

use self::client::{Client, Site};
pub use self::fault::Fault;
pub use self::options::{HTTP_PORTS, HTTPS_PORTS, Host, Options, OptionsError, RECONNECT, Timing};
pub use self::probe::{EventsProbe, ProbeError, ProbeReport, probe};
use super::roster::{Address, Roster, starts, unmet};
use super::tls::{Trust, client_config};
use super::wire::{Request, requests, stop_of_all};
use crate::backend::{Backend, BoxFuture, Link};
use crate::domain::{BackendId, Bound, Capabilities, Command, Op, OpError};

/// One Lovense app on the local network.
#[derive(Debug)]
pub struct LanApp {
    options: Options,
    tls: Arc<ClientConfig>,
    roster: Mutex<Roster>,
    reach: watch::Sender<Reach>,
    /// Somebody wants the toys looked at soon.
    look: Notify,
    /// The app seems to be gone.
    suspicion: Notify,
    /// Whether Toy Events flow.
    flowing: AtomicBool,
    malformed: AtomicU64,
}

/// Whether and how the app can be reached.
#[derive(Clone, Debug, Default)]
struct Reach {
    /// How it was reached last. Kept when it is lost: a stop is worth a try.
    line: Option<Line>,
    up: bool,
    /// How often it has answered.
    answers: u64,
}

/// The connections to an app that was found.
#[derive(Clone, Debug)]
struct Line {
    site: Site,
    port: u16,
    /// For commands.
    commands: Client,
    /// For stops and for looking at the toys, which keeps a connection open for the stops.
    aside: Client,
}

impl LanApp {
    /// An app that is reached as `options` say.
    ///
    /// # Errors
    /// Options that cannot work.
    pub fn new(options: Options) -> Result<Arc<Self>, OptionsError> {
        if let (Trust::Webpki, Host::Address(std::net::IpAddr::V6(address))) =
            (&options.trust, &options.host)
        {
            return Err(OptionsError::NoName(*address));
        }
        if matches!(&options.trust, Trust::Pin(known) if known.is_empty()) {
            return Err(OptionsError::NoPin);
        }
        let name = &options.app_name;
        let printable = name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !printable || name.trim().is_empty() || name.len() > 64 {
            return Err(OptionsError::AppName(name.clone()));
        }
        let capabilities = Capabilities {
            pace: options.pace,
            bound: match options.lease {
                // The app takes no less.
                Some(lease) => Bound::Lease(lease.max(Duration::from_secs(1))),
                None => Bound::None,
            },
            plays: options.play_in_app,
            travel: None,
        };
        Ok(Arc::new(Self {
            tls: client_config(&options.trust),
            roster: Mutex::new(Roster::new(capabilities, options.events)),
            reach: watch::Sender::default(),
            look: Notify::new(),
            suspicion: Notify::new(),
            flowing: AtomicBool::new(false),
            malformed: AtomicU64::new(0),
            options,
        }))
    }

    /// How many frames of Toy Events could not be used.
    #[must_use]
    pub fn malformed_frames(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Held for moments, never across an await.
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections to the app behind this port of this site.
    fn line(&self, site: &Site, port: u16) -> Result<Line, Fault> {
        let client = || {
            Client::new(&self.options, &self.tls, site, port).map_err(|error| Fault::Unreachable {
                place: site.place(false, port, ""),
                reason: error.to_string(),
            })
        };
        Ok(Line {
            site: site.clone(),
            port,
            commands: client()?,
            aside: client()?,
        })
    }

    async fn carry_out(&self, op: Op) -> Result<(), OpError> {
        let hardware = &op.route.hardware;
        let is_stop = op.command == Command::Stop;
        let Reach { line, up, .. } = self.reach.borrow().clone();
        let line = line
            .filter(|_| up || is_stop)
            .ok_or_else(|| OpError::Offline("the app cannot be reached".to_owned()))?;
        let address = self.roster().address(hardware);
        let address = match address {
            Some(address) => address,
            // Whatever runs there is to stop, even if we have not met it yet.
            None if is_stop => unmet(hardware)?,
            None => return Err(OpError::Offline("the app does not know the toy".to_owned())),
        };
        let Address {
            app_id,
            outputs,
            may_run,
        } = address;
        let requests = requests(&op.command, op.lease, &app_id, &outputs, may_run)?;
        // Before, not after: if the answer is lost, the toy may run.
        if starts(&op.command) {
            self.roster().ran(hardware, true);
        }
        let sent = match &requests[..] {
            [functions, pattern] if is_stop => self.stop(&line, functions, pattern).await,
            requests => self.send_in_order(&line, requests).await,
        };
        if let Err(error) = sent {
            // The engine takes it for gone now: the next list is to say that it is there.
            if matches!(error, OpError::Offline(_)) {
                self.roster().missed(hardware);
            }
            return Err(error);
        }
        if !starts(&op.command) {
            self.roster().ran(hardware, false);
        }
        Ok(())
    }

    async fn send_in_order(&self, line: &Line, requests: &[Request]) -> Result<(), OpError> {
        for (done, request) in requests.iter().enumerate() {
            let called = line.commands.call(request, self.options.timing.command);
            if let Err(fault) = called.await {
                let error = self.failed(fault);
                return Err(if done > 0 {
                    error.after_a_part()
                } else {
                    error
                });
            }
        }
        Ok(())
    }

    /// Has the toys link look at what a command met.
    fn failed(&self, fault: Fault) -> OpError {
        if fault.is_answer() {
            self.look.notify_one();
        } else {
            self.suspicion.notify_one();
        }
        fault.into()
    }
}

impl Backend for LanApp {
    fn id(&self) -> &BackendId {
        &self.options.id
    }

    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
        let mut links: Vec<Box<dyn Link>> = vec![Box::new(poll::ToysLink::new(Arc::clone(&self)))];
        if self.options.events {
            links.push(Box::new(feed::EventsLink::new(self)));
        }
        links
    }

    fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>> {
        Box::pin(async move { self.carry_out(op).await })
    }

    fn stop_all(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let line = self.reach.borrow().line.clone();
            if let Some(line) = line {
                // Stops of single toys follow, which report what failed.
                let [functions, pattern] = stop_of_all();
                let _ = self.stop(&line, &functions, &pattern).await;
            }
        })
    }

    /// The functions are off sooner, or it fails sooner: see [`Self::stop`].
    fn stop_patience(&self) -> Duration {
        self.options.timing.command
    }

    fn refresh(&self) {
        self.look.notify_one();
    }
}
