//! Evidence: what a toy or its app reports of a level, held against what the bridge has sent.
//!
//! The toy is not the bridge's alone. The wearer turns a level down at the toy, a game drives the
//! same app. A report that does not follow from an operation of the bridge is such a change by hand:
//!
//! - 0 ends everything that is wanted of the output, and nothing begins it again but a new request.
//! - A level below the one that was asked for is the new level.
//! - A higher level is shown, and never kept up: the next operation says what was asked for.
//!
//! Reports of the bridge's own operations may come late, so each step sent is expected once, for
//! [`ROUND_TRIP`]. While the app plays a pattern by itself its steps are not known one by one: there
//! only a rest that is longer than any of the pattern's is evidence.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{Class, Instant, Level, LevelReport};

use super::toy::{Context, Doing, Toy};

/// The report of an operation comes within this time after it was sent, or never.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// A rest that the app adds to those of a pattern is shorter than this.
const REST_MARGIN: Duration = Duration::from_millis(500);

/// More reports than this are not expected of one output.
const MAX_EXPECTED: usize = 64;

/// A report that contradicts what the bridge has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// What the output does, in its own steps.
    pub(super) step: i32,
    /// When it was reported.
    pub(super) at: Instant,
    /// What was wanted of the output then: it is left alone until something else is wanted.
    pub(super) against: Option<i32>,
}

/// What is known of one output beside the results of operations.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last step sent.
    sent: Option<i32>,
    /// Steps sent of which no report has come, and until when one may.
    expected: VecDeque<(i32, Instant)>,
    contradiction: Option<Contradiction>,
    /// What was reported, as far as only the operation under way explains it.
    explained: Option<i32>,
    /// Since when it is reported to rest.
    resting: Option<Instant>,
}

/// What a report of a step is.
enum Verdict {
    /// It follows from an operation that was sent a while ago.
    Late,
    /// Someone else has set it.
    ByHand,
}

/// Evidence of all outputs of a toy.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence(Vec<Known>);

impl Evidence {
    /// Nothing is known of `count` outputs.
    pub(super) fn reset(&mut self, count: usize) {
        self.0.clear();
        self.0.resize_with(count, Known::default);
    }

    /// An operation with this step was sent.
    pub(super) fn sent(&mut self, index: usize, step: i32, now: Instant) {
        let known = &mut self.0[index];
        // Reports tell strength, no direction.
        let step = step.abs();
        if known.sent != Some(step) {
            known.sent = Some(step);
            known.expected.retain(|(_, until)| *until >= now);
            if known.expected.len() == MAX_EXPECTED {
                known.expected.pop_front();
            }
            known.expected.push_back((step, now + ROUND_TRIP));
        }
    }

    /// An operation that was sent at `sent` was carried out: it has replaced what was reported
    /// before.
    pub(super) fn replaced(&mut self, sent: Instant) {
        for known in &mut self.0 {
            known.explained = None;
            known.contradiction.take_if(|report| report.at <= sent);
        }
    }

    /// The toy was stopped for certain.
    pub(super) fn stopped(&mut self) {
        for known in &mut self.0 {
            known.contradiction = None;
            known.explained = None;
            known.resting = None;
        }
    }

    pub(super) fn contradiction(&self, index: usize) -> Option<Contradiction> {
        self.0[index].contradiction
    }

    /// Since when an output is reported to rest, the first of those that are.
    fn resting(&self) -> Option<Instant> {
        self.0.iter().filter_map(|known| known.resting).min()
    }

    fn judge(&mut self, index: usize, step: i32, now: Instant) -> Verdict {
        let expected = &mut self.0[index].expected;
        let found = expected
            .iter()
            .position(|(sent, until)| *sent == step && now <= *until);
        match found {
            Some(found) => {
                expected.drain(..=found);
                Verdict::Late
            }
            None => Verdict::ByHand,
        }
    }
}

impl Toy {
    /// The toy or its app reports what an output does.
    pub(super) fn level_reported(&mut self, report: LevelReport, cx: &mut Context<'_>) {
        if let Some((index, _)) = self.description.output(report.output) {
            self.step_reported(index, report.step, cx);
        } else if report.step == 0 {
            // The way over which it is reported joins or parts outputs otherwise: a 0 is never lost.
            for index in 0..self.description.outputs.len() {
                let key = self.description.outputs[index].key;
                if key.may_be_joined_with(report.output) {
                    self.step_reported(index, 0, cx);
                }
            }
        }
    }

    fn step_reported(&mut self, index: usize, step: i32, cx: &mut Context<'_>) {
        let output = &self.description.outputs[index];
        if output.class() != Class::Intensity {
            return;
        }
        let step = step.abs().min(i32::from(output.steps));
        self.evidence.0[index].resting = (step == 0).then_some(cx.now);
        let flying = self.in_flight.as_ref().map(|flight| &flight.doing);
        let on_its_way = match (flying, &self.applied) {
            (Some(Doing::Playing(_)), _) | (None, Doing::Playing(_)) => return,
            (Some(Doing::Steps(steps)), _) => steps[index].map(i32::abs),
            (None, Doing::Steps(_)) => None,
        };
        // After an operation of unknown effect the level is not known.
        let applied = self.applied_step(index).filter(|_| self.certain);
        let known = &mut self.evidence.0[index];
        let is_known = known.explained.or(applied) == Some(step);
        if !is_known {
            known.explained = on_its_way.filter(|on_its_way| *on_its_way == step);
        }
        if is_known || known.explained.is_some() {
            let _ = self.evidence.judge(index, step, cx.now);
            return;
        }
        match self.evidence.judge(index, step, cx.now) {
            Verdict::ByHand => self.changed_by_hand(index, step, cx),
            Verdict::Late => {
                let idle = self.in_flight.is_none() && !self.is_stopping();
                if !idle || self.wish.wants(index) {
                    return;
                }
                // It came after a newer one, and nothing is wanted of it: the report counts.
                if step == 0 {
                    self.rests(index, cx);
                } else {
                    self.certain = false;
                }
            }
        }
    }

