//! From a request to a wish: what a change of outputs means for this toy, now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Clamp, Class, ErrorCode, Instant, Level, Limits, OutputKey, OutputKind, Pattern, Rejection,
    SetCommand, Ticket,
};

use super::player::{Plan, Playing, Pulses, Schedule, Wish};
use super::safety::Hold;
use super::toy::{Context, Doing, Pending, Toy};

/// More requests than this do not wait for one toy: the oldest are answered as superseded.
const MAX_PENDING: usize = 256;

/// What a request comes to.
struct Change {
    wish: Wish,
    asked: Vec<(OutputKey, Level)>,
    clamped_by: Option<Clamp>,
}

impl Toy {
    /// Takes a change of outputs into the wish, or says why not.
    ///
    /// `refuse` is why levels above zero are refused at present (quiet, a recent stop), if they
    /// are.
    pub(super) fn set(
        &mut self,
        ticket: Ticket,
        command: &SetCommand,
        patterns: &[Arc<Pattern>],
        refuse: Option<Rejection>,
        cx: &mut Context<'_>,
    ) -> Result<(), Rejection> {
        // The slope limit counts from now, not from when somebody last looked.
        let _ = self.desire(cx.now, cx.settings);
        let change = self.change(command, patterns, cx)?;
        // Going to position 0 is a movement too.
        let acts = |(key, level): &(OutputKey, Level)| {
            !level.is_zero() || key.kind.class() == Class::Position
        };
        if change.wish.effect.is_some() || change.asked.iter().any(acts) {
            if let Some(rejection) = refuse {
                return Err(rejection);
            }
            if self.hold.is_on(cx.now) {
                self.hold.extend(cx.now, cx.settings);
                return Err(Hold::refusal("the toy was stopped", cx.settings));
            }
        }
        // What means off is sent, whatever is believed: it costs little, and belief may be wrong.
        self.insist |= change
            .asked
            .iter()
            .any(|(key, level)| level.is_zero() && key.kind.class() == Class::Intensity);
        // A position is gone to again whenever it is asked for.
        if let Doing::Steps(applied) = &mut self.applied {
            for (key, _) in &change.asked {
                if key.kind.class() == Class::Position
                    && let Some((index, _)) = self.description.output(*key)
                {
                    applied[index] = None;
                }
            }
        }
        self.wish = change.wish;
        self.revision += 1;
        self.last_request = cx.now;
        self.remember_on();
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            self.accept(oldest, cx.out);
        }
        self.pending.push_back(Pending {
            ticket,
            revision: self.revision,
            asked: change.asked,
            clamped_by: change.clamped_by,
        });
        Ok(())
    }

    /// Changes the limits.
    pub(super) fn limit(&mut self, limits: Limits) {
        for wish in [&mut self.wish, &mut self.confirmed] {
            wish.limit(&self.description.outputs, &limits);
        }
        self.limits = Some(limits);
        self.revision += 1;
    }

    fn change(
        &self,
        command: &SetCommand,
        patterns: &[Arc<Pattern>],
        cx: &Context<'_>,
    ) -> Result<Change, Rejection> {
        let mut change = Change {
            wish: self.wish.clone(),
            asked: Vec::new(),
            clamped_by: None,
        };
        if is_off(command) {
            self.switch_off(command, cx, &mut change);
            return Ok(change);
        }
        let schedule = schedule(command, cx.now)?;
        if let Some(name) = command
            .effect
            .as_deref()
            .filter(|name| *name != SetCommand::NO_EFFECT)
        {
            self.play(name, command, patterns, schedule, cx, &mut change)?;
            return Ok(change);
        }
        if is_bare_on(command) && change.wish.effect.is_some() {
            // "On" while a pattern plays: it is on.
            change.asked = self.switched_on(cx);
            return Ok(change);
        }
        // Anything else ends a pattern, and outputs that are not named end with it.
        change.wish.effect = None;
        for (key, level) in self.asked_levels(command, cx)? {
            self.place(key, level, command, schedule, cx, &mut change)?;
        }
        if change.asked.is_empty() && command.effect.is_none() {
            let message = "nothing to do: name an output, state, brightness or effect";
            return Err(Rejection::new(ErrorCode::Invalid, message));
        }
        Ok(change)
    }

    /// Starts a pattern.
    fn play(
        &self,
        name: &str,
        command: &SetCommand,
        patterns: &[Arc<Pattern>],
        schedule: Schedule,
        cx: &Context<'_>,
        change: &mut Change,
    ) -> Result<(), Rejection> {
        if !command.levels.is_empty() {
            let message = "effect: cannot be combined with levels of single outputs";
            return Err(Rejection::new(ErrorCode::Invalid, message));
        }
        let pattern = patterns
            .iter()
            .find(|pattern| pattern.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let known: Vec<&str> = patterns.iter().map(|pattern| pattern.name()).collect();
                let message = format!(
                    "effect: no pattern {name:?}; there are {}",
                    known.join(", ")
                );
                Rejection::new(ErrorCode::Unsupported, message)
            })?;
        let outputs = self.description.outputs.iter().enumerate();
        let motors: Vec<_> = outputs.filter(|(_, output)| output.moves()).collect();
        if motors.is_empty() {
            let message = "effect: this toy has nothing that a pattern could play on";
            return Err(Rejection::new(ErrorCode::Unsupported, message));
        }
        let current = motors.iter().map(|(index, _)| self.wish.goal(*index).abs());
        let current = current.max().filter(|level| !level.is_zero());
        let strength = command
            .brightness
            .or(current)
            .unwrap_or_else(|| self.usual_level(cx));
        let limits = self.limits(cx.settings);
        let mut caps = vec![None; self.description.outputs.len()];
        for (index, output) in &motors {
            let limit = limits.of(output.key);
            let most = output.within(strength, limit);
            if most.is_zero() {
                continue;
            }
            // In steps: between two of them, a limit that rises again would round the cap up.
            caps[*index] = Some(output.within(Level::FULL, limit));
            change.asked.push((output.key, output.rounded(most)));
        }
        if change.asked.is_empty() {
            let message = "effect: the limit lets no output move";
            return Err(Rejection::new(ErrorCode::Limit, message));
        }
        if motors
            .iter()
            .any(|(_, output)| limits.of(output.key) < strength)
        {
            change.clamped_by = Some(Clamp::Limit);
        }
        for (index, _) in &motors {
            change.wish.release(*index);
        }
        self.forget_positions(change);
        change.wish.effect = Some(Playing {
            pattern: Arc::clone(pattern),
            strength,
            schedule,
            caps,
        });
        Ok(())
    }

    /// How strong something is begun of which no strength is said.
    fn usual_level(&self, cx: &Context<'_>) -> Level {
        let last = self.last_on.iter().zip(&self.description.outputs);
        let last = last.filter(|(_, output)| output.moves());
        let last = last.map(|(level, _)| level.abs()).max();
        match last {
            Some(last) if cx.settings.on_as_last && !last.is_zero() => last,
            _ => cx.settings.default_level,
        }
    }

    /// Where a ramp of an output begins: no higher than it has come so far.
    fn present_level(&self, index: usize, now: Instant) -> Level {
        let wanted = self.wish.sample(index, now).0;
        match self.applied {
            Doing::Playing(_) => wanted,
            Doing::Steps(_) => wanted.limited_to(self.governors[index].level()),
        }
    }

    /// Everything off, at once or over the time of a transition.
    fn switch_off(&self, command: &SetCommand, cx: &Context<'_>, change: &mut Change) {
        change.wish.stop(&self.description.outputs);
        for (index, output) in self.description.outputs.iter().enumerate() {
            if output.class() != Class::Intensity {
                continue;
            }
            change.asked.push((output.key, Level::ZERO));
            if let Some(ramp) = command.transition {
                change.wish.plans[index] = Plan {
                    from: self.present_level(index, cx.now),
                    to: Level::ZERO,
                    ramp,
                    schedule: Schedule {
                        start: cx.now,
                        pulses: None,
                    },
                };
            }
        }
    }

    /// The levels that a request names or implies.
    fn asked_levels(
        &self,
        command: &SetCommand,
        cx: &Context<'_>,
    ) -> Result<Vec<(OutputKey, Level)>, Rejection> {
        let named = self.named_levels(command)?;
        // Home Assistant says ON with every effect it chooses, "Off" included.
        let effect_off = command.effect.is_some();
        let mut levels = if let Some(brightness) = command.brightness {
            self.spread(brightness)
        } else if effect_off && self.wish.effect.is_some() {
            self.spread(Level::ZERO)
        } else if is_bare_on(command) {
            self.switched_on(cx)
        } else {
            Vec::new()
        };
        levels.retain(|(key, _)| !named.contains_key(key));
        levels.extend(named);
        Ok(levels)
    }

    /// The levels that a request names, of outputs that the toy has.
    ///
    /// The way to a toy may join or part its outputs otherwise than the asker knows: a 0 is never lost
    /// by that.
    fn named_levels(&self, command: &SetCommand) -> Result<BTreeMap<OutputKey, Level>, Rejection> {
        let mut named = command.levels.clone();
        named.retain(|key, _| self.description.output(*key).is_some());
        for (&key, level) in &command.levels {
            if named.contains_key(&key) {
                continue;
            }
            let mut joined = Vec::new();
            if level.is_zero() && key.kind.class() == Class::Intensity {
                let outputs = self.description.outputs.iter().map(|output| output.key);
                joined.extend(outputs.filter(|output| output.may_be_joined_with(key)));
            }
            if joined.is_empty() {
                let message = format!("{key}: this toy has no such output");
                return Err(Rejection::new(ErrorCode::Unsupported, message));
            }
            for output in joined {
                named.entry(output).or_insert(Level::ZERO);
            }
        }
        Ok(named)
    }

    /// All motors and pumps at `brightness`, in the ratio they last had.
    fn spread(&self, brightness: Level) -> Vec<(OutputKey, Level)> {
        let outputs = self.description.outputs.iter().zip(&self.last_on);
        let motors = outputs.filter(|(output, _)| output.moves());
        let strongest = motors.clone().map(|(_, level)| level.abs()).max();
        let strongest = strongest.unwrap_or_default();
        motors
            .map(|(output, last)| {
                let level = if strongest.is_zero() {
                    brightness
                } else {
                    let (part, whole) = (i32::from(last.permille()), strongest.permille());
                    Level::from_permille(part * 1_000 / i32::from(whole)).of(brightness)
                };
                (output.key, level)
            })
            .collect()
    }

    /// What a bare "on" means: as it is, else gently, or as it last was if the user wants that.
    fn switched_on(&self, cx: &Context<'_>) -> Vec<(OutputKey, Level)> {
        if !self.wants_movement() {
            return self.spread(self.usual_level(cx));
        }
        let outputs = self.description.outputs.iter().enumerate();
        let motors = outputs.filter(|(_, output)| output.moves());
        motors
            .map(|(index, output)| (output.key, self.wish.goal(index)))
            .collect()
    }

    /// Puts one level into the wish.
    fn place(
        &self,
        key: OutputKey,
        level: Level,
        command: &SetCommand,
        schedule: Schedule,
        cx: &Context<'_>,
        change: &mut Change,
    ) -> Result<(), Rejection> {
        let Some((index, output)) = self.description.output(key) else {
            return Ok(());
        };
        if level < Level::ZERO && !output.signed {
            let message = format!("{key}: cannot be negative on this toy");
            return Err(Rejection::new(ErrorCode::Invalid, message));
        }
        let limit = self.limits(cx.settings).of(key);
        let allowed = match output.class() {
            Class::Shape => level,
            Class::Position => level.limited_to(limit),
            Class::Intensity => output.within(level, limit),
        };
        if allowed != level {
            if limit.is_zero() {
                let message = format!("{key}: its limit is 0");
                return Err(Rejection::new(ErrorCode::Limit, message));
            }
            change.clamped_by = Some(Clamp::Limit);
        }
        let shown = match output.class() {
            Class::Intensity => output.rounded(allowed),
            Class::Shape | Class::Position => allowed,
        };
        change.asked.push((key, shown));
        match output.class() {
            Class::Intensity => {
                change.wish.plans[index] = Plan {
                    from: self.present_level(index, cx.now),
                    to: allowed,
                    ramp: command.transition.unwrap_or_default(),
                    schedule,
                };
                if !allowed.is_zero() && moves_along(key.kind) {
                    self.forget_positions(change);
                }
            }
            Class::Shape => change.wish.places[index] = Some(allowed),
            Class::Position => {
                change.wish.places[index] = Some(allowed);
                // Going to a place and moving to and fro exclude each other.
                for (index, output) in self.description.outputs.iter().enumerate() {
                    if moves_along(output.key.kind) {
                        change.wish.plans[index] = Plan::steady(Level::ZERO);
                    }
                }
            }
        }
        Ok(())
    }

    fn forget_positions(&self, change: &mut Change) {
        let outputs = self.description.outputs.iter();
        for (place, output) in change.wish.places.iter_mut().zip(outputs) {
            if output.class() == Class::Position {
                *place = None;
            }
        }
    }

    /// Keeps the levels for the next bare "on", unless they are all off.
    fn remember_on(&mut self) {
        if self.wish.effect.is_some() || !self.wanted() {
            return;
        }
        self.last_on = (0..self.wish.plans.len())
            .map(|index| self.wish.goal(index))
            .collect();
    }
}

