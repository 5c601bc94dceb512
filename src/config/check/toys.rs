//! Toys, groups of them, and patterns.

use std::collections::BTreeSet;

use super::Checks;
use crate::config::sections::Config;
use crate::config::suggest::nearest;
use crate::config::types::ToyRef;
use crate::domain::Limits;
use crate::domain::pattern::BadPattern;

impl Checks<'_> {
    /// Checks what is said of single toys.
    pub(super) fn toys(&self, config: &Config) {
        for (index, toy) in config.toy.iter().enumerate() {
            let key = |name: &str| format!("toy[{index}].{name}");
            let before = &config.toy[..index];
            match (&toy.id, &toy.address) {
                // Complained about already if it is there but cannot be read.
                (None, None) if self.is_set(&key("id")) || self.is_set(&key("address")) => {}
                (None, None) => self.error(&format!("toy[{index}]"), "needs an id or an address"),
                (Some(id), Some(address)) if *id != address.toy() => {
                    let message = format!("is that of {}, not of the id", address.toy());
                    self.error(&key("address"), message);
                }
                _ => {}
            }
            if toy.toy().is_some() && before.iter().any(|other| other.toy() == toy.toy()) {
                let message = "this toy is listed twice: put everything in one [[toy]]";
                self.error(&format!("toy[{index}]"), message);
            }
            if let Some(name) = &toy.name {
                let same = before.iter().filter_map(|other| other.name.as_ref());
                if same.into_iter().any(|other| other.is_like(name.as_str())) {
                    self.error(&key("name"), "another toy has this name");
                }
            }
            for other in &toy.also {
                let taken = config.toy.iter().filter_map(|toy| toy.toy());
                let meant = config.toy.iter().flat_map(|toy| &toy.also);
                if taken.into_iter().any(|id| id == *other) {
                    self.error(&key("also"), format!("{other} has a [[toy]] of its own"));
                } else if meant.filter(|id| *id == other).count() > 1 {
                    self.error(&key("also"), format!("{other} is listed twice"));
                }
            }
            let max = toy.max.unwrap_or(config.safety.max_level);
            for output in toy.limits.keys() {
                let own = Limits {
                    max,
                    outputs: toy.limits.clone(),
                    slope: None,
                };
                if own.of(*output) < toy.limits[output] {
                    let message = format!("has no effect above the toy's limit of {max}");
                    self.warn(&key(&format!("limits.{output}")), message);
                }
            }
        }
    }

    /// Checks who is in which group.
    pub(super) fn groups(&self, config: &Config) {
        if !self.reading.is_complete("group") {
            return;
        }
        let names = || {
            let named = config.toy.iter().filter_map(|toy| toy.name.as_ref());
            named.map(|name| name.as_str())
        };
        for (index, group) in config.group.iter().enumerate() {
            let key = |name: &str| format!("group[{index}].{name}");
            if config.group[..index]
                .iter()
                .any(|other| other.name == group.name)
            {
                self.error(&key("name"), "another group has this name");
            }
            if group.toys.is_empty() {
                self.error(&key("toys"), "a group needs at least one toy");
            }
            let mut seen = BTreeSet::new();
            for (at, toy) in group.toys.iter().enumerate() {
                let key = key(&format!("toys[{at}]"));
                match (config.resolve(toy), toy) {
                    (Some(id), _) if !seen.insert(id) => {
                        self.error(&key, "this toy is in the group already");
                    }
                    (None, ToyRef::Name(name)) if !names().any(|own| own == name) => {
                        let meant = nearest(name, names());
                        let meant = meant.map(|near| format!("; did you mean {near:?}?"));
                        let message =
                            format!("no [[toy]] is called {name:?}{}", meant.unwrap_or_default());
                        self.error(&key, message);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Checks the user's own patterns.
    pub(super) fn patterns(&self, config: &Config) {
        if !self.reading.is_complete("pattern") {
            return;
        }
        for (index, own) in config.pattern.iter().enumerate() {
            let key = |name: &str| format!("pattern[{index}].{name}");
            if let Err(error) = own.pattern() {
                let name = match error {
                    BadPattern::Name => "name",
                    BadPattern::Step => "step",
                    BadPattern::Length(_) => "levels",
                };
                self.error(&key(name), error.to_string());
            }
            let same = |name: &str| name.to_lowercase() == own.name.to_lowercase();
            if config.pattern[..index]
                .iter()
                .any(|other| same(&other.name))
            {
                self.error(&key("name"), "another pattern has this name");
            }
        }
    }
}
