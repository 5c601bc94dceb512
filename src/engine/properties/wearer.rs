//! What happens to toys that the bridge has not asked for: the wearer's hand, and its own end.

use super::world::World;
use super::{TOYS, WAYS, outputs};
use crate::domain::{Class, Command, LevelReport, Op, RouteId, ToyId, ToyInput};
use crate::engine::{Engine, Input, LeftRunning};

impl World {
    pub(super) fn report(&mut self, route: &RouteId, index: usize, step: i32) {
        let output = &self.outputs(ToyId::of(&route.hardware))[index];
        if output.class() == Class::Intensity {
            let step = step.abs();
            let output = output.key;
            self.input(Input::Told {
                route: route.clone(),
                input: ToyInput::Level(LevelReport { output, step }),
            });
        }
    }

    /// The wearer sets a level at the toy.
    pub(super) fn hand(&mut self, toy: usize, index: usize, step: i32) {
        let id = Self::id(toy);
        let outputs = outputs(toy);
        let index = index % outputs.len();
        let route = self
            .up
            .iter()
            .find(|route| ToyId::of(&route.hardware) == id);
        let Some(route) = route.cloned() else { return };
        if outputs[index].class() != Class::Intensity {
            return;
        }
        let step = step.min(i32::from(outputs[index].steps));
        let count = outputs.len();
        let levels = self.levels.entry(id).or_insert_with(|| vec![0; count]);
        let before = std::mem::replace(&mut levels[index], step);
        self.by_hand.insert((id, index));
        // What looks like the report of an operation cannot be told from one.
        let now = self.now;
        let ours = |&(toy, output, told, at): &(ToyId, usize, i32, u64)| {
            (toy, output, told) == (id, index, step) && now - at <= 1_000
        };
        let plays = |(op, _): &(Op, bool)| matches!(op.command, Command::Play(_));
        let played = self
            .engine
            .toy(id)
            .is_some_and(|view| view.effect.is_some());
        let lands = |(op, _): &(Op, bool)| {
            ToyId::of(&op.route.hardware) == id && self.steps(op)[index].abs() == step
        };
        let flying = self.flying.iter().any(|op| plays(op) || lands(op));
        let clear = !self.told.iter().any(ours) && !flying;
        if clear && !(played && toy == 1) && step < before.abs() {
            let ceiling = self.ceilings.entry((id, index)).or_insert(step);
            *ceiling = step.min(*ceiling);
        }
        self.report(&route, index, step);
    }

    /// The bridge is killed, and starts again with what its data folder has.
    pub(super) fn restart(&mut self, took_place: bool, plays: bool) {
        for (op, _) in std::mem::take(&mut self.flying) {
            if took_place && op.command != Command::Stop {
                self.levels
                    .insert(ToyId::of(&op.route.hardware), self.steps(&op));
            }
        }
        let memory = self.engine.memory();
        let left = LeftRunning::Toys(self.marker.clone());
        self.engine = Engine::new(self.settings.clone(), &memory, left);
        self.silenced.extend((0..TOYS).map(Self::id));
        self.held.clear();
        self.asked.clear();
        self.outcomes.clear();
        for route in std::mem::take(&mut self.up) {
            for toy in 0..TOYS {
                for way in 0..WAYS.len() {
                    if Self::route(toy, way) == route {
                        self.up(toy, way, plays);
                    }
                }
            }
        }
    }
}
