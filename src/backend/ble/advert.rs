//! Is this advertisement a supported toy's?
//!
//! Toys show themselves by their name (`LVS-…`, `LOVE-…`), by a service whose UUID has the letters
//! of the model in it, or by their manufacturer data; not every toy by all of them. Sources: the
//! device configuration of the Buttplug project, which scans for the same three, and the UUIDs that
//! it lists for each model.
//!
//! An advertisement proves nothing: other makers use the name as well. What is to be driven has to
//! answer `DeviceType;` first.

use crate::backend::lovense::catalog::{self, Model};

/// What the names of toys begin with.
const NAMES: [&str; 2] = ["LVS-", "LOVE-"];

/// The company in the manufacturer data.
const COMPANY: u16 = 0x026c;

/// What the manufacturer data of a toy begin with.
const COMPANY_DATA: [u8; 2] = [0xff, 0x21];

/// The end that the UUIDs of the toys' services share: `…-4bd4-bbd5-a6920e4c5653`.
const FAMILY: u128 = 0x4bd4_bbd5_a692_0e4c_5653;

/// What a device says of itself without being connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// Its name, once it has been heard.
    pub name: Option<String>,
    /// The UUIDs of its services, as numbers.
    pub services: Vec<u128>,
    /// Company and data.
    pub manufacturer_data: Vec<(u16, Vec<u8>)>,
}

/// A toy, going by its advertisement.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    /// Which one, where the advertisement tells.
    pub model: Option<&'static Model>,
    /// Its firmware version, where the name tells.
    pub firmware: Option<u32>,
}

impl Sighting {
    /// What to call it.
    #[must_use]
    pub fn model_name(&self) -> &'static str {
        self.model
            .map_or("unknown model", |model| model.marketing_name(self.firmware))
    }
}

/// The toy that advertises this; `None` if it is something else.
#[must_use]
pub fn recognise(advertisement: &Advertisement) -> Option<Sighting> {
    let named = advertisement.name.as_deref().and_then(after_prefix);
    let letters = advertisement
        .services
        .iter()
        .find_map(|uuid| letters(*uuid));
    let ours = advertisement
        .manufacturer_data
        .iter()
        .any(|(company, data)| *company == COMPANY && data.starts_with(&COMPANY_DATA));
    if named.is_none() && letters.is_none() && !ours {
        return None;
    }
    let (stem, firmware) = named.map_or(("", None), stem_and_firmware);
    // The service says which electronics it has. Names have changed their meaning over the years.
    let model = letters
        .and_then(|letters| catalog::by_letter_and_firmware(&letters, firmware))
        .or_else(|| by_name(stem, named.unwrap_or_default(), firmware));
    Some(Sighting { model, firmware })
}

fn after_prefix(name: &str) -> Option<&str> {
    let rest = NAMES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    (!rest.is_empty()).then_some(rest)
}

/// `Edge36` is `Edge` with firmware 36.
fn stem_and_firmware(rest: &str) -> (&str, Option<u32>) {
    let stem = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem, rest[stem.len()..].parse().ok())
}

/// The model that a name means: letters (`LVS-S001`) or a type (`LVS-Edge36`).
fn by_name(stem: &str, rest: &str, firmware: Option<u32>) -> Option<&'static Model> {
    // B was the Max, whose names have three digits; with two it is one of the machines.
    if stem == "B" && rest.len() != 4 {
        return None;
    }
    let letters = !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_uppercase());
    letters
        .then(|| catalog::by_letter_and_firmware(stem, firmware))
        .flatten()
        .or_else(|| catalog::by_slug(stem).filter(|_| !stem.is_empty()))
}

/// The letters in the UUID of a toy's service: `5330` is `S0`, a one-letter model, `4544` is `ED`.
///
/// The UUID is `LLLL0001-002V-4bd4-bbd5-a6920e4c5653` with V 3 or 4; one model has 0011 for 0001.
pub(super) fn letters(uuid: u128) -> Option<String> {
    let [first, second] = ((uuid >> 112) as u16).to_be_bytes();
    let number = (uuid >> 96) as u16;
    let version = (uuid >> 80) as u16;
    let family = uuid & ((1 << 80) - 1) == FAMILY
        && [0x0001, 0x0011].contains(&number)
        && [0x0023, 0x0024].contains(&version);
    let lettered = first.is_ascii_uppercase() && (second.is_ascii_uppercase() || second == b'0');
    (family && lettered).then(|| {
        let count = if second == b'0' { 1 } else { 2 };
        let letters = [first, second].into_iter().map(char::from);
        letters.take(count).collect()
    })
}

#[cfg(test)]
mod tests;
