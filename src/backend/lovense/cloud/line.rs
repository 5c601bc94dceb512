//! The way from operations to the socket, and what the socket owes.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::domain::OpError;

/// Frames that belong together, and who waits for them to have arrived.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) frames: Vec<String>,
    pub(super) is_stop: bool,
    pub(super) receipt: oneshot::Sender<()>,
}

/// The way to the socket that is open now. It ends with the socket: what was not sent by then is
/// not sent later.
///
/// Unbounded, and never long: the engine has at most one operation and one stop under way per toy. So a
/// stop waits for a frame per toy at most; and it needs to be behind the operation that it ends, for
/// the server keeps the order.
#[derive(Clone, Debug)]
pub(super) struct Line(mpsc::UnboundedSender<Parcel>);

impl Line {
    /// The way, and where parcels come out.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Parcel>) {
        let (sender, parcels) = mpsc::unbounded_channel();
        (Self(sender), parcels)
    }

    /// Hands frames over and waits until they have arrived.
    pub(super) async fn send(
        &self,
        frames: impl Iterator<Item = String>,
        is_stop: bool,
    ) -> Result<(), OpError> {
        let broken = || OpError::Link("the connection to the maker's server broke".to_owned());
        let (receipt, arrived) = oneshot::channel();
        let parcel = Parcel {
            frames: frames.collect(),
            is_stop,
            receipt,
        };
        self.0.send(parcel).map_err(|_| broken())?;
        arrived.await.map_err(|_| broken())
    }
}

/// Pings that have no answer yet. They are answered in their order.
#[derive(Debug)]
pub(super) struct Pulse {
    patience: Duration,
    asked: VecDeque<(Instant, Option<oneshot::Sender<()>>)>,
}

impl Pulse {
    /// A server that has this long to answer.
    pub(super) const fn new(patience: Duration) -> Self {
        Self {
            patience,
            asked: VecDeque::new(),
        }
    }

    /// A ping was sent; who waits for its answer.
    pub(super) fn asked(&mut self, now: Instant, waits: Option<oneshot::Sender<()>>) {
        self.asked.push_back((now, waits));
    }

    /// A ping was answered.
    pub(super) fn answered(&mut self) {
        if let Some((_, Some(waits))) = self.asked.pop_front() {
            // Whoever asked may have given up.
            let _ = waits.send(());
        }
    }

    /// When the server will have been silent for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let (oldest, _) = self.asked.front()?;
        Some(*oldest + self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_for_the_oldest_ping() {
        let mut pulse = Pulse::new(Duration::from_secs(8));
        assert_eq!(pulse.deadline(), None);
        let start = Instant::now();
        let (first, mut first_arrived) = oneshot::channel();
        let (second, mut second_arrived) = oneshot::channel();
        pulse.asked(start, Some(first));
        pulse.asked(start + Duration::from_secs(1), Some(second));
        assert_eq!(pulse.deadline(), Some(start + Duration::from_secs(8)));
        pulse.answered();
        assert_eq!(first_arrived.try_recv(), Ok(()));
        assert!(second_arrived.try_recv().is_err());
        assert_eq!(pulse.deadline(), Some(start + Duration::from_secs(9)));
        pulse.answered();
        assert_eq!(second_arrived.try_recv(), Ok(()));
        // One too many does no harm.
        pulse.answered();
        assert_eq!(pulse.deadline(), None);
    }

    #[tokio::test]
    async fn what_the_socket_did_not_send_is_an_error() {
        let (line, outlet) = Line::new();
        let sending = line.send(std::iter::once("x".to_owned()), true);
        drop(outlet);
        assert!(matches!(sending.await, Err(OpError::Link(_))));
    }
}
