//! What is wanted of a toy over time: steady levels, ramps, pulses and patterns, sampled at `now`.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Class, Instant, Level, Limits, Output, Pattern};

/// Gradual changes are looked at no more often than this.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// On for a while, perhaps several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pulses {
    pub(super) on: Duration,
    pub(super) off: Duration,
    /// At least 1.
    pub(super) count: u32,
}

/// When something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    pub(super) start: Instant,
    /// Without, it is on from the start until it is replaced.
    pub(super) pulses: Option<Pulses>,
}

/// Where in its schedule something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    On {
        /// Since the start of this pulse.
        elapsed: Duration,
        /// Whether this is the first pulse.
        first: bool,
        /// Its end.
        until: Option<Instant>,
    },
    Rest {
        until: Instant,
    },
    Over,
}

impl Schedule {
    fn phase(&self, now: Instant) -> Phase {
        let elapsed = now - self.start;
        let Some(Pulses { on, off, count }) = self.pulses else {
            return Phase::On {
                elapsed,
                first: true,
                until: None,
            };
        };
        let round = (on + off).max(Duration::from_micros(1));
        let index = elapsed.as_micros() / round.as_micros();
        if index >= u128::from(count) {
            return Phase::Over;
        }
        // Below `count`, so it fits.
        let index = index as u32;
        let begin = round * index;
        let within = elapsed - begin;
        if within < on {
            Phase::On {
                elapsed: within,
                first: index == 0,
                until: Some(self.start + begin + on),
            }
        } else if index + 1 == count {
            Phase::Over
        } else {
            Phase::Rest {
                until: self.start + begin + round,
            }
        }
    }

    /// When it is over for good.
    fn end(&self) -> Option<Instant> {
        let Pulses { on, off, count } = self.pulses?;
        Some(self.start + (on + off).saturating_mul(count.saturating_sub(1)) + on)
    }
}

/// What is wanted of one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) from: Level,
    pub(super) to: Level,
    /// How long it takes from `from` to `to`.
    pub(super) ramp: Duration,
    pub(super) schedule: Schedule,
}

impl Plan {
    /// `level` from now on.
    pub(super) const fn steady(level: Level) -> Self {
        Self {
            from: level,
            to: level,
            ramp: Duration::ZERO,
            schedule: Schedule {
                start: Instant::START,
                pulses: None,
            },
        }
    }

    /// The level at `now`, and when it changes by itself.
    fn sample(&self, now: Instant) -> (Level, Option<Instant>) {
        match self.schedule.phase(now) {
            Phase::Over => (Level::ZERO, None),
            Phase::Rest { until } => (Level::ZERO, Some(until)),
            Phase::On {
                elapsed,
                first,
                until,
            } => {
                if elapsed >= self.ramp {
                    return (self.to, until);
                }
                let from = if first { self.from } else { Level::ZERO };
                let (a, b) = (i64::from(from.permille()), i64::from(self.to.permille()));
                let done = elapsed.as_micros() as i64;
                let whole = self.ramp.as_micros() as i64;
                let level = Level::from_permille((a + (b - a) * done / whole) as i32);
                let tick = self.ramp / u32::try_from((b - a).unsigned_abs().max(1)).unwrap_or(1);
                let next = now + tick.max(TICK).min(self.ramp - elapsed);
                (level, Some(until.map_or(next, |until| until.min(next))))
            }
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        match self.schedule.phase(now) {
            Phase::Over => true,
            Phase::On { elapsed, .. } => self.to.is_zero() && elapsed >= self.ramp,
            Phase::Rest { .. } => false,
        }
    }
}

/// A pattern that plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Playing {
    pub(super) pattern: Arc<Pattern>,
    pub(super) strength: Level,
    pub(super) schedule: Schedule,
    /// One per output: the most that it may get of the pattern, or `None` if it takes no part.
    ///
    /// A limit lowers it for good: what was cut away does not come back with a higher limit.
    pub(super) caps: Vec<Option<Level>>,
}

impl Playing {
    /// Whether it plays at `now` rather than rests, and when that changes.
    pub(super) fn is_on(&self, now: Instant) -> (bool, Option<Instant>) {
        match self.schedule.phase(now) {
            Phase::On { until, .. } => (true, until),
            Phase::Rest { until } => (false, Some(until)),
            Phase::Over => (false, None),
        }
    }

