//! What became of requests.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{error, percent};
use crate::domain::{Accepted, Rejection};
use crate::hass::Privacy;

/// The payload of `<toy>/result`.
///
/// `latency` is the time from the arrival of the request to its outcome.
#[must_use]
pub fn result(
    outcome: &Result<Accepted, Rejection>,
    id: Option<&str>,
    requested: &Value,
    latency: Duration,
    privacy: Privacy,
) -> Value {
    let mut result = Map::new();
    if let Some(id) = id {
        result.insert("id".into(), id.into());
    }
    result.insert("ok".into(), outcome.is_ok().into());
    if let Err(rejection) = outcome {
        let message = privacy.text(&rejection.message);
        result.insert("error".into(), error(rejection, &message));
    }
    result.insert("requested".into(), requested.clone());
    if let Ok(accepted) = outcome {
        let applied: Map<String, Value> = accepted
            .applied
            .iter()
            .map(|(key, level)| (key.to_string(), percent(*level)))
            .collect();
        result.insert("applied".into(), applied.into());
        if let Some(clamp) = accepted.clamped_by {
            result.insert("clamped_by".into(), clamp.as_str().into());
        }
        if accepted.superseded {
            result.insert("superseded".into(), true.into());
        }
    }
    let millis = (latency.as_secs_f64() * 1e5).round() / 100.0;
    result.insert("latency_ms".into(), millis.into());
    Value::Object(result)
}

/// The payload of `bridge/response/<verb>`.
#[must_use]
pub fn response(
    transaction: Option<&str>,
    answer: &Result<Value, Rejection>,
    privacy: Privacy,
) -> Value {
    let mut response = Map::new();
    if let Some(transaction) = transaction {
        response.insert("transaction".into(), transaction.into());
    }
    match answer {
        Ok(data) => {
            response.insert("status".into(), "ok".into());
            response.insert("data".into(), data.clone());
        }
        Err(rejection) => {
            response.insert("status".into(), "error".into());
            response.insert("data".into(), json!({}));
            let message = privacy.text(&rejection.message);
            response.insert("error".into(), error(rejection, &message));
        }
    }
    Value::Object(response)
}
