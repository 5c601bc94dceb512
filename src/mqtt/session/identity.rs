//! The client ids: the one that stays the same, and one of this process alone.
//!
//! A broker ends a connection when its client id connects again (MQTT 3.1.1 §3.1.4). Two processes with
//! one client id, as after a data folder was copied, end one another's connections for ever, and each
//! misses the stops that come meanwhile. MQTT 3.1.1 does not say why a connection ended, but one that is
//! ended within seconds of its beginning, several times in a row, has been taken over. Then this process
//! goes on under an id of its own, both are connected, and the bridge can find out who else is there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A connection that is ended sooner than this may have been taken over.
const SHORT: Duration = Duration::from_secs(5);

/// So many of them in a row have been.
const TAKEOVERS: u32 = 3;

/// A broker that does not know the id of this process is offered the usual one again after this time.
const RETRY: Duration = Duration::from_secs(60);

/// What both connections know of their client ids. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// What is appended to the usual client id; `None` if nothing ever is.
    process: Option<String>,
    /// Since when it is appended.
    since: Arc<Mutex<Option<Instant>>>,
}

impl Identity {
    pub(super) fn new(process: Option<String>) -> Self {
        Self {
            process,
            since: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the usual id has been taken over again and again.
    pub(super) fn is_taken_over(&self) -> bool {
        self.lock().is_some()
    }

    /// The client id to connect with.
    pub(super) fn client_id(&self, usual: &str) -> String {
        match &self.process {
            Some(process) if self.is_taken_over() => format!("{usual}-{process}"),
            _ => usual.to_owned(),
        }
    }

    fn take_over(&self) {
        if self.process.is_some() {
            self.lock().get_or_insert_with(Instant::now);
        }
    }

    /// The broker refused the client.
    pub(super) fn refused(&self) {
        let mut since = self.lock();
        if since.is_some_and(|since| since.elapsed() >= RETRY) {
            *since = None;
        }
    }
}

/// Counts the short connections of one of the two.
#[derive(Debug, Default)]
pub(super) struct Takeovers {
    short: u32,
}

impl Takeovers {
    /// A connection that lasted for `lasted` is over. `hung_up`: the broker ended it.
    pub(super) fn ended(&mut self, lasted: Duration, hung_up: bool, identity: &Identity) {
        if lasted >= SHORT || !hung_up {
            self.short = 0;
            return;
        }
        self.short += 1;
        if self.short >= TAKEOVERS {
            self.short = 0;
            identity.take_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIEF: Duration = Duration::from_millis(300);

    fn identity() -> Identity {
        Identity::new(Some("0badcafe".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn short_connections_in_a_row_are_takeovers() {
        let identity = identity();
        let mut takeovers = Takeovers::default();
        for _ in 0..5 {
            takeovers.ended(BRIEF, true, &identity);
            takeovers.ended(BRIEF, true, &identity);
            takeovers.ended(SHORT, true, &identity);
            takeovers.ended(BRIEF, true, &identity);
            takeovers.ended(BRIEF, false, &identity);
        }
        assert!(!identity.is_taken_over());
        assert_eq!(identity.client_id("toys"), "toys");
        for _ in 0..TAKEOVERS {
            takeovers.ended(BRIEF, true, &identity);
        }
        assert!(identity.is_taken_over());
        assert_eq!(identity.client_id("toys"), "toys-0badcafe");
    }

    #[tokio::test(start_paused = true)]
    async fn an_id_that_the_broker_refuses_is_given_up_in_the_end() {
        let identity = identity();
        identity.take_over();
        identity.refused();
        assert!(identity.is_taken_over());
        tokio::time::advance(RETRY).await;
        identity.refused();
        assert_eq!(identity.client_id("toys"), "toys");
    }

    #[test]
    fn without_a_word_of_its_own_a_client_keeps_its_id() {
        let identity = Identity::new(None);
        identity.take_over();
        assert!(!identity.is_taken_over());
    }
}
