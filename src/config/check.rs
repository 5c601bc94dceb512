//! What single values cannot show: settings that do not go together, files that are not there.

mod cloud;
mod wsdm;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::layers::Layer;
use super::problem::{Place, Problem};
use super::reading::Reading;
use super::secret::Secret;
use super::sections::{Bluetooth, Buttplug, Config, LovenseLan, Mqtt, Web};
use super::suggest::nearest;
use super::surroundings::Surroundings;
use super::types::{OrOff, Scheme, ToyRef, Trust};
use crate::domain::Limits;
use crate::domain::pattern::BadPattern;

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

    fn password(&self, mqtt: &mut Mqtt) {
        self.secret("mqtt.password", &mut mqtt.password, &mut mqtt.password_file);
        if mqtt.password.is_some() && mqtt.username.is_none() {
            let key = if mqtt.password_file.is_some() {
                "mqtt.password_file"
            } else {
                "mqtt.password"
            };
            // MQTT 3.1.1 §3.1.2.9
            self.error(
                key,
                "needs mqtt.username: MQTT has no password without a user",
            );
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

    fn web(&self, web: &mut Web) {
        self.secret("web.token", &mut web.token, &mut web.token_file);
        let key = if web.token_file.is_some() {
            "web.token_file"
        } else {
            "web.token"
        };
        if let Some(token) = &web.token {
            let token = token.reveal();
            if token.chars().count() < MIN_TOKEN {
                let message = format!("is too short: at least {MIN_TOKEN} characters");
                self.error(key, message);
            }
            // It travels in a header (RFC 9110 §5.5).
            if !token.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
                self.error(key, "may only have printable ASCII characters");
            }
        }
        let OrOff::On(listen) = web.listen else {
            return;
        };
        let beyond = !listen.get().ip().is_loopback();
        if beyond && web.token.is_none() && !web.ingress {
            let message = "lets others than this machine in: set web.token or web.ingress, too";
            self.error("web.listen", message);
        }
        if !beyond && web.token.is_none() && !web.allowed_hosts.is_empty() {
            let message =
                "whoever comes through the proxy of that name needs no token: set web.token";
            self.warn("web.allowed_hosts", message);
        }
        if web.ingress && !beyond {
            let message = "has no effect while web.listen is only for this machine: write \
                           \"0.0.0.0:8099\" there";
            self.warn("web.ingress", message);
        }
    }

    fn tls(&self, mqtt: &Mqtt) {
        let files = [
            ("mqtt.ca_file", &mqtt.ca_file, "CERTIFICATE-----"),
            ("mqtt.client_cert", &mqtt.client_cert, "CERTIFICATE-----"),
            ("mqtt.client_key", &mqtt.client_key, "PRIVATE KEY-----"),
        ];
        let clear = mqtt.url.as_ref().is_some_and(|url| !url.tls);
        for (key, path, marker) in files {
            let Some(path) = path else { continue };
            if clear {
                self.error(key, "needs TLS: write mqtts:// in mqtt.url, or remove this");
            }
            let Some(text) = self.file(key, path) else {
                continue;
            };
            if !text.contains("-----BEGIN ") || !text.contains(marker) {
                let what = if marker.starts_with('P') {
                    "private key"
                } else {
                    "certificate"
                };
                let message = format!("{} holds no {what} in PEM form", path.display());
                self.error(key, message);
            }
            if key == "mqtt.client_key" && self.surroundings.is_public(path) {
                let path = path.display();
                self.warn(
                    key,
                    format!("everybody on this machine may read {path}: chmod 600 it"),
                );
            }
        }
        match (&mqtt.client_cert, &mqtt.client_key) {
            (Some(_), None) => self.error("mqtt.client_cert", "needs mqtt.client_key"),
            (None, Some(_)) => self.error("mqtt.client_key", "needs mqtt.client_cert"),
            _ => {}
        }
    }

    fn topics(&self, config: &Config) {
        let base = &config.mqtt.base_topic;
        let home = &config.home_assistant;
        let prefix = &home.discovery_prefix;
        if base.is_within(prefix) || prefix.is_within(base) {
            let message = format!(
                "{base:?} and home_assistant.discovery_prefix {prefix:?} overlap: change one of them",
                base = base.as_str(),
                prefix = prefix.as_str()
            );
            self.error("mqtt.base_topic", message);
        }
        if home.status_topic.is_within(base) {
            let message = "lies within mqtt.base_topic, where only the bridge may publish";
            self.error("home_assistant.status_topic", message);
        }
        if home.status_online == home.status_offline {
            let message = "is the same as status_online, so nobody could tell them apart";
            self.error("home_assistant.status_offline", message);
        }
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

    fn apps(&self, apps: &[LovenseLan]) {
        if !self.reading.is_complete("lovense_lan") {
            return;
        }
        for (index, app) in apps.iter().enumerate() {
            let key = |name: &str| format!("lovense_lan[{index}].{name}");
            if apps[..index]
                .iter()
                .any(|other| (&other.host, other.port) == (&app.host, app.port))
            {
                self.error(&key("host"), "is listed twice: remove one of the two");
            }
            match (app.scheme, app.trust) {
                (Scheme::Http, Trust::Pin) => {
                    self.error(&key("trust"), "needs scheme = \"https\"");
                }
                (Scheme::Http, _) if self.is_set(&key("trust")) => {
                    self.warn(&key("trust"), "has no effect without scheme = \"https\"");
                }
                (Scheme::Https, Trust::Insecure) => {
                    let message = "any certificate is accepted: prefer \"pin\"";
                    self.warn(&key("trust"), message);
                }
                _ => {}
            }
            if !app.pins.is_empty() && app.trust != Trust::Pin {
                self.warn(&key("pins"), "have no effect without trust = \"pin\"");
            }
            if app.events_port.is_some() && !app.events {
                self.warn(&key("events_port"), "has no effect with events = false");
            }
            match app.lease.duration() {
                None => {
                    let message = "a toy runs on if the bridge is killed or loses the app";
                    self.warn(&key("lease"), message);
                }
                Some(lease) if app.pace.get() > lease / 2 => {
                    let message = "is over half of the lease, which could not be renewed in time";
                    self.error(&key("pace"), message);
                }
                Some(_) => {}
            }
        }
    }

    fn servers(&self, servers: &[Buttplug]) {
        if !self.reading.is_complete("buttplug") {
            return;
        }
        for (index, server) in servers.iter().enumerate() {
            let key = |name: &str| format!("buttplug[{index}].{name}");
            let before = &servers[..index];
            if server.embedded {
                self.embedded(server, index, before);
                continue;
            }
            match (&server.url, &server.listen) {
                // Complained about already if it is there but cannot be read.
                (None, None) if self.is_set(&key("url")) || self.is_set(&key("listen")) => {}
                (None, None) => {
                    let message = "needs a url, an address to listen at, or embedded = true";
                    self.warn(&format!("buttplug[{index}]"), message);
                }
                (Some(_), Some(_)) => self.warn(&key("listen"), "has no effect beside url"),
                (Some(url), None) if before.iter().any(|other| other.url.as_ref() == Some(url)) => {
                    self.error(&key("url"), "is listed twice: remove one of the two");
                }
                (None, Some(at)) if before.iter().any(|other| other.listen == Some(*at)) => {
                    self.error(&key("listen"), "is listed twice: choose another port");
                }
                (None, Some(at)) if !at.is_local() && server.token.is_none() => {
                    let message = "anybody in the network could connect: set token as well";
                    self.error(&key("listen"), message);
                }
                _ => {}
            }
            if server.token.is_some() && server.listen.is_none() {
                self.warn(&key("token"), "has no effect without listen");
            }
            let same = |other: &Buttplug| server.name.is_some() && other.name == server.name;
            if before.iter().any(same) {
                self.error(&key("name"), "another server has this name");
            }
            if index > 0 && server.name.is_none() {
                let message = "without a name its toys would be new ones whenever the order of the \
                               servers is changed";
                self.warn(&key("name"), message);
            }
            if let (Some(scan), Some(rescan)) = (server.scan.duration(), server.rescan.duration())
                && rescan < scan
            {
                self.error(&key("rescan"), "is shorter than scan");
            }
        }
    }

    fn embedded(&self, server: &Buttplug, index: usize, before: &[Buttplug]) {
        let key = format!("buttplug[{index}].embedded");
        if !cfg!(feature = "embedded-buttplug") {
            let message = "this build has no server of its own: build it with --features \
                           embedded-buttplug, or use Intiface and its url";
            self.warn(&key, message);
        } else if server.url.is_some() || server.listen.is_some() || server.token.is_some() {
            self.warn(&key, "is used, and url, listen and token have no effect");
        }
        if before.iter().any(|other| other.embedded) {
            self.error(&key, "one is enough: remove one of the two");
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

    fn toys(&self, config: &Config) {
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

    fn groups(&self, config: &Config) {
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

    fn patterns(&self, config: &Config) {
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
