//! Where the positions of a toy are, as far as can be known from what it was told. No IO.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::OutputKey;

/// The positions of one toy. One that is not in here may be anywhere.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<OutputKey, Place>);

/// Somewhere from `from` to `to`, and at `to` from `arrives` on.
#[derive(Clone, Copy, Debug)]
struct Place {
    from: i32,
    to: i32,
    arrives: Instant,
}

impl Place {
    /// Of the two ends of where it may be now, the one that is farther from `step`.
    fn farther(self, step: i32, now: Instant) -> i32 {
        let under_way = now < self.arrives;
        if under_way && (step - self.from).abs() > (step - self.to).abs() {
            self.from
        } else {
            self.to
        }
    }
}

impl Places {
    /// How far it may have to go to `step`, in steps; `None` if nobody knows.
    pub(super) fn way(&self, key: OutputKey, step: i32, now: Instant) -> Option<u32> {
        let place = self.0.get(&key)?;
        Some((step - place.farther(step, now)).unsigned_abs())
    }

    /// It is told to go to `step` within `time`.
    pub(super) fn go(&mut self, key: OutputKey, step: i32, now: Instant, time: Duration) {
        let from = self.0.get(&key).map_or(step, |it| it.farther(step, now));
        let place = Place {
            from,
            to: step,
            arrives: now + time,
        };
        self.0.insert(key, place);
    }

    /// Nobody knows whether it did what it was told last.
    pub(super) fn lose(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OutputKind;

    const KEY: OutputKey = OutputKey::only(OutputKind::Position);

    #[tokio::test]
    async fn a_movement_under_way_may_be_anywhere_between_its_ends() {
        let second = Duration::from_secs(1);
        let start = Instant::now();
        let mut places = Places::default();
        assert_eq!(places.way(KEY, 100, start), None);
        places.go(KEY, 0, start, Duration::ZERO);
        assert_eq!(places.way(KEY, 100, start), Some(100));
        places.go(KEY, 100, start, second);
        let midway = start + second / 2;
        assert_eq!(places.way(KEY, 90, midway), Some(90));
        assert_eq!(places.way(KEY, 90, start + second), Some(10));
        places.go(KEY, 90, midway, second);
        assert_eq!(places.way(KEY, 100, midway), Some(100));
        assert_eq!(places.way(KEY, 100, midway + second), Some(10));
        places.lose();
        assert_eq!(places.way(KEY, 90, midway), None);
    }
}