    /// The operation that was sent at `sent` was not carried out, so it explains no report: neither
    /// one that has come nor one that comes yet.
    pub(super) fn unexplain(&mut self, sent: Instant, cx: &mut Context<'_>) {
        for index in 0..self.description.outputs.len() {
            let applied = self.applied_step(index);
            let known = &mut self.evidence.0[index];
            known
                .expected
                .retain(|(_, until)| *until != sent + ROUND_TRIP);
            known.sent = applied.filter(|_| known.contradiction.is_none());
            if let Some(step) = known.explained.take() {
                self.changed_by_hand(index, step, cx);
            }
        }
    }

    /// The output is reported to rest, and nothing is wanted of it.
    fn rests(&mut self, index: usize, cx: &mut Context<'_>) {
        self.evidence.0[index].contradiction = None;
        if let Doing::Steps(applied) = &mut self.applied {
            applied[index] = Some(0);
        }
        let mut shown = self.shown.clone();
        shown.levels[index] = Some(Level::ZERO);
        self.show(shown, cx.out);
    }

    fn applied_step(&self, index: usize) -> Option<i32> {
        match &self.applied {
            Doing::Steps(steps) => steps[index].map(i32::abs),
            Doing::Playing(_) => None,
        }
    }

    fn changed_by_hand(&mut self, index: usize, step: i32, cx: &mut Context<'_>) {
        let output = &self.description.outputs[index];
        let level = Level::from_step(step, output.steps);
        let now = self.wish.sample(index, cx.now).0.abs();
        if self.wish.wants(index) || !now.is_zero() {
            // What fades out ends rather than rises to where it would be by now.
            let fades = !self.wish.wants(index) && level < now;
            for wish in [&mut self.wish, &mut self.confirmed] {
                let goal = wish.goal(index);
                if step == 0 || fades {
                    wish.release(index);
                } else if level < goal.abs() || level < now {
                    // What sinks is not raised to where it would be by now.
                    wish.hold_at(index, goal.limited_to(level));
                }
            }
            self.revision += 1;
        }
        self.governors[index].set(level, cx.now);
        let against = match self.desire(cx.now, cx.settings).doing {
            Doing::Steps(steps) => steps[index],
            Doing::Playing(_) => None,
        };
        let known = &mut self.evidence.0[index];
        known.sent = None;
        known.contradiction = Some(Contradiction {
            step,
            at: cx.now,
            against,
        });
        if let Doing::Steps(applied) = &mut self.applied {
            applied[index] = Some(step);
        }
        let mut shown = self.shown.clone();
        shown.levels[index] = Some(level);
        if self.wish.effect.is_none() {
            shown.effect = None;
        }
        self.show(shown, cx.out);
    }

    /// An operation that was sent at `sent` was carried out: `applied` says what the toy does, unless
    /// another level was reported meanwhile.
    pub(super) fn weigh_evidence(&mut self, sent: Instant) {
        self.evidence.replaced(sent);
        let Doing::Steps(applied) = &mut self.applied else {
            return;
        };
        for (step, known) in applied.iter_mut().zip(&mut self.evidence.0) {
            // It was reported while the operation was under way, and either may have come last. A
            // lower level is not to rise by that, so the operation counts, and is corrected.
            let report = known.contradiction.take();
            let sent = step.map_or(0, i32::abs);
            if report.is_some_and(|report| report.step > sent) {
                *step = None;
                // What the bridge has set is the bridge's to end.
                self.certain &= sent == 0;
            }
        }
    }

    /// Whether the pattern that the app plays has been ended there, or when that will be known.
    pub(super) fn ended_in_app(&self, now: Instant) -> Result<bool, Instant> {
        let Doing::Playing(playing) = &self.applied else {
            return Ok(false);
        };
        match self.evidence.resting() {
            None => Ok(false),
            Some(since) => {
                let known = since + playing.pattern.longest_rest() + REST_MARGIN;
                if now >= known { Ok(true) } else { Err(known) }
            }
        }
    }

    /// What there is to show of an intensity, where that is not what was last asked for.
    pub(super) fn observed(&self, index: usize) -> Option<Option<Level>> {
        let Doing::Steps(applied) = &self.applied else {
            return None;
        };
        let output = &self.description.outputs[index];
        if output.class() != Class::Intensity {
            return None;
        }
        match (applied[index], self.evidence.contradiction(index)) {
            (None, _) => Some(None),
            (Some(_), Some(report)) => Some(Some(Level::from_step(report.step, output.steps))),
            (Some(_), None) => None,
        }
    }
}
