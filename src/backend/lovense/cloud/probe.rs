//! Finding out, hop by hop, why no app is reached: for `doctor`.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::fault::Fault;
use super::frame::{self, Frame};
use super::link::send;
use super::news::{self, News};
use super::pairing::Pairing;
use super::{Cloud, Options, OptionsError};
use crate::backend::lovense::wire::ToyList;

/// What was found of a server that lets us in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeReport {
    /// Whether an app is connected.
    pub app: bool,
    /// How many toys it lists.
    pub toys: usize,
    /// How many of them are connected to the phone.
    pub connected: usize,
    /// How to pair an app, if none is connected.
    pub pairing: Option<Pairing>,
}

/// Why nothing could be found out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The options cannot work.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The server cannot be used.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Logs in once, waits for an app, and asks how to pair one if none turns up. Each takes `patience`
/// at most. Commands nothing.
///
/// # Errors
/// The first hop that fails on the way to the socket.
pub async fn probe(options: Options, patience: Duration) -> Result<ProbeReport, ProbeError> {
    let cloud = Cloud::new(options)?;
    let mut socket = cloud.account.open(&cloud.options).await?;
    let mut report = ProbeReport::default();
    let mut deadline = Instant::now() + patience;
    let mut asked = false;
    loop {
        let message = match timeout_at(deadline, socket.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return Err(Fault::Broken(error.to_string()).into()),
            Ok(None) => return Err(Fault::Closed.into()),
            // Time for the next step.
            Err(_) if report.app || asked => return Ok(report),
            Err(_) => {
                asked = true;
                deadline = Instant::now() + patience;
                send(&mut socket, &[news::ask_for_pairing()]).await?;
                continue;
            }
        };
        let Message::Text(text) = message else {
            continue;
        };
        match frame::parse(&text) {
            Ok(Frame::Refused(why)) => return Err(Fault::NoSocket(why).into()),
            Ok(Frame::Close | Frame::Disconnected) => return Err(Fault::Closed.into()),
            Ok(Frame::Event { name, payload }) => match news::read(&name, &payload) {
                Ok(News::Device { online, list }) if online != Some(false) => {
                    return Ok(found(&list));
                }
                Ok(News::Paired(app) | News::Online(app)) => report.app = app,
                Ok(News::Pairing(pairing)) => {
                    report.pairing = Some(pairing);
                    return Ok(report);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn found(list: &ToyList) -> ProbeReport {
    ProbeReport {
        app: true,
        toys: list.toys.len() + list.bad.len(),
        connected: list.toys.iter().filter(|toy| toy.connected).count(),
        pairing: None,
    }
}
