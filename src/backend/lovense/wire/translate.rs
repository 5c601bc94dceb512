//! How an operation becomes requests.

use std::fmt::Write;
use std::time::Duration;

use super::request::{AppToyId, PRESETS, Request, Seconds};
use crate::backend::lovense::catalog::Function;
use crate::domain::{Class, Command, OpError, Output, OutputKey, OutputKind, Pattern, Setting};

/// The most strengths that a Pattern command takes.
pub const MAX_PATTERN_STRENGTHS: usize = 50;

/// The least and the most time that a Pattern command holds each strength.
const PATTERN_STEP: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(1);

/// A stroke shorter than this is ignored by the app, percent.
const LEAST_STROKE: i32 = 20;

/// What to send, in this order, to have `toy` carry out `command` for `lease`.
///
/// A stop is two requests, each of which is to be tried although the other fails: other clients of
/// the app may play a PatternV2 on the toy, which is said not to heed a Stop of functions.
///
/// `outputs` are the toy's. `may_run` says whether it may be running from an earlier command: a
/// position alone does not end that, so it then follows a stop.
///
/// # Errors
/// [`OpError::Unsupported`] if the command names an output that the API or the toy does not have.
pub fn requests(
    command: &Command,
    lease: Option<Duration>,
    toy: &AppToyId,
    outputs: &[Output],
    may_run: bool,
) -> Result<Vec<Request>, OpError> {
    match command {
        Command::Stop => Ok(vec![
            Request::stop(toy.clone()),
            Request::end_pattern_v2(Some(toy.clone())),
        ]),
        Command::Drive(settings) => drive(settings, lease, toy, outputs, may_run),
        Command::Play(pattern) => {
            play(pattern, Seconds::bound(lease), toy, outputs).map(|request| vec![request])
        }
    }
}

/// What ends everything that any client has any toy do. As in the stop of one toy, each is to be
/// tried although the other fails, and the one that ends more comes first.
#[must_use]
pub const fn stop_of_all() -> [Request; 2] {
    [Request::stop_all(), Request::end_pattern_v2(None)]
}

fn drive(
    settings: &[Setting],
    lease: Option<Duration>,
    toy: &AppToyId,
    outputs: &[Output],
    may_run: bool,
) -> Result<Vec<Request>, OpError> {
    let mut vector = Vec::with_capacity(settings.len());
    for setting in settings {
        vector.push(resolve(*setting, outputs)?);
    }
    let step_of = |kind| {
        vector
            .iter()
            .find(|(_, setting)| setting.key.kind == kind)
            .map(|(_, setting)| setting.step)
    };
    let runs = vector
        .iter()
        .any(|(_, setting)| setting.key.kind.class() == Class::Intensity && setting.step > 0);
    let mut requests = Vec::with_capacity(2);
    if runs {
        let mut action = String::new();
        if step_of(OutputKind::Thrust) > Some(0) {
            let (min, max) = (
                step_of(OutputKind::StrokeMin),
                step_of(OutputKind::StrokeMax),
            );
            if min.is_some() || max.is_some() {
                let (min, max) = stroke(min.unwrap_or(0), max.unwrap_or(100));
                push(&mut action, format_args!("Stroke:{min}-{max}"));
            }
            if let Some(depth) = step_of(OutputKind::Depth) {
                push(&mut action, format_args!("Depth:{depth}"));
            }
        }
        for (function, setting) in &vector {
            if setting.key.kind.class() == Class::Intensity {
                push(
                    &mut action,
                    format_args!("{}:{}", function.name(), setting.step),
                );
            }
        }
        requests.push(Request::function(
            action,
            Seconds::bound(lease),
            toy.clone(),
        ));
    }
    let position = step_of(OutputKind::Position);
    if !runs && (may_run || position.is_none()) {
        requests.push(Request::stop(toy.clone()));
    }
    if let Some(place) = position {
        // Brought into 0–100 by `resolve`.
        requests.push(Request::position(place as u8, toy.clone()));
    }
    Ok(requests)
}

fn push(action: &mut String, part: std::fmt::Arguments<'_>) {
    if !action.is_empty() {
        action.push(',');
    }
    // Writing to a String cannot fail.
    let _ = action.write_fmt(part);
}

