//! The event sockets of an app, counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts event sockets.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    opened: AtomicU64,
    open: AtomicUsize,
    granted: AtomicUsize,
    dropped: AtomicU64,
    names: Mutex<Vec<String>>,
}

/// The event sockets of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketCounts {
    /// Opened since the start of the app.
    pub opened: u64,
    /// Open now.
    pub open: usize,
    /// Open now, with access granted.
    pub granted: usize,
    /// Dropped because the client was silent, did not answer `Pong`, or did not keep up.
    pub dropped: u64,
    /// What the clients called themselves, the newest last; a hundred at most.
    pub names: Vec<String>,
}

impl Sockets {
    pub(super) fn counts(&self) -> SocketCounts {
        SocketCounts {
            opened: self.opened.load(Ordering::SeqCst),
            open: self.open.load(Ordering::SeqCst),
            granted: self.granted.load(Ordering::SeqCst),
            dropped: self.dropped.load(Ordering::SeqCst),
            names: self.lock_names().clone(),
        }
    }

    pub(super) fn opened(&self) {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn closed(&self, granted: bool) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        if granted {
            self.granted.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(super) fn granted(&self) {
        self.granted.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn named(&self, name: &str) {
        let mut names = self.lock_names();
        if names.len() >= 100 {
            names.remove(0);
        }
        names.push(name.chars().take(200).collect());
    }

    fn lock_names(&self) -> MutexGuard<'_, Vec<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
