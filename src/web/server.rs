//! Connections and their limits.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::guard::Guard;
use super::router::{Parts, Peer, router};
use super::session::{Lock, NoRandomness, key};

/// The most connections at a time.
const CONNECTIONS: usize = 128;

/// The most connections at a time of one address. Browsers open six, and ingress is one address for
/// everybody.
const CONNECTIONS_EACH: usize = 64;

/// How long the head of a request may take to come.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// The most bytes of the head of a request.
const HEAD: usize = 16 * 1_024;

/// How long answers under way may take when the panel ends.
const GOODBYE: Duration = Duration::from_millis(300);

/// How the panel is to be there.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What to log in with.
    pub token: Option<String>,
    /// Names under which it is known, lower case.
    pub hosts: Vec<String>,
    /// Whether Home Assistant's ingress is let in.
    pub ingress: bool,
    /// Where the key of sessions is kept.
    pub folder: PathBuf,
}

/// Why there is no panel.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, most likely.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// No key can be made.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// The running panel.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    life: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Listens, and answers from now on.
    ///
    /// # Errors
    /// A port that cannot be listened on; a machine without random numbers.
    pub async fn start(options: Options, parts: Parts) -> Result<Self, StartError> {
        let cannot = |error| StartError::Listen(options.listen, error);
        let listener = TcpListener::bind(options.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let lock = match &options.token {
            Some(token) => Some(Lock::new(token, &key(&options.folder)?)),
            None => None,
        };
        let open = address.ip().is_loopback();
        let guard = Guard::new(lock, options.ingress, open, options.hosts);
        let life = CancellationToken::new();
        let server = Self {
            address,
            life: life.clone(),
            tasks: TaskTracker::new(),
        };
        let accepting = Accepting {
            router: router(parts, guard, life.clone()),
            life: life.clone(),
            tasks: server.tasks.clone(),
            peers: Arc::default(),
        };
        server.tasks.spawn(accepting.run(listener));
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends, and waits until nothing of it is left.
    pub async fn stop(self) {
        self.life.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// How many connections each address has.
type Peers = Arc<Mutex<HashMap<IpAddr, usize>>>;

fn lock(peers: &Peers) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    // Counters are whole whatever happened to whoever held the lock.
    peers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection; counts as long as it lives.
struct Counted {
    peers: Peers,
    peer: IpAddr,
}

impl Counted {
    /// `None` if there are enough already.
    fn new(peers: &Peers, peer: IpAddr) -> Option<Self> {
        let mut counts = lock(peers);
        if counts.values().sum::<usize>() >= CONNECTIONS {
            return None;
        }
        let count = counts.entry(peer).or_default();
        if *count >= CONNECTIONS_EACH {
            return None;
        }
        *count += 1;
        Some(Self {
            peers: Arc::clone(peers),
            peer,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = lock(&self.peers);
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

struct Accepting {
    router: Router,
    life: CancellationToken,
    tasks: TaskTracker,
    peers: Peers,
}

impl Accepting {
    async fn run(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.life.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => self.connection(stream, from.ip()),
                Err(error) => {
                    // Too many open files, most likely: some will be closed soon.
                    debug!(%error, "panel: cannot accept");
                    let pause = tokio::time::timeout(GOODBYE, self.life.cancelled());
                    let _ = pause.await;
                }
            }
        }
    }

    fn connection(&self, stream: TcpStream, peer: IpAddr) {
        let Some(counted) = Counted::new(&self.peers, peer) else {
            debug!("panel: too many connections");
            return;
        };
        // Only a matter of speed.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let life = self.life.clone();
        self.tasks.spawn(async move {
            let _counted = counted;
            serve(stream, peer, router, life).await;
        });
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, router: Router, life: CancellationToken) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        TowerToHyperService::new(router.clone()).call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        result = serving.as_mut() => {
            if let Err(error) = result {
                debug!(%error, "panel: connection ended");
            }
        }
        () = life.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GOODBYE, serving).await;
        }
    }
}
