//! What is known of each Lovense model: pure data, no IO.
//!
//! Compiled from the public Lovense developer pages, Lovense's own table of supported functions
//! as shipped with public game mods, and the device configuration of the Buttplug project. What a
//! toy or its app says at run time comes first; the tables are for what they leave unsaid.

mod function;
mod markdown;
mod table;
mod text;

use std::ops::RangeInclusive;

pub use function::{Function, outputs};
pub use markdown::markdown;
pub use text::{TextForm, text_forms, text_outputs};

use crate::domain::{InputKind, Output};

/// The maker of every model here.
pub const MANUFACTURER: &str = "Lovense";

/// A Lovense model: toys with the same electronics, whatever their generation is called.
#[derive(Debug)]
pub struct Model {
    /// What to call it when its firmware does not tell the generation.
    pub name: &'static str,
    /// What its `DeviceType;` reply begins with. `EI-FW3` stands for `EI` with firmware 3 or later.
    pub letters: &'static [&'static str],
    /// What the Lovense app calls the type (`name` in GetToys, `type` in toy lists), lower case.
    /// Several models share some of them.
    pub slugs: &'static [&'static str],
    /// Marketing names by firmware, where they are known.
    pub generations: &'static [Generation],
    /// Its functions over the Lovense app.
    pub functions: &'static [Function],
    /// How it is driven when the toy is spoken to itself. Not every function can be.
    pub text: &'static [TextForm],
    /// What single functions are called, where that helps.
    pub labels: &'static [(Function, &'static str)],
    /// What it is known to report through Toy Events, beyond its battery. Toys may report more.
    pub inputs: &'static [InputKind],
    /// Older apps list only `v` for it although it has several motors.
    pub app_omits_motors: bool,
    /// Where sources contradict each other, or what to mind.
    pub note: Option<&'static str>,
}

/// A marketing name and the firmware versions of which it is known.
#[derive(Debug)]
pub struct Generation {
    /// The name.
    pub name: &'static str,
    /// The firmware versions.
    pub firmware: &'static [RangeInclusive<u32>],
}

impl Model {
    /// Its outputs over the Lovense app, when the app itself does not list them.
    #[must_use]
    pub fn outputs(&self) -> Vec<Output> {
        function::of_functions(&self.functions.iter().copied().collect(), self.labels)
    }

    /// Its marketing name with this firmware.
    #[must_use]
    pub fn marketing_name(&self, firmware: Option<u32>) -> &'static str {
        firmware
            .and_then(|version| {
                self.generations
                    .iter()
                    .find(|generation| generation.covers(version))
            })
            .map_or(self.name, |generation| generation.name)
    }

    /// Every name it is sold under.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let names = self.generations.iter().map(|generation| generation.name);
        let own = (!self.generations.iter().any(|g| g.name == self.name)).then_some(self.name);
        own.into_iter().chain(names)
    }

    fn has_slug(&self, slug: &str) -> bool {
        self.slugs.contains(&slug)
    }

    fn exact_name(&self, name: &str) -> Option<&'static str> {
        self.names().find(|known| known.eq_ignore_ascii_case(name))
    }

    fn knows_firmware(&self, firmware: u32) -> bool {
        self.generations.iter().any(|g| g.covers(firmware))
    }
}

impl Generation {
    fn covers(&self, firmware: u32) -> bool {
        self.firmware.iter().any(|range| range.contains(&firmware))
    }
}

/// Every model, in the order of the documentation.
#[must_use]
pub fn models() -> &'static [Model] {
    table::MODELS
}

/// The model that the Lovense app means by this type or name: `edge`, `Edge 2`, `solace pro`. Of
/// several models with one type the most common.
#[must_use]
pub fn by_slug(slug: &str) -> Option<&'static Model> {
    find(slug, None)
}

/// Like [`by_slug`], but where several models share the type, the one of which this firmware
/// version is known.
#[must_use]
pub fn find(slug: &str, firmware: Option<u32>) -> Option<&'static Model> {
    let wanted = slug.trim().to_ascii_lowercase();
    let with_slug = |slug: &str| {
        let mut candidates = models().iter().filter(|model| model.has_slug(slug));
        let first = candidates.clone().next();
        firmware
            .and_then(|version| candidates.find(|model| model.knows_firmware(version)))
            .or(first)
    };
    let by_name = || {
        models()
            .iter()
            .find(|model| model.exact_name(&wanted).is_some())
    };
    // "lush 9" is a Lush of a generation that did not exist when this was written.
    let base = wanted.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    with_slug(&wanted)
        .or_else(by_name)
        .or_else(|| with_slug(base))
}

/// The model whose `DeviceType;` reply begins with these letters.
#[must_use]
pub fn by_letter(letter: &str) -> Option<&'static Model> {
    let wanted = letter.trim();
    models().iter().find(|model| {
        model
            .letters
            .iter()
            .any(|known| known.eq_ignore_ascii_case(wanted))
    })
}

/// The model whose `DeviceType;` reply has these letters and this firmware version: one model
/// changed its motors with an update.
#[must_use]
pub fn by_letter_and_firmware(letter: &str, firmware: Option<u32>) -> Option<&'static Model> {
    let updated = letter.trim().eq_ignore_ascii_case("EI") && firmware >= Some(3);
    by_letter(if updated { "EI-FW3" } else { letter })
}

/// What to call a toy of which the app says this type or name.
#[must_use]
pub fn display_name(told: &str, firmware: Option<u32>) -> String {
    let told = told.trim();
    let exact = models().iter().find_map(|model| {
        // The bare type says nothing of the generation: "edge" is also what an Edge 2 says.
        let is_type = model.has_slug(&told.to_ascii_lowercase());
        model.exact_name(told).filter(|_| !is_type)
    });
    if let Some(name) = exact {
        return name.to_owned();
    }
    match find(told, firmware) {
        Some(model) if model.has_slug(&told.to_ascii_lowercase()) => {
            model.marketing_name(firmware).to_owned()
        }
        _ if told.is_empty() => MANUFACTURER.to_owned(),
        _ => capitalised(told),
    }
}

/// `solace max` → `Solace Max`.
fn capitalised(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    let mut at_start = true;
    for character in name.chars().filter(|c| !c.is_control()) {
        if at_start {
            result.extend(character.to_uppercase());
        } else {
            result.push(character);
        }
        at_start = character.is_whitespace();
    }
    result
}

#[cfg(test)]
mod tests;
