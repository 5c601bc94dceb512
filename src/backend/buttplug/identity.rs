//! Which device of a server is which toy. No IO.
//!
//! A server names a device by an index, a model and, if the user gave one, a display name. Servers that
//! keep their configuration keep the indexes; others number the devices anew, in the order in which they
//! come. So a display name says which toy it is, and the index only where there is no name. Several toys
//! of one model without display names may be any of each other: they are *alike*.

use std::collections::{BTreeMap, BTreeSet};

use super::map::Toy;
use crate::domain::HardwareId;

/// The toys that have been here.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// With the display name that each had last.
    known: BTreeMap<HardwareId, Option<String>>,
    /// The indexes last, whatever becomes of the server: no two toys are alike.
    lasting: bool,
    alike: BTreeMap<Series, BTreeSet<HardwareId>>,
}

/// A server and a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series(String, String);

impl Series {
    /// `buttplug/<server>/<index>/<model>`
    fn of(hardware: &HardwareId) -> Option<Self> {
        let mut parts = hardware.as_str().splitn(4, '/').skip(1);
        let (server, _, model) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self(server.to_owned(), model.to_owned()))
    }

    fn with(&self, number: u32) -> HardwareId {
        let Self(server, model) = self;
        HardwareId::new(format!("buttplug/{server}/{number}/{model}"))
    }
}

fn display_name(toy: &Toy) -> Option<&str> {
    let name = toy.description.nickname.as_deref();
    name.filter(|name| !name.trim().is_empty())
}

impl Identities {
    /// These toys have been here, with the display name that each had last.
    pub(super) fn new(
        known: impl IntoIterator<Item = (HardwareId, Option<String>)>,
        lasting: bool,
    ) -> Self {
        Self {
            known: known.into_iter().collect(),
            lasting,
            alike: BTreeMap::new(),
        }
    }

    /// Gives each of these toys its identity. `here` are those that were there before, by index: in one
    /// connection a device keeps its index.
    pub(super) fn identify(&mut self, toys: &mut [Toy], here: &BTreeMap<u32, HardwareId>) {
        let mut taken = BTreeSet::new();
        let mut open = Vec::new();
        for toy in toys {
            let own = Series::of(&toy.description.hardware);
            let same = here.get(&toy.index).filter(|id| Series::of(id) == own);
            match same {
                Some(same) if taken.insert(same.clone()) => {
                    toy.description.hardware = same.clone();
                }
                _ => open.push(toy),
            }
        }
        // Names come before numbers, so that no device without a name takes what a named one is.
        open.sort_by_key(|toy| display_name(toy).is_none());
        for toy in open {
            let by_name = display_name(toy)
                .and_then(|name| self.named(name, &toy.description.hardware, &taken));
            let id = by_name.unwrap_or_else(|| self.numbered(&toy.description.hardware, &taken));
            taken.insert(id.clone());
            toy.description.hardware = id;
        }
    }

    /// The one toy of this model that had this display name last.
    fn named(
        &self,
        name: &str,
        device: &HardwareId,
        taken: &BTreeSet<HardwareId>,
    ) -> Option<HardwareId> {
        let series = Series::of(device);
        let mut found = self.known.iter().filter(|(id, known)| {
            known.as_deref() == Some(name) && Series::of(id) == series && !taken.contains(*id)
        });
        let (id, _) = found.next()?;
        found.next().is_none().then(|| id.clone())
    }

    /// The toy of the device's own number, unless that is another device; then a number that no toy has.
    fn numbered(&self, device: &HardwareId, taken: &BTreeSet<HardwareId>) -> HardwareId {
        let Some(series) = Series::of(device).filter(|_| taken.contains(device)) else {
            return device.clone();
        };
        let mut free = (0..=u32::MAX).map(|number| series.with(number));
        let free = free.find(|id| !taken.contains(id) && !self.known.contains_key(id));
        free.unwrap_or_else(|| device.clone())
    }

    /// These toys are there. Which of all toys are alike, if that has changed.
    pub(super) fn note<'a>(
        &mut self,
        here: impl Iterator<Item = &'a Toy> + Clone,
    ) -> Option<Vec<BTreeSet<HardwareId>>> {
        let mut names: BTreeMap<(Option<Series>, &str), u32> = BTreeMap::new();
        for toy in here.clone() {
            let (id, name) = (&toy.description.hardware, display_name(toy));
            if let Some(name) = name {
                *names.entry((Series::of(id), name)).or_default() += 1;
            }
            let known = self.known.entry(id.clone()).or_default();
            // One that has lost its name may be given it again.
            if let Some(name) = name {
                *known = Some(name.to_owned());
            }
        }
        if self.lasting {
            return None;
        }
        let is_told_apart = |toy: &Toy| {
            let series = Series::of(&toy.description.hardware);
            display_name(toy).is_some_and(|name| names.get(&(series, name)) == Some(&1))
        };
        let mut now: BTreeMap<Series, BTreeSet<HardwareId>> = BTreeMap::new();
        for id in self.known.keys() {
            if let Some(series) = Series::of(id) {
                now.entry(series).or_default().insert(id.clone());
            }
        }
        let mut unclear = BTreeSet::new();
        let mut present = BTreeSet::new();
        for toy in here {
            let id = &toy.description.hardware;
            let Some(series) = Series::of(id) else {
                continue;
            };
            if is_told_apart(toy) {
                now.entry(series.clone()).or_default().remove(id);
            } else {
                unclear.insert(series.clone());
            }
            present.insert(series);
        }
        now.retain(|series, toys| toys.len() > 1 && unclear.contains(series));
        // While no toy of a model is there, nothing is learned about it.
        for (series, toys) in &self.alike {
            if !present.contains(series) {
                now.insert(series.clone(), toys.clone());
            }
        }
        if self.alike == now {
            return None;
        }
        self.alike = now;
        Some(self.alike.values().cloned().collect())
    }
}

#[cfg(test)]
mod tests;
