//! The only clock: turns the machine's monotonic time into the engine's, and notices suspends.

use std::time::Duration;

use crate::domain::Instant;

/// A gap between time awake and time since boot larger than this is a suspend, not an error of
/// measurement.
const SUSPENDED: Duration = Duration::from_secs(2);

/// Monotonic time since it was made.
#[derive(Debug)]
pub struct Clock {
    start: std::time::Instant,
    /// Time that the machine has slept, when last looked.
    asleep: Duration,
}

impl Clock {
    /// Starts at [`Instant::START`].
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
            asleep: time_asleep(),
        }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::after_start(self.start.elapsed())
    }

    /// The moment `at`, for timers.
    #[must_use]
    pub fn to_timer(&self, at: Instant) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.start + at.since_start())
    }

    /// Whether the machine was suspended since this was last asked.
    pub fn was_suspended(&mut self) -> bool {
        let asleep = time_asleep();
        let slept = asleep.saturating_sub(self.asleep);
        self.asleep = asleep;
        slept > SUSPENDED
    }
}

/// How long the machine has slept since boot: `CLOCK_BOOTTIME` counts it, `CLOCK_MONOTONIC` does
/// not (clock_gettime(2)). Setting the wall clock changes neither.
#[cfg(target_os = "linux")]
fn time_asleep() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let since_boot = |clock| {
        let time = clock_gettime(clock);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    // In this order, so that the difference is never too small by the time between the two.
    let awake = since_boot(ClockId::Monotonic);
    since_boot(ClockId::Boottime).saturating_sub(awake)
}

/// Not to be had; timers then run late after a suspend, and leases have ended meanwhile.
#[cfg(not(target_os = "linux"))]
fn time_asleep() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_awake_machine_was_not_suspended() {
        let mut clock = Clock::start();
        assert!(!clock.was_suspended());
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
