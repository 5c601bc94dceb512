//! The level log of a simulated toy: what changed when and why, and what follows from it.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::Function;

/// Why a level changed. Numbers are those of the request, counted by the app from 1 on in the
/// order in which bodies were completely received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A request named this function and this level.
    Command(u64),
    /// A request told the toy to stop.
    Stop(u64),
    /// A request was for other functions of the toy and first stopped everything
    /// (`stopPrevious` 1, which is the default).
    Superseded(u64),
    /// The `timeSec` of this request ran out.
    Expired(u64),
    /// The run or pause time of a looping request (`loopRunningSec`, `loopPauseSec`).
    Loop(u64),
    /// A step of a pattern.
    Pattern {
        /// The request that started it.
        request: u64,
        /// Steps since its start, from 0.
        step: u32,
    },
    /// A step of a preset.
    Preset {
        /// The request that started it.
        request: u64,
        /// Steps since its start, from 0.
        step: u32,
    },
    /// The user did it on the toy or in the app.
    User,
    /// The app lost the toy, which stops toys.
    Unplugged,
}

impl Cause {
    /// The request that is behind it.
    #[must_use]
    pub const fn request(self) -> Option<u64> {
        match self {
            Self::Command(request)
            | Self::Stop(request)
            | Self::Superseded(request)
            | Self::Expired(request)
            | Self::Loop(request)
            | Self::Pattern { request, .. }
            | Self::Preset { request, .. } => Some(request),
            Self::User | Self::Unplugged => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(request) => write!(f, "command {request}"),
            Self::Stop(request) => write!(f, "stop {request}"),
            Self::Superseded(request) => write!(f, "superseded by {request}"),
            Self::Expired(request) => write!(f, "time of {request} ran out"),
            Self::Loop(request) => write!(f, "loop of {request}"),
            Self::Pattern { request, step } => write!(f, "pattern {request} step {step}"),
            Self::Preset { request, step } => write!(f, "preset {request} step {step}"),
            Self::User => f.write_str("user"),
            Self::Unplugged => f.write_str("unplugged"),
        }
    }
}

/// One level that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Monotonic time since the app was started.
    pub at: Duration,
    /// What changed.
    pub function: Function,
    /// The level before, in the function's own steps.
    pub from: u16,
    /// The level from now on.
    pub to: u16,
    /// Why.
    pub cause: Cause,
}

/// The log as it grows.
#[derive(Debug)]
pub(crate) struct Log {
    changes: VecDeque<Change>,
    capacity: usize,
    total: u64,
}

impl Log {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            changes: VecDeque::new(),
            capacity,
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, change: Change) {
        self.total += 1;
        if self.capacity == 0 {
            return;
        }
        if self.changes.len() >= self.capacity {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    /// How many changes there ever were.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// The changes after the first `known`, as far as they are still there.
    pub(crate) fn since(&self, known: u64) -> impl Iterator<Item = &Change> {
        let fresh = usize::try_from(self.total.saturating_sub(known)).unwrap_or(usize::MAX);
        self.changes
            .iter()
            .skip(self.changes.len().saturating_sub(fresh))
    }

    pub(crate) fn snapshot(
        &self,
        now: Duration,
        levels: Vec<(Function, u16)>,
        inversions: u64,
    ) -> Timeline {
        Timeline {
            now,
            changes: self.changes.iter().copied().collect(),
            forgotten: self.total - self.changes.len() as u64,
            levels,
            inversions,
        }
    }
}

/// Everything that happened to the levels of one toy until [`Timeline::now`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    now: Duration,
    changes: Vec<Change>,
    forgotten: u64,
    levels: Vec<(Function, u16)>,
    inversions: u64,
}

