//! From the body of a `POST /command` to what it asks for.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::action::{self, Action, Setting, number};
use super::code::Code;
use super::rule::Pattern;

/// What kind of request a body is, whether or not it is well made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// `GetToys`.
    GetToys,
    /// `GetToyName`.
    GetToyName,
    /// `Function`, save its action `Stop`.
    Function,
    /// `Function` with the action `Stop`.
    Stop,
    /// `Pattern`, version 1.
    Pattern,
    /// `Preset`.
    Preset,
    /// `PatternV2` of any type.
    PatternV2,
    /// `Position`.
    Position,
    /// Anything else.
    Other,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::GetToys,
        Self::GetToyName,
        Self::Function,
        Self::Stop,
        Self::Pattern,
        Self::Preset,
        Self::PatternV2,
        Self::Position,
        Self::Other,
    ];

    /// Whether it only asks.
    #[must_use]
    pub const fn is_query(self) -> bool {
        matches!(self, Self::GetToys | Self::GetToyName)
    }
}

/// Whom a command addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Toys {
    /// No `toy`: every one that is connected.
    All,
    /// By id.
    These(Vec<String>),
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    GetToys,
    GetToyName,
    Stop(Toys),
    Function {
        toys: Toys,
        settings: Vec<Setting>,
        lasts: Option<Duration>,
        /// Run and pause time.
        cycle: Option<(Duration, Duration)>,
        stop_previous: bool,
    },
    Pattern {
        toys: Toys,
        pattern: Pattern,
        lasts: Option<Duration>,
    },
    Preset {
        toys: Toys,
        pattern: Pattern,
        lasts: Option<Duration>,
    },
    Position {
        toys: Toys,
        /// 0–100.
        value: u16,
    },
    PatternV2Setup(Points),
    PatternV2Play {
        toys: Toys,
        /// None for those of the last Setup.
        points: Option<Points>,
        skip: Duration,
        lasts: Option<Duration>,
        stop_previous: bool,
    },
    PatternV2Stop(Toys),
    PatternV2SyncTime,
}

/// Positions 0–100 by time, ascending, at least one.
pub(super) type Points = Arc<[(Duration, u16)]>;

/// Reads a body. The kind is told even of one that is refused.
pub(super) fn parse(body: &[u8]) -> (RequestKind, Result<Command, Code>) {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return (RequestKind::Other, Err(Code::INVALID_COMMAND));
    };
    let kind = kind_of(&body);
    let command = match kind {
        RequestKind::GetToys => Ok(Command::GetToys),
        RequestKind::GetToyName => Ok(Command::GetToyName),
        RequestKind::Function => function(&body),
        RequestKind::Stop => toys(&body).map(Command::Stop),
        RequestKind::Pattern => pattern(&body),
        RequestKind::Preset => preset(&body),
        RequestKind::Position => position(&body),
        RequestKind::PatternV2 => pattern_v2(&body),
        RequestKind::Other => Err(Code::INVALID_COMMAND),
    };
    (kind, command)
}

fn kind_of(body: &Map<String, Value>) -> RequestKind {
    match body.get("command").and_then(Value::as_str) {
        Some("GetToys") => RequestKind::GetToys,
        Some("GetToyName") => RequestKind::GetToyName,
        Some("Function") => match text(body, "action").map(str::trim) {
            Ok("Stop") => RequestKind::Stop,
            _ => RequestKind::Function,
        },
        Some("Pattern") => RequestKind::Pattern,
        Some("Preset") => RequestKind::Preset,
        Some("PatternV2") => RequestKind::PatternV2,
        Some("Position") => RequestKind::Position,
        _ => RequestKind::Other,
    }
}

fn function(body: &Map<String, Value>) -> Result<Command, Code> {
    let Action::Set(settings) = action::parse(text(body, "action")?)? else {
        return Ok(Command::Stop(toys(body)?));
    };
    let run = at_least_one(body, "loopRunningSec")?;
    let pause = at_least_one(body, "loopPauseSec")?;
    Ok(Command::Function {
        toys: toys(body)?,
        settings,
        lasts: time_sec(body)?,
        // One without the other makes no loop.
        cycle: run.zip(pause),
        stop_previous: stop_previous(body)?,
    })
}

fn pattern(body: &Map<String, Value>) -> Result<Command, Code> {
    Ok(Command::Pattern {
        pattern: Pattern::parse(text(body, "rule")?, text(body, "strength")?)?,
        toys: toys(body)?,
        lasts: time_sec(body)?,
    })
}

fn preset(body: &Map<String, Value>) -> Result<Command, Code> {
    Ok(Command::Preset {
        pattern: Pattern::preset(text(body, "name")?).ok_or(Code::INVALID_PARAMETER)?,
        toys: toys(body)?,
        lasts: time_sec(body)?,
    })
}