/// Off, whatever else is said: nothing that means off is refused.
fn is_off(command: &SetCommand) -> bool {
    command.power == Some(false)
        || (command.brightness == Some(Level::ZERO) && command.levels.is_empty())
}

/// "On", and nothing said about how.
fn is_bare_on(command: &SetCommand) -> bool {
    command.power == Some(true)
        && command.brightness.is_none()
        && command.levels.is_empty()
        && command.effect.is_none()
}

/// Whether an output moves along the same way as a position.
const fn moves_along(kind: OutputKind) -> bool {
    matches!(kind, OutputKind::Thrust | OutputKind::Oscillate)
}

fn schedule(command: &SetCommand, now: Instant) -> Result<Schedule, Rejection> {
    let invalid = |message| Err(Rejection::new(ErrorCode::Invalid, message));
    let pulses = match (command.hold, command.repeat, command.pause) {
        (None, None, None) => None,
        (None, Some(_), _) => return invalid("repeat: needs \"for\""),
        (None, None, Some(_)) => return invalid("pause: needs \"for\" and \"repeat\""),
        (Some(_), Some(0), _) => return invalid("repeat: must be at least 1"),
        (Some(on), _, _) if on.is_zero() => return invalid("for: must be longer than 0"),
        (Some(on), repeat, pause) => Some(Pulses {
            on,
            off: pause.unwrap_or_default(),
            count: repeat.unwrap_or(1),
        }),
    };
    Ok(Schedule { start: now, pulses })
}
