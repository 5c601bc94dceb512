//! What is known of the app's toys: one picture of what two sources tell. No IO.
//!
//! Over the maker's server there is one source, device information, which says what GetToys does
//! but for the functions.
//!
//! GetToys says which toys there are and what they can do. Toy Events say sooner which of them
//! came or went, and what they report; they say nothing of functions, so they never change what
//! GetToys said. An answer to GetToys that was asked for before an event was heard does not undo
//! that event.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::Report;
use crate::backend::lovense::catalog::{self, Model};
use crate::backend::lovense::strength::StrengthChange;
use crate::backend::lovense::wire::{AppToyId, ListedToy, ToyList};
use crate::domain::{
    Capabilities, Class, Command, Gesture, HardwareId, InputKind, OpError, Output, Reading,
    ToyDescription, ToyInput,
};

const SWITCHED_OFF: &str = "the toy is switched off or out of reach of the phone";
const NOT_LISTED: &str = "the app does not list the toy any more";

/// The most ids of unknown toys that are remembered, so that garbage cannot fill the memory.
const MAX_STRANGERS: usize = 64;

/// A point in the sequence of events about toys coming and going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Epoch(u64);

/// What came out of something heard: what to report, and whether to look at the toys soon.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) reports: Vec<Report>,
    pub(super) look: bool,
}

impl Heard {
    fn look(look: bool) -> Self {
        Self {
            look,
            ..Self::default()
        }
    }
}

/// Where to send an operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Address {
    pub(super) app_id: AppToyId,
    pub(super) outputs: Vec<Output>,
    /// Whether the toy may be running from an earlier operation.
    pub(super) may_run: bool,
}

#[derive(Debug)]
pub(super) struct Roster {
    toys: BTreeMap<HardwareId, Known>,
    /// Toys that events name and GetToys does not.
    strangers: BTreeSet<HardwareId>,
    /// What toy lists of Toy Events say of a toy beyond what GetToys does.
    hints: BTreeMap<HardwareId, Hint>,
    epoch: Epoch,
    capabilities: Capabilities,
    /// Whether Toy Events are listened to at all.
    events: bool,
    /// Whether the app answers. While it does not, events count for nothing: toys that cannot be
    /// stopped are not there.
    reachable: bool,
    /// Whether the app has shown that it tells strengths in percent.
    percent: bool,
}

#[derive(Debug)]
struct Known {
    listed: ListedToy,
    /// Of an app that has no Toy Events.
    mute: bool,
    description: ToyDescription,
    up: bool,
    /// When an event last said whether it is there.
    said: Epoch,
    battery: Option<u8>,
    /// Inputs that it turned out to have.
    learned: BTreeSet<InputKind>,
    may_run: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hint {
    name: String,
    firmware: Option<String>,
}

impl Roster {
    pub(super) fn new(capabilities: Capabilities, events: bool) -> Self {
        Self {
            toys: BTreeMap::new(),
            strangers: BTreeSet::new(),
            hints: BTreeMap::new(),
            epoch: Epoch::default(),
            capabilities,
            events,
            reachable: false,
            percent: false,
        }
    }

    /// To be asked before GetToys is sent, and handed to [`Self::listed`] with its answer.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// GetToys, asked at `asked`, answered.
    pub(super) fn listed(&mut self, list: ToyList, asked: Epoch) -> Vec<Report> {
        self.reachable = true;
        let mut reports = Vec::new();
        let mut present: BTreeSet<_> = list
            .bad
            .into_iter()
            .filter_map(|bad| bad.hardware)
            .collect();
        let is_mute = |kind: &str| kind.eq_ignore_ascii_case("connect");
        let mute = list.app.app_type.as_deref().is_some_and(is_mute);
        for listed in list.toys {
            let hardware = listed.hardware.clone();
            present.insert(hardware.clone());
            self.strangers.remove(&hardware);
            self.take(listed, mute, asked, &mut reports);
        }
        for (hardware, known) in &mut self.toys {
            if known.up && known.said <= asked && !present.contains(hardware) {
                known.up = false;
                reports.push(Report::Down(hardware.clone(), NOT_LISTED.to_owned()));
            }
        }
        reports
    }

