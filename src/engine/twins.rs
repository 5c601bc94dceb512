//! Toys that nothing tells apart: a limit may have been set for any of them, so the lowest holds for each.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{BackendId, HardwareId, Limits, ToyId};

use super::vocabulary::Effect;
use super::{Engine, Turn};

impl Engine {
    /// Notes which toys this backend cannot tell apart.
    pub(super) fn alike(&mut self, backend: BackendId, sets: Vec<BTreeSet<HardwareId>>) {
        let same = &self.settings.same;
        let id = |hardware: &HardwareId| {
            let own = ToyId::of(hardware);
            same.get(&own).copied().unwrap_or(own)
        };
        let sets = sets.iter().map(|set| set.iter().map(id).collect());
        self.alike.insert(backend, sets.collect());
    }

    /// The sets of known toys that nothing tells apart.
    fn alike_toys(&self) -> impl Iterator<Item = Vec<ToyId>> {
        let sets = self.alike.values().flatten();
        let known = sets.map(|set| {
            let known = set.iter().filter(|id| self.toys.contains_key(*id));
            known.copied().collect::<Vec<_>>()
        });
        known.filter(|set| set.len() > 1)
    }

    /// Has the lowest of the limits hold for each of the toys that nothing tells apart. Limits, toys and
    /// sets change with few inputs, but with more kinds of them than one would remember here.
    pub(super) fn join_limits(&mut self, turn: &mut Turn) {
        if self.alike.is_empty() {
            return;
        }
        let mut joint: BTreeMap<ToyId, Limits> = BTreeMap::new();
        for set in self.alike_toys() {
            let own = set.iter().filter_map(|id| self.toys.get(id));
            let own = own.map(|toy| toy.limits.as_ref().unwrap_or(&self.settings.default_limits));
            let lowest = own.fold(None, |all: Option<Limits>, own| {
                Some(all.map_or_else(|| own.clone(), |all| all.and(own)))
            });
            for id in set {
                if let Some(lowest) = &lowest {
                    // A toy may be in two sets, of two servers.
                    let limits = joint.get(&id).map(|other| other.and(lowest));
                    joint.insert(id, limits.unwrap_or_else(|| lowest.clone()));
                }
            }
        }
        let toys = self.toys.values();
        let changed = toys.filter(|toy| toy.joint_limits.as_ref() != joint.get(&toy.id));
        let changed: Vec<ToyId> = changed.map(|toy| toy.id).collect();
        for id in changed {
            let limits = joint.remove(&id);
            self.with_toy(turn, id, |toy, cx| {
                toy.joint_limits = limits;
                let limits = toy.limits(cx.settings).clone();
                // Nothing rises by itself when they rise again.
                for wish in [&mut toy.wish, &mut toy.confirmed] {
                    wish.limit(&toy.description.outputs, &limits);
                }
                toy.revision += 1;
                cx.out.push(Effect::Changed(toy.id));
            });
        }
    }

    /// What the user has to know of toys that nothing tells apart.
    #[must_use]
    pub fn alike_problems(&self) -> Vec<String> {
        let say = |set: Vec<ToyId>| {
            let ids: Vec<String> = set.iter().map(ToString::to_string).collect();
            format!(
                "toys of one model cannot be told apart once their server was restarted ({}): the lowest \
                 of their limits holds for each; give each of them a display name at the server and let \
                 the server keep its configuration, or forget the toys that are gone",
                ids.join(", ")
            )
        };
        self.alike_toys().map(say).collect()
    }
}