    /// Whether it plays on every output that is an intensity, as strong as it is meant.
    pub(super) fn is_whole(&self, outputs: &[Output]) -> bool {
        let full = self.strength == Level::FULL;
        let mut outputs = outputs.iter().zip(&self.caps);
        full && outputs
            .all(|(output, cap)| output.class() != Class::Intensity || *cap == Some(Level::FULL))
    }

    fn sample(&self, cap: Level, now: Instant) -> (Level, Option<Instant>) {
        match self.schedule.phase(now) {
            Phase::Over => (Level::ZERO, None),
            Phase::Rest { until } => (Level::ZERO, Some(until)),
            Phase::On { elapsed, until, .. } => {
                let (level, left) = self.pattern.sample(elapsed);
                let next = now + left;
                let next = until.map_or(next, |until| until.min(next));
                (self.strength.of(level).limited_to(cap), Some(next))
            }
        }
    }
}

/// What is wanted of a whole toy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    /// One per output; those of shapes and positions are not used.
    pub(super) plans: Vec<Plan>,
    /// One per output: shapes the user has set, positions asked for.
    pub(super) places: Vec<Option<Level>>,
    /// Overrides the plans of the outputs that take part in it.
    pub(super) effect: Option<Playing>,
}

impl Wish {
    /// Nothing is wanted of a toy with `outputs` outputs.
    pub(super) fn off(outputs: usize) -> Self {
        Self {
            plans: vec![Plan::steady(Level::ZERO); outputs],
            places: vec![None; outputs],
            effect: None,
        }
    }

    /// Ends every level and every movement to a position; shapes stay as the user set them.
    pub(super) fn stop(&mut self, outputs: &[Output]) {
        self.effect = None;
        self.plans.fill(Plan::steady(Level::ZERO));
        for (place, output) in self.places.iter_mut().zip(outputs) {
            if output.class() == Class::Position {
                *place = None;
            }
        }
    }

    /// Lowers everything to `limits`, so that nothing rises by itself when they rise again.
    pub(super) fn limit(&mut self, outputs: &[Output], limits: &Limits) {
        for (index, output) in outputs.iter().enumerate() {
            let limit = limits.of(output.key);
            match output.class() {
                Class::Intensity => {
                    let plan = &mut self.plans[index];
                    plan.from = output.within(plan.from, limit);
                    plan.to = output.within(plan.to, limit);
                    if let Some(effect) = &mut self.effect {
                        let most = output.within(Level::FULL, limit);
                        effect.caps[index] = effect.caps[index].map(|cap| cap.min(most));
                    }
                }
                Class::Position => {
                    let place = &mut self.places[index];
                    *place = place.map(|level| level.limited_to(limit));
                }
                Class::Shape => {}
            }
        }
    }

    /// Ends what is wanted of intensity `index`.
    pub(super) fn release(&mut self, index: usize) {
        self.plans[index] = Plan::steady(Level::ZERO);
        if let Some(effect) = &mut self.effect {
            effect.caps[index] = None;
            if effect.caps.iter().all(Option::is_none) {
                self.effect = None;
            }
        }
    }

    /// Makes `level` all that is wanted of intensity `index`, for as long as what was wanted of it
    /// would have lasted.
    pub(super) fn hold_at(&mut self, index: usize, level: Level) {
        let played = self.played(index).map(|(effect, _)| effect.schedule);
        let schedule = played.unwrap_or(self.plans[index].schedule);
        self.release(index);
        self.plans[index] = Plan {
            schedule,
            ..Plan::steady(level)
        };
    }

    /// Goes back to `before`, except where that is higher: what was turned down is not turned up again
    /// because the toy did not take it. Returns whether anything was.
    pub(super) fn fall_back_to(&mut self, before: &Self) -> bool {
        let failed = std::mem::replace(self, before.clone());
        let mut turned_down = false;
        for index in 0..self.plans.len() {
            let (wanted, was) = (failed.goal(index).abs(), self.goal(index));
            if wanted.is_zero() && !was.is_zero() {
                self.release(index);
            } else if wanted < was.abs() {
                self.hold_at(index, was.limited_to(wanted));
            } else {
                continue;
            }
            turned_down = true;
        }
        turned_down
    }