fn position(body: &Map<String, Value>) -> Result<Command, Code> {
    // A string, although it holds a number.
    let value = number(text(body, "value")?).filter(|&value| value <= 100);
    Ok(Command::Position {
        value: value.ok_or(Code::INVALID_PARAMETER)?,
        toys: toys(body)?,
    })
}

/// The longest PatternV2, milliseconds.
const LONGEST: u64 = 7_200_000;
/// The longest `offsetTime`, milliseconds.
const MOST_OFFSET: u64 = 15_000;
/// The shortest total time of a PatternV2, milliseconds.
const SHORTEST_TOTAL: u64 = 100;

fn pattern_v2(body: &Map<String, Value>) -> Result<Command, Code> {
    let play = |points| {
        let start = millis(body, "startTime", 0..=LONGEST)?.unwrap_or_default();
        let offset = millis(body, "offsetTime", 0..=MOST_OFFSET)?.unwrap_or_default();
        // Sources disagree on the name.
        let total = match millis(body, "timeMs", SHORTEST_TOTAL..=u64::MAX)? {
            Some(total) => Some(total),
            None => millis(body, "timeMsTotal", SHORTEST_TOTAL..=u64::MAX)?,
        };
        Ok(Command::PatternV2Play {
            toys: toys(body)?,
            points,
            skip: start + offset,
            lasts: total,
            stop_previous: stop_previous(body)?,
        })
    };
    match text(body, "type")? {
        "Setup" => points(body).map(Command::PatternV2Setup),
        "Play" => play(None),
        "InitPlay" => play(Some(points(body)?)),
        "Stop" => toys(body).map(Command::PatternV2Stop),
        "SyncTime" => Ok(Command::PatternV2SyncTime),
        _ => Err(Code::INVALID_PARAMETER),
    }
}

/// The points of a PatternV2; the app drops those that are out of range or out of order.
fn points(body: &Map<String, Value>) -> Result<Points, Code> {
    let actions = body.get("actions").and_then(Value::as_array);
    let mut points: Vec<(Duration, u16)> = Vec::new();
    for action in actions.ok_or(Code::INVALID_PARAMETER)? {
        let at = action.get("ts").and_then(Value::as_u64);
        let position = action.get("pos").and_then(Value::as_u64);
        let (Some(at @ ..=LONGEST), Some(position @ ..=100)) = (at, position) else {
            continue;
        };
        let at = Duration::from_millis(at);
        if points.last().is_none_or(|(last, _)| *last < at) {
            // At most 100.
            points.push((at, position as u16));
        }
    }
    if points.is_empty() {
        return Err(Code::INVALID_PARAMETER);
    }
    Ok(points.into())
}

fn toys(body: &Map<String, Value>) -> Result<Toys, Code> {
    match body.get("toy") {
        None | Some(Value::Null) => Ok(Toys::All),
        Some(Value::String(id)) => Ok(Toys::These(vec![id.clone()])),
        Some(Value::Array(ids)) => ids
            .iter()
            .map(|id| id.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(Toys::These)
            .ok_or(Code::INVALID_PARAMETER),
        Some(_) => Err(Code::INVALID_PARAMETER),
    }
}

fn text<'a>(body: &'a Map<String, Value>, key: &str) -> Result<&'a str, Code> {
    let value = body.get(key).and_then(Value::as_str);
    value.ok_or(Code::INVALID_PARAMETER)
}

/// `timeSec`: 0 for until stopped, else at least 1. It is required.
fn time_sec(body: &Map<String, Value>) -> Result<Option<Duration>, Code> {
    match body.get("timeSec").and_then(Value::as_f64) {
        Some(0.0) => Ok(None),
        Some(_) => at_least_one(body, "timeSec"),
        None => Err(Code::INVALID_PARAMETER),
    }
}

/// A number of seconds that may be missing but not below 1.
fn at_least_one(body: &Map<String, Value>, key: &str) -> Result<Option<Duration>, Code> {
    let Some(value) = body.get(key) else {
        return Ok(None);
    };
    let seconds = value.as_f64().filter(|&seconds| seconds >= 1.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map(Some)
        .ok_or(Code::INVALID_PARAMETER)
}

/// `stopPrevious`: 1 by default; 0 stacks.
fn stop_previous(body: &Map<String, Value>) -> Result<bool, Code> {
    match body.get("stopPrevious") {
        None => Ok(true),
        Some(value) => match value.as_i64() {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(Code::INVALID_PARAMETER),
        },
    }
}

fn millis(
    body: &Map<String, Value>,
    key: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Option<Duration>, Code> {
    match body.get(key) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(millis) if range.contains(&millis) => Ok(Some(Duration::from_millis(millis))),
            _ => Err(Code::INVALID_PARAMETER),
        },
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
