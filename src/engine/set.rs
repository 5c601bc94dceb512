//! From a request to a wish: what a change of outputs means for this toy, now.

use std::sync::Arc;

use crate::domain::{
    Clamp, Class, ErrorCode, Instant, Level, Limits, OutputKey, OutputKind, Pattern, Rejection,
    SetCommand, Ticket,
};

use super::player::{Plan, Playing, Pulses, Schedule, Wish};
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
        if let Some(rejection) = refuse
            && (change.wish.effect.is_some() || change.asked.iter().any(acts))
        {
            return Err(rejection);
        }
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
        let schedule = schedule(command, cx.now)?;
        let mut change = Change {
            wish: self.wish.clone(),
            asked: Vec::new(),
            clamped_by: None,
        };
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
        if command.power == Some(false) || command.brightness == Some(Level::ZERO) {
            let message = "effect: cannot be started and switched off at once";
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
        let outputs = self.description.outputs.iter();
        let intensities: Vec<_> = outputs.filter(|o| o.class() == Class::Intensity).collect();
        if intensities.is_empty() {
            let message = "effect: this toy has nothing that a pattern could play on";
            return Err(Rejection::new(ErrorCode::Unsupported, message));
        }
        let current = (0..self.description.outputs.len())
            .map(|index| self.wish.goal(index).abs())
            .max()
            .filter(|level| !level.is_zero());
        let last = self.last_on.iter().map(|level| level.abs()).max();
        let strength = command
            .brightness
            .or(current)
            .or(last.filter(|level| !level.is_zero()))
            .unwrap_or(cx.settings.default_level);
        let limits = self.limits(cx.settings);
        if intensities.iter().all(|o| limits.of(o.key).is_zero()) {
            return Err(Rejection::new(ErrorCode::Limit, "the limit is 0"));
        }
        if intensities.iter().any(|o| limits.of(o.key) < strength) {
            change.clamped_by = Some(Clamp::Limit);
        }
        change.asked = intensities.iter().map(|o| (o.key, strength)).collect();
        change.wish.stop(&self.description.outputs);
        change.wish.effect = Some(Playing {
            pattern: Arc::clone(pattern),
            strength,
            schedule,
        });
        Ok(())
    }

    /// The levels that a request names or implies.
    fn asked_levels(
        &self,
        command: &SetCommand,
        cx: &Context<'_>,
    ) -> Result<Vec<(OutputKey, Level)>, Rejection> {
        for key in command.levels.keys() {
            if self.description.output(*key).is_none() {
                let message = format!("{key}: this toy has no such output");
                return Err(Rejection::new(ErrorCode::Unsupported, message));
            }
        }
        // Home Assistant says ON with every effect it chooses, "Off" included.
        let effect_off = command.effect.is_some();
        let mut levels = if let Some(brightness) = command.brightness {
            self.spread(brightness)
        } else if command.power == Some(false) || (effect_off && self.wish.effect.is_some()) {
            self.spread(Level::ZERO)
        } else if is_bare_on(command) {
            self.switched_on(cx)
        } else {
            Vec::new()
        };
        levels.retain(|(key, _)| !command.levels.contains_key(key));
        levels.extend(command.levels.iter().map(|(key, level)| (*key, *level)));
        if command.power == Some(false) && levels.iter().any(|(_, level)| !level.is_zero()) {
            let message = "state: OFF contradicts a level above 0";
            return Err(Rejection::new(ErrorCode::Invalid, message));
        }
        Ok(levels)
    }

    /// All intensities at `brightness`, in the ratio they last had.
    fn spread(&self, brightness: Level) -> Vec<(OutputKey, Level)> {
        let strongest = self.last_on.iter().map(|level| level.abs()).max();
        let strongest = strongest.unwrap_or_default();
        let outputs = self.description.outputs.iter().zip(&self.last_on);
        outputs
            .filter(|(output, _)| output.class() == Class::Intensity)
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

    /// What a bare "on" means: as it is, else as it last was, else gently.
    fn switched_on(&self, cx: &Context<'_>) -> Vec<(OutputKey, Level)> {
        let outputs = self.description.outputs.iter().enumerate();
        let intensities = outputs.filter(|(_, output)| output.class() == Class::Intensity);
        if self.wanted() {
            intensities
                .map(|(index, output)| (output.key, self.wish.goal(index)))
                .collect()
        } else if self.last_on.iter().any(|level| !level.is_zero()) {
            intensities
                .map(|(index, output)| (output.key, self.last_on[index]))
                .collect()
        } else {
            self.spread(cx.settings.default_level)
        }
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
        let allowed = if output.class() == Class::Shape {
            level
        } else {
            level.limited_to(limit)
        };
        if allowed != level {
            if limit.is_zero() {
                let message = format!("{key}: its limit is 0");
                return Err(Rejection::new(ErrorCode::Limit, message));
            }
            change.clamped_by = Some(Clamp::Limit);
        }
        change.asked.push((key, allowed));
        match output.class() {
            Class::Intensity => {
                change.wish.plans[index] = Plan {
                    from: self.wish.sample(index, cx.now).0,
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
