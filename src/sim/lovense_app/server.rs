//! The app's port: HTTP and event sockets, and a stop after which nothing of it is left.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::app::App;
use super::{command, socket};

/// What a request handler may need.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) app: Arc<App>,
    /// Cuts every connection.
    pub(super) stop: CancellationToken,
    /// Everything that holds a connection.
    pub(super) connections: TaskTracker,
}

/// A port that is being served.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    connections: TaskTracker,
}

/// Connections that are waiting to be accepted.
const BACKLOG: u32 = 1_024;
const TLS_DEADLINE: Duration = Duration::from_secs(10);

impl Server {
    pub(super) fn start(
        app: Arc<App>,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        let shared = Shared {
            stop: app.life.child_token(),
            connections: TaskTracker::new(),
            app,
        };
        let server = Self {
            address: listener.local_addr()?,
            stop: shared.stop.clone(),
            connections: shared.connections.clone(),
        };
        let router = Router::new()
            .route("/command", post(command::answer))
            .route("/v1", get(socket::open))
            .with_state(shared.clone());
        let accepting = accept(listener, tls.map(TlsAcceptor::from), router, shared.clone());
        let accepting = shared.stop.run_until_cancelled_owned(accepting);
        server.connections.spawn(accepting);
        Ok(server)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and every connection, and waits until they are closed.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, shared: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = connection(stream, tls.clone(), router.clone());
                let stop = shared.stop.clone();
                let serving = stop.run_until_cancelled_owned(serving);
                shared.connections.spawn(serving);
            }
            Err(error) => {
                // Too many open files, most likely: some will be closed soon.
                tracing::debug!(%error, "simulated app cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    // Only a matter of speed.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(stream, router).await,
        Some(tls) => match tokio::time::timeout(TLS_DEADLINE, tls.accept(stream)).await {
            Ok(Ok(stream)) => serve(stream, router).await,
            Ok(Err(error)) => tracing::debug!(%error, "simulated app: no TLS"),
            Err(_) => tracing::debug!("simulated app: TLS takes too long"),
        },
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = serving.await {
        tracing::debug!(%error, "simulated app: connection ended");
    }
}

/// A port that refuses connections but that nobody else can take meanwhile.
pub(super) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
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
pub(super) fn reopen(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)
}
