//! The barrier behind a stop: what was sent before it is discarded, even if it arrives after it.
//!
//! Stops have a connection of their own and overtake commands that still wait in the broker or in
//! a socket. Were those obeyed when they come, the toy would start again after its stop. So with
//! every stop the bridge sends itself markers over the connection that carries commands: brokers
//! keep the order of messages of one quality of service to one client, so whatever comes before the
//! marker of its quality was sent before the stop. There is a marker at each of the two qualities in
//! which commands arrive, because RabbitMQ lets QoS 1 overtake QoS 0. Without a backlog the markers
//! are back in the time of a round trip.

use std::time::Duration;

use crate::domain::{Instant, Target};

/// A marker that has not come back by now never will: no backlog is that long, so the broker keeps
/// it from us.
const PATIENCE: Duration = Duration::from_secs(5);

/// A marker to send: acknowledged (QoS 1) or not (QoS 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Its payload.
    pub payload: String,
    /// Whether it is sent at QoS 1.
    pub acknowledged: bool,
}

#[derive(Debug)]
struct Raised {
    number: u64,
    target: Target,
    since: Instant,
    /// The marker at QoS 0 is under way, and the one at QoS 1.
    out: [bool; 2],
}

/// The markers under way.
#[derive(Debug, Default)]
pub struct Barrier {
    next: u64,
    under_way: Vec<Raised>,
    /// Markers do not come back on this connection, so they are not waited for.
    broken: bool,
}

impl Barrier {
    /// A stop of `target` came: returns the markers to send, if there is any use in them.
    pub fn raise(&mut self, target: Target, now: Instant) -> Vec<Marker> {
        if self.broken {
            return Vec::new();
        }
        self.next += 1;
        // A newer marker for the same toys comes back later than the older one.
        self.under_way.retain(|known| known.target != target);
        self.under_way.push(Raised {
            number: self.next,
            target,
            since: now,
            out: [true; 2],
        });
        let marker = |qos: usize| Marker {
            payload: format!("{}-{qos}", self.next),
            acknowledged: qos > 0,
        };
        [0, 1].map(marker).into()
    }

    /// A marker came back.
    pub fn lower(&mut self, marker: &[u8]) {
        let Some((number, qos)) = read(marker) else {
            return;
        };
        for raised in &mut self.under_way {
            if raised.number == number {
                raised.out[qos] = false;
            }
        }
        self.under_way.retain(|raised| raised.out.contains(&true));
    }

    /// No marker can come back any more, and nothing that was sent before it either.
    pub fn clear(&mut self) {
        self.under_way.clear();
        self.broken = false;
    }

    /// Gives up markers that do not come back. True if that has just been found out. A broker may drop
    /// what is sent at QoS 0 when a queue is full: such a loss says nothing of the next marker.
    pub fn look(&mut self, now: Instant) -> bool {
        self.under_way
            .retain(|raised| now - raised.since < PATIENCE || raised.out[1]);
        if self.under_way.iter().any(|it| now - it.since >= PATIENCE) {
            self.under_way.clear();
            self.broken = true;
            return true;
        }
        false
    }

    /// Whether a command to `target` that arrives now was sent before a stop of it.
    pub fn holds(&self, target: &Target, now: Instant) -> bool {
        let fresh = |since: Instant| now - since < PATIENCE;
        self.under_way.iter().any(|raised| {
            let stopped = &raised.target;
            // A group may contain the toy or share members: when in doubt, it was stopped.
            let concerned =
                stopped == target || !matches!((stopped, target), (Target::Toy(_), Target::Toy(_)));
            fresh(raised.since) && concerned
        })
    }
}

/// The number and the QoS of a marker.
fn read(marker: &[u8]) -> Option<(u64, usize)> {
    let (number, qos) = std::str::from_utf8(marker).ok()?.split_once('-')?;
    let qos = match qos {
        "0" => 0,
        "1" => 1,
        _ => return None,
    };
    Some((number.parse().ok()?, qos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HardwareId, ToyId};

    fn toy(name: &str) -> Target {
        Target::Toy(ToyId::of(&HardwareId::new(name)))
    }

    #[test]
    fn what_comes_before_the_markers_is_held() {
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        assert!(!barrier.holds(&toy("a"), now));
        let markers = barrier.raise(toy("a"), now);
        assert!(barrier.holds(&toy("a"), now));
        assert!(!barrier.holds(&toy("b"), now));
        assert!(barrier.holds(&Target::All, now));
        for garbage in ["garbage", "1", "1-2", "-1", "x-1", "1-"] {
            barrier.lower(garbage.as_bytes());
            assert!(barrier.holds(&toy("a"), now), "{garbage}");
        }
        for marker in &markers {
            assert!(barrier.holds(&toy("a"), now), "before {marker:?}");
            barrier.lower(marker.payload.as_bytes());
        }
        assert!(!barrier.holds(&toy("a"), now));
    }

    #[test]
    fn one_quality_that_overtakes_the_other_does_not_lower_the_barrier() {
        let now = Instant::from_millis(1);
        for first in [0, 1] {
            let mut barrier = Barrier::default();
            let markers = barrier.raise(toy("a"), now);
            let qualities: Vec<bool> = markers.iter().map(|it| it.acknowledged).collect();
            assert_eq!(qualities, [false, true]);
            barrier.lower(markers[first].payload.as_bytes());
            barrier.lower(markers[first].payload.as_bytes());
            assert!(barrier.holds(&toy("a"), now), "{first}");
            barrier.lower(markers[1 - first].payload.as_bytes());
            assert!(!barrier.holds(&toy("a"), now), "{first}");
        }
    }

    #[test]
    fn an_older_marker_does_not_end_a_newer_stop() {
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        let first = barrier.raise(Target::All, now);
        let _second = barrier.raise(Target::All, now);
        for marker in first {
            barrier.lower(marker.payload.as_bytes());
        }
        assert!(barrier.holds(&Target::All, now));
    }

    #[test]
    fn a_broker_that_keeps_markers_is_found_out_once() {
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        let markers = barrier.raise(Target::All, now);
        barrier.lower(markers[0].payload.as_bytes());
        assert!(!barrier.look(now));
        let later = now + PATIENCE;
        assert!(!barrier.holds(&Target::All, later));
        assert!(barrier.look(later) && !barrier.look(later));
        assert!(barrier.raise(Target::All, later).is_empty());
        barrier.clear();
        assert_eq!(barrier.raise(Target::All, later).len(), 2);
    }

    #[test]
    fn a_marker_that_was_dropped_at_qos_0_breaks_nothing() {
        let now = Instant::from_millis(1);
        let mut barrier = Barrier::default();
        let markers = barrier.raise(Target::All, now);
        barrier.lower(markers[1].payload.as_bytes());
        assert!(barrier.holds(&Target::All, now));
        let later = now + PATIENCE;
        assert!(!barrier.look(later) && !barrier.holds(&Target::All, later));
        assert_eq!(barrier.raise(Target::All, later).len(), 2);
    }
}
