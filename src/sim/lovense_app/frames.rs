//! What toys tell through Toy Events, as frames.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::sim::Function;
use crate::sim::rng::Rng;

/// Something that a toy reports by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum ToyEvent {
    /// A button went down; 0-based.
    ButtonDown(u8),
    /// A button came up; 0-based.
    ButtonUp(u8),
    /// A button was pressed and released; 0-based.
    ButtonPressed(u8),
    /// The toy was shaken.
    Shake,
    /// How fast it is shaken.
    ShakeFrequency(f64),
    /// How deep it is; the scale is the maker's, 0–20 is claimed.
    Depth(f64),
    /// Where it is and how fast it moves, several samples in a frame.
    Motion(Vec<MotionSample>),
}

/// One sample of a movement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionSample {
    /// 0 or 1.
    pub direction: u8,
    /// 0–100.
    pub speed: f64,
    /// 0–100; left out where the toy lost it for a moment, which does not mean 0.
    pub position: Option<f64>,
}

impl ToyEvent {
    /// As a frame of the toy with this id.
    #[must_use]
    pub fn frame(&self, toy: &str) -> String {
        let button = |kind, index| with_data(kind, toy, json!({ "index": index }));
        let value = |kind, value| with_data(kind, toy, json!({ "value": whole(value) }));
        match self {
            Self::ButtonDown(index) => button("button-down", index),
            Self::ButtonUp(index) => button("button-up", index),
            Self::ButtonPressed(index) => button("button-pressed", index),
            Self::Shake => json!({ "type": "shake", "toyId": toy }).to_string(),
            Self::ShakeFrequency(frequency) => value("shake-frequency-changed", *frequency),
            Self::Depth(depth) => value("depth-changed", *depth),
            Self::Motion(samples) => {
                let samples: Vec<_> = samples.iter().map(sample).collect();
                with_data("motion-changed", toy, json!({ "motionData": samples }))
            }
        }
    }
}

fn sample(sample: &MotionSample) -> Value {
    let mut json = json!({ "direction": sample.direction, "speed": whole(sample.speed) });
    if let Some(position) = sample.position {
        json["position"] = whole(position);
    }
    json
}

/// Numbers without a fraction are written without one.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e9 {
        json!(number as i64)
    } else {
        json!(number)
    }
}

fn with_data(kind: &str, toy: &str, data: Value) -> String {
    json!({ "type": kind, "toyId": toy, "data": data }).to_string()
}

/// The frame `toy-status`.
pub(super) fn toy_status(toy: &str, connected: bool) -> String {
    with_data("toy-status", toy, json!({ "connected": connected }))
}

/// The frame `battery-changed`; percent.
pub(super) fn battery_changed(toy: &str, percent: u8) -> String {
    with_data("battery-changed", toy, json!({ "value": percent }))
}

/// The frame `function-strength-changed`: the user changed a level on the toy or in the app.
///
/// Its words are not those of the API, its motors count from 0, and its scale is not documented:
/// the level in the function's own steps is sent.
pub(super) fn strength_changed(toy: &str, function: Function, level: u16) -> String {
    let (word, index) = match function {
        Function::Vibrate | Function::Vibrate1 => ("vibration", 0),
        Function::Vibrate2 => ("vibration", 1),
        Function::Vibrate3 => ("vibration", 2),
        Function::Rotate => ("rotation", 0),
        Function::Pump => ("inflation", 0),
        Function::Thrusting => ("thrusting", 0),
        Function::Fingering => ("fingering", 0),
        Function::Suction => ("suction", 0),
        Function::Depth => ("depth", 0),
        Function::StrokeMin | Function::StrokeMax => ("stroke", 0),
        Function::Oscillate => ("oscillation", 0),
        Function::Position => ("position", 0),
    };
    let data = json!({ "function": word, "value": level, "index": index });
    with_data("function-strength-changed", toy, data)
}

