//! What single values cannot show: settings that do not go together, files that are not there.

mod apps;
mod cloud;
mod mqtt;
mod servers;
mod toys;
mod web;
mod wsdm;

use std::path::{Path, PathBuf};

use super::layers::Layer;
use super::problem::{Place, Problem};
use super::reading::Reading;
use super::secret::Secret;
use super::sections::{Bluetooth, Config};
use super::surroundings::Surroundings;

/// The fewest characters of a token. Guesses are slowed down, so that this is far more than enough
/// if it is random.
const MIN_TOKEN: usize = 12;

/// Checks everything that involves more than one value, and reads the password from its file.
pub(super) fn check(config: &mut Config, reading: &Reading<'_>, surroundings: &dyn Surroundings) {
    let checks = Checks {
        reading,
        surroundings,
    };
    checks.password(&mut config.mqtt);
    checks.web(&mut config.web);
    checks.tls(&config.mqtt);
    checks.topics(config);
    checks.reach(config);
    checks.apps(&config.lovense_lan);
    checks.servers(&config.buttplug);
    checks.bluetooth(&config.ble);
    checks.wsdm(&mut config.wsdm);
    checks.clouds(&mut config.lovense_cloud);
    checks.safety(config);
    checks.toys(config);
    checks.groups(config);
    checks.patterns(config);
}

struct Checks<'a> {
    reading: &'a Reading<'a>,
    surroundings: &'a dyn Surroundings,
}

impl Checks<'_> {
    fn error(&self, key: &str, message: impl Into<String>) {
        let place = self.reading.place_of(key);
        self.reading.report(Problem::error(place, key, message));
    }

    fn warn(&self, key: &str, message: impl Into<String>) {
        let place = self.reading.place_of(key);
        self.reading.report(Problem::warning(place, key, message));
    }

    fn is_set(&self, key: &str) -> bool {
        self.reading.layer_of(key).is_some()
    }

    /// Reads a file that a key names.
    fn file(&self, key: &str, path: &Path) -> Option<String> {
        match self.surroundings.read(path) {
            Ok(text) => Some(text),
            Err(error) => {
                self.error(key, format!("{} cannot be read: {error}", path.display()));
                None
            }
        }
    }

    /// Reads a secret from its file, `<key>_file`, if that is what the user wants.
    fn secret(&self, key: &str, secret: &mut Option<Secret>, path: &mut Option<PathBuf>) {
        let file_key = format!("{key}_file");
        let layer = |key| self.reading.layer_of(key);
        let (text, file) = (layer(key), layer(&file_key));
        if text.is_some() && text == file {
            let message = format!("has no effect beside {file_key}: remove one of the two");
            self.warn(key, message);
        }
        // The stronger layer's wins.
        if file.is_some() && file >= text {
            *secret = path
                .as_deref()
                .and_then(|path| self.secret_from(&file_key, path));
        } else {
            *path = None;
        }
        if text == Some(Layer::File)
            && let Place::File(path, _) = self.reading.place_of(key)
            && self.surroundings.is_public(&path)
        {
            let message = format!(
                "everybody on this machine may read this file: chmod 600 it, or use {file_key}"
            );
            self.warn(key, message);
        }
    }

    fn secret_from(&self, key: &str, path: &Path) -> Option<Secret> {
        let text = self.file(key, path)?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            self.error(key, format!("{} is empty", path.display()));
            return None;
        }
        // Container engines hand out secrets readable by all, within the container alone.
        if self.surroundings.is_public(path) && !path.starts_with("/run/secrets") {
            let path = path.display();
            self.warn(
                key,
                format!("everybody on this machine may read {path}: chmod 600 it"),
            );
        }
        Some(Secret::new(secret))
    }

    fn reach(&self, config: &Config) {
        let lists = ["lovense_lan", "buttplug", "lovense_cloud"];
        let known = lists.iter().all(|key| self.reading.is_complete(key));
        if known && !config.reaches_toys() {
            let message = "no toy can be reached: add [[lovense_lan]] with the host of the app or \
                           [[buttplug]] with the URL of a server, or switch Bluetooth on with \
                           ble.enabled";
            self.warn("lovense_lan", message);
        }
    }

    fn bluetooth(&self, ble: &Bluetooth) {
        if ble.enabled {
            if !cfg!(feature = "ble") {
                let message = "this build has no Bluetooth: build it with the feature ble";
                self.error("ble.enabled", message);
            }
            if let Some(both) = ble.allow.iter().find(|address| ble.deny.contains(address)) {
                self.error("ble.deny", format!("has {both}, which ble.allow has too"));
            }
            return;
        }
        for key in ["adapter", "scan", "allow", "deny", "pace", "battery"] {
            let key = format!("ble.{key}");
            if self.is_set(&key) {
                self.warn(&key, "has no effect without ble.enabled = true");
            }
        }
    }

    fn safety(&self, config: &Config) {
        let safety = &config.safety;
        if safety.default_level.is_zero() {
            let message = "must be above 0: a bare \"on\" would do nothing";
            self.error("safety.default_level", message);
        }
        if safety.default_level > safety.max_level {
            let message = "is above safety.max_level, which bounds it";
            self.warn("safety.default_level", message);
        }
    }
}
