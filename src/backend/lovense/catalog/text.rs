//! How each model is driven in the text protocol that toys speak themselves, over Bluetooth and
//! over device websockets.
//!
//! Compiled from the device configuration of the Buttplug project and the protocol notes that
//! users have collected (docs.buttplug.io, "Lovense"): a command that one model takes for one
//! motor moves another motor of the next model, or nothing.

use std::collections::BTreeSet;

use super::{Function, Model, function};
use crate::domain::{Output, OutputKind};

/// One kind of command, and what it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// `Vibrate:n;` moves this and nothing else. What it moves is not always a vibrator.
    Single(Function),
    /// `Vibrate1:n;`, `Vibrate2:n;`, … in this order. If all are vibrators, `Vibrate:n;` moves all.
    Numbered(&'static [Function]),
    /// `Mply:a:b:c;` moves these, in this order, at once.
    Together(&'static [Function]),
    /// `Rotate:n;` sets the speed of a rotation, `RotateChange;` turns its direction round.
    Rotation,
    /// `Air:Level:n;` sets an air pump.
    Air,
    /// `Mply:speed:20;` moves a stroker over its whole travel.
    Stroker,
    /// The same, and `LVS:` with speed, near and far end, a byte each, for a part of the travel.
    RangedStroker,
    /// `FSetSite:n;` sends a stroker to a place.
    Place,
}

impl TextForm {
    /// The functions that it moves.
    #[must_use]
    pub const fn functions(&self) -> &[Function] {
        match self {
            Self::Single(function) => std::slice::from_ref(function),
            Self::Numbered(functions) | Self::Together(functions) => functions,
            Self::Rotation => &[Function::Rotate],
            Self::Air => &[Function::Pump],
            Self::Stroker => &[Function::Thrusting],
            Self::RangedStroker => &[Function::Thrusting, Function::Stroke],
            Self::Place => &[Function::Position],
        }
    }
}

/// What a toy of an unknown model takes: every one has at least one motor.
const UNKNOWN: &[TextForm] = &[TextForm::Single(Function::Vibrate)];

/// How to drive a toy of this model.
#[must_use]
pub fn text_forms(model: Option<&'static Model>) -> &'static [TextForm] {
    model.map_or(UNKNOWN, |model| model.text)
}

/// The outputs that a toy of this model has in the text protocol. They may be fewer than over the
/// app, and a rotation has a direction.
#[must_use]
pub fn text_outputs(model: Option<&'static Model>) -> Vec<Output> {
    let forms = text_forms(model);
    let functions: BTreeSet<Function> = forms
        .iter()
        .flat_map(|form| form.functions().iter().copied())
        .collect();
    let labels = model.map_or(&[][..], |model| model.labels);
    let mut outputs = function::of_functions(&functions, labels);
    for output in &mut outputs {
        output.signed = output.key.kind == OutputKind::Rotate;
    }
    outputs
}
