//! Which toys to simulate.

use crate::backend::lovense::catalog;
use crate::sim::rng;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::lovense_app::toy::Toy;

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
