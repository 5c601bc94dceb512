//! How strong: a share of full strength, with a sign for direction.

use std::fmt;

/// A share of an output's full range, in permille: −1000…1000.
///
/// Only outputs that can turn both ways (a signed [`Output`](super::Output)) take values below
/// zero. A level other than zero never becomes step 0, so "a little" is never silently nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(i16);

/// A percentage outside −100…100, or not a number.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("level {0} is outside -100 to 100")]
pub struct LevelOutOfRange(pub f64);

impl Level {
    /// Off.
    pub const ZERO: Self = Self(0);
    /// Full strength, forwards.
    pub const FULL: Self = Self(1_000);

    /// From permille; values outside −1000…1000 are brought back into it.
    #[must_use]
    pub fn from_permille(permille: i32) -> Self {
        Self(permille.clamp(-1_000, 1_000) as i16)
    }

    /// From whole percent, −100…100; more is brought back into it.
    #[must_use]
    pub const fn from_whole_percent(percent: i8) -> Self {
        match percent {
            100.. => Self(1_000),
            ..=-100 => Self(-1_000),
            percent => Self(percent as i16 * 10),
        }
    }

    /// From percent (−100…100, fractions allowed).
    ///
    /// # Errors
    /// Out of range, NaN and infinities.
    pub fn from_percent(percent: f64) -> Result<Self, LevelOutOfRange> {
        if !(-100.0..=100.0).contains(&percent) {
            return Err(LevelOutOfRange(percent));
        }
        let permille = (percent * 10.0).round() as i16;
        // 0.01 % is not off.
        let permille = match permille {
            0 if percent > 0.0 => 1,
            0 if percent < 0.0 => -1,
            other => other,
        };
        Ok(Self(permille))
    }

    /// −1000…1000.
    #[must_use]
    pub const fn permille(self) -> i16 {
        self.0
    }

    /// −100…100, in tenths.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// Off?
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The same strength, forwards.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// No stronger than `limit` (0…1000), direction kept.
    #[must_use]
    pub fn limited_to(self, limit: Self) -> Self {
        Self(self.0.clamp(-limit.0.abs(), limit.0.abs()))
    }

    /// This share of `other`: `FULL.of(x) == x`. A product of two levels above zero is above zero.
    #[must_use]
    pub fn of(self, other: Self) -> Self {
        let product = i32::from(self.0) * i32::from(other.0);
        let rounded = (product.abs() + 500) / 1_000;
        let rounded = if product != 0 { rounded.max(1) } else { 0 };
        Self((rounded * product.signum()) as i16)
    }

    /// The nearest of `steps` steps, −steps…steps; above zero never becomes 0.
    #[must_use]
    pub fn to_step(self, steps: u16) -> i32 {
        let scaled = i32::from(self.0).abs() * i32::from(steps);
        let rounded = (scaled + 500) / 1_000;
        let rounded = if self.0 != 0 { rounded.max(1) } else { 0 };
        rounded * i32::from(self.0).signum()
    }

    /// The strongest step that is not stronger than this level, 0…steps; may be 0.
    ///
    /// The most that a limit allows: rounding up would exceed it.
    #[must_use]
    pub fn floor_step(self, steps: u16) -> i32 {
        i32::from(self.0).abs() * i32::from(steps) / 1_000
    }

    /// The level of step `step` of `steps`.
    #[must_use]
    pub fn from_step(step: i32, steps: u16) -> Self {
        if steps == 0 {
            return Self::ZERO;
        }
        let scaled = step.abs() * 1_000 / i32::from(steps);
        Self::from_permille(scaled * step.signum())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forty_percent_of_twenty_steps_is_eight() {
        assert_eq!(Level::from_percent(40.0).map(|l| l.to_step(20)), Ok(8));
    }

    #[test]
    fn not_a_number_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 100.01, -101.0] {
            assert!(Level::from_percent(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn above_zero_never_rounds_to_off(permille in 1i32..=1000, steps in 1u16..=1000) {
            let level = Level::from_permille(permille);
            prop_assert!(level.to_step(steps) >= 1);
            prop_assert!(level.to_step(steps) <= i32::from(steps));
            prop_assert!(Level::from_step(level.floor_step(steps), steps) <= level);
            prop_assert_eq!(Level::from_permille(-permille).to_step(steps), -level.to_step(steps));
        }

        #[test]
        fn every_step_survives_the_way_there_and_back(steps in 1u16..=500, raw in 0u16..=500) {
            let step = i32::from(raw.min(steps));
            prop_assert_eq!(Level::from_step(step, steps).to_step(steps), step);
        }
    }
}
