//! The slope limit: how fast a level may rise, whatever asks for it.

use crate::domain::{Instant, Level};

/// The level that one output may have now. Falling is always allowed at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Governor {
    level: Level,
    at: Instant,
}

impl Governor {
    /// What it was last allowed to have.
    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Moves towards `wanted` by no more than `slope` permille per second since the last call.
    pub(super) fn advance(&mut self, now: Instant, wanted: Level, slope: Option<u32>) -> Level {
        let allowed = match slope {
            None => wanted,
            Some(slope) => {
                // Turning the other way starts again from zero.
                let same_way = self.level.permille() * wanted.permille().signum() >= 0;
                let from = if same_way {
                    self.level.abs()
                } else {
                    Level::ZERO
                };
                let rise = (now - self.at).as_millis() * u128::from(slope) / 1_000;
                let rise = i32::try_from(rise).unwrap_or(1_000).min(1_000);
                wanted.limited_to(Level::from_permille(i32::from(from.permille()) + rise))
            }
        };
        // Keep what is left of a permille: frequent calls must not starve a slow rise.
        if slope.is_none() || allowed != self.level || allowed == wanted {
            self.level = allowed;
            self.at = now;
        }
        allowed
    }

    /// The toy was stopped: the next rise starts at zero.
    pub(super) fn reset(&mut self, now: Instant) {
        self.set(Level::ZERO, now);
    }

    /// The output was found at this level: the next rise starts there.
    pub(super) fn set(&mut self, level: Level, at: Instant) {
        *self = Self { level, at };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_takes_its_time_and_a_fall_does_not() {
        let mut governor = Governor::default();
        let slope = Some(100);
        let full = Level::FULL;
        governor.advance(Instant::from_millis(60_000), Level::ZERO, slope);
        let start = 60_000;
        for (after, permille) in [
            (0, 0),
            (1_000, 100),
            (1_003, 100),
            (1_010, 101),
            (5_000, 500),
        ] {
            let now = Instant::from_millis(start + after);
            let level = governor.advance(now, full, slope).permille();
            assert_eq!(level, permille, "after {after} ms");
        }
        let now = Instant::from_millis(start + 5_001);
        assert_eq!(governor.advance(now, Level::ZERO, slope), Level::ZERO);
    }

    #[test]
    fn without_a_slope_nothing_is_held_back() {
        let mut governor = Governor::default();
        assert_eq!(
            governor.advance(Instant::START, Level::FULL, None),
            Level::FULL
        );
    }
}
