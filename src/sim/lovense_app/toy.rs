//! A toy as the app knows it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::faults::ToyFaults;
use crate::backend::lovense::catalog::{self, Model};
use crate::sim::body::Body;
use crate::sim::{Function, rng};

/// A toy to be simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToySpec {
    /// A model of the catalogue, by its name, type or letter: `Edge 2`, `solace pro`, `P`.
    pub model: String,
    /// Its Bluetooth address, 12 lower-case hex digits; made from the seed and its place if absent.
    pub id: Option<String>,
    /// The name that the user gave it in the app; may be empty.
    pub nickname: String,
    /// Percent.
    pub battery: u8,
    /// Firmware; a plausible one of the model if absent.
    pub firmware: Option<u32>,
    /// Functions other than those of the model.
    pub functions: Option<Vec<catalog::Function>>,
    /// Whether the app is connected to it.
    pub connected: bool,
}

impl ToySpec {
    /// A connected toy of this model, with a good battery.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            id: None,
            nickname: String::new(),
            battery: 90,
            firmware: None,
            functions: None,
            connected: true,
        }
    }

    /// With this id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// With this nickname.
    #[must_use]
    pub fn with_nickname(mut self, nickname: impl Into<String>) -> Self {
        self.nickname = nickname.into();
        self
    }

    /// Toys of different kinds, always the same ones: first one of each kind, then again.
    #[must_use]
    pub fn assorted(count: usize) -> Vec<Self> {
        const MODELS: [&str; 10] = [
            "Nora",
            "Edge 2",
            "Solace Pro",
            "Max 2",
            "Lapis",
            "Mission 2",
            "Gravity",
            "Lush 3",
            "Solace",
            "Flexer",
        ];
        (0..count)
            .map(|index| {
                let battery = 100 - (index * 7 % 60) as u8;
                Self {
                    battery,
                    ..Self::new(MODELS[index % MODELS.len()])
                }
            })
            .collect()
    }
}

/// A toy that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToy {
    /// Not in the catalogue.
    #[error("{0:?} is no model that is known")]
    UnknownModel(String),
    /// There is one already.
    #[error("there already is a toy with the id {0:?}")]
    DuplicateId(String),
}

/// The id of the `index`th toy of an app with this seed.
#[must_use]
pub fn toy_id(seed: u64, index: usize) -> String {
    let mixed = rng::mix(rng::mix(seed).wrapping_add(index as u64 + 1));
    format!("{:012x}", mixed & 0xffff_ffff_ffff)
}

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
    fn the_generation_survives() {
        for name in ["Edge 2", "Edge", "Lush 3", "Max 2", "Mission 2", "Solace"] {
            assert_eq!(toy(name).name(), name);
        }
        assert_eq!(toy("Edge 2").slug(), "edge");
        assert_eq!(toy("EI-FW3").slug(), "flexer");
    }

    #[test]
    fn ids_are_addresses_and_always_the_same() {
        let ids: std::collections::HashSet<_> = (0..2_000).map(|i| toy_id(5, i)).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().all(|id| id.len() == 12));
        assert_eq!(toy_id(5, 3), toy_id(5, 3));
        assert_ne!(toy_id(5, 3), toy_id(6, 3));
    }

    #[test]
    fn assorted_toys_exist() {
        for spec in ToySpec::assorted(25) {
            assert!(Toy::new(&spec, toy_id(0, 0), 1).is_ok(), "{}", spec.model);
        }
    }
}