/// The function of a setting, and its step as the API wants it: without a direction, within range.
fn resolve(setting: Setting, outputs: &[Output]) -> Result<(Function, Setting), OpError> {
    let Setting { key, step } = setting;
    let unknown = || OpError::Unsupported(format!("the app knows no output {key} of this toy"));
    let output = outputs.iter().find(|output| output.key == key);
    let output = output.ok_or_else(unknown)?;
    let function = Function::of(key).ok_or_else(unknown)?;
    let most = i32::from(output.steps.min(function.steps()));
    let step = i32::try_from(step.unsigned_abs()).map_or(most, |step| step.min(most));
    Ok((function, Setting { key, step }))
}

/// A range that the app does not ignore: in order, and widened about its middle if too short.
fn stroke(one: i32, other: i32) -> (i32, i32) {
    let (min, max) = (one.min(other), one.max(other));
    let missing = LEAST_STROKE - (max - min);
    if missing <= 0 {
        return (min, max);
    }
    let min = (min - missing / 2).clamp(0, 100 - LEAST_STROKE);
    (min, min + LEAST_STROKE)
}

fn play(
    pattern: &Pattern,
    time: Seconds,
    toy: &AppToyId,
    outputs: &[Output],
) -> Result<Request, OpError> {
    let name = pattern.name().to_lowercase();
    // A pattern that was weakened to keep within a limit is no longer the app's own: the app
    // would play it at full strength.
    let untouched = Pattern::builtin().contains(pattern);
    if untouched && PRESETS.contains(&name.as_str()) {
        return Ok(Request::Preset {
            name,
            time_sec: time,
            toy: toy.clone(),
            api_ver: 1,
        });
    }
    let letters = pattern_letters(outputs);
    if letters.is_empty() {
        // An empty list would mean "all functions".
        let reason = "the toy has no output that can follow a pattern";
        return Err(OpError::Unsupported(reason.to_owned()));
    }
    let (strengths, step) = resample(pattern);
    let strengths: Vec<_> = strengths.iter().map(ToString::to_string).collect();
    Ok(Request::Pattern {
        rule: format!("V:1;F:{};S:{}#", letters.join(","), step.as_millis()),
        strength: strengths.join(";"),
        time_sec: time,
        toy: toy.clone(),
        api_ver: 2,
    })
}

fn pattern_letters(outputs: &[Output]) -> Vec<&'static str> {
    let mut letters = Vec::new();
    let intensities = outputs.iter().map(|output| output.key);
    for key in intensities.filter(|key: &OutputKey| key.kind.class() == Class::Intensity) {
        if let Some(letter) = Function::of(key).and_then(Function::pattern_letter)
            && !letters.contains(&letter)
        {
            letters.push(letter);
        }
    }
    letters
}

/// Strengths 0–20 and the time each is held, within what the API takes.
///
/// A step that is too long is repeated; a pattern with too many strengths is sampled more
/// coarsely; what is longer than 50 s is cut there, which keeps its tempo.
fn resample(pattern: &Pattern) -> (Vec<i32>, Duration) {
    let (shortest, longest) = (*PATTERN_STEP.start(), *PATTERN_STEP.end());
    let count = pattern.levels().len();
    let repeats = pattern
        .step()
        .as_micros()
        .div_ceil(longest.as_micros())
        .max(1);
    // At most 60 s in steps of at most 1 s: fits.
    let repeats = repeats as u32;
    let mut step = pattern.step() / repeats;
    let mut length = count * repeats as usize;
    if length > MAX_PATTERN_STRENGTHS {
        let total = pattern.step() * count as u32;
        step = total / MAX_PATTERN_STRENGTHS as u32;
        length = MAX_PATTERN_STRENGTHS;
    }
    // The API counts whole milliseconds.
    let millis = step
        .as_millis()
        .clamp(shortest.as_millis(), longest.as_millis());
    let step = Duration::from_millis(millis as u64);
    let strengths = (0..length as u32)
        .map(|index| {
            let middle = step * index + step / 2;
            pattern.sample(middle).0.abs().to_step(20)
        })
        .collect();
    (strengths, step)
}

#[cfg(test)]
mod tests;
