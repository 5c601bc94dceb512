//! The hand that a test, a benchmark or the demo has on a simulated app.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Mutex, broadcast};
use tokio_util::sync::DropGuard;

use super::app::{App, ToyChange};
use super::faults::Faults;
use super::life;
use super::options::AppOptions;
use super::requests::{RequestCounts, RequestRecord};
use super::server::Server;
use super::sockets::SocketCounts;
use super::spec::BadToy;
use super::toy::Toy;
use crate::sim::{Function, Timeline, serve};

/// A simulated Lovense app. See the [module](super).
#[derive(Debug)]
pub struct LovenseApp;

/// Why an app cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One of its toys cannot be.
    #[error("simulated toy: {0}")]
    Toy(#[from] BadToy),
    /// Its port cannot be opened.
    #[error("simulated app: port: {0}")]
    Port(#[from] io::Error),
}

/// A condition that did not come true in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not within {0:?}")]
pub struct NotInTime(pub Duration);

impl LovenseApp {
    /// Starts an app that serves this port. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// A model that is not in the catalogue, two toys with one id, or a listener without address.
    pub fn start(listener: TcpListener, options: AppOptions) -> Result<AppHandle, StartError> {
        let app = App::new(&options)?;
        // Ends everything also when a step below fails.
        let guard = app.life.clone().drop_guard();
        let address = listener.local_addr()?;
        let server = Server::start(Arc::clone(&app), listener, options.tls.clone())?;
        if let Some(time) = options.battery_drain {
            let life = app.life.clone();
            let task = life::drain(Arc::clone(&app), time);
            app.tasks.spawn(life.run_until_cancelled_owned(task));
        }
        if let Some(pause) = options.lively {
            let life = app.life.clone();
            let task = life::play(Arc::clone(&app), pause);
            app.tasks.spawn(life.run_until_cancelled_owned(task));
        }
        Ok(AppHandle(Arc::new(Inner {
            app,
            tls: options.tls,
            address,
            port: Mutex::new(Port::Open(server)),
            _guard: guard,
        })))
    }

    /// Starts an app on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// As [`Self::start`], and if there is no free port.
    pub async fn start_local(options: AppOptions) -> Result<AppHandle, StartError> {
        Self::start(serve::listen_locally().await?, options)
    }
}

/// The hand on a simulated app. When the last clone is dropped, the app ends.
#[derive(Clone, Debug)]
pub struct AppHandle(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) app: Arc<App>,
    tls: Option<Arc<rustls::ServerConfig>>,
    address: SocketAddr,
    port: Mutex<Port>,
    _guard: DropGuard,
}

#[derive(Debug)]
enum Port {
    Open(Server),
    /// Kept, so that nobody else takes it.
    Gone(TcpSocket),
    /// Being opened or closed, or that failed.
    Between,
}

/// A toy as the app sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToyState {
    /// Its id.
    pub id: String,
    /// `Edge 2`.
    pub model: String,
    /// The user's name for it.
    pub nickname: String,
    /// Percent.
    pub battery: u8,
    /// Firmware.
    pub firmware: u32,
    /// Whether the app is connected to it.
    pub connected: bool,
    /// Its functions and their levels.
    pub levels: Vec<(Function, u16)>,
    /// The most commands, stops aside, that were under way for it at a time.
    pub most_in_flight: usize,
}

impl ToyState {
    /// Whether anything that moves is above 0.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let mut levels = self.levels.iter();
        levels.any(|&(function, level)| level > 0 && function.moves())
    }
}

