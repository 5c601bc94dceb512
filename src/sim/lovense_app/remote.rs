//! The app's other connection: to its maker's server.

use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;

use super::command;
use super::handle::AppHandle;

impl AppHandle {
    /// Takes the body of a command that the server passed on.
    pub(in crate::sim) fn take(&self, body: impl Into<Bytes>) {
        command::take(&self.0.app, body.into());
    }

    /// What the app tells the server of itself and its toys.
    pub(in crate::sim) fn device_info(&self) -> Value {
        self.0.app.device_info()
    }

    /// Everything after which the app may have to tell it anew.
    pub(in crate::sim) fn news(&self) -> broadcast::Receiver<Message> {
        self.0.app.hear()
    }
}
