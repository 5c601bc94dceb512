//! HTTP on a port, with a stop after which nothing of it is left.
#![expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for but that others close files"
)]

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything that holds a connection, and what cuts it.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    /// Connections that are also cut when `life` ends.
    pub(crate) fn new(life: &CancellationToken) -> Self {
        Self {
            stop: life.child_token(),
            tasks: TaskTracker::new(),
        }
    }

    /// Runs something that holds a connection, until it ends or is cut.
    pub(crate) fn spawn<F>(&self, holder: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let holder = self.stop.clone().run_until_cancelled_owned(holder);
        self.tasks.spawn(holder);
    }

    /// Accepts connections and answers them.
    pub(crate) fn serve(
        &self,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        router: Router,
    ) {
        let tls = tls.map(TlsAcceptor::from);
        self.spawn(accept(listener, tls, router, self.clone()));
    }

    /// Cuts every connection, closes every listener, and waits until that is done.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Connections that are waiting to be accepted.
const BACKLOG: u32 = 1_024;
const TLS_DEADLINE: Duration = Duration::from_secs(10);

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    connections: Connections,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, tls.clone(), router.clone()));
            }
            Err(error) => {
                // Too many open files, most likely: some will be closed soon.
                tracing::debug!(%error, "simulator cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    // Only a matter of speed.
    let _ = stream.set_nodelay(true);
    match tls {
        None => answer(stream, router).await,
        Some(tls) => match tokio::time::timeout(TLS_DEADLINE, tls.accept(stream)).await {
            Ok(Ok(stream)) => answer(stream, router).await,
            Ok(Err(error)) => tracing::debug!(%error, "simulator: no TLS"),
            Err(_) => tracing::debug!("simulator: TLS takes too long"),
        },
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = serving.await {
        tracing::debug!(%error, "simulator: connection ended");
    }
}

/// Listens at a port of this machine that is below those that the system gives to outgoing connections:
/// it can be left and taken again.
pub(crate) async fn listen_locally() -> io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        let chance = RandomState::new().hash_one(());
        let port = 12_000 + (chance % 20_000) as u16;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 100 => tries += 1,
            result => return result,
        }
    }
}

/// A port that refuses connections but that nobody else can take meanwhile.
pub(crate) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections just closed would keep the port otherwise.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Opens a reserved port again.
pub(crate) fn reopen(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)
}
