//! `bridge/request/<verb>`: what is asked of the bridge itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{Fields, id, object, percent, text as text_of, toy, unknown};
use super::suggest::suggestion;
use super::{invalid, json, text};
use crate::domain::{Level, Limits, OutputKey, OutputKind, Rejection, ToyId};

/// The verbs, in the order documented.
pub const VERBS: [&str; 11] = [
    "toys",
    "refresh",
    "rename",
    "forget",
    "limits",
    "identify",
    "scan",
    "log_level",
    "republish",
    "restart",
    "diagnostics",
];

/// The levels of the log.
pub const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The most characters of a toy's name.
const MAX_NAME: usize = 64;

/// The fastest slope that can be asked for, percent per second. More is no bound at all.
const MAX_SLOPE: f64 = 1_000.0;

/// A payload of `bridge/request/<verb>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What the asker wants repeated in the response; known even if the rest makes no sense.
    pub transaction: Option<String>,
    /// What is asked.
    pub request: Result<BridgeRequest, Rejection>,
}

/// What is asked of the bridge.
#[derive(Clone, Debug, PartialEq)]
pub enum BridgeRequest {
    /// List the toys.
    Toys,
    /// Ask all backends again which toys are there.
    Refresh,
    /// Call a toy something else; `None` goes back to its own name.
    Rename {
        /// Which.
        toy: ToyId,
        /// What.
        name: Option<String>,
    },
    /// Drop everything known about a toy that is not there.
    Forget {
        /// Which.
        toy: ToyId,
    },
    /// Change a toy's limits.
    Limits {
        /// Whose.
        toy: ToyId,
        /// How.
        change: LimitChange,
    },
    /// Make a toy noticeable.
    Identify {
        /// Which.
        toy: ToyId,
    },
    /// Look for new toys for a while.
    Scan,
    /// Say more or less in the log.
    LogLevel {
        /// One of [`LOG_LEVELS`].
        level: &'static str,
    },
    /// Publish everything again.
    Republish,
    /// End and start again.
    Restart,
    /// Say everything that helps to find a fault.
    Diagnostics,
}

/// What is to change of a toy's limits. Absent means unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitChange {
    /// The maximum of all outputs.
    pub max: Option<Level>,
    /// The maxima of single outputs; `None` takes one away.
    pub outputs: BTreeMap<OutputKey, Option<Level>>,
    /// The fastest rise, in permille per second; `Some(None)` for no bound.
    pub slope: Option<Option<u32>>,
}

impl LimitChange {
    /// The limits, changed.
    #[must_use]
    pub fn apply(&self, limits: &Limits) -> Limits {
        let mut limits = limits.clone();
        if let Some(max) = self.max {
            limits.max = max;
        }
        if let Some(slope) = self.slope {
            limits.slope = slope;
        }
        for (key, limit) in &self.outputs {
            match limit {
                Some(limit) => limits.outputs.insert(*key, *limit),
                None => limits.outputs.remove(key),
            };
        }
        limits
    }
}

/// Reads a request. An empty payload is an empty object.
#[must_use]
pub fn request(verb: &str, payload: &[u8]) -> Request {
    request_of(None, verb, payload)
}

/// Reads a request about a toy that is named elsewhere than in the payload, and must not be there.
#[must_use]
pub fn request_of(toy: Option<ToyId>, verb: &str, payload: &[u8]) -> Request {
    let rejected = |rejection| Request {
        transaction: None,
        request: Err(rejection),
    };
    let mut object = match read_object(payload) {
        Ok(object) => object,
        Err(rejection) => return rejected(rejection),
    };
    if let Some(toy) = toy
        && object
            .insert("toy".to_owned(), toy.to_string().into())
            .is_some()
    {
        return rejected(invalid("toy", "is named by the address already"));
    }
    let mut fields = Fields::new(object);
    let transaction = match fields.read("transaction", id) {
        Ok(transaction) => transaction,
        Err(rejection) => return rejected(rejection),
    };
    Request {
        transaction,
        request: read(verb, fields),
    }
}

fn read_object(payload: &[u8]) -> Result<Map<String, Value>, Rejection> {
    if text(payload)?.trim().is_empty() {
        return Ok(Map::new());
    }
    json::object(payload)
}

