//! The control surface of `toy2mqtt simulate`; [`run`](super::run()) documents it.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Function;
use super::lovense_app::{
    AppHandle, Faults, MotionSample, NoSuchToy, RequestKind, ToyEvent, ToyFaults,
};

/// The routes that control this app.
pub(super) fn router(app: AppHandle) -> Router {
    Router::new()
        .route("/sim", get(show))
        .route("/sim/fault", post(change_faults).delete(mend))
        .route("/sim/app/gone", post(go))
        .route("/sim/app/back", post(come_back))
        .route("/sim/toy/{id}", delete(remove))
        .route("/sim/toy/{id}/{what}", post(to_toy))
        .with_state(app)
}

/// What was asked for wrongly.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Bad(String),
    #[error(transparent)]
    NoToy(#[from] NoSuchToy),
    #[error("no such event: {0}")]
    NoEvent(String),
    #[error("{0}")]
    Failed(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NoToy(_) | Self::NoEvent(_) => StatusCode::NOT_FOUND,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

type Answer = Result<Json<Value>, Refusal>;

fn bad(key: &str, expected: &str) -> Refusal {
    Refusal::Bad(format!("{key}: expected {expected}"))
}

async fn show(State(app): State<AppHandle>) -> Json<Value> {
    let toys: Vec<_> = app
        .toys()
        .into_iter()
        .map(|toy| {
            let levels = toy.levels.iter();
            let levels: Map<_, _> = levels
                .map(|(function, level)| (function.to_string(), json!(level)))
                .collect();
            json!({
                "id": toy.id, "model": toy.model, "nickname": toy.nickname,
                "battery": toy.battery, "connected": toy.connected, "levels": levels,
            })
        })
        .collect();
    let (counts, sockets) = (app.counts(), app.sockets());
    let requests: Map<_, _> = RequestKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let name = json!(kind).as_str()?.to_owned();
            Some((name, json!(counts.of(kind))))
        })
        .collect();
    Json(json!({
        "toys": toys,
        "faults": app.faults(),
        "requests": requests,
        "refused": counts.refused(),
        "event_sockets": { "open": sockets.open, "granted": sockets.granted },
    }))
}

async fn change_faults(State(app): State<AppHandle>, body: Bytes) -> Answer {
    let faults: Faults = patched(&app.faults(), &body)?;
    app.change_faults(|now| now.clone_from(&faults));
    Ok(Json(json!(faults)))
}

async fn mend(State(app): State<AppHandle>) -> Json<Value> {
    app.change_faults(|now| *now = Faults::default());
    Json(json!(app.faults()))
}

async fn go(State(app): State<AppHandle>) -> Answer {
    let failed = |error: std::io::Error| Refusal::Failed(error.to_string());
    app.go().await.map_err(failed)?;
    Ok(Json(json!({ "app": "gone" })))
}

async fn come_back(State(app): State<AppHandle>) -> Answer {
    let failed = |error: std::io::Error| Refusal::Failed(error.to_string());
    app.come_back().await.map_err(failed)?;
    Ok(Json(json!({ "app": "back" })))
}

async fn remove(State(app): State<AppHandle>, Path(id): Path<String>) -> Answer {
    app.remove_toy(&id)?;
    Ok(Json(json!({ "removed": id })))
}

