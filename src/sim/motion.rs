//! How one function moves over time: what a command, a loop, a pattern or a preset makes of it.

use std::sync::Arc;
use std::time::Duration;

use super::timeline::Cause;

/// A level as a function of the time since its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Always the same.
    Hold(u16),
    /// `level` for `run`, 0 for `pause`, again and again (`loopRunningSec`, `loopPauseSec`).
    Loop {
        level: u16,
        run: Duration,
        pause: Duration,
    },
    /// Each level for `step`, again and again. Not empty.
    Steps { levels: Arc<[u16]>, step: Duration },
    /// From point to point, then the last one for good. Times ascend; not empty.
    Path(Arc<[(Duration, u16)]>),
}

/// A level at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// The level; none before the first point of a path.
    pub(crate) level: Option<u16>,
    /// How many steps were taken before.
    pub(crate) step: u32,
    /// When the next step comes, since the start.
    pub(crate) next: Option<Duration>,
}

impl Shape {
    pub(crate) fn sample(&self, elapsed: Duration) -> Sample {
        match self {
            Self::Hold(level) => Sample {
                level: Some(*level),
                step: 0,
                next: None,
            },
            Self::Loop { level, run, pause } => {
                let (round, into) = divide(elapsed, *run + *pause);
                let start = elapsed - into;
                let running = into < *run;
                Sample {
                    level: Some(if running { *level } else { 0 }),
                    step: round.saturating_mul(2).saturating_add(u32::from(!running)),
                    next: Some(start + *run + if running { Duration::ZERO } else { *pause }),
                }
            }
            Self::Steps { levels, step } => {
                let (count, into) = divide(elapsed, *step);
                Sample {
                    level: levels.get(count as usize % levels.len().max(1)).copied(),
                    step: count,
                    next: Some(elapsed - into + *step),
                }
            }
            Self::Path(points) => {
                let passed = points.partition_point(|(at, _)| *at <= elapsed);
                Sample {
                    level: passed.checked_sub(1).map(|last| points[last].1),
                    step: u32::try_from(passed).unwrap_or(u32::MAX).saturating_sub(1),
                    next: points.get(passed).map(|(at, _)| *at),
                }
            }
        }
    }
}

/// How often `by` fits into `time`, and what is left.
fn divide(time: Duration, by: Duration) -> (u32, Duration) {
    let by = by.max(Duration::from_micros(1));
    let count = time.as_nanos() / by.as_nanos();
    let left = time.as_nanos() % by.as_nanos();
    (
        u32::try_from(count).unwrap_or(u32::MAX),
        // Less than `by`, so it fits whenever `by` is shorter than five centuries.
        Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)),
    )
}

/// Which command made a motion; it decides what stops it and what the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Pattern,
    Preset,
    /// Heeds only its own stop.
    PatternV2,
}

/// A motion under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Motion {
    pub(crate) request: u64,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// Since the start of the app. May lie in the past when it starts in the middle.
    pub(crate) started: Duration,
    /// Since the start of the app; none for until told otherwise.
    pub(crate) ends: Option<Duration>,
}

impl Motion {
    /// What the log says of its level at `now`.
    pub(crate) fn cause(&self, step: u32) -> Cause {
        let request = self.request;
        match self.kind {
            Kind::Function if step == 0 => Cause::Command(request),
            Kind::Function => Cause::Loop(request),
            Kind::Pattern | Kind::PatternV2 => Cause::Pattern { request, step },
            Kind::Preset => Cause::Preset { request, step },
        }
    }

    /// Its level at `now`, and when to look again.
    pub(crate) fn at(&self, now: Duration) -> (Sample, Option<Duration>) {
        let sample = self.shape.sample(now.saturating_sub(self.started));
        let step = sample.next.map(|next| self.started + next);
        let wake = match (step, self.ends) {
            (Some(step), Some(end)) => Some(step.min(end)),
            (step, end) => step.or(end),
        };
        (sample, wake)
    }

    pub(crate) fn is_over(&self, now: Duration) -> bool {
        self.ends.is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_loop_runs_and_pauses() {
        let shape = Shape::Loop {
            level: 7,
            run: ms(200),
            pause: ms(100),
        };
        let at = |time| {
            let sample = shape.sample(ms(time));
            (sample.level, sample.step, sample.next)
        };
        assert_eq!(at(0), (Some(7), 0, Some(ms(200))));
        assert_eq!(at(200), (Some(0), 1, Some(ms(300))));
        assert_eq!(at(300), (Some(7), 2, Some(ms(500))));
    }

    #[test]
    fn steps_start_again() {
        let shape = Shape::Steps {
            levels: Arc::from([1, 2, 3]),
            step: ms(100),
        };
        let sample = shape.sample(ms(350));
        assert_eq!(
            sample,
            Sample {
                level: Some(1),
                step: 3,
                next: Some(ms(400))
            }
        );
    }

    #[test]
    fn a_path_stays_where_it_ends() {
        let shape = Shape::Path(Arc::from([(ms(10), 40), (ms(20), 90)]));
        assert_eq!(shape.sample(ms(9)).level, None);
        assert_eq!(shape.sample(ms(10)).next, Some(ms(20)));
        let end = shape.sample(ms(9_999));
        assert_eq!((end.level, end.step, end.next), (Some(90), 1, None));
    }

    proptest! {
        #[test]
        fn the_next_step_is_never_now(
            run in 1u64..5_000, pause in 0u64..5_000, step in 1u64..5_000, at in 0u64..u64::MAX / 4,
        ) {
            let shapes = [
                Shape::Loop { level: 3, run: ms(run), pause: ms(pause) },
                Shape::Steps { levels: Arc::from([1, 2]), step: ms(step) },
                Shape::Path(Arc::from([(ms(run), 1), (ms(run + step), 2)])),
            ];
            for shape in shapes {
                let elapsed = Duration::from_micros(at);
                let next = shape.sample(elapsed).next;
                prop_assert!(next.is_none_or(|next| next > elapsed));
            }
        }
    }
}
