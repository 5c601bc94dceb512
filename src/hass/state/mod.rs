//! What there is to show, as JSON.
//!
//! A key that a toy has is always there: `null` when it is not known. What Home Assistant would log
//! about (numbers out of range, effects that are not in the list, long texts) never leaves here.

mod answers;
mod bridge;
mod toy;

pub use answers::{response, result};
pub use bridge::{About, command_rejected, event, info};
pub use toy::{availability, details, gesture, toy};

use serde_json::Value;

use crate::domain::{Level, Rejection};

/// `ON` or `OFF`.
#[must_use]
pub const fn switch(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// A level in percent: a whole number where it is whole, else with one decimal.
#[must_use]
pub fn percent(level: Level) -> Value {
    number(level.percent())
}

/// A number, whole where it is whole; `null` for what JSON cannot say.
fn number(value: f64) -> Value {
    // Far below 2^53, where every whole f64 is exact.
    if value.fract() == 0.0 && value.abs() < 1e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

/// The `error` of an answer.
fn error(rejection: &Rejection, message: &str) -> Value {
    serde_json::json!({"code": rejection.code.as_str(), "message": message})
}
