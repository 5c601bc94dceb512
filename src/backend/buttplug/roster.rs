//! The toys that are there. No IO.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::identity::Identities;
use super::map::Toy;
use super::options::Options;
use super::places::Places;
use super::wire::{InputType, Reading, Request};
use crate::backend::Report;
use crate::domain::{Class, Command, Gesture, HardwareId, OpError, Reading as Measured, ToyInput};

const NOT_LISTED: &str = "the server does not list the toy any more";

/// The toys that are there, as the server said last.
#[derive(Debug, Default)]
pub(super) struct Roster {
    toys: BTreeMap<HardwareId, Known>,
    identities: Identities,
}

#[derive(Debug)]
struct Known {
    toy: Toy,
    /// Where its positions are, as far as is known.
    places: Places,
    may_run: bool,
    /// Buttons that are down.
    pressed: BTreeSet<u8>,
}

/// What to send for an operation.
#[derive(Debug, PartialEq)]
pub(super) struct Order {
    /// The device that the messages are for.
    pub(super) index: u32,
    pub(super) requests: Vec<Request>,
}

impl Roster {
    /// No toy is there yet; these have been.
    pub(super) fn new(identities: Identities) -> Self {
        Self {
            toys: BTreeMap::new(),
            identities,
        }
    }

    /// These toys are there, and no others.
    pub(super) fn listed(&mut self, mut toys: Vec<Toy>) -> Vec<Report> {
        self.identify(&mut toys);
        let present: BTreeSet<_> = toys
            .iter()
            .map(|toy| toy.description.hardware.clone())
            .collect();
        let gone = |hardware: &&HardwareId| !present.contains(*hardware);
        let gone: Vec<_> = self.toys.keys().filter(gone).cloned().collect();
        let mut reports: Vec<_> = gone.into_iter().filter_map(|it| self.leave(&it)).collect();
        reports.extend(toys.into_iter().flat_map(|toy| self.take(toy)));
        self.with_alike(reports)
    }

    /// This toy is there.
    pub(super) fn came(&mut self, mut toy: Toy) -> Vec<Report> {
        self.identify(std::slice::from_mut(&mut toy));
        let reports = self.take(toy);
        self.with_alike(reports)
    }

    fn identify(&mut self, toys: &mut [Toy]) {
        let here = self.toys.iter();
        let here = here.map(|(hardware, known)| (known.toy.index, hardware.clone()));
        self.identities.identify(toys, &here.collect());
    }

    /// The same, with what is alike first: limits hold before a toy can be driven.
    fn with_alike(&mut self, reports: Vec<Report>) -> Vec<Report> {
        let here = self.toys.values().map(|known| &known.toy);
        let alike = self.identities.note(here).map(Report::Alike);
        alike.into_iter().chain(reports).collect()
    }

    fn take(&mut self, toy: Toy) -> Vec<Report> {
        let hardware = toy.description.hardware.clone();
        if self
            .toys
            .get(&hardware)
            .is_some_and(|known| known.toy == toy)
        {
            return Vec::new();
        }
        // Whoever had the index before is gone, even if that has not been said.
        let mut reports: Vec<Report> = self.left(toy.index, Some(&hardware));
        if self
            .toys
            .get(&hardware)
            .is_some_and(|known| known.toy.index != toy.index)
        {
            // It has gone and come back: at another index, and at rest.
            reports.extend(self.leave(&hardware));
        }
        reports.push(Report::Up(toy.description.clone(), toy.capabilities));
        let known = Known {
            toy,
            places: Places::default(),
            may_run: true,
            pressed: BTreeSet::new(),
        };
        self.toys.insert(hardware, known);
        reports
    }

    /// The toy with this index is gone, unless it is `but`.
    pub(super) fn left(&mut self, index: u32, but: Option<&HardwareId>) -> Vec<Report> {
        let hardware = self.hardware(index).filter(|it| Some(it) != but);
        hardware
            .and_then(|it| self.leave(&it))
            .into_iter()
            .collect()
    }

    fn leave(&mut self, hardware: &HardwareId) -> Option<Report> {
        self.toys.remove(hardware)?;
        Some(Report::Down(hardware.clone(), NOT_LISTED.to_owned()))
    }

