//! What commands do to toys, and the codes of those that are refused.
//!
//! Where the documentation is silent: a command for toys by name is carried out for all of them or
//! for none, and the first toy that stands against it decides the code. A command for all toys
//! passes over those that are not connected or lack the function, and is refused only if none is
//! left.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::action::{self, Resolved, Setting};
use super::app::App;
use super::code::Code;
use super::rule::Pattern;
use super::toy::Toy;
use super::wire::{Command, Points, Toys};
use crate::sim::Function;
use crate::sim::body::Start;
use crate::sim::motion::{Kind, Shape};

/// The toys that a command is for, found or not yet judged.
pub(super) fn addressed(app: &App, command: &Command) -> Vec<Arc<Toy>> {
    match toys_of(command) {
        None => Vec::new(),
        Some(Toys::All) => app.toys(),
        Some(Toys::These(ids)) => ids.iter().filter_map(|id| app.toy(id)).collect(),
    }
}

const fn toys_of(command: &Command) -> Option<&Toys> {
    match command {
        Command::Stop(toys)
        | Command::PatternV2Stop(toys)
        | Command::Function { toys, .. }
        | Command::Pattern { toys, .. }
        | Command::Preset { toys, .. }
        | Command::Position { toys, .. }
        | Command::PatternV2Play { toys, .. } => Some(toys),
        Command::GetToys
        | Command::GetToyName
        | Command::PatternV2Setup(_)
        | Command::PatternV2SyncTime => None,
    }
}

/// Carries out a command that is no question.
pub(super) fn apply(app: &App, request: u64, command: &Command) -> Result<(), Code> {
    match command {
        Command::GetToys | Command::GetToyName | Command::PatternV2SyncTime => Ok(()),
        Command::Stop(toys) => {
            for toy in able(app, toys, |_| Some(()))? {
                app.act(&toy.0, |body, now| body.stop(now, request));
            }
            Ok(())
        }
        Command::Function {
            toys,
            settings,
            lasts,
            cycle,
            stop_previous,
        } => {
            let how = Start {
                request,
                kind: Kind::Function,
                lasts: *lasts,
                skip: Duration::ZERO,
                stop_previous: *stop_previous,
            };
            start(app, toys, &how, |toy| function(toy, toys, settings, *cycle))
        }
        Command::Pattern {
            toys,
            pattern,
            lasts,
        } => play(app, toys, request, Kind::Pattern, pattern, *lasts),
        Command::Preset {
            toys,
            pattern,
            lasts,
        } => play(app, toys, request, Kind::Preset, pattern, *lasts),
        Command::Position { toys, value } => {
            let how = Start {
                request,
                kind: Kind::Function,
                lasts: None,
                skip: Duration::ZERO,
                stop_previous: false,
            };
            let shapes = vec![(Function::Position, Shape::Hold(*value))];
            start(app, toys, &how, |toy| {
                let strokes = toy.parts.contains(&Function::Position);
                strokes.then(|| shapes.clone())
            })
        }
        Command::PatternV2Setup(points) => {
            let mut kept = app.points.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(Arc::clone(points));
            Ok(())
        }
        Command::PatternV2Play {
            toys,
            points,
            skip,
            lasts,
            stop_previous,
        } => {
            let kept = || {
                let kept = app.points.lock().unwrap_or_else(PoisonError::into_inner);
                kept.clone()
            };
            let points = points.clone().or_else(kept);
            let points = points.ok_or(Code::INVALID_PARAMETER)?;
            let how = Start {
                request,
                kind: Kind::PatternV2,
                lasts: *lasts,
                skip: *skip,
                stop_previous: *stop_previous,
            };
            start(app, toys, &how, |toy| Some(path(toy, &points)))
        }
        Command::PatternV2Stop(toys) => {
            for toy in able(app, toys, |_| Some(()))? {
                app.act(&toy.0, |body, now| body.stop_pattern_v2(now, request));
            }
            Ok(())
        }
    }
}

