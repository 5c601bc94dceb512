//! Connections and their limits.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::guard::Guard;
use super::patient::Patient;
use super::places::{Place, Places};
use super::router::{Parts, Peer, router};
use super::session::{Lock, NoRandomness, key};

/// How long the head of a request may take to come.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// The same, where a connection may only stop: more than a bad radio link needs.
const STOP_HEAD_PATIENCE: Duration = Duration::from_secs(3);

/// How long a peer may leave an answer unread. The panel takes a stream as lost after 12 s.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of the head of a request.
const HEAD: usize = 16 * 1_024;

/// The most bytes of answers that the system keeps for a peer that has not read them. Linux would take
/// 4 MiB for each connection: with many such peers, filling them kept the driver from its toys.
const UNREAD: u32 = 64 * 1_024;

/// Connections that wait to be accepted; the same as in tokio's own `bind`.
const BACKLOG: u32 = 1_024;

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
        let listener = listen(options.listen).map_err(cannot)?;
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
            places: Places::default(),
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

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart finds connections of the process before it. Elsewhere than on Unix it would let two
    // processes share the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Connections have it from the socket that accepts them.
    socket.set_send_buffer_size(UNREAD)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

struct Accepting {
    router: Router,
    life: CancellationToken,
    tasks: TaskTracker,
    places: Places,
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
        let place = self.places.take(peer);
        if place.reserve.is_some() {
            debug!("panel: too many connections; this one may only stop");
        }
        // Only a matter of speed.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let life = self.life.clone();
        self.tasks
            .spawn(async move { serve(stream, peer, &place, router, life).await });
    }
}

async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    place: &Place,
    router: Router,
    life: CancellationToken,
) {
    let reserve = place.reserve.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        if let Some(reserve) = &reserve {
            request.extensions_mut().insert(reserve.clone());
        }
        TowerToHyperService::new(router.clone()).call(request)
    });
    let stop_only = place.reserve.is_some();
    let patience = if stop_only {
        STOP_HEAD_PATIENCE
    } else {
        HEAD_PATIENCE
    };
    let stream = Patient::new(stream, WRITE_PATIENCE);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .keep_alive(!stop_only)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        result = serving.as_mut() => {
            if let Err(error) = result {
                debug!(%error, "panel: connection ended");
            }
        }
        () = place.life.cancelled() => debug!("panel: connection gave way to a newer one"),
        () = life.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GOODBYE, serving).await;
        }
    }
}
