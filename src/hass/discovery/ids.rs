//! Entity ids: what they begin with, and that no two devices propose the same.
//!
//! Home Assistant makes an entity's id when it first hears of the entity, and keeps it: whatever is
//! proposed later changes nothing. It publishes none of its ids. So the ids in a payload are to be
//! those that were proposed first, and are to be free: of two alike, the second gets `_2`, and what
//! looks for the first id finds another toy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Context, Publication};
use crate::domain::ToyId;

/// The key of a component that says that Home Assistant may have other ids than those proposed. Home
/// Assistant drops keys of a component that it does not know.
const DIFFER: &str = "ids_differ";

/// What the entity ids in the payload of a toy, or of the bridge, begin with; `None` of one that is
/// not as ours are.
#[must_use]
pub fn entity_ids_of(payload: &Value) -> Option<&str> {
    // Every toy has the first one, every bridge the second one.
    ["stop", "stop_all"].into_iter().find_map(|key| {
        let stop = payload.pointer(&format!("/components/{key}/default_entity_id"))?;
        let object = stop.as_str()?.strip_prefix("button.")?;
        object.strip_suffix(key)?.strip_suffix('_')
    })
}

/// Whether Home Assistant may have made other ids than those in this payload.
#[must_use]
pub fn differ_from_proposed(payload: &Value) -> bool {
    payload["components"]["stop"][DIFFER] == true
}

/// Notes in the payload of a toy that Home Assistant may have made other ids.
pub fn mark_differing(publication: &mut Publication) {
    if let Some(stop) = publication.payload.pointer_mut("/components/stop") {
        stop[DIFFER] = true.into();
    }
}

/// The entity id that each component of a payload proposes, by its key.
#[must_use]
pub fn ids_by_component(payload: &Value) -> BTreeMap<String, String> {
    let components = payload["components"].as_object().into_iter().flatten();
    let ids = components.filter_map(|(key, component)| {
        let id = component.get("default_entity_id")?.as_str()?;
        Some((key.clone(), id.to_owned()))
    });
    ids.collect()
}

/// Brings the ids in the payload of a toy to those that were proposed first. A discreet payload keeps
/// its own, since a first one may say what the entity moves, and notes it.
pub fn keep_ids(
    publication: &mut Publication,
    first: &BTreeMap<String, String>,
    context: &Context<'_>,
) {
    let discreet = context.privacy.is_discreet();
    let mut differs = false;
    let components = publication.payload["components"].as_object_mut();
    for (key, component) in components.into_iter().flatten() {
        let (Some(first), Some(id)) = (first.get(key), component.get_mut("default_entity_id"))
        else {
            continue;
        };
        if discreet {
            differs |= *id != first.as_str();
        } else {
            *id = first.as_str().into();
        }
    }
    if differs {
        mark_differing(publication);
    }
}

/// The entity ids that a payload proposes, ours or not.
#[must_use]
pub fn entity_ids(payload: &Value) -> BTreeSet<String> {
    let components = ["components", "cmps"];
    let components = components.into_iter().filter_map(|key| payload.get(key));
    let components = components.filter_map(Value::as_object).flatten();
    let ids = components.filter_map(|(_, component)| {
        let id = component.get("default_entity_id");
        id.or_else(|| component.get("def_ent_id"))?.as_str()
    });
    ids.map(str::to_owned).collect()
}

/// What the ids of a toy are to begin with, if others have some of those in `publication` already:
/// the same, with as many of its id's digits as it takes.
#[must_use]
pub fn distinct(
    toy: ToyId,
    publication: &Publication,
    is_taken: impl Fn(&str, &BTreeSet<String>) -> bool,
) -> Option<String> {
    let ids = entity_ids(&publication.payload);
    let first = entity_ids_of(&publication.payload)?;
    if !is_taken(first, &ids) {
        return None;
    }
    let digits = toy.to_string();
    let digits = digits.trim_start_matches("toy_");
    let longer = |count: usize| format!("{first}_{}", &digits[..count]);
    let short = longer(4);
    let begins = (format!(".{first}"), format!(".{short}"));
    let ids = ids.iter().map(|id| id.replacen(&begins.0, &begins.1, 1));
    let taken = is_taken(&short, &ids.collect());
    Some(if taken { longer(8) } else { short })
}

/// The digits of the toy's id that ids which begin with `told` have behind the toy's name, if they have.
pub(super) fn digits<'a>(told: &'a str, name: &str, toy: ToyId) -> Option<&'a str> {
    let digits = told.strip_prefix(name)?.strip_prefix('_')?;
    let all = toy.to_string();
    let own = all.trim_start_matches("toy_").starts_with(digits);
    (own && [4, 8].contains(&digits.len())).then_some(digits)
}

/// Whether ids that begin with `told` were made of one of these names, digits or not.
pub(super) fn are_of(told: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        let digits = told.strip_prefix(name.as_str());
        digits.is_some_and(|digits| {
            let digits = digits.strip_prefix('_').unwrap_or(digits);
            [0, 4, 8].contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
        })
    })
}
