//! The simulated server of the maker: the Standard Socket API, for one simulated app.
//!
//! It hands out tokens and sockets over HTTP, and passes commands that come up a socket on to the
//! app. It says no more than the documentation says that the real one does: nothing about what
//! became of a command. Start it with [`LovenseCloud::start_local`], disturb it with
//! [`CloudHandle::change_faults`] and the like, and judge by the app what a client has made of it.
//!
//! Nothing of it was compared with the real server. Shapes are those of the documentation and of
//! clients that are in use; a token of the socket has characters that have to be escaped.

mod faults;
mod http;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::faults::CloudFaults;
use super::lovense_app::{AppHandle, NotInTime};
use super::serve::{self, Connections};

/// A simulated server of the maker. See the [module](self).
#[derive(Debug)]
pub struct LovenseCloud;

/// What a client has to know.
#[derive(Clone, Debug)]
pub struct CloudOptions {
    /// The developer token.
    pub token: String,
    /// The name of the website.
    pub platform: String,
    /// What is wrong from the start.
    pub faults: CloudFaults,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self {
            token: "developer/token+1=".to_owned(),
            platform: "My house".to_owned(),
            faults: CloudFaults::default(),
        }
    }
}

/// What a client has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudCounts {
    /// Tokens asked for, refused or not.
    pub logins: u64,
    /// As whom, the last time.
    pub user: String,
    /// Sockets opened.
    pub opened: u64,
    /// Sockets open now.
    pub open: u64,
    /// Pings.
    pub pings: u64,
    /// How often a client asked how an app can be paired.
    pub pairings: u64,
    /// Commands, passed on or not, as they came; the first ten thousand.
    pub commands: Vec<String>,
    /// Frames that were none of these.
    pub odd: u64,
}

impl LovenseCloud {
    /// Starts a server on a free port of 127.0.0.1 that passes commands on to `app`. Has to be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start_local(options: CloudOptions, app: AppHandle) -> io::Result<CloudHandle> {
        let listener = serve::listen_locally().await?;
        let address = listener.local_addr()?;
        let life = CancellationToken::new();
        let connections = Connections::new(&life);
        let server = Arc::new(Server {
            app,
            address,
            token: options.token,
            platform: options.platform,
            faults: watch::Sender::new(options.faults),
            counts: Mutex::default(),
            changed: Notify::new(),
            // A slow client may lag behind by this much.
            said: broadcast::Sender::new(1_024),
            cut: watch::Sender::new(0),
            connections: connections.clone(),
        });
        connections.serve(listener, None, http::router(Arc::clone(&server)));
        Ok(CloudHandle {
            server,
            _guard: Arc::new(life.drop_guard()),
        })
    }
}

/// The server, shared by its sockets and its handle.
#[derive(Debug)]
struct Server {
    app: AppHandle,
    address: SocketAddr,
    token: String,
    platform: String,
    faults: watch::Sender<CloudFaults>,
    counts: Mutex<CloudCounts>,
    changed: Notify,
    /// Texts for every socket.
    said: broadcast::Sender<String>,
    /// How often all sockets were cut.
    cut: watch::Sender<u64>,
    connections: Connections,
}

impl Server {
    fn faults(&self) -> CloudFaults {
        self.faults.borrow().clone()
    }

    fn count(&self, change: impl FnOnce(&mut CloudCounts)) {
        change(&mut self.counts());
        self.changed.notify_waiters();
    }

    fn counts(&self) -> MutexGuard<'_, CloudCounts> {
        // Nothing panics while the lock is held.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hand on a simulated server. When the last clone is dropped, the server ends.
#[derive(Clone, Debug)]
pub struct CloudHandle {
    server: Arc<Server>,
    _guard: Arc<DropGuard>,
}

impl CloudHandle {
    /// `http://127.0.0.1:12345`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The app that it passes commands on to.
    #[must_use]
    pub fn app(&self) -> &AppHandle {
        &self.server.app
    }

    /// Changes what is wrong, from now on.
    pub fn change_faults(&self, change: impl FnOnce(&mut CloudFaults)) {
        self.server.faults.send_modify(change);
    }

    /// Cuts every socket, once, without a goodbye.
    pub fn cut(&self) {
        self.server.cut.send_modify(|times| *times += 1);
    }

    /// Sends any text to every socket.
    pub fn say(&self, text: impl Into<String>) {
        // Nobody may be there to hear it.
        let _ = self.server.said.send(text.into());
    }

    /// What clients have done so far.
    #[must_use]
    pub fn counts(&self) -> CloudCounts {
        self.server.counts().clone()
    }

    /// Waits until `true_now` is true of what clients have done.
    ///
    /// # Errors
    /// It did not come true in time.
    pub async fn wait_until(
        &self,
        within: Duration,
        mut true_now: impl FnMut(&CloudCounts) -> bool,
    ) -> Result<(), NotInTime> {
        let waiting = async {
            loop {
                let mut changed = std::pin::pin!(self.server.changed.notified());
                // From here on no change is missed.
                changed.as_mut().enable();
                if true_now(&self.counts()) {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(within, waiting).await;
        waited.map_err(|_| NotInTime(within))
    }
}
