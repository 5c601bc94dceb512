//! What a toy may do at which time, and for how long it did more.

use std::time::{Duration, Instant};

/// From a stop (or what else ends a permit) to the effect: the broker, the bridge, the app and the
/// simulated radio, on a machine that has more to do.
const GRACE: Duration = Duration::from_millis(500);

/// A level that a toy took, and when.
pub(super) type Taken = (Instant, u16);

/// Which level a toy may have from which time on. Before the first entry: none above 0.
#[derive(Debug, Default)]
pub(super) struct Permits(Vec<Taken>);

impl Permits {
    /// Up to this level from now on.
    pub(super) fn allow(&mut self, level: u16) {
        self.allow_from(Instant::now(), level);
    }

    /// Nothing any more from now on.
    pub(super) fn end(&mut self) {
        self.allow(0);
    }

    /// Up to this level from then on. Entries come in the order of their time.
    pub(super) fn allow_from(&mut self, at: Instant, level: u16) {
        self.0.push((at, level));
    }

    /// Since when there is any.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|entry| entry.0)
    }

    /// The highest level that was permitted within [`GRACE`] before `at`.
    fn at(&self, at: Instant) -> u16 {
        let ends = self.0.iter().skip(1).map(|next| next.0);
        let spans = self.0.iter().zip(ends.map(Some).chain([None]));
        let in_force = spans
            .filter(|((from, _), end)| *from <= at && end.is_none_or(|end| end + GRACE > at))
            .map(|((_, level), _)| *level);
        in_force.max().unwrap_or(0)
    }

    /// For how long until now a toy that took these levels was above what was permitted.
    pub(super) fn exceeded(&self, taken: &[Taken]) -> Duration {
        let now = Instant::now();
        let mut edges: Vec<Instant> = taken.iter().map(|taken| taken.0).collect();
        edges.extend(self.0.iter().flat_map(|entry| [entry.0, entry.0 + GRACE]));
        edges.push(now);
        edges.retain(|edge| *edge <= now);
        edges.sort_unstable();
        let level = |at| {
            let before = taken.iter().take_while(|taken| taken.0 <= at);
            before.last().map_or(0, |taken| taken.1)
        };
        let spans = edges.windows(2).map(|edge| (edge[0], edge[1]));
        spans
            .filter(|(from, _)| level(*from) > self.at(*from))
            .map(|(from, until)| until - from)
            .sum()
    }
}