/// The app has switched Game Mode off.
pub(super) const EVENT_CLOSED: &str = r#"{"type":"event-closed"}"#;
/// The user of the phone has allowed the client to listen.
pub(super) const ACCESS_GRANTED: &str = r#"{"type":"access-granted"}"#;
/// Are you there?
pub(super) const PING: &str = r#"{"type":"ping"}"#;
/// Yes.
pub(super) const PONG: &str = r#"{"type":"pong"}"#;
/// What a client has to answer to [`PING`]: no JSON.
pub(super) const BARE_PONG: &str = "Pong";

/// A message that no client should stumble over.
pub(super) fn rubbish(rng: &Rng) -> Message {
    if rng.happens(20) {
        let length = rng.within(0..=64);
        return Message::binary((0..length).map(|_| rng.next() as u8).collect::<Vec<_>>());
    }
    Message::text(rubbish_text(rng))
}

fn rubbish_text(rng: &Rng) -> String {
    const FRAMES: [&str; 12] = [
        "",
        "Pong",
        "null",
        "[]",
        "{",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"never-heard-of","toyId":"f082c00246fa","data":{}}"#,
        r#"{"type":"battery-changed","toyId":null,"data":{"value":"full"}}"#,
        r#"{"type":"button-down","data":[]}"#,
        r#"{"type":"toy-list","toyList":{"a":[[[[[]]]]]}}"#,
        r#"{"type":"motion-changed","toyId":"f082c00246fa","data":{"motionData":[{},5,null]}}"#,
    ];
    let last = FRAMES.len() as u64;
    match usize::try_from(rng.within(0..=last)) {
        Ok(index) if index < FRAMES.len() => FRAMES[index].to_owned(),
        _ => {
            let length = rng.within(1..=40);
            let byte = |_| char::from(rng.within(1..=255) as u8);
            (0..length).map(byte).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_documented() {
        let frame = |event: ToyEvent| event.frame("a1");
        for (event, expected) in [
            (
                ToyEvent::ButtonDown(0),
                r#"{"type":"button-down","toyId":"a1","data":{"index":0}}"#,
            ),
            (
                ToyEvent::ButtonUp(1),
                r#"{"type":"button-up","toyId":"a1","data":{"index":1}}"#,
            ),
            (
                ToyEvent::ButtonPressed(2),
                r#"{"type":"button-pressed","toyId":"a1","data":{"index":2}}"#,
            ),
            (ToyEvent::Shake, r#"{"type":"shake","toyId":"a1"}"#),
            (
                ToyEvent::ShakeFrequency(3.0),
                r#"{"type":"shake-frequency-changed","toyId":"a1","data":{"value":3}}"#,
            ),
            (
                ToyEvent::Depth(1.5),
                r#"{"type":"depth-changed","toyId":"a1","data":{"value":1.5}}"#,
            ),
        ] {
            assert_eq!(frame(event), expected);
        }
        let dropout = MotionSample {
            direction: 1,
            speed: 60.0,
            position: None,
        };
        let known = MotionSample {
            position: Some(38.0),
            ..dropout
        };
        assert_eq!(
            frame(ToyEvent::Motion(vec![known, dropout])),
            r#"{"type":"motion-changed","toyId":"a1","data":{"motionData":[{"direction":1,"speed":60,"position":38},{"direction":1,"speed":60}]}}"#
        );
        assert_eq!(
            strength_changed("a1", Function::Vibrate2, 20),
            r#"{"type":"function-strength-changed","toyId":"a1","data":{"function":"vibration","value":20,"index":1}}"#
        );
        assert_eq!(
            toy_status("a1", false),
            r#"{"type":"toy-status","toyId":"a1","data":{"connected":false}}"#
        );
        assert_eq!(
            battery_changed("a1", 84),
            r#"{"type":"battery-changed","toyId":"a1","data":{"value":84}}"#
        );
    }

    #[test]
    fn there_is_all_kinds_of_rubbish() {
        let rng = Rng::new(3);
        let seen: std::collections::HashSet<_> = (0..1_000)
            .map(|_| rubbish(&rng).into_data().to_vec())
            .collect();
        assert!(seen.len() > 20);
    }
}
