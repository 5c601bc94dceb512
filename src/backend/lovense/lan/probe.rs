//! Finding out, hop by hop, why an app does not work: for `doctor`.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::fault::Fault;
use super::feed::DialError;
use super::{LanApp, Line, Options, OptionsError};
use crate::backend::lovense::events::{self, Frame};

/// What was found of an app that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    /// The URL that commands are sent to, with the app's address for a host.
    pub place: String,
    /// The port that answered.
    pub port: u16,
    /// `ios`, `android`, `pc`, where the app says it.
    pub platform: Option<String>,
    /// `remote` or `connect`, where the app says it.
    pub app_type: Option<String>,
    /// How many toys the app lists.
    pub toys: usize,
    /// How many of them are connected to the phone.
    pub connected: usize,
    /// What is wrong with entries of the list that cannot be used.
    pub unusable: Vec<String>,
    /// Toy Events.
    pub events: EventsProbe,
}

/// What was found of Toy Events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventsProbe {
    /// The options leave them out.
    SwitchedOff,
    /// They flow.
    Granted,
    /// The phone has not let us in within the time given.
    AwaitingAccess,
    /// The app closed the connection.
    Closed,
    /// The app has none; why.
    Unsupported(String),
    /// They cannot be connected to; why.
    Failed(String),
}

impl EventsProbe {
    /// What the user can do, in one sentence; `None` where nothing needs to be done.
    #[must_use]
    pub fn cure(&self) -> Option<&'static str> {
        match self {
            Self::SwitchedOff | Self::Granted => None,
            Self::AwaitingAccess => Some(
                "open the app on the phone and press Allow when it asks whether to let the bridge in",
            ),
            Self::Closed => Some("switch Game Mode (\"Enable LAN\") off and on again in the app"),
            Self::Unsupported(_) => {
                Some("use the Remote app on a phone, up to date, or switch events off for this app")
            }
            Self::Failed(_) => Some("if the app shows another port for events, set events_port"),
        }
    }
}

/// Why nothing could be found of the app. The text says where it failed and what helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The options cannot work.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The app cannot be reached or does not work.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Looks for the app once. The user has `patience` to let us in on the phone.
///
/// # Errors
/// The first hop that fails on the way to the app's list of toys. Toy Events that fail are part
/// of the report: toys can be driven without them.
pub async fn probe(options: Options, patience: Duration) -> Result<ProbeReport, ProbeError> {
    let app = LanApp::new(options)?;
    let (line, list) = app.find().await?;
    let events = if app.options.events {
        probe_events(&app, &line, patience).await
    } else {
        EventsProbe::SwitchedOff
    };
    Ok(ProbeReport {
        place: line.aside.place().to_owned(),
        port: line.port,
        platform: list.app.platform,
        app_type: list.app.app_type,
        toys: list.toys.len() + list.bad.len(),
        connected: list.toys.iter().filter(|toy| toy.connected).count(),
        unusable: list.bad.iter().map(ToString::to_string).collect(),
        events,
    })
}

async fn probe_events(app: &LanApp, line: &Line, patience: Duration) -> EventsProbe {
    let mut socket = match app.dial(line).await {
        Ok(socket) => socket,
        Err(error @ DialError::NoSuchThing(_)) => {
            return EventsProbe::Unsupported(error.to_string());
        }
        Err(DialError::Fault(fault)) => return EventsProbe::Failed(fault.to_string()),
    };
    let granted = async {
        let access = Message::text(events::access(&app.options.app_name));
        if let Err(error) = socket.send(access).await {
            return EventsProbe::Failed(error.to_string());
        }
        while let Some(message) = socket.next().await {
            let text = match message {
                Ok(Message::Text(text)) => text,
                Ok(_) => continue,
                Err(error) => return EventsProbe::Failed(error.to_string()),
            };
            match events::parse(&text) {
                Ok(Frame::Closed) => break,
                Ok(Frame::Ping | Frame::Pong | Frame::Unknown(_)) | Err(_) => {}
                Ok(_) => return EventsProbe::Granted,
            }
        }
        EventsProbe::Closed
    };
    let result = timeout(patience, granted).await;
    // Says goodbye; if the phone is gone, so be it.
    let _ = timeout(app.options.timing.connect, socket.close(None)).await;
    result.unwrap_or(EventsProbe::AwaitingAccess)
}