impl AppHandle {
    // The port

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// `http://127.0.0.1:12345/command`, or the same with `https`.
    #[must_use]
    pub fn command_url(&self) -> String {
        let scheme = if self.0.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}/command", self.0.address)
    }

    /// `ws://127.0.0.1:12345/v1`, or the same with `wss`.
    #[must_use]
    pub fn events_url(&self) -> String {
        let scheme = if self.0.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}/v1", self.0.address)
    }

    /// The app is gone: the port refuses connections, and every connection is cut before this
    /// returns. The toys stay as they are, and their timers run on: that is what a phone does that
    /// has left the network. Does nothing if it is gone already.
    ///
    /// # Errors
    /// The port could not be kept from others meanwhile.
    pub async fn go(&self) -> io::Result<()> {
        let mut port = self.0.port.lock().await;
        match std::mem::replace(&mut *port, Port::Between) {
            Port::Open(server) => {
                let address = server.address();
                server.stop().await;
                *port = Port::Gone(serve::reserve(address)?);
            }
            gone => *port = gone,
        }
        self.0.app.touch();
        Ok(())
    }

    /// The app is back on the same port, with the same toys. Does nothing if it is there already.
    ///
    /// # Errors
    /// The port could not be opened.
    pub async fn come_back(&self) -> io::Result<()> {
        let mut port = self.0.port.lock().await;
        let socket = match std::mem::replace(&mut *port, Port::Between) {
            open @ Port::Open(_) => {
                *port = open;
                return Ok(());
            }
            Port::Gone(socket) => socket,
            Port::Between => serve::reserve(self.0.address)?,
        };
        let listener = serve::reopen(socket)?;
        let server = Server::start(Arc::clone(&self.0.app), listener, self.0.tls.clone())?;
        *port = Port::Open(server);
        self.0.app.touch();
        Ok(())
    }

    /// Cuts every connection, once; new ones are accepted again at once.
    ///
    /// # Errors
    /// The port could not be opened again.
    pub async fn cut_connections(&self) -> io::Result<()> {
        self.go().await?;
        self.come_back().await
    }

    /// Ends the app and waits until nothing of it is left. Its state can still be read.
    pub async fn shut_down(&self) {
        self.0.app.life.cancel();
        let port = std::mem::replace(&mut *self.0.port.lock().await, Port::Between);
        if let Port::Open(server) = port {
            server.stop().await;
        }
        self.0.app.tasks.close();
        self.0.app.tasks.wait().await;
    }

    // What happened

    /// Monotonic time since the start of the app: what [`Timeline`]s and records count in.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.0.app.now()
    }

    /// Ids of all toys, in the order in which they were added.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let toys = self.0.app.toys();
        toys.iter().map(|toy| toy.id.to_string()).collect()
    }

    /// All toys, in the order in which they were added.
    #[must_use]
    pub fn toys(&self) -> Vec<ToyState> {
        self.0.app.toys().iter().map(|toy| state(toy)).collect()
    }

    /// One toy.
    #[must_use]
    pub fn toy(&self, id: &str) -> Option<ToyState> {
        self.0.app.toy(id).map(|toy| state(&toy))
    }

    /// The level of a function of a toy now; 0 if there is no such toy or function.
    #[must_use]
    pub fn level(&self, id: &str, function: Function) -> u16 {
        let levels = self.0.app.toy(id).map(|toy| toy.body().levels());
        let levels = levels.unwrap_or_default();
        let level = levels.iter().find(|(of, _)| *of == function);
        level.map_or(0, |&(_, level)| level)
    }

    /// Whether everything that moves of every toy is at 0 now.
    #[must_use]
    pub fn all_zero(&self) -> bool {
        !self.toys().iter().any(ToyState::is_running)
    }

    /// The level log of a toy until now; empty if there is no such toy.
    #[must_use]
    pub fn timeline(&self, id: &str) -> Timeline {
        let now = self.now();
        match self.0.app.toy(id) {
            Some(toy) => toy.body().timeline(now),
            None => crate::sim::body::Body::new(&[], 0).timeline(now),
        }
    }

    /// How many requests there were.
    #[must_use]
    pub fn counts(&self) -> RequestCounts {
        self.0.app.requests.counts()
    }

    /// The newest requests as they came, oldest first, as many as
    /// [`AppOptions::keep_requests`].
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.0.app.requests.records()
    }

    /// The event sockets.
    #[must_use]
    pub fn sockets(&self) -> SocketCounts {
        self.0.app.sockets.counts()
    }

    /// Every change of a level from now on.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<ToyChange> {
        self.0.app.listen()
    }

    /// Waits until `true_now` is true of this app, for as long as `within`. It is looked at again
    /// whenever a level, a toy, a fault, a socket or the count of requests has changed, so it must
    /// not depend on anything else, such as the clock.
    ///
    /// # Errors
    /// It did not come true in time.
    pub async fn wait_until(
        &self,
        within: Duration,
        mut true_now: impl FnMut(&Self) -> bool,
    ) -> Result<(), NotInTime> {
        let until = self.0.app.until(|| true_now(self));
        let waited = tokio::time::timeout(within, until).await;
        waited.map_err(|_| NotInTime(within))
    }

    // What is wrong

    /// What is wrong with the app now.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults::clone(&self.0.app.faults())
    }

    /// Changes what is wrong with the app, from the next request or frame on.
    pub fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.0.app.change_faults(change);
    }
}

fn state(toy: &Toy) -> ToyState {
    let card = toy.card().clone();
    ToyState {
        id: toy.id.to_string(),
        model: toy.name().to_owned(),
        nickname: card.nickname,
        battery: card.battery,
        firmware: toy.firmware,
        connected: card.connected,
        levels: toy.body().levels(),
        most_in_flight: toy.in_flight.most(),
    }
}