    fn take(&mut self, listed: ListedToy, mute: bool, asked: Epoch, reports: &mut Vec<Report>) {
        let hardware = listed.hardware.clone();
        let (connected, battery) = (listed.connected, listed.battery);
        let hint = self.hints.get(&hardware);
        let known = self.toys.entry(hardware.clone()).or_insert_with(|| Known {
            description: describe(&listed, hint, &BTreeSet::new()),
            listed: listed.clone(),
            mute,
            up: false,
            said: Epoch::default(),
            battery: None,
            learned: BTreeSet::new(),
            may_run: true,
        });
        known.listed = listed;
        known.mute = mute;
        // An event is newer than this answer: it decides whether the toy is there.
        let up = if known.said > asked {
            known.up
        } else {
            connected
        };
        let changed = known.describe(hint, self.events);
        if up && (!known.up || changed) {
            reports.push(known.announce(self.capabilities));
        } else if !up && known.up {
            reports.push(Report::Down(hardware.clone(), SWITCHED_OFF.to_owned()));
        }
        let came = up && !known.up;
        known.up = up;
        if up && battery.is_some() && (came || battery != known.battery) {
            known.battery = battery;
            let charge = battery.map(Reading::Battery).map(ToyInput::Reading);
            reports.extend(charge.map(|charge| Report::Told(hardware, charge)));
        }
    }

    /// The app is gone, for this reason.
    pub(super) fn lost(&mut self, reason: &str) -> Vec<Report> {
        self.reachable = false;
        // Another app may answer next.
        self.percent = false;
        let mut reports = Vec::new();
        for (hardware, known) in &mut self.toys {
            known.may_run = true;
            if known.up {
                known.up = false;
                reports.push(Report::Down(hardware.clone(), reason.to_owned()));
            }
        }
        reports
    }

    /// An event says that a toy came or went.
    pub(super) fn status(&mut self, hardware: &HardwareId, connected: bool) -> Heard {
        self.epoch.0 += 1;
        let epoch = self.epoch;
        let capabilities = self.capabilities;
        let Some(known) = self.toys.get_mut(hardware).filter(|_| self.reachable) else {
            return Heard::look(connected && self.stranger(hardware));
        };
        known.said = epoch;
        let mut reports = Vec::new();
        if connected && !known.up {
            reports.push(known.announce(capabilities));
        } else if !connected && known.up {
            reports.push(Report::Down(hardware.clone(), SWITCHED_OFF.to_owned()));
        }
        known.up = connected;
        // What it can do may have changed with an update while it was away.
        let look = connected && !reports.is_empty();
        Heard { reports, look }
    }

    /// An event lists the toys. It is not the last word on toys that it leaves out: that is
    /// GetToys.
    pub(super) fn toy_list(&mut self, list: ToyList) -> Heard {
        let mut heard = Heard::default();
        let mut present = BTreeSet::new();
        for row in list.toys {
            let hardware = row.hardware.clone();
            present.insert(hardware.clone());
            let hint = Hint {
                name: row.name,
                firmware: row.firmware,
            };
            if self.hints.len() < MAX_STRANGERS || self.hints.contains_key(&hardware) {
                self.hints.insert(hardware.clone(), hint);
            }
            let status = self.status(&hardware, row.connected);
            heard.look |= status.look;
            heard.reports.extend(status.reports);
            heard.reports.extend(self.hinted(&hardware));
            if let Some(charge) = row.battery.filter(|_| row.connected) {
                heard.reports.extend(self.charge(&hardware, charge));
            }
        }
        let left_out =
            |(hardware, known): (&HardwareId, &Known)| known.up && !present.contains(hardware);
        heard.look |= self.toys.iter().any(left_out);
        heard
    }

