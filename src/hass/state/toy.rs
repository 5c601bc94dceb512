//! A toy's state, availability, gestures and description.

use serde_json::{Map, Value, json};

use super::{number, percent, switch};
use crate::domain::{Gesture, InputKind, Level, Output, Reading, SetCommand, ToyView};
use crate::hass::Privacy;
use crate::hass::words::{effects, has_intensity, moves, readings};

/// The payload of a toy's availability.
#[must_use]
pub const fn availability(available: bool) -> &'static str {
    if available { "online" } else { "offline" }
}

/// The payload of a toy's state: `state`, `brightness` and `effect` of a light in Home Assistant's
/// JSON schema, one key per output and per reading, and what the diagnostic sensors show.
#[must_use]
pub fn toy(view: &ToyView, privacy: Privacy) -> Value {
    let mut state = Map::new();
    let level = strongest(view);
    let on = match level {
        // Nothing of it moves: on is what sprays, heats or shines.
        _ if !has_intensity(view) => switch(view.is_on()).into(),
        None if view.effect.is_none() => Value::Null,
        level => {
            let on = view.effect.is_some() || level.is_some_and(|level| !level.is_zero());
            switch(on).into()
        }
    };
    state.insert("state".into(), on);
    if has_intensity(view) {
        // A light without a brightness keeps the one that was shown last.
        if let Some(level) = level {
            state.insert("brightness".into(), brightness(level).into());
        }
        state.insert("effect".into(), effect(view));
    }
    for output in &view.description.outputs {
        state.insert(output.key.to_string(), shown(view, output));
    }
    for kind in &view.description.inputs {
        for key in readings(*kind) {
            state.insert((*key).into(), Value::Null);
        }
    }
    for (key, value) in &view.readings {
        state.insert((*key).into(), reading(*value));
    }
    state.insert("limit".into(), percent(view.limits.max.abs()));
    state.insert("available".into(), view.available.into());
    let route = view.route.as_ref().map(|route| privacy.backend(route));
    state.insert("route".into(), route.into());
    state.insert("note".into(), note(view).into());
    let error = view.last_error.as_deref();
    let error = error.map(|error| privacy.toy_text(view, error));
    state.insert("last_error".into(), error.into());
    Value::Object(state)
}

/// What is worth knowing and nobody's fault.
fn note(view: &ToyView) -> Option<&'static str> {
    // Without a brand, and without saying what it is: it may stand on anybody's wall.
    let held = "connected to the phone app; used directly as soon as the app lets go of it";
    view.held_by_app.then_some(held)
}

/// The strongest level of what moves; `None` while none is known.
fn strongest(view: &ToyView) -> Option<Level> {
    let moving = view.levels.iter().filter(|(key, _)| moves(key.kind));
    moving.map(|(_, level)| level.abs()).max()
}

/// Whole percent; a running toy is never shown at 0.
fn brightness(level: Level) -> i64 {
    let whole = level.percent().round() as i64;
    if level.is_zero() { 0 } else { whole.max(1) }
}

fn effect(view: &ToyView) -> Value {
    match &view.effect {
        None => SetCommand::NO_EFFECT.into(),
        // One that was deleted while it plays cannot be shown: it is in no list.
        Some(name) => effects(view).into_iter().find(|known| known == name).into(),
    }
}

/// An output's level within the range that its number has.
fn shown(view: &ToyView, output: &Output) -> Value {
    match view.levels.get(&output.key) {
        None => Value::Null,
        Some(level) if !output.signed && *level < Level::ZERO => percent(Level::ZERO),
        Some(level) => percent(*level),
    }
}

fn reading(reading: Reading) -> Value {
    match reading {
        // A toy that answers nonsense has no charge that could be shown.
        Reading::Battery(charge) if charge > 100 => Value::Null,
        reading => number(reading.value()),
    }
}

/// The payload of a gesture; the first button is 1, as the first of several outputs is.
#[must_use]
pub fn gesture(gesture: Gesture) -> Value {
    let mut event = Map::new();
    event.insert("event_type".into(), gesture.event_type().into());
    if let Some(button) = gesture.button() {
        event.insert("button".into(), (u16::from(button) + 1).into());
    }
    Value::Object(event)
}

/// What a toy is and does, for the answer to `toys`.
#[must_use]
pub fn details(view: &ToyView, privacy: Privacy) -> Value {
    let description = &view.description;
    let open = !privacy.is_discreet();
    let told = |text: Option<&str>| text.filter(|_| open).map(|text| privacy.text(text));
    let outputs: Vec<Value> = description
        .outputs
        .iter()
        .map(|output| {
            json!({
                "key": output.key.to_string(),
                "steps": output.steps,
                "signed": output.signed,
                "label": told(output.label.as_deref()),
                "limit": percent(view.limits.of(output.key).abs()),
            })
        })
        .collect();
    let inputs = description.inputs.iter().copied().map(InputKind::as_str);
    let slope = view
        .limits
        .slope
        .map(|slope| number(f64::from(slope) / 10.0));
    json!({
        "id": view.id.to_string(),
        "name": privacy.toy_name(view),
        "manufacturer": told(Some(&description.manufacturer)),
        "model": told(Some(&description.model)),
        "firmware": told(description.firmware.as_deref()),
        "outputs": outputs,
        "inputs": inputs.collect::<Vec<_>>(),
        "slope": slope,
        "state": toy(view, privacy),
    })
}
