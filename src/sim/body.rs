//! The moving parts of a simulated toy: plain state, with time as an argument.

use std::time::Duration;

use super::Function;
use super::motion::{Kind, Motion, Shape};
use super::timeline::{Cause, Change, Log, Timeline};

/// The functions of one toy, what they are doing, and the log of it.
///
/// All times are since the start of the app and must not go back.
#[derive(Debug)]
pub(crate) struct Body {
    parts: Vec<Part>,
    log: Log,
    inversions: u64,
    /// When the timer that calls [`Self::tick`] will do so next.
    armed: Option<Duration>,
}

#[derive(Debug)]
struct Part {
    function: Function,
    level: u16,
    motion: Option<Motion>,
    /// The latest request that has had a say in this function.
    newest: u64,
}

/// A motion that a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) request: u64,
    pub(crate) kind: Kind,
    /// For how long; none for until told otherwise.
    pub(crate) lasts: Option<Duration>,
    /// How far into the shape to start.
    pub(crate) skip: Duration,
    /// Whether everything else the toy does ends first.
    pub(crate) stop_previous: bool,
}

impl Body {
    pub(crate) fn new(functions: &[Function], log_capacity: usize) -> Self {
        let parts = functions
            .iter()
            .map(|&function| Part {
                function,
                level: 0,
                motion: None,
                newest: 0,
            })
            .collect();
        Self {
            parts,
            log: Log::new(log_capacity),
            inversions: 0,
            armed: None,
        }
    }

    /// Starts a motion of each of these functions. Functions that the toy lacks are left out.
    pub(crate) fn start(&mut self, now: Duration, how: &Start, shapes: &[(Function, Shape)]) {
        self.tick(now);
        let mut inverted = false;
        for index in 0..self.parts.len() {
            let part = &mut self.parts[index];
            let shape = shapes.iter().rev().find(|(of, _)| *of == part.function);
            if let Some((_, shape)) = shape {
                inverted |= part.heed(how.request);
                part.motion = Some(Motion {
                    request: how.request,
                    kind: how.kind,
                    shape: shape.clone(),
                    started: now.saturating_sub(how.skip),
                    ends: how.lasts.map(|lasts| now.saturating_add(lasts)),
                });
                self.follow(index, now);
            } else if how.stop_previous {
                inverted |= part.heed(how.request);
                if !part.is_stubborn() {
                    self.rest(index, now, Cause::Superseded(how.request));
                }
            }
        }
        self.inversions += u64::from(inverted);
    }

    /// Ends everything at once, save a PatternV2, which heeds only its own stop.
    pub(crate) fn stop(&mut self, now: Duration, request: u64) {
        self.halt(now, request, false);
    }

    /// Ends a PatternV2 and nothing else.
    pub(crate) fn stop_pattern_v2(&mut self, now: Duration, request: u64) {
        self.halt(now, request, true);
    }

    fn halt(&mut self, now: Duration, request: u64, stubborn: bool) {
        self.tick(now);
        let mut inverted = false;
        for index in 0..self.parts.len() {
            let part = &mut self.parts[index];
            if part.is_stubborn() != stubborn {
                continue;
            }
            inverted |= part.heed(request);
            self.rest(index, now, Cause::Stop(request));
        }
        self.inversions += u64::from(inverted);
    }

    /// The app loses the toy, and the toy stops.
    pub(crate) fn unplug(&mut self, now: Duration) {
        self.tick(now);
        for index in 0..self.parts.len() {
            self.rest(index, now, Cause::Unplugged);
        }
    }

    /// The user sets a level on the toy, until told otherwise. Whether the toy has the function.
    pub(crate) fn set_by_user(&mut self, now: Duration, function: Function, level: u16) -> bool {
        self.tick(now);
        let known = self.parts.iter().position(|part| part.function == function);
        if let Some(index) = known {
            self.parts[index].motion = None;
            self.set(index, now, level.min(function.max()), Cause::User);
        }
        known.is_some()
    }

    /// Lets time pass: steps that are due are taken, motions that are over end.
    pub(crate) fn tick(&mut self, now: Duration) {
        for index in 0..self.parts.len() {
            let Some(motion) = &self.parts[index].motion else {
                continue;
            };
            if motion.is_over(now) {
                let request = motion.request;
                self.rest(index, now, Cause::Expired(request));
            } else {
                self.follow(index, now);
            }
        }
    }

    /// When to call [`Self::tick`] next.
    pub(crate) fn next_deadline(&self, now: Duration) -> Option<Duration> {
        self.parts
            .iter()
            .filter_map(|part| part.motion.as_ref()?.at(now).1)
            .min()
    }

    /// Like [`Self::next_deadline`], remembering that somebody will be there then.
    pub(crate) fn arm(&mut self, now: Duration) -> Option<Duration> {
        self.armed = self.next_deadline(now);
        self.armed
    }

    /// Whether the timer has to be told that it is needed earlier than it thinks.
    pub(crate) fn needs_arming(&self, now: Duration) -> bool {
        match (self.next_deadline(now), self.armed) {
            (Some(next), Some(armed)) => next < armed,
            (next, _) => next.is_some(),
        }
    }

    pub(crate) const fn changes(&self) -> u64 {
        self.log.total()
    }

    pub(crate) fn changes_since(&self, known: u64) -> Vec<Change> {
        self.log.since(known).copied().collect()
    }

    /// The functions and their levels.
    pub(crate) fn levels(&self) -> Vec<(Function, u16)> {
        self.parts
            .iter()
            .map(|part| (part.function, part.level))
            .collect()
    }

    pub(crate) fn timeline(&self, now: Duration) -> Timeline {
        self.log.snapshot(now, self.levels(), self.inversions)
    }

    /// Brings a part to where its motion is.
    fn follow(&mut self, index: usize, now: Duration) {
        let Some(motion) = &self.parts[index].motion else {
            return;
        };
        let (sample, _) = motion.at(now);
        let cause = motion.cause(sample.step);
        if let Some(level) = sample.level {
            self.set(index, now, level, cause);
        }
    }

    /// Ends the motion of a part. A position stays: where a stroker stands cannot be "off".
    fn rest(&mut self, index: usize, now: Duration, cause: Cause) {
        self.parts[index].motion = None;
        if self.parts[index].function != Function::Position {
            self.set(index, now, 0, cause);
        }
    }

    fn set(&mut self, index: usize, now: Duration, to: u16, cause: Cause) {
        let part = &mut self.parts[index];
        if part.level == to {
            return;
        }
        self.log.push(Change {
            at: now,
            function: part.function,
            from: part.level,
            to,
            cause,
        });
        part.level = to;
    }
}

impl Part {
    /// Notes that a request has a say in this part; whether it is older than one that had.
    fn heed(&mut self, request: u64) -> bool {
        let inverted = request < self.newest;
        self.newest = self.newest.max(request);
        inverted
    }

    fn is_stubborn(&self) -> bool {
        self.motion
            .as_ref()
            .is_some_and(|motion| motion.kind == Kind::PatternV2)
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
