//! What the engine is to know of the settings.

use std::collections::BTreeMap;

use super::sections::{Config, PatternSetting, Toy};
use super::types::{Rate, RouteKind, ToyRef, TurnOn};
use crate::domain::pattern::BadPattern;
use crate::domain::{Limits, Pattern, ToyId};
use crate::engine::{RouteOrder, Settings};

impl Config {
    /// The engine's settings.
    #[must_use]
    pub fn engine_settings(&self) -> Settings {
        let mut patterns = Pattern::builtin();
        // What cannot be a pattern has been refused when the settings were loaded.
        for own in self.pattern.iter().filter_map(|own| own.pattern().ok()) {
            let same =
                |pattern: &Pattern| pattern.name().to_lowercase() == own.name().to_lowercase();
            match patterns.iter().position(same) {
                Some(index) => patterns[index] = own,
                None => patterns.push(own),
            }
        }
        let members = |toys: &[ToyRef]| toys.iter().filter_map(|toy| self.resolve(toy)).collect();
        let groups = self.group.iter();
        let groups = groups.map(|group| (group.name.as_str().to_owned(), members(&group.toys)));
        Settings {
            broker_lost: self.safety.broker_lost.duration(),
            home_assistant_lost: self.safety.home_assistant_lost.duration(),
            idle: self.safety.idle.duration(),
            stop_hold: self.safety.stop_hold.get(),
            default_level: self.safety.default_level,
            on_as_last: self.safety.turn_on == TurnOn::Last,
            default_limits: self.default_limits(),
            patterns,
            groups: groups.collect(),
            routes: self.route_order(),
            same: self.aliases(),
            ..Settings::default()
        }
    }

    fn route_order(&self) -> RouteOrder {
        let backends = |kinds: &[RouteKind]| kinds.iter().map(|kind| kind.backend()).collect();
        let own = self.toy.iter();
        let own = own.filter_map(|toy| Some((toy.toy()?, backends(&toy.prefer))));
        RouteOrder {
            default: backends(&self.routes.prefer),
            toys: own.collect(),
        }
    }

    /// What else toys are known by.
    fn aliases(&self) -> BTreeMap<ToyId, ToyId> {
        let toys = self.toy.iter();
        let ids = toys.filter_map(|toy| Some((toy.toy()?, &toy.also)));
        ids.flat_map(|(id, also)| also.iter().map(move |other| (*other, id)))
            .collect()
    }

    /// Limits of toys that have none of their own.
    #[must_use]
    pub fn default_limits(&self) -> Limits {
        Limits {
            max: self.safety.max_level,
            outputs: BTreeMap::new(),
            slope: self.safety.slope.get().map(Rate::permille_per_second),
        }
    }

    /// What the settings say of a toy.
    #[must_use]
    pub fn toy_settings(&self, id: ToyId) -> Option<&Toy> {
        self.toy.iter().find(|toy| toy.toy() == Some(id))
    }

    /// The limits that the settings give this toy, if they give it any of its own.
    #[must_use]
    pub fn limits_of(&self, id: ToyId) -> Option<Limits> {
        let toy = self.toy_settings(id)?;
        if toy.max.is_none() && toy.slope.is_none() && toy.limits.is_empty() {
            return None;
        }
        let default = self.default_limits();
        let slope = toy
            .slope
            .map(|own| own.get().map(Rate::permille_per_second));
        Some(Limits {
            max: toy.max.unwrap_or(default.max),
            outputs: toy.limits.clone(),
            slope: slope.unwrap_or(default.slope),
        })
    }

    /// The toy that a user means.
    pub(super) fn resolve(&self, toy: &ToyRef) -> Option<ToyId> {
        match toy {
            ToyRef::Id(id) => Some(*id),
            ToyRef::Address(address) => Some(address.toy()),
            ToyRef::Name(name) => self
                .toy
                .iter()
                .find(|toy| toy.name.as_ref().is_some_and(|own| own.is_like(name)))
                .and_then(Toy::toy),
        }
    }
}

impl PatternSetting {
    /// The pattern.
    ///
    /// # Errors
    /// A name that cannot be shown, or too many levels.
    pub fn pattern(&self) -> Result<Pattern, BadPattern> {
        Pattern::new(self.name.as_str(), self.step.get(), self.levels.clone())
    }
}
