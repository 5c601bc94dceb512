//! What the app's port answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use rustls::ServerConfig;
use tokio::net::TcpListener;

use super::app::App;
use super::{command, socket};
use crate::sim::serve::Connections;

/// What a request handler may need.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) app: Arc<App>,
    pub(super) connections: Connections,
}

/// A port that is being served.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    connections: Connections,
}

impl Server {
    pub(super) fn start(
        app: Arc<App>,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        let connections = Connections::new(&app.life);
        let server = Self {
            address: listener.local_addr()?,
            connections: connections.clone(),
        };
        let router = Router::new()
            .route("/command", post(command::answer))
            .route("/v1", get(socket::open))
            .with_state(Shared { app, connections });
        server.connections.serve(listener, tls, router);
        Ok(server)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and every connection, and waits until they are closed.
    pub(super) async fn stop(self) {
        self.connections.stop().await;
    }
}