async fn to_toy(
    State(app): State<AppHandle>,
    Path((id, what)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    // Before anything else, so that a wrong id is told as such.
    app.toy(&id).ok_or_else(|| NoSuchToy(id.clone()))?;
    let data = object(&body)?;
    match what.as_str() {
        "fault" => {
            let mut result = Ok(ToyFaults::default());
            app.change_toy_faults(&id, |now| {
                result = patched(now, &body);
                if let Ok(faults) = &result {
                    now.clone_from(faults);
                }
            })?;
            return result.map(|faults| Json(json!(faults)));
        }
        "rename" => {
            let name = data.get("nickname").and_then(Value::as_str);
            app.rename(&id, name.ok_or_else(|| bad("nickname", "a text"))?)?;
        }
        "toy-status" => {
            let connected = data.get("connected").and_then(Value::as_bool);
            let connected = connected.ok_or_else(|| bad("connected", "true or false"))?;
            app.set_connected(&id, connected)?;
        }
        "battery-changed" => app.set_battery(&id, whole(&data, "value", 100)? as u8)?,
        "function-strength-changed" => {
            let name = data.get("function").and_then(Value::as_str);
            let function = Function::ALL
                .into_iter()
                .find(|function| Some(function.as_str()) == name)
                .ok_or_else(|| bad("function", "a name of the Standard API, such as Vibrate"))?;
            let level = whole(&data, "value", u64::from(function.max()))? as u16;
            app.set_by_user(&id, function, level)?;
        }
        _ => {
            let clients = app.emit(&id, &event(&what, &data)?)?;
            return Ok(Json(json!({ "clients": clients })));
        }
    }
    Ok(Json(json!({ "done": what })))
}

/// An event by its name in the Toy Events API, and its data.
fn event(name: &str, data: &Map<String, Value>) -> Result<ToyEvent, Refusal> {
    let index = || match data.get("index") {
        None => Ok(0),
        Some(_) => whole(data, "index", 255).map(|index| index as u8),
    };
    Ok(match name {
        "button-down" => ToyEvent::ButtonDown(index()?),
        "button-up" => ToyEvent::ButtonUp(index()?),
        "button-pressed" => ToyEvent::ButtonPressed(index()?),
        "shake" => ToyEvent::Shake,
        "shake-frequency-changed" => ToyEvent::ShakeFrequency(number(data, "value")?),
        "depth-changed" => ToyEvent::Depth(number(data, "value")?),
        "motion-changed" => {
            let samples = data.get("motionData").and_then(Value::as_array);
            let samples = samples.ok_or_else(|| bad("motionData", "a list"))?;
            let samples: Result<_, _> = samples.iter().map(sample).collect();
            ToyEvent::Motion(samples?)
        }
        other => return Err(Refusal::NoEvent(other.to_owned())),
    })
}

fn sample(value: &Value) -> Result<MotionSample, Refusal> {
    let sample = value.as_object();
    let sample = sample.ok_or_else(|| bad("motionData", "a list of objects"))?;
    Ok(MotionSample {
        direction: whole(sample, "direction", 1)? as u8,
        speed: number(sample, "speed")?,
        position: match sample.get("position") {
            None => None,
            Some(_) => Some(number(sample, "position")?),
        },
    })
}

fn number(data: &Map<String, Value>, key: &str) -> Result<f64, Refusal> {
    let number = data.get(key).and_then(Value::as_f64);
    number.ok_or_else(|| bad(key, "a number"))
}

/// A whole number from 0 to `max`.
fn whole(data: &Map<String, Value>, key: &str, max: u64) -> Result<u64, Refusal> {
    let number = data.get(key).and_then(Value::as_u64);
    let number = number.filter(|&number| number <= max);
    number.ok_or_else(|| bad(key, &format!("a whole number, 0 to {max}")))
}

/// The body as an object; nothing at all is an empty one.
fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|error| Refusal::Bad(format!("body: {error}")))
}

/// `now` with the fields of the body in place of its own.
fn patched<T: Serialize + DeserializeOwned>(now: &T, body: &[u8]) -> Result<T, Refusal> {
    let mut fields = json!(now);
    for (key, value) in object(body)? {
        fields[key] = value;
    }
    serde_json::from_value(fields).map_err(|error| Refusal::Bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::lovense_app::{AnswerFault, Spread, Wrong};

    #[test]
    fn a_patch_changes_what_it_names() {
        let now = Faults {
            effect_latency: Spread::ms(5, 9),
            ..Faults::default()
        };
        let patch = br#"{"answer":{"what":{"code":402}}}"#;
        let patched_once: Faults = patched(&now, patch).expect("valid");
        assert_eq!(patched_once.effect_latency, Spread::ms(5, 9));
        assert_eq!(
            patched_once.answer,
            Some(AnswerFault::new(Wrong::Code(402)))
        );
        let back: Faults =
            patched(&patched_once, br#"{"answer":null,"silence_ms":null}"#).expect("valid");
        assert_eq!((back.answer, back.silence_ms), (None, None));
        // One kind of wrong answer takes the place of another.
        let other = patched::<Faults>(&patched_once, br#"{"answer":{"what":{"http":503}}}"#);
        assert_eq!(
            other.map(|faults| faults.answer),
            Ok(Some(AnswerFault::new(Wrong::Http(503))))
        );
    }

    #[test]
    fn a_wrong_patch_changes_nothing_and_says_why() {
        for wrong in ["[]", "{", r#"{"answr":{}}"#, r#"{"game_mode":1}"#] {
            let refused = patched(&Faults::default(), wrong.as_bytes());
            assert!(matches!(refused, Err(Refusal::Bad(_))), "{wrong}");
        }
        let typo = patched(&Faults::default(), br#"{"answr":{}}"#);
        assert!(typo.is_err_and(|error| error.to_string().contains("answr")));
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(
            name in "button-down|depth-changed|motion-changed|\\PC{0,5}",
            key in "index|value|motionData",
            body in "(\\{\"(index|value|motionData)\":)?(\\PC{0,10}|[0-9]+|\\[\\{\\}\\])\\}?",
        ) {
            let _ = patched(&Faults::default(), body.as_bytes());
            if let Ok(mut data) = object(body.as_bytes()) {
                let _ = event(&name, &data);
                data.insert(key, json!([{ "direction": body, "speed": 1 }]));
                let _ = event(&name, &data);
            }
        }
    }
}
