//! The conversation with a toy that has been [greeted](super::Greeting): one write at a time, a
//! pause between two, a stop before everything else, every answer with its question.
//!
//! A state machine without a connection and without a clock: whoever has them asks
//! [`poll`](Session::poll) for what to do until there is nothing, waits for whatever comes first of
//! [`next_deadline`](Session::next_deadline), an end of the write and something heard, and says so.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Answer, Line, Lines, Proof, Question, TextCommand, Translator};
use crate::domain::{Command, Instant, OpError, Output, Reading};

/// How long an answer may take before what was asked counts as lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the answer to a stop may take before it is said again.
const STOP_PATIENCE: Duration = Duration::from_millis(250);

/// How often a line of a stop is said before its asker is told that nothing answers.
const STOP_TRIES: u32 = 3;

/// A toy that leaves this many questions in a row unanswered is gone.
const MISSES: u32 = 2;

/// How a conversation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// The least time between two writes. A stop does not wait for it.
    pub pace: Duration,
    /// How often to ask for the charge, which also tells whether the toy is still there.
    pub battery: Duration,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// Write this, then call [`Session::written`]. There is never more than one.
    Write(Vec<u8>),
    /// Tell whoever asked with this ticket.
    Done(T, Result<(), OpError>),
    /// The toy has told this.
    Told(Reading),
    /// The toy does not answer any more: the connection is dead.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Stop,
    Op,
    Battery,
}

/// What has been said last.
#[derive(Debug)]
struct Current {
    whose: Whose,
    question: Question,
    line: Option<Line>,
    written: bool,
    answer: Option<Answer>,
    until: Instant,
    /// A stop came meanwhile: nobody waits for it any more.
    abandoned: bool,
    /// What was heard meanwhile passed for the answer to something earlier; it may have been its own.
    passed_over: bool,
}

#[derive(Debug)]
struct Stopping {
    lines: VecDeque<Line>,
    /// Whether anything of it has been said.
    begun: bool,
    tries: u32,
    /// Whether the toy has taken any of it.
    taken: bool,
}

#[derive(Debug)]
struct Driving<T> {
    ticket: T,
    lines: VecDeque<Line>,
    begun: bool,
    /// Whether the toy has taken any of it.
    taken: bool,
}

/// A conversation. `T` is what an asker is known by.
#[derive(Debug)]
pub struct Session<T> {
    translator: Translator,
    acknowledges: bool,
    manners: Manners,
    lines: Lines,
    stops: Vec<T>,
    stopping: Option<Stopping>,
    driving: Option<Driving<T>>,
    current: Option<Current>,
    /// Settings whose `OK;` may still come although nobody waits for it.
    owed: u32,
    /// No ordinary write before.
    slot: Instant,
    battery_due: Instant,
    misses: u32,
    out: VecDeque<Step<T>>,
}

impl<T> Session<T> {
    /// Begins at `now`, by asking for the charge.
    #[must_use]
    pub fn new(proof: Proof, manners: Manners, now: Instant) -> Self {
        Self {
            translator: proof.translator,
            acknowledges: proof.acknowledges,
            manners,
            lines: Lines::default(),
            stops: Vec::new(),
            stopping: None,
            driving: None,
            current: None,
            owed: 0,
            slot: now + manners.pace,
            battery_due: now,
            misses: 0,
            out: VecDeque::new(),
        }
    }