/// The toys that can be commanded, each with what the command means for it; `None` from `meaning`
/// for a toy that does not support it.
fn able<T>(
    app: &App,
    toys: &Toys,
    meaning: impl Fn(&Toy) -> Option<T>,
) -> Result<Vec<(Arc<Toy>, T)>, Code> {
    let with_meaning = |toy: Arc<Toy>| meaning(&toy).map(|meaning| (toy, meaning));
    match toys {
        Toys::All => {
            let all = app.toys();
            if all.is_empty() {
                return Err(Code::TOY_NOT_FOUND);
            }
            let connected: Vec<_> = all.into_iter().filter(|toy| toy.is_connected()).collect();
            if connected.is_empty() {
                return Err(Code::TOY_NOT_CONNECTED);
            }
            let able: Vec<_> = connected.into_iter().filter_map(with_meaning).collect();
            if able.is_empty() {
                return Err(Code::NOT_SUPPORTED);
            }
            Ok(able)
        }
        Toys::These(ids) if ids.is_empty() => Err(Code::TOY_NOT_FOUND),
        Toys::These(ids) => ids
            .iter()
            .map(|id| {
                let toy = app.toy(id).ok_or(Code::TOY_NOT_FOUND)?;
                if !toy.is_connected() {
                    return Err(Code::TOY_NOT_CONNECTED);
                }
                with_meaning(toy).ok_or(Code::NOT_SUPPORTED)
            })
            .collect(),
    }
}

/// Starts what the command means for each toy; for none of them if it means nothing.
fn start(
    app: &App,
    toys: &Toys,
    how: &Start,
    shapes: impl Fn(&Toy) -> Option<Vec<(Function, Shape)>>,
) -> Result<(), Code> {
    for (toy, shapes) in able(app, toys, shapes)? {
        // A command of which everything was ignored does nothing, so it stops nothing either.
        if !shapes.is_empty() {
            app.act(&toy, |body, now| body.start(now, how, &shapes));
        }
    }
    Ok(())
}

fn function(
    toy: &Toy,
    toys: &Toys,
    settings: &[Setting],
    cycle: Option<(Duration, Duration)>,
) -> Option<Vec<(Function, Shape)>> {
    let Resolved {
        levels,
        unsupported,
    } = action::resolve(settings, &toy.api, &toy.parts);
    // Of a command for all toys each takes what it can.
    let in_part = *toys == Toys::All && !levels.is_empty();
    if unsupported && !in_part {
        return None;
    }
    let shape = |(function, level): (Function, u16)| match cycle {
        // The shape of a movement does not come and go with it.
        Some((run, pause)) if function.moves() => (function, Shape::Loop { level, run, pause }),
        _ => (function, Shape::Hold(level)),
    };
    Some(levels.into_iter().map(shape).collect())
}

fn play(
    app: &App,
    toys: &Toys,
    request: u64,
    kind: Kind,
    pattern: &Pattern,
    lasts: Option<Duration>,
) -> Result<(), Code> {
    let how = Start {
        request,
        kind,
        lasts,
        skip: Duration::ZERO,
        stop_previous: true,
    };
    start(app, toys, &how, |toy| {
        Some(pattern.shapes(&toy.parts)).filter(|shapes| !shapes.is_empty())
    })
}

/// A PatternV2 moves a stroker to its positions; of other toys it sets the levels, which newer
/// apps allow.
fn path(toy: &Toy, points: &Points) -> Vec<(Function, Shape)> {
    if toy.parts.contains(&Function::Position) {
        return vec![(Function::Position, Shape::Path(Arc::clone(points)))];
    }
    let moving = toy.parts.iter().filter(|part| part.moves());
    moving
        .map(|&part| {
            let levels = points.iter().map(|&(at, pos)| (at, part.scaled(pos, 100)));
            (part, Shape::Path(levels.collect()))
        })
        .collect()
}
