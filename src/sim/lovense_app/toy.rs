//! A toy as the app knows it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::faults::ToyFaults;
use super::spec::{BadToy, ToySpec};
use crate::backend::lovense::catalog::{self, Model};
use crate::sim::Function;
use crate::sim::body::Body;

/// A simulated toy.
#[derive(Debug)]
pub(super) struct Toy {
    pub(super) id: Arc<str>,
    pub(super) model: &'static Model,
    pub(super) firmware: u32,
    /// The functions that the app lists.
    pub(super) api: Vec<catalog::Function>,
    /// What moves.
    pub(super) parts: Vec<Function>,
    pub(super) body: Mutex<Body>,
    pub(super) card: Mutex<Card>,
    pub(super) faults: Mutex<ToyFaults>,
    /// Wakes the timer of the body.
    pub(super) timer: Notify,
    /// Held while a request is handled, when handling is serial per toy.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    pub(super) in_flight: InFlight,
    /// Ends its timer.
    pub(super) removed: CancellationToken,
}

/// What changes about a toy besides its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) nickname: String,
    pub(super) battery: u8,
    pub(super) connected: bool,
    /// When the battery loses its next percent, since the start of the app.
    pub(super) drains_at: Option<Duration>,
}

impl Toy {
    pub(super) fn new(spec: &ToySpec, id: String, log_capacity: usize) -> Result<Self, BadToy> {
        let unknown = || BadToy::UnknownModel(spec.model.clone());
        let model = catalog::find(&spec.model, spec.firmware)
            .or_else(|| catalog::by_letter(&spec.model))
            .ok_or_else(unknown)?;
        let api = spec.functions.clone();
        let api = api.unwrap_or_else(|| model.functions.to_vec());
        let parts = parts(&api);
        Ok(Self {
            id: Arc::from(id),
            model,
            firmware: spec
                .firmware
                .unwrap_or_else(|| firmware(model, &spec.model)),
            body: Mutex::new(Body::new(&parts, log_capacity)),
            api,
            parts,
            card: Mutex::new(Card {
                nickname: spec.nickname.clone(),
                battery: spec.battery.min(100),
                connected: spec.connected,
                drains_at: None,
            }),
            faults: Mutex::default(),
            timer: Notify::new(),
            turn: Arc::default(),
            in_flight: InFlight::default(),
            removed: CancellationToken::new(),
        })
    }

    pub(super) fn body(&self) -> MutexGuard<'_, Body> {
        // Nothing panics while one of these locks is held.
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn card(&self) -> MutexGuard<'_, Card> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, ToyFaults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.card().connected
    }

    /// `edge`: the type, without its generation.
    pub(super) fn slug(&self) -> String {
        let slug = self.model.slugs.first().copied();
        slug.map_or_else(|| self.model.name.to_lowercase(), str::to_owned)
    }

    /// `Edge 2`.
    pub(super) fn name(&self) -> &'static str {
        self.model.marketing_name(Some(self.firmware))
    }
}

/// The oldest firmware that goes with the name; else the oldest of the newest generation.
fn firmware(model: &Model, name: &str) -> u32 {
    let named = |generation: &&catalog::Generation| generation.name.eq_ignore_ascii_case(name);
    let generation = model.generations.iter().find(named);
    let generation = generation.or(model.generations.last());
    let range = generation.and_then(|generation| generation.firmware.first());
    range.map_or(1, |range| (*range.start()).max(1))
}

/// The moving parts of a toy with these functions of the API.
fn parts(api: &[catalog::Function]) -> Vec<Function> {
    let numbered = [
        catalog::Function::Vibrate1,
        catalog::Function::Vibrate2,
        catalog::Function::Vibrate3,
    ];
    let several = api.iter().any(|function| numbered.contains(function));
    let names: HashMap<_, _> = Function::ALL.map(|part| (part.as_str(), part)).into();
    let mut parts = Vec::new();
    for &function in api {
        match function {
            // Stands for all of the numbered ones.
            catalog::Function::Vibrate if several => {}
            catalog::Function::Stroke => {
                parts.extend([Function::StrokeMin, Function::StrokeMax]);
            }
            other => parts.extend(names.get(other.name()).copied()),
        }
    }
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// How many commands, stops aside, are between their receipt and their answer.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl InFlight {
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::lovense_app::spec::toy_id;

    fn toy(model: &str) -> Toy {
        Toy::new(&ToySpec::new(model), toy_id(1, 0), 10).expect(model)
    }

    #[test]
    fn every_model_of_the_catalogue_can_be_simulated() {
        for model in catalog::models() {
            for name in model.names().chain(model.letters.iter().copied()) {
                let toy = toy(name);
                assert!(!toy.parts.is_empty(), "{name}");
            }
        }
        let bad = Toy::new(&ToySpec::new("toaster"), String::new(), 0).err();
        assert_eq!(bad, Some(BadToy::UnknownModel("toaster".to_owned())));
    }

    #[test]
    fn parts_follow_from_the_functions() {
        assert_eq!(toy("Nora").parts, [Function::Vibrate, Function::Rotate]);
        assert_eq!(toy("P").parts, [Function::Vibrate1, Function::Vibrate2]);
        assert_eq!(
            toy("solace pro").parts,
            [
                Function::Thrusting,
                Function::StrokeMin,
                Function::StrokeMax,
                Function::Position
            ]
        );
    }

    #[test]
    fn functions_may_differ_from_those_of_the_model() {
        let spec = ToySpec {
            functions: Some(vec![catalog::Function::Vibrate, catalog::Function::Suction]),
            ..ToySpec::new("Edge")
        };
        let toy = Toy::new(&spec, toy_id(1, 0), 10).expect("known");
        assert_eq!(toy.parts, [Function::Vibrate, Function::Suction]);
    }

    #[test]
    fn the_generation_survives() {
        for name in ["Edge 2", "Edge", "Lush 3", "Max 2", "Mission 2", "Solace"] {
            assert_eq!(toy(name).name(), name);
        }
        assert_eq!(toy("Edge 2").slug(), "edge");
        assert_eq!(toy("EI-FW3").slug(), "flexer");
    }
}
