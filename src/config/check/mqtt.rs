//! The broker and its topics.

use super::Checks;
use crate::config::sections::{Config, Mqtt};

impl Checks<'_> {
    /// Reads the password from its file.
    pub(super) fn password(&self, mqtt: &mut Mqtt) {
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

    /// Checks the files that TLS needs.
    pub(super) fn tls(&self, mqtt: &Mqtt) {
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

    /// Checks that topics do not get into each other's way.
    pub(super) fn topics(&self, config: &Config) {
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
}