    /// The outputs of the toy.
    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        self.translator.outputs()
    }

    /// Carries out `command`; whoever asked is told by `ticket` when the toy has taken all of it.
    ///
    /// Of two that are not stops only the newer one is carried out.
    pub fn ask(&mut self, ticket: T, command: &Command) {
        if *command == Command::Stop {
            self.stop(ticket);
            return;
        }
        if self.driving.is_some() {
            self.give_up_driving("a newer operation came before it was done");
            self.set_aside(|whose| whose == Whose::Op);
        }
        match self.translator.lines(command) {
            Ok(lines) if lines.is_empty() => self.out.push_back(Step::Done(ticket, Ok(()))),
            Ok(lines) => {
                self.driving = Some(Driving {
                    ticket,
                    lines: lines.into(),
                    begun: false,
                    taken: false,
                });
            }
            Err(error) => self.out.push_back(Step::Done(ticket, Err(error))),
        }
    }

    fn stop(&mut self, ticket: T) {
        self.stops.push(ticket);
        self.give_up_driving("a stop came before it was done");
        // One that is under way was begun after everything else that has been said.
        if let Some(stopping) = &mut self.stopping {
            stopping.tries = 0;
            return;
        }
        self.stopping = Some(Stopping {
            lines: self.translator.stop().into(),
            begun: false,
            tries: 0,
            taken: false,
        });
        self.set_aside(|_| true);
    }

    /// Looks soon whether the toy is still there.
    pub fn look(&mut self, now: Instant) {
        self.battery_due = self.battery_due.min(now);
    }

    /// What to do now; nothing if there is nothing before [`Self::next_deadline`].
    pub fn poll(&mut self, now: Instant) -> Option<Step<T>> {
        let expired = |current: &Current| current.written && now >= current.until;
        if self.current.as_ref().is_some_and(expired)
            && let Some(current) = self.current.take()
        {
            self.expired(current, now);
        }
        if let Some(step) = self.out.pop_front() {
            return Some(step);
        }
        if self.current.is_some() {
            return None;
        }
        let free = now >= self.slot;
        if let Some(stopping) = &mut self.stopping {
            if stopping.begun && !free {
                return None;
            }
            if !stopping.begun && !free && !self.acknowledges {
                // Two writes this close together may be one too many, and the toy would not say so.
                let again: Vec<Line> = stopping.lines.iter().cloned().collect();
                stopping.lines.extend(again);
            }
            stopping.begun = true;
            let line = stopping.lines.front().cloned();
            return line.map(|line| self.say(Whose::Stop, Question::Setting, Some(line)));
        }
        if !free {
            return None;
        }
        if let Some(driving) = &mut self.driving {
            driving.begun = true;
            let line = driving.lines.front().cloned();
            return line.map(|line| self.say(Whose::Op, Question::Setting, Some(line)));
        }
        (now >= self.battery_due).then(|| self.say(Whose::Battery, Question::Battery, None))
    }

    /// When to [poll](Self::poll) again, if nothing happens before; never while a write is under way.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.current {
            Some(current) => current.written.then_some(current.until),
            None if self.stopping.is_some() || self.driving.is_some() => Some(self.slot),
            None => Some(self.battery_due.max(self.slot)),
        }
    }

    fn say(&mut self, whose: Whose, question: Question, line: Option<Line>) -> Step<T> {
        let command = line.as_ref().map(|line| &line.command);
        let bytes = command.unwrap_or(&TextCommand::Battery).bytes();
        self.current = Some(Current {
            whose,
            question,
            line,
            written: false,
            answer: None,
            // Counts from the end of the write.
            until: Instant::START,
            abandoned: false,
            passed_over: false,
        });
        Step::Write(bytes)
    }

    /// The write has ended; why it failed, if it did.
    pub fn written(&mut self, now: Instant, result: Result<(), String>) {
        let Some(mut current) = self.current.take() else {
            return;
        };
        self.slot = now + self.manners.pace;
        if let Err(reason) = result {
            self.translator.doubt();
            let error = OpError::Link(reason);
            match current.whose {
                _ if current.abandoned => {}
                Whose::Stop => self.stopped(&Err(error)),
                Whose::Op => self.driven(Err(error)),
                Whose::Battery => self.missed(now),
            }
            return;
        }
        if let Some(line) = &current.line {
            self.translator.note(line);
        }
        current.written = true;
        let patience = match current.whose {
            Whose::Stop => STOP_PATIENCE,
            Whose::Op | Whose::Battery => PATIENCE,
        };
        current.until = now + patience;
        let needs_no_answer = current.line.is_some() && !self.acknowledges;
        if current.abandoned {
            self.current = Some(current);
            self.abandon();
        } else if let Some(answer) = current.answer.take() {
            self.answered(&current, &answer, now);
        } else if needs_no_answer {
            self.answered(&current, &Answer::Done, now);
        } else {
            self.current = Some(current);
        }
    }

    /// Something came.
    pub fn heard(&mut self, now: Instant, bytes: &[u8]) {
        for line in self.lines.push(bytes) {
            let answer = Answer::read(&line);
            self.misses = 0;
            if answer == Answer::Done {
                self.acknowledges = true;
                if self.owed > 0 {
                    self.owed -= 1;
                    if let Some(current) = &mut self.current {
                        current.passed_over = true;
                    }
                    continue;
                }
            }
            let takes =
                |current: &Current| current.answer.is_none() && current.question.takes(&answer);
            if !self.current.as_ref().is_some_and(takes) {
                continue;
            }
            if let Some(mut current) = self.current.take() {
                if current.written {
                    self.answered(&current, &answer, now);
                } else {
                    // The answer has overtaken the news that the write has ended.
                    current.answer = Some(answer);
                    self.current = Some(current);
                }
            }
        }
    }

    fn answered(&mut self, current: &Current, answer: &Answer, now: Instant) {
        let refused = *answer == Answer::Refused;
        match current.whose {
            Whose::Battery => {
                self.battery_due = now + self.manners.battery;
                if let Answer::Percent(percent) = answer {
                    self.out.push_back(Step::Told(Reading::Battery(*percent)));
                }
            }
            Whose::Op => {
                let Some(driving) = &mut self.driving else {
                    return;
                };
                driving.lines.pop_front();
                driving.taken |= !refused;
                let (taken, all) = (driving.taken, driving.lines.is_empty());
                if refused {
                    self.translator.doubt();
                    let error = OpError::Refused("the toy says that it cannot do it".to_owned());
                    self.driven(Err(if taken { error.after_a_part() } else { error }));
                } else if all {
                    self.driven(Ok(()));
                }
            }
            Whose::Stop => {
                let Some(stopping) = &mut self.stopping else {
                    return;
                };
                stopping.taken |= !refused;
                stopping.tries = 0;
                stopping.lines.pop_front();
                if stopping.lines.is_empty() {
                    let result = if stopping.taken {
                        Ok(())
                    } else {
                        Err(OpError::Refused("the toy refuses to stop".to_owned()))
                    };
                    self.stopped(&result);
                }
            }
        }
    }

    fn expired(&mut self, current: Current, now: Instant) {
        // The answer to a setting may come yet, and must not pass for that to a stop after it. A stop
        // that is said again may take any answer to one of its lines.
        let may_come = self.acknowledges && !current.passed_over;
        self.owed = u32::from(current.whose == Whose::Op && may_come);
        match current.whose {
            Whose::Battery => self.missed(now),
            Whose::Op => {
                self.translator.doubt();
                self.missed(now);
                self.driven(Err(OpError::Timeout(PATIENCE)));
            }
            Whose::Stop => {
                let Some(stopping) = &mut self.stopping else {
                    return;
                };
                stopping.tries += 1;
                if stopping.tries >= STOP_TRIES {
                    self.translator.doubt();
                    self.missed(now);
                    self.stopped(&Err(OpError::Timeout(STOP_PATIENCE * STOP_TRIES)));
                }
            }
        }
    }

    /// A question was not answered. Stops count as well: while they are said again and again,
    /// nothing else is asked.
    fn missed(&mut self, now: Instant) {
        self.misses += 1;
        self.look(now);
        if self.misses >= MISSES {
            self.misses = 0;
            self.battery_due = now + self.manners.battery;
            self.out.push_back(Step::Silent);
        }
    }

    /// Does not wait for what was said last.
    fn set_aside(&mut self, which: impl Fn(Whose) -> bool) {
        if let Some(current) = &mut self.current
            && which(current.whose)
        {
            current.abandoned = true;
            if current.written {
                self.abandon();
            }
        }
    }

    /// Nobody waits for what was said last, but its answer may still come.
    fn abandon(&mut self) {
        if let Some(current) = self.current.take() {
            let unanswered = current.answer.is_none() && current.question == Question::Setting;
            self.owed += u32::from(unanswered && self.acknowledges);
        }
    }

    fn give_up_driving(&mut self, why: &str) {
        if let Some(driving) = self.driving.take() {
            if driving.begun {
                self.translator.doubt();
            }
            let error = OpError::Refused(why.to_owned());
            self.out.push_back(Step::Done(driving.ticket, Err(error)));
        }
    }

    fn driven(&mut self, result: Result<(), OpError>) {
        if let Some(driving) = self.driving.take() {
            self.out.push_back(Step::Done(driving.ticket, result));
        }
    }

    fn stopped(&mut self, result: &Result<(), OpError>) {
        self.stopping = None;
        for ticket in self.stops.drain(..) {
            self.out.push_back(Step::Done(ticket, result.clone()));
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
