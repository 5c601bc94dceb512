//! Monotonic time as a plain value.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Time since the bridge started, in microseconds.
///
/// Unlike [`std::time::Instant`] it can be made up, so the engine can be tested without a clock.
/// Only the driver turns a real clock into it. It counts monotonic time: setting the wall clock
/// never lengthens a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The start of the bridge.
    pub const START: Self = Self(0);

    /// The instant `millis` milliseconds after the start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// The instant `since_start` after the start.
    #[must_use]
    pub fn after_start(since_start: Duration) -> Self {
        Self(u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX))
    }

    /// Time since the start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// Time that has passed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let late = Instant::from_millis(5) + Duration::MAX;
        assert!(late > Instant::from_millis(5));
        assert_eq!(Instant::START - Instant::from_millis(7), Duration::ZERO);
        assert_eq!(
            Instant::from_millis(9) - Instant::from_millis(7),
            Duration::from_millis(2)
        );
    }
}
