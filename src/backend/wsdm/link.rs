//! The link that keeps the port open and owns every connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use super::Wsdm;
use super::device;
use super::end::End;
use crate::backend::{BoxFuture, Link, LinkContext, LinkError, Standing};
use crate::domain::BackendState;

/// The most connections at a time, toys or not.
const MAX_CONNECTIONS: usize = 256;

/// How long to wait when connections cannot be taken: too many open files, most likely.
const BREATH: Duration = Duration::from_millis(100);

/// Not more often than this somebody reads in the log that a toy was turned away.
const WARN_EVERY: Duration = Duration::from_secs(60);

pub(super) struct PortLink {
    wsdm: Arc<Wsdm>,
    name: String,
    standing: Standing,
    warned: Option<Instant>,
}

impl Link for PortLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            self.standing.begin(context);
            let place = self.wsdm.options.listen;
            let opened = TcpListener::bind(place).await;
            match opened.and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((address, listener)) => {
                    info!(link = self.name, %address, "waiting for toys that connect by themselves");
                    self.standing.set(context, BackendState::Up);
                    context.proven();
                    self.wsdm.address.send_replace(Some(address));
                    self.accept(&listener, context).await
                }
                Err(error) => {
                    let reason = cannot_listen(place, &error);
                    self.standing
                        .set(context, BackendState::Down(reason.clone()));
                    LinkError::Retry(reason)
                }
            }
        })
    }
}

impl PortLink {
    pub(super) fn new(wsdm: Arc<Wsdm>) -> Self {
        Self {
            name: format!("{} port", wsdm.options.id),
            wsdm,
            standing: Standing::default(),
            warned: None,
        }
    }

    /// Serves whoever connects, for ever. Every connection ends with it.
    async fn accept(&mut self, listener: &TcpListener, context: &LinkContext) -> LinkError {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(_) if connections.len() >= MAX_CONNECTIONS => self.ended(&End::Crowded),
                    Ok((stream, from)) => {
                        let (wsdm, reports) = (Arc::clone(&self.wsdm), context.reports.clone());
                        connections.spawn(device::serve(wsdm, stream, from, reports));
                    }
                    Err(error) => {
                        debug!(link = self.name, "a connection could not be taken: {error}");
                        sleep_until(Instant::now() + BREATH).await;
                    }
                },
                Some(ended) = connections.join_next() => match ended {
                    Ok(end) => self.ended(&end),
                    Err(error) => warn!(link = self.name, "a connection failed: {error}"),
                },
            }
        }
    }

    /// Whoever makes a toy wants to know why it is turned away; a toy that goes is told by MQTT.
    fn ended(&mut self, end: &End) {
        let recent = |at: &Instant| at.elapsed() < WARN_EVERY;
        if !end.is_mistake() || self.warned.as_ref().is_some_and(recent) {
            debug!(link = self.name, "a connection ended: {end}");
            return;
        }
        self.warned = Some(Instant::now());
        let reason = end.bare();
        warn!(link = self.name, "a connection was refused: {reason}");
    }
}

fn cannot_listen(place: SocketAddr, error: &io::Error) -> String {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program has the port: end it (Intiface uses 54817 for the same purpose), or \
             choose another one with wsdm.listen"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: see wsdm.listen",
        io::ErrorKind::PermissionDenied => "ports below 1024 are for root: see wsdm.listen",
        _ => return format!("cannot listen on {place}: {error}"),
    };
    format!("cannot listen on {place}: {cure}")
}
