//! Which toys are there: one connection per address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backend::{Report, Reports};
use crate::domain::{Capabilities, Command, HardwareId, OpError, ToyDescription};

/// Whoever waits for the end of an operation.
pub(super) type Reply = oneshot::Sender<Result<(), OpError>>;

/// Something is asked of a connection.
#[derive(Debug)]
pub(super) enum Ask {
    /// Have the toy do this.
    Do(Command, Reply),
    /// Look whether it is still there.
    Look,
    /// Stop the toy and close: a newer connection waits to take its place.
    Leave,
}

/// Which toys are there.
#[derive(Debug)]
pub(super) struct Roster {
    toys: Mutex<HashMap<HardwareId, Entry>>,
    calm: Duration,
}

#[derive(Debug)]
struct Entry {
    asks: mpsc::UnboundedSender<Ask>,
    gone: CancellationToken,
    /// When it took the place of another connection.
    replaced: Option<Instant>,
}

impl Roster {
    pub(super) fn new(calm: Duration) -> Self {
        Self {
            toys: Mutex::default(),
            calm,
        }
    }

    /// Held for moments, never across an await.
    fn toys(&self) -> MutexGuard<'_, HashMap<HardwareId, Entry>> {
        self.toys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes this connection the only one of this address. An older one stops its toy and ends
    /// first: it may be a toy that lost its network and is back before anybody has noticed.
    ///
    /// `None` if the older one has only just replaced one itself.
    pub(super) async fn claim(
        self: &Arc<Self>,
        hardware: &HardwareId,
        reports: &Reports,
    ) -> Option<(Presence, mpsc::UnboundedReceiver<Ask>)> {
        let mut replaced = None;
        loop {
            let gone = {
                let mut toys = self.toys();
                let Some(older) = toys.get(hardware) else {
                    let (asks, asked) = mpsc::unbounded_channel();
                    let gone = CancellationToken::new();
                    let entry = Entry {
                        asks,
                        gone: gone.clone(),
                        replaced,
                    };
                    toys.insert(hardware.clone(), entry);
                    let presence = Presence {
                        roster: Arc::clone(self),
                        hardware: hardware.clone(),
                        reports: reports.clone(),
                        gone,
                        up: false,
                        reason: "the bridge closed the connection".to_owned(),
                    };
                    return Some((presence, asked));
                };
                if older.replaced.is_some_and(|at| at.elapsed() < self.calm) {
                    return None;
                }
                // It ends by itself otherwise.
                let _ = older.asks.send(Ask::Leave);
                older.gone.clone()
            };
            gone.cancelled().await;
            replaced = Some(Instant::now());
        }
    }

    /// Asks something of the toy with this address. False if it is not there.
    pub(super) fn ask(&self, hardware: &HardwareId, ask: Ask) -> bool {
        let toys = self.toys();
        let toy = toys.get(hardware);
        toy.is_some_and(|toy| toy.asks.send(ask).is_ok())
    }

    /// Has every connection look whether its toy is still there.
    pub(super) fn ask_all(&self) {
        for toy in self.toys().values() {
            // It is about to end otherwise.
            let _ = toy.asks.send(Ask::Look);
        }
    }
}

/// A connection that holds its address. Dropping it, however that comes about, reports that the toy
/// is gone and makes room for the next one.
#[derive(Debug)]
pub(super) struct Presence {
    roster: Arc<Roster>,
    hardware: HardwareId,
    reports: Reports,
    gone: CancellationToken,
    up: bool,
    reason: String,
}

impl Presence {
    /// The toy can be used.
    pub(super) fn up(&mut self, description: ToyDescription, capabilities: Capabilities) {
        self.up = true;
        self.reports.send(Report::Up(description, capabilities));
    }

    /// The connection ended, for this reason.
    pub(super) fn end(mut self, reason: String) {
        self.reason = reason;
    }

    /// The address that it holds.
    pub(super) const fn hardware(&self) -> &HardwareId {
        &self.hardware
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.up {
            let reason = std::mem::take(&mut self.reason);
            let down = Report::Down(self.hardware.clone(), reason);
            self.reports.send(down);
        }
        self.roster.toys().remove(&self.hardware);
        self.gone.cancel();
    }
}