    /// A toy reported these.
    pub(super) fn told(&mut self, hardware: &HardwareId, inputs: &[ToyInput]) -> Heard {
        let Some(known) = self.toys.get(hardware).filter(|_| self.reachable) else {
            return Heard::look(self.stranger(hardware));
        };
        // Whoever speaks is there.
        let mut heard = match known.up {
            true => Heard::default(),
            false => self.status(hardware, true),
        };
        let capabilities = self.capabilities;
        for &input in inputs {
            if let ToyInput::Reading(Reading::Battery(charge)) = input {
                heard.reports.extend(self.charge(hardware, charge));
                continue;
            }
            let hint = self.hints.get(hardware);
            if let Some(known) = self.toys.get_mut(hardware)
                && !known.description.inputs.contains(&kind_of(input))
            {
                known.learned.insert(kind_of(input));
                if known.describe(hint, self.events) {
                    heard.reports.push(known.announce(capabilities));
                }
            }
            heard.reports.push(Report::Told(hardware.clone(), input));
        }
        heard
    }

    /// The strength of a function has changed, by the bridge or by any other hand.
    pub(super) fn strength(&mut self, hardware: &HardwareId, change: &StrengthChange) -> Heard {
        self.percent |= change.is_percentage();
        let mut inputs = vec![ToyInput::Reading(Reading::Strength(change.value))];
        if let Some(known) = self.toys.get_mut(hardware) {
            known.may_run |= change.is_on();
            let levels = change.reports(&known.description.outputs, self.percent);
            inputs.extend(levels.into_iter().map(ToyInput::Level));
        }
        self.told(hardware, &inputs)
    }

    fn charge(&mut self, hardware: &HardwareId, charge: u8) -> Option<Report> {
        let known = self.toys.get_mut(hardware)?;
        if !known.up || known.battery == Some(charge) {
            return None;
        }
        known.battery = Some(charge);
        let charge = ToyInput::Reading(Reading::Battery(charge));
        Some(Report::Told(hardware.clone(), charge))
    }

    fn hinted(&mut self, hardware: &HardwareId) -> Option<Report> {
        let hint = self.hints.get(hardware);
        let known = self.toys.get_mut(hardware)?;
        let changed = known.describe(hint, self.events);
        (changed && known.up).then(|| known.announce(self.capabilities))
    }

    /// Whether an unknown toy is worth a look: once, until GetToys knows it.
    fn stranger(&mut self, hardware: &HardwareId) -> bool {
        self.strangers.len() < MAX_STRANGERS && self.strangers.insert(hardware.clone())
    }

    /// Where to send operations for this toy, there or not.
    pub(super) fn address(&self, hardware: &HardwareId) -> Option<Address> {
        let known = self.toys.get(hardware)?;
        Some(Address {
            app_id: known.listed.app_id.clone(),
            outputs: known.description.outputs.clone(),
            may_run: known.may_run,
        })
    }

    /// An operation did not find it, and whoever asked knows: a list that has it reports it anew.
    pub(super) fn missed(&mut self, hardware: &HardwareId) {
        if let Some(known) = self.toys.get_mut(hardware) {
            known.up = false;
        }
    }

    /// An operation may have started the toy, or surely stopped it.
    pub(super) fn ran(&mut self, hardware: &HardwareId, may_run: bool) {
        if let Some(known) = self.toys.get_mut(hardware) {
            known.may_run = may_run;
        }
    }
}

/// A toy that is to be stopped although it is not known: whatever runs there is to stop.
pub(super) fn unmet(hardware: &HardwareId) -> Result<Address, OpError> {
    let app_id = AppToyId::new(hardware.as_str())
        .map_err(|_| OpError::Offline("the app does not know the toy".to_owned()))?;
    Ok(Address {
        app_id,
        outputs: Vec::new(),
        may_run: true,
    })
}

/// Whether a toy runs after this command.
pub(super) fn starts(command: &Command) -> bool {
    match command {
        Command::Stop => false,
        Command::Play(_) => true,
        Command::Drive(settings) => settings
            .iter()
            .any(|setting| setting.key.kind.class() == Class::Intensity && setting.step != 0),
    }
}

impl Known {
    fn announce(&self, capabilities: Capabilities) -> Report {
        Report::Up(self.description.clone(), capabilities)
    }

