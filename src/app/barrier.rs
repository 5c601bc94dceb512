//! The barrier behind a stop: what was sent before it is discarded, even if it arrives after it.
//!
//! Stops have a connection of their own and overtake commands that still wait in the broker or in
//! a socket. Were those obeyed when they come, the toy would start again after its stop. So with
//! every stop the bridge sends itself a marker over the connection that carries commands: brokers
//! keep the order of messages to one client, so whatever comes before the marker was sent before
//! the stop. Without a backlog the marker is back in the time of a round trip.

use std::time::Duration;

use crate::domain::{Instant, Target};

/// A marker that has not come back by now never will: no backlog is that long, so the broker keeps
/// it from us.
const PATIENCE: Duration = Duration::from_secs(5);

/// The markers under way.
#[derive(Debug, Default)]
pub struct Barrier {
    next: u64,
    under_way: Vec<(u64, Target, Instant)>,
    /// Markers do not come back on this connection, so they are not waited for.
    broken: bool,
}

impl Barrier {
    /// A stop of `target` came: returns the marker to send, if there is any use in it.
    pub fn raise(&mut self, target: Target, now: Instant) -> Option<String> {
        if self.broken {
            return None;
        }
        self.next += 1;
        // A newer marker for the same toys comes back later than the older one.
        self.under_way.retain(|(_, known, _)| *known != target);
        self.under_way.push((self.next, target, now));
        Some(self.next.to_string())
    }

    /// A marker came back.
    pub fn lower(&mut self, marker: &[u8]) {
        let marker = std::str::from_utf8(marker).map(str::parse::<u64>);
        if let Ok(Ok(marker)) = marker {
            self.under_way.retain(|(known, ..)| *known != marker);
        }
    }

    /// No marker can come back any more, and nothing that was sent before it either.
    pub fn clear(&mut self) {
        self.under_way.clear();
        self.broken = false;
    }

    /// Gives up markers that do not come back. True if that has just been found out.
    pub fn look(&mut self, now: Instant) -> bool {
        let lost = |(_, _, since): &(u64, Target, Instant)| now - *since >= PATIENCE;
        if self.under_way.iter().any(lost) {
            self.under_way.clear();
            self.broken = true;
            return true;
        }
        false
    }

    /// Whether a command to `target` that arrives now was sent before a stop of it.
    pub fn holds(&self, target: &Target, now: Instant) -> bool {
        let fresh = |since: Instant| now - since < PATIENCE;
        self.under_way.iter().any(|(_, stopped, since)| {
            // A group may contain the toy or share members: when in doubt, it was stopped.
            let concerned =
                stopped == target || !matches!((stopped, target), (Target::Toy(_), Target::Toy(_)));
            fresh(*since) && concerned
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HardwareId, ToyId};

    #[test]
    fn what_comes_before_the_marker_is_held() {
        let toy = |name: &str| Target::Toy(ToyId::of(&HardwareId::new(name)));
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        assert!(!barrier.holds(&toy("a"), now));
        let marker = barrier.raise(toy("a"), now).unwrap_or_default();
        assert!(barrier.holds(&toy("a"), now));
        assert!(!barrier.holds(&toy("b"), now));
        assert!(barrier.holds(&Target::All, now));
        barrier.lower(b"garbage");
        assert!(barrier.holds(&toy("a"), now));
        barrier.lower(marker.as_bytes());
        assert!(!barrier.holds(&toy("a"), now));
    }

    #[test]
    fn an_older_marker_does_not_end_a_newer_stop() {
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        let first = barrier.raise(Target::All, now).unwrap_or_default();
        let _second = barrier.raise(Target::All, now);
        barrier.lower(first.as_bytes());
        assert!(barrier.holds(&Target::All, now));
    }

    #[test]
    fn a_broker_that_keeps_markers_is_found_out_once() {
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        assert!(barrier.raise(Target::All, now).is_some());
        assert!(!barrier.look(now));
        let later = now + PATIENCE;
        assert!(!barrier.holds(&Target::All, later));
        assert!(barrier.look(later) && !barrier.look(later));
        assert_eq!(barrier.raise(Target::All, later), None);
        barrier.clear();
        assert!(barrier.raise(Target::All, later).is_some());
    }
}
