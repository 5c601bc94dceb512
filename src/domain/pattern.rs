//! Patterns: how a level changes over time, in a loop.

use std::time::Duration;

use super::Level;

/// A named loop of levels, each held for the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    name: String,
    step: Duration,
    levels: Vec<Level>,
}

/// Why a pattern cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// No levels, or too many.
    #[error("a pattern has 1 to {max} levels, not {0}", max = Pattern::MAX_LEVELS)]
    Length(usize),
    /// Too fast for any toy, or too slow to be meant.
    #[error("a pattern's step is 100 ms to 60 s")]
    Step,
    /// Unusable as an option in Home Assistant.
    #[error("a pattern's name is 1 to 40 characters, and neither \"Off\" nor \"none\"")]
    Name,
}

impl Pattern {
    /// The most levels of one pattern.
    pub const MAX_LEVELS: usize = 4_096;

    /// A pattern that holds each of `levels` for `step`, then starts again.
    ///
    /// # Errors
    /// A name that Home Assistant cannot show, no levels, or a step outside 100 ms…60 s.
    pub fn new(
        name: impl Into<String>,
        step: Duration,
        levels: Vec<Level>,
    ) -> Result<Self, BadPattern> {
        let name = name.into();
        let length = name.trim().chars().count();
        let reserved = ["off", "none"].contains(&name.trim().to_lowercase().as_str());
        if !(1..=40).contains(&length) || reserved || name.chars().any(char::is_control) {
            return Err(BadPattern::Name);
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&step) {
            return Err(BadPattern::Step);
        }
        if levels.is_empty() || levels.len() > Self::MAX_LEVELS {
            return Err(BadPattern::Length(levels.len()));
        }
        Ok(Self { name, step, levels })
    }

    /// The patterns that every toy has, named as the Lovense app names its presets.
    #[must_use]
    pub fn builtin() -> Vec<Self> {
        let make = |name: &str, step: u64, steps: &[i32]| {
            let levels = steps.iter().map(|&s| Level::from_step(s, 20)).collect();
            Self {
                name: name.to_owned(),
                step: Duration::from_millis(step),
                levels,
            }
        };
        vec![
            make("Pulse", 400, &[20, 4]),
            make(
                "Wave",
                200,
                &[2, 5, 8, 11, 14, 17, 20, 20, 17, 14, 11, 8, 5, 2],
            ),
            make(
                "Fireworks",
                200,
                &[3, 6, 9, 12, 15, 18, 20, 6, 20, 6, 20, 3],
            ),
            make("Earthquake", 150, &[16, 20, 12, 18, 14, 20, 10, 17, 13, 19]),
        ]
    }

    /// Its name, as shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long each level is held.
    #[must_use]
    pub const fn step(&self) -> Duration {
        self.step
    }

    /// The levels of one round.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The longest time for which it keeps a toy at 0.
    #[must_use]
    pub fn longest_rest(&self) -> Duration {
        // Twice around, for a rest that goes over the end.
        let twice = self.levels.iter().chain(&self.levels);
        let (longest, _) = twice.fold((0_u32, 0_u32), |(longest, rest), level| {
            let rest = if level.is_zero() { rest + 1 } else { 0 };
            (longest.max(rest), rest)
        });
        self.step * longest
    }

    /// The level `elapsed` after the start, and how long it stays.
    #[must_use]
    pub fn sample(&self, elapsed: Duration) -> (Level, Duration) {
        let step = self.step.as_micros();
        let position = elapsed.as_micros();
        let index = (position / step) % self.levels.len() as u128;
        let left = step - position % step;
        // Both fit: the index is below the length, the rest below 60 s.
        (
            self.levels[index as usize],
            Duration::from_micros(left as u64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_loops() {
        let levels = vec![Level::ZERO, Level::FULL];
        let pattern = Pattern::new("x", Duration::from_millis(100), levels).expect("valid");
        let at = |ms| pattern.sample(Duration::from_millis(ms));
        assert_eq!(at(0), (Level::ZERO, Duration::from_millis(100)));
        assert_eq!(at(130), (Level::FULL, Duration::from_millis(70)));
        assert_eq!(at(200).0, Level::ZERO);
        assert_eq!(at(100_100).0, Level::FULL);
    }

    #[test]
    fn the_builtin_ones_keep_their_own_rules() {
        for pattern in Pattern::builtin() {
            let again = Pattern::new(pattern.name(), pattern.step(), pattern.levels().to_vec());
            assert_eq!(again.as_ref(), Ok(&pattern));
        }
    }

    #[test]
    fn names_that_home_assistant_cannot_show_are_refused() {
        for bad in ["", " ", "None", "off", "a\nb", &"x".repeat(41)] {
            let made = Pattern::new(bad, Duration::from_secs(1), vec![Level::FULL]);
            assert_eq!(made, Err(BadPattern::Name), "{bad:?}");
        }
    }
}