impl Timeline {
    /// When this was taken, since the start of the app.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The changes, oldest first.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes of one function, oldest first.
    pub fn of(&self, function: Function) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(move |change| change.function == function)
    }

    /// How many old changes were dropped because the log is bounded. Questions about that time
    /// are answered as if the oldest kept change had been the first one.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How often an earlier request took effect on a function after a later one had.
    #[must_use]
    pub const fn inversions(&self) -> u64 {
        self.inversions
    }

    /// The level of a function now; 0 for one that the toy does not have.
    #[must_use]
    pub fn level(&self, function: Function) -> u16 {
        self.levels
            .iter()
            .find(|(of, _)| *of == function)
            .map_or(0, |&(_, level)| level)
    }

    /// The level of a function at a time since the start of the app.
    #[must_use]
    pub fn level_at(&self, function: Function, at: Duration) -> u16 {
        let mut level = None;
        for change in self.of(function) {
            if change.at > at {
                return level.unwrap_or(change.from);
            }
            level = Some(change.to);
        }
        level.unwrap_or_else(|| self.level(function))
    }

    /// The highest level that a function ever had.
    #[must_use]
    pub fn max(&self, function: Function) -> u16 {
        self.of(function)
            .flat_map(|change| [change.from, change.to])
            .chain([self.level(function)])
            .max()
            .unwrap_or(0)
    }

    /// When the newest change was.
    #[must_use]
    pub fn last_change(&self) -> Option<Duration> {
        self.changes.last().map(|change| change.at)
    }

    /// Whether everything that moves is at 0 now.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.levels
            .iter()
            .all(|&(function, level)| level == 0 || !function.moves())
    }

    /// The spans of time in which anything that moves was above 0; the last one may end now.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        // Where each function stood before the oldest kept change.
        let mut levels: Vec<(Function, u16)> = self
            .levels
            .iter()
            .filter(|(function, _)| function.moves())
            .map(|&(function, level)| {
                let before = self.of(function).next().map_or(level, |first| first.from);
                (function, before)
            })
            .collect();
        let running = |levels: &[(Function, u16)]| levels.iter().any(|&(_, level)| level > 0);
        let mut runs = Vec::new();
        let mut since = running(&levels).then_some(Duration::ZERO);
        for change in &self.changes {
            let known = levels.iter_mut().find(|(of, _)| *of == change.function);
            let Some((_, level)) = known else { continue };
            *level = change.to;
            match (since, running(&levels)) {
                (None, true) => since = Some(change.at),
                (Some(from), false) => {
                    runs.push(Run::new(from, change.at));
                    since = None;
                }
                _ => {}
            }
        }
        runs.extend(since.map(|from| Run { from, until: None }));
        runs
    }

    /// Whether anything that moves was above 0 at any time in `from..until`.
    #[must_use]
    pub fn ran_between(&self, from: Duration, until: Duration) -> bool {
        self.runs()
            .iter()
            .any(|run| run.from < until && run.until.is_none_or(|end| end > from))
    }

    /// The runs, or parts of runs, outside all of the `allowed` spans: movement that nobody
    /// permitted. The spans may overlap and need no order.
    #[must_use]
    pub fn ran_outside(&self, allowed: &[Run]) -> Vec<Run> {
        let mut allowed = allowed.to_vec();
        allowed.sort_by_key(|span| span.from);
        let mut outside = Vec::new();
        for run in self.runs() {
            let end = run.until.unwrap_or(self.now.max(run.from));
            let mut from = run.from;
            for span in &allowed {
                let span_end = span.until.unwrap_or(Duration::MAX);
                if span_end <= from {
                    continue;
                }
                if span.from >= end {
                    break;
                }
                if span.from > from {
                    outside.push(Run {
                        from,
                        until: Some(span.from),
                    });
                }
                from = span_end;
            }
            if from < end {
                outside.push(Run {
                    from,
                    until: run.until,
                });
            }
        }
        outside
    }
}

/// A span of time since the start of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its start.
    pub from: Duration,
    /// Its end; none if it has not ended.
    pub until: Option<Duration>,
}

impl Run {
    /// From `from` until `until`.
    #[must_use]
    pub const fn new(from: Duration, until: Duration) -> Self {
        Self {
            from,
            until: Some(until),
        }
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