    /// Makes the description anew; whether it has changed.
    fn describe(&mut self, hint: Option<&Hint>, events: bool) -> bool {
        let mut inputs = self.learned.clone();
        if events && !self.mute {
            inputs.extend(
                model_of(&self.listed, hint)
                    .iter()
                    .flat_map(|model| model.inputs),
            );
        }
        let description = describe(&self.listed, hint, &inputs);
        let changed = self.description != description;
        self.description = description;
        changed
    }
}

fn firmware_of<'a>(listed: &'a ListedToy, hint: Option<&'a Hint>) -> Option<&'a str> {
    let hinted = || hint?.firmware.as_deref();
    listed.firmware.as_deref().or_else(hinted)
}

fn firmware_number(text: Option<&str>) -> Option<u32> {
    text?.trim().parse().ok()
}

/// The model as far as both sources tell: the type in GetToys comes first, but `gush` may be a
/// Gush or a Gush 2, and the toy list may know which.
fn model_of(listed: &ListedToy, hint: Option<&Hint>) -> Option<&'static Model> {
    let number = firmware_number(firmware_of(listed, hint));
    let by_type = catalog::find(&listed.name, number);
    let by_hint = hint.and_then(|hint| catalog::find(&hint.name, number));
    match (by_type, by_hint) {
        (Some(by_type), Some(by_hint)) if by_type.slugs == by_hint.slugs => Some(by_hint),
        (by_type, by_hint) => by_type.or(by_hint),
    }
}

fn describe(
    listed: &ListedToy,
    hint: Option<&Hint>,
    inputs: &BTreeSet<InputKind>,
) -> ToyDescription {
    let firmware = firmware_of(listed, hint);
    let number = firmware_number(firmware);
    let model = model_of(listed, hint);
    let own_name = catalog::display_name(&listed.name, number);
    // "edge" may be an Edge or an Edge 2.
    let is_bare = model.is_none_or(|model| model.name == own_name || listed.name.is_empty());
    let better = hint.filter(|hint| {
        let hinted = catalog::find(&hint.name, number);
        is_bare && hinted.is_some_and(|hinted| model.is_some_and(|m| std::ptr::eq(m, hinted)))
    });
    // What the toy can do is for GetToys alone to say.
    let told = catalog::find(&listed.name, firmware_number(listed.firmware.as_deref()));
    let mut inputs = inputs.clone();
    inputs.insert(InputKind::Battery);
    ToyDescription {
        hardware: listed.hardware.clone(),
        manufacturer: catalog::MANUFACTURER.to_owned(),
        model: better.map_or(own_name, |hint| catalog::display_name(&hint.name, number)),
        nickname: listed.nickname.clone(),
        firmware: firmware.map(str::to_owned),
        outputs: catalog::outputs(&listed.short_functions, &listed.full_functions, told),
        inputs,
    }
}

const fn kind_of(input: ToyInput) -> InputKind {
    match input {
        ToyInput::Gesture(Gesture::Shake) | ToyInput::Reading(Reading::ShakeFrequency(_)) => {
            InputKind::Shake
        }
        ToyInput::Gesture(_) => InputKind::Button,
        ToyInput::Reading(Reading::Battery(_)) => InputKind::Battery,
        ToyInput::Reading(Reading::Rssi(_)) => InputKind::Rssi,
        ToyInput::Reading(Reading::Pressure(_)) => InputKind::Pressure,
        ToyInput::Reading(Reading::InsertionDepth(_)) => InputKind::Depth,
        ToyInput::Reading(Reading::MotionPosition(_) | Reading::MotionSpeed(_)) => {
            InputKind::Motion
        }
        ToyInput::Reading(Reading::Strength(_)) | ToyInput::Level(_) => InputKind::Strength,
    }
}

#[cfg(test)]
mod tests;