    /// The pattern, if intensity `index` takes part in it, and the most that it may get of it.
    fn played(&self, index: usize) -> Option<(&Playing, Level)> {
        let effect = self.effect.as_ref()?;
        Some((effect, effect.caps[index]?))
    }

    /// Whether intensity `index` is wanted to run, now or later.
    pub(super) fn wants(&self, index: usize) -> bool {
        self.played(index).is_some() || !self.plans[index].to.is_zero()
    }

    /// Whether something runs until it has faded out.
    pub(super) fn fades(&self) -> bool {
        let mut plans = self.plans.iter();
        plans.any(|plan| plan.to.is_zero() && !plan.from.is_zero())
    }

    /// Replaces what has ended by itself with what it has become: off.
    pub(super) fn settle(&mut self, now: Instant) {
        for plan in &mut self.plans {
            if plan.is_over(now) {
                *plan = Plan::steady(Level::ZERO);
            }
        }
        if let Some(effect) = &self.effect
            && effect.schedule.phase(now) == Phase::Over
        {
            self.effect = None;
        }
    }

    /// The level of intensity `index` at `now`, and when it changes by itself.
    pub(super) fn sample(&self, index: usize, now: Instant) -> (Level, Option<Instant>) {
        match self.played(index) {
            Some((effect, cap)) => effect.sample(cap, now),
            None => self.plans[index].sample(now),
        }
    }

    /// What to show for intensity `index`: where it is going rather than where it is.
    pub(super) fn goal(&self, index: usize) -> Level {
        match self.played(index) {
            Some((effect, cap)) => effect.strength.limited_to(cap),
            None => self.plans[index].to,
        }
    }

    /// When the last thing that is wanted ends by itself; `None` if something is wanted until told
    /// otherwise.
    pub(super) fn end(&self) -> Option<Instant> {
        let effect = self.effect.as_ref().map(|effect| effect.schedule.end());
        let running = self.plans.iter().filter(|plan| !plan.to.is_zero());
        running
            .map(|plan| plan.schedule.end())
            .chain(effect)
            .try_fold(Instant::START, |latest, end| Some(latest.max(end?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn level(percent: i32) -> Level {
        Level::from_permille(percent * 10)
    }

    #[test]
    fn three_pulses_end_by_themselves() {
        let plan = Plan {
            from: level(30),
            to: level(30),
            ramp: Duration::ZERO,
            schedule: Schedule {
                start: at(1_000),
                pulses: Some(Pulses {
                    on: ms(2_000),
                    off: ms(500),
                    count: 3,
                }),
            },
        };
        assert_eq!(plan.sample(at(1_000)), (level(30), Some(at(3_000))));
        assert_eq!(plan.sample(at(3_000)), (Level::ZERO, Some(at(3_500))));
        assert_eq!(plan.sample(at(3_500)), (level(30), Some(at(5_500))));
        assert_eq!(plan.sample(at(7_999)), (level(30), Some(at(8_000))));
        assert_eq!(plan.sample(at(8_000)), (Level::ZERO, None));
        assert_eq!(plan.schedule.end(), Some(at(8_000)));
        assert!(plan.is_over(at(8_000)) && !plan.is_over(at(7_999)));
    }

    #[test]
    fn a_ramp_reaches_its_end_and_stays() {
        let plan = Plan {
            from: level(0),
            to: level(60),
            ramp: ms(600_000),
            schedule: Schedule {
                start: at(0),
                pulses: None,
            },
        };
        let (halfway, next) = plan.sample(at(300_000));
        assert_eq!(halfway, level(30));
        // One permille a second: nothing to look at before that.
        assert_eq!(next, Some(at(301_000)));
        assert_eq!(plan.sample(at(600_000)), (level(60), None));
        assert_eq!(plan.sample(at(9_999_999)), (level(60), None));
    }

    #[test]
    fn a_ramp_down_is_as_even_as_a_ramp_up() {
        let plan = Plan {
            from: level(80),
            to: level(-20),
            ramp: ms(1_000),
            schedule: Schedule {
                start: at(0),
                pulses: None,
            },
        };
        assert_eq!(plan.sample(at(500)).0, level(30));
        assert_eq!(plan.sample(at(1_000)).0, level(-20));
    }
}