    /// The server is gone, for this reason.
    pub(super) fn lost(&mut self, reason: &str) -> Vec<Report> {
        let toys = std::mem::take(&mut self.toys);
        let down = |hardware| Report::Down(hardware, reason.to_owned());
        toys.into_keys().map(down).collect()
    }

    /// The toy that has this index.
    pub(super) fn hardware(&self, index: u32) -> Option<HardwareId> {
        let mut toys = self.toys.iter();
        let found = toys.find(|(_, known)| known.toy.index == index)?;
        Some(found.0.clone())
    }

    /// The toy.
    pub(super) fn toy(&self, hardware: &HardwareId) -> Option<&Toy> {
        self.toys.get(hardware).map(|known| &known.toy)
    }

    /// All toys.
    pub(super) fn toys(&self) -> impl Iterator<Item = &Toy> {
        self.toys.values().map(|known| &known.toy)
    }

    /// What to send for a command to a toy, `now`.
    pub(super) fn order(
        &mut self,
        hardware: &HardwareId,
        command: &Command,
        now: Instant,
        options: &Options,
    ) -> Result<Order, OpError> {
        let known = self.toys.get_mut(hardware);
        let known = known.ok_or_else(|| OpError::Offline(NOT_LISTED.to_owned()))?;
        let toy = &known.toy;
        let requests = match command {
            Command::Stop => toy.off(now, &mut known.places),
            Command::Play(_) => {
                let text = "the server plays no patterns by itself";
                return Err(OpError::Unsupported(text.to_owned()));
            }
            Command::Drive(settings) => {
                let may_run = known.may_run;
                let requests = toy.drive(settings, now, &mut known.places, may_run, options)?;
                // Before, not after: if the answer is lost, the toy may run.
                known.may_run |= settings.iter().any(|setting| {
                    setting.key.kind.class() == Class::Intensity && setting.step != 0
                });
                requests
            }
        };
        let index = toy.index;
        Ok(Order { index, requests })
    }

    /// A stop of this toy was acknowledged.
    pub(super) fn stopped(&mut self, hardware: &HardwareId) {
        if let Some(known) = self.toys.get_mut(hardware) {
            known.may_run = false;
        }
    }

    /// Nobody knows whether it did what it was told.
    pub(super) fn doubt(&mut self, hardware: &HardwareId) {
        if let Some(known) = self.toys.get_mut(hardware) {
            known.places.lose();
        }
    }

    /// Knows nothing of this toy any more if it still has this index, without a report: a list that
    /// still has it reports it anew.
    pub(super) fn forget(&mut self, hardware: &HardwareId, index: u32) {
        if self
            .toys
            .get(hardware)
            .is_some_and(|known| known.toy.index == index)
        {
            self.toys.remove(hardware);
        }
    }

    /// A sensor has told.
    pub(super) fn told(&mut self, reading: &Reading) -> Vec<Report> {
        let Some(hardware) = self.hardware(reading.device) else {
            return Vec::new();
        };
        let (Some(known), Some(&value)) = (self.toys.get_mut(&hardware), reading.values.first())
        else {
            return Vec::new();
        };
        let inputs = match reading.kind {
            InputType::Button => known.button(reading.at, value),
            // Out of range is brought back into it.
            InputType::Battery => vec![ToyInput::Reading(Measured::Battery(
                value.clamp(0.0, 100.0) as u8,
            ))],
            InputType::Rssi => vec![ToyInput::Reading(Measured::Rssi(
                value.clamp(-1_000.0, 1_000.0) as i16,
            ))],
            InputType::Pressure => vec![ToyInput::Reading(Measured::Pressure(value))],
        };
        let told = |input| Report::Told(hardware.clone(), input);
        inputs.into_iter().map(told).collect()
    }
}

impl Known {
    /// The button at this place says how it is: what has happened since it last did.
    fn button(&mut self, at: u32, value: f64) -> Vec<ToyInput> {
        let button = self.toy.button(at);
        let gestures = if value > 0.0 {
            match self.pressed.insert(button) {
                true => vec![Gesture::ButtonDown(button)],
                false => Vec::new(),
            }
        } else {
            match self.pressed.remove(&button) {
                true => vec![Gesture::ButtonUp(button), Gesture::ButtonPressed(button)],
                false => Vec::new(),
            }
        };
        gestures.into_iter().map(ToyInput::Gesture).collect()
    }
}

#[cfg(test)]
mod tests;
