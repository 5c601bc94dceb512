//! What the driver listens to, and how its run may end.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::backend::Report;
use crate::domain::BackendId;
use crate::mqtt::{Event as MqttEvent, Message, Verdict};
use crate::web::Desk;

use super::first_run::Proposal;

/// What the driver listens to.
pub struct Sources {
    /// Commands and everything else from the broker.
    pub mqtt: mpsc::Receiver<MqttEvent>,
    /// Stops and quiet, over their own connection.
    pub stops: mpsc::UnboundedReceiver<Message>,
    /// What the broker says of messages that it keeps.
    pub verdicts: mpsc::UnboundedReceiver<Verdict>,
    /// What is asked over the panel.
    pub desk: Desk,
    /// What could be set up, while nothing is.
    pub proposals: mpsc::Receiver<Vec<Proposal>>,
    /// What backends report.
    pub reports: mpsc::UnboundedReceiver<(BackendId, Report)>,
    /// Cancelled when the process is to end.
    pub shutdown: CancellationToken,
}

/// Why the driver returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to end.
    Shutdown,
    /// Somebody asked for a restart.
    Restart,
    /// It failed in a way that must not happen.
    Failed,
}
