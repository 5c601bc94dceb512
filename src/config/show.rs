//! Settings as others may see them.

use serde_json::{Map, Value as Json};

use super::section::Section;
use super::sections::Config;

/// Keys that say which hardware or brand is in the house.
const REVEALING: [&str; 2] = ["address", "app_name"];

impl Config {
    /// The settings as JSON, for `bridge/info` and `check`: without secrets, and without what is not
    /// set. With `privacy.discreet` toys are shown by their ids alone, and sections named after a
    /// brand are left out.
    #[must_use]
    pub fn redacted(&self) -> Json {
        let mut json = Section::show(self);
        if self.privacy.discreet {
            json.remove("lovense_lan");
            if let Some(ble) = json.get_mut("ble").and_then(Json::as_object_mut) {
                ble.remove("allow");
                ble.remove("deny");
            }
            if let Some(Json::Array(shown)) = json.get_mut("toy") {
                for (shown, toy) in shown.iter_mut().zip(&self.toy) {
                    if let Some(shown) = shown.as_object_mut() {
                        hide(shown);
                        let id = toy.toy().map(|id| id.to_string());
                        shown.insert("id".to_owned(), id.into());
                    }
                }
            }
            if let Some(Json::Array(shown)) = json.get_mut("group") {
                for (shown, group) in shown.iter_mut().zip(&self.group) {
                    let ids = group.toys.iter().filter_map(|toy| self.resolve(toy));
                    shown["toys"] = ids.map(|id| Json::from(id.to_string())).collect();
                }
            }
        }
        Json::Object(json)
    }
}

fn hide(shown: &mut Map<String, Json>) {
    for key in REVEALING {
        shown.remove(key);
    }
}
