//! Where the positions of a toy are, as far as can be known from what it was told. No IO.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::domain::OutputKey;

/// The positions of one toy. One that is not in here may be anywhere.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<OutputKey, Place>);

/// On the way to `to` from `began` to `arrives`, evenly, and there from then on.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Unknown for the first movement.
    from: Option<i32>,
    to: i32,
    began: Instant,
    arrives: Instant,
}

impl Place {
    fn at(self, now: Instant) -> Option<i32> {
        if now >= self.arrives {
            return Some(self.to);
        }
        let way = i128::from(self.to - self.from?);
        let done = now.saturating_duration_since(self.began).as_micros() as i128;
        let whole = self
            .arrives
            .saturating_duration_since(self.began)
            .as_micros() as i128;
        // Between both ends, so it fits.
        Some(self.from? + (way * done / whole.max(1)) as i32)
    }
}

impl Places {
    /// Where it is by now, in steps; `None` if that is unknown.
    pub(super) fn at(&self, key: OutputKey, now: Instant) -> Option<i32> {
        self.0.get(&key)?.at(now)
    }

    /// The same, while it is on the way to another place.
    pub(super) fn on_the_way(&self, key: OutputKey, now: Instant) -> Option<i32> {
        let place = self.0.get(&key)?;
        (now < place.arrives).then(|| place.at(now))?
    }

    /// How long a movement to `step` still takes that is under way.
    pub(super) fn left(&self, key: OutputKey, step: i32, now: Instant) -> Option<Duration> {
        let place = self.0.get(&key).filter(|place| place.to == step)?;
        place.arrives.checked_duration_since(now)
    }

    /// It is told to go to `step` within `time`.
    pub(super) fn go(&mut self, key: OutputKey, step: i32, now: Instant, time: Duration) {
        let place = Place {
            from: self.at(key, now),
            to: step,
            began: now,
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

    #[test]
    fn a_movement_is_followed_and_may_be_interrupted() {
        let second = Duration::from_secs(1);
        let start = tokio::time::Instant::now().into_std();
        let mut places = Places::default();
        assert_eq!(places.at(KEY, start), None);
        places.go(KEY, 0, start, second);
        assert_eq!(places.on_the_way(KEY, start), None, "from an unknown place");
        let start = start + second;
        assert_eq!(places.at(KEY, start), Some(0));
        places.go(KEY, 100, start, second);
        let midway = start + second / 2;
        assert_eq!(places.on_the_way(KEY, midway), Some(50));
        assert_eq!(places.on_the_way(KEY, start + second), None);
        assert_eq!(places.at(KEY, start + second), Some(100));
        places.go(KEY, 90, midway, second);
        assert_eq!(places.at(KEY, midway + second / 2), Some(70));
        assert_eq!(places.at(KEY, midway + second), Some(90));
        places.lose();
        assert_eq!(places.at(KEY, midway), None);
    }
}
