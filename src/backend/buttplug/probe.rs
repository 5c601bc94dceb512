//! Finding out why a server does not work: for `doctor`.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Server;
use super::fault::Fault;
use super::link::{Greeter, goodbye};
use super::options::Options;
use super::session::Session;
use super::wire::Dialect;
use crate::backend::{LinkContext, Reports};

/// What was found of a server that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    /// What it calls itself.
    pub name: String,
    /// The version that it speaks with us.
    pub dialect: Dialect,
    /// How many toys it lists.
    pub toys: usize,
    /// How many of them can do nothing that the bridge knows.
    pub useless: usize,
}

/// Looks for the server once.
///
/// # Errors
/// The first hop that fails on the way to its list of devices.
pub async fn probe(options: Options) -> Result<ProbeReport, Fault> {
    let server = Server::new(options.clone());
    let met = Greeter::default().meet(&options).await?;
    let (name, dialect) = (met.name.clone(), met.dialect);
    let (sender, _receiver) = mpsc::unbounded_channel();
    let context = LinkContext::new(Reports::new(options.id.clone(), sender), Arc::new(|| {}));
    let mut session = Session::new(&server, &context, met);
    let devices = session.devices().await?;
    session.listed(devices);
    let (toys, useless) = {
        let shared = server.shared();
        let useless = shared.roster.toys();
        let useless = useless.filter(|toy| toy.description.outputs.is_empty());
        (shared.roster.toys().count(), useless.count())
    };
    // The bridge wants in next; the server takes it only once we are gone.
    let mut socket = session.into_socket();
    let _ = timeout(options.timing.hello, goodbye(&mut socket)).await;
    Ok(ProbeReport {
        name,
        dialect,
        toys,
        useless,
    })
}