fn read(verb: &str, mut fields: Fields) -> Result<BridgeRequest, Rejection> {
    use BridgeRequest as Ask;
    let (keys, request): (&[&str], _) = match verb {
        "toys" => (&[], Ok(Ask::Toys)),
        "refresh" => (&[], Ok(Ask::Refresh)),
        "rename" => (&["toy", "name"], rename(&mut fields)),
        "forget" => (&["toy"], read_toy(&mut fields, |toy| Ask::Forget { toy })),
        "limits" => (&["toy", "max", "outputs", "slope"], limits(&mut fields)),
        "identify" => (&["toy"], read_toy(&mut fields, |toy| Ask::Identify { toy })),
        "scan" => (&[], Ok(Ask::Scan)),
        "log_level" => (&["level"], read_level(&mut fields)),
        "republish" => (&[], Ok(Ask::Republish)),
        "restart" => (&[], Ok(Ask::Restart)),
        "diagnostics" => (&[], Ok(Ask::Diagnostics)),
        unknown => {
            let shown: String = unknown.chars().take(40).collect();
            let rule = format!("unknown request{}", suggestion(unknown, VERBS));
            return Err(invalid(&shown, rule));
        }
    };
    // A misspelt key is told before the one that is therefore missing.
    fields.finish(keys)?;
    request
}

fn read_toy(
    fields: &mut Fields,
    request: impl FnOnce(ToyId) -> BridgeRequest,
) -> Result<BridgeRequest, Rejection> {
    fields.need("toy", toy).map(request)
}

fn read_level(fields: &mut Fields) -> Result<BridgeRequest, Rejection> {
    let level = fields.need("level", log_level)?;
    Ok(BridgeRequest::LogLevel { level })
}

fn rename(fields: &mut Fields) -> Result<BridgeRequest, Rejection> {
    let toy = fields.need("toy", toy)?;
    let name = fields.need("name", |key, value| match value {
        Value::Null => Ok(None),
        name => text_of(MAX_NAME)(key, name).map(Some),
    })?;
    Ok(BridgeRequest::Rename { toy, name })
}

fn limits(fields: &mut Fields) -> Result<BridgeRequest, Rejection> {
    let toy = fields.need("toy", toy)?;
    let change = read_limits(fields)?;
    Ok(BridgeRequest::Limits { toy, change })
}

fn read_limits(fields: &mut Fields) -> Result<LimitChange, Rejection> {
    let max = fields.read("max", percent)?;
    let slope = fields.read("slope", slope)?;
    let given = fields.read("outputs", object)?;
    if max.is_none() && slope.is_none() && given.is_none() {
        return Err(invalid(
            "payload",
            "changes nothing: give max, outputs or slope",
        ));
    }
    let mut outputs = BTreeMap::new();
    for (key, value) in given.into_iter().flatten() {
        let Ok(output) = key.parse::<OutputKey>() else {
            let kinds = OutputKind::ALL.map(OutputKind::as_str);
            return Err(unknown(&key, kinds));
        };
        let limit = match value {
            Value::Null => None,
            value => Some(percent(&key, &value)?),
        };
        outputs.insert(output, limit);
    }
    Ok(LimitChange {
        max,
        outputs,
        slope,
    })
}

/// Percent per second, more than 0; null for no bound.
fn slope(key: &str, value: &Value) -> Result<Option<u32>, Rejection> {
    if value.is_null() {
        return Ok(None);
    }
    let percent = value.as_f64().unwrap_or_default();
    if !(0.1..=MAX_SLOPE).contains(&percent) {
        let rule = format!("must be 0.1 to {MAX_SLOPE} percent per second, or null for no bound");
        return Err(invalid(key, rule));
    }
    // 1 to 10,000.
    Ok(Some((percent * 10.0).round() as u32))
}

fn log_level(key: &str, value: &Value) -> Result<&'static str, Rejection> {
    LOG_LEVELS
        .into_iter()
        .find(|level| {
            value
                .as_str()
                .is_some_and(|v| v.eq_ignore_ascii_case(level))
        })
        .ok_or_else(|| invalid(key, format!("must be one of {}", LOG_LEVELS.join(", "))))
}
