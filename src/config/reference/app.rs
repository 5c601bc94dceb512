//! The description of the Home Assistant app: addon/config.yaml and the English names of its
//! options.
//!
//! The form that Home Assistant makes of it can hold values, tables and lists of tables, but no
//! table with keys of one's own choice, and a value that it refuses says nothing but "does not
//! match". So whatever has a form of its own is text there, and the bridge says what is wrong.

use super::is_empty;
use crate::config::Kind;
use crate::config::section::{Field, Section, Shape};
use crate::config::sections::Config;

const HEAD: &str = "\
# The Home Assistant app. Made by `toy2mqtt schema app`: change src/config/reference/app.rs, or
# src/config/sections.rs for the options, and run `make docs`.
name: toy2mqtt
slug: toy2mqtt
description: Toys as devices, with a stop that always wins
url: https://github.com/toy2mqtt/toy2mqtt
image: ghcr.io/toy2mqtt/toy2mqtt-app
arch:
  - aarch64
  - amd64
startup: application
boot: auto
# The bridge stops all toys before it ends: 2 seconds for the toys, 1 for the broker.
timeout: 10
# The broker's address and password, if there is a broker's app. Any other can be set by hand.
services:
  - mqtt:want
# The panel.
ingress: true
ingress_port: 8099
panel_icon: mdi:tune-vertical
panel_title: toy2mqtt
watchdog: http://[HOST]:[PORT:8099]/healthz
# Certificates of brokers.
map:
  - type: ssl
    read_only: true
# The host's Bluetooth, by way of its bluetoothd. No device and no capability is needed.
host_dbus: true
# What the app may do: apparmor.txt.
apparmor: true
";

/// Keys that the form cannot show, or that the app's image sets.
pub const NOT_OPTIONS: &[&str] = &[
    "data_dir",
    // Secrets are options; there are no files to keep them in.
    "mqtt.password_file",
    "wsdm.token_file",
    "lovense_cloud[].token_file",
    // The panel listens where Home Assistant expects it, and lets in whom Home Assistant does.
    "web",
    // Tables with keys of one's own choice.
    "toy[].limits",
];

/// addon/config.yaml.
#[must_use]
pub fn app() -> String {
    let mut text = format!("{HEAD}version: {}\n", env!("CARGO_PKG_VERSION"));
    let fields = options("", Config::fields());
    text.push_str("# What is not optional has to be there, even if it is empty.\noptions:\n");
    for field in &fields {
        match field.shape {
            Shape::Section(..) => text.push_str(&format!("  {}: {{}}\n", field.name)),
            Shape::List(..) => text.push_str(&format!("  {}: []\n", field.name)),
            Shape::Value(_) => {}
        }
    }
    text.push_str("schema:\n");
    for field in &fields {
        match &field.shape {
            Shape::Value(kind) => text.push_str(&entry("  ", field, kind)),
            Shape::Section(_, inner) => {
                text.push_str(&format!("  {}:\n", field.name));
                for field in inner {
                    if let Shape::Value(kind) = &field.shape {
                        text.push_str(&entry("    ", field, kind));
                    }
                }
            }
            Shape::List(_, inner) => {
                text.push_str(&format!("  {}:\n", field.name));
                let mut indent = "    - ";
                for field in inner {
                    if let Shape::Value(kind) = &field.shape {
                        text.push_str(&entry(indent, field, kind));
                        indent = "      ";
                    }
                }
            }
        }
    }
    text
}

/// addon/translations/en.yaml.
#[must_use]
pub fn app_texts() -> String {
    let mut text = "\
# What the options of the app are called. Made by `toy2mqtt schema app-texts`: change
# src/config/sections.rs and run `make docs`.
configuration:
"
    .to_owned();
    for field in options("", Config::fields()) {
        let (doc, inner) = match &field.shape {
            Shape::Value(_) => (field.doc, &[][..]),
            Shape::Section(about, inner) | Shape::List(about, inner) => (*about, &inner[..]),
        };
        texts(&mut text, "  ", field.name, doc);
        if !inner.is_empty() {
            text.push_str("    fields:\n");
        }
        for field in inner {
            let default = match is_empty(&field.default) {
                true => String::new(),
                false => format!("Unless set: {}.", plain(&super::toml(&field.default))),
            };
            texts(
                &mut text,
                "      ",
                field.name,
                &format!("{}\n{default}", field.doc),
            );
        }
    }
    text.push_str("network:\n  8099/tcp: The panel\n");
    text
}

/// Those that the form shows.
fn options(path: &str, fields: Vec<Field>) -> Vec<Field> {
    let shown = fields.into_iter().filter_map(|mut field| {
        let path = match path {
            "" => field.name.to_owned(),
            _ => format!("{path}.{}", field.name),
        };
        if NOT_OPTIONS.contains(&path.as_str()) {
            return None;
        }
        field.shape = match field.shape {
            Shape::Section(about, inner) => Shape::Section(about, options(&path, inner)),
            Shape::List(about, inner) => Shape::List(about, options(&format!("{path}[]"), inner)),
            value => value,
        };
        Some(field)
    });
    shown.collect()
}

fn entry(indent: &str, field: &Field, kind: &Kind) -> String {
    let optional = if field.required { "" } else { "?" };
    // The Supervisor looks into a list to see whether it may be missing.
    let value = match kind {
        Kind::List(inner) => format!("[{}]", quoted(&format!("{}{optional}", type_of(inner)))),
        kind => quoted(&format!("{}{optional}", type_of(kind))),
    };
    format!("{indent}{}: {value}\n", field.name)
}

/// The Supervisor's word for it.
fn type_of(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Integer { min, max } => format!("int({min},{max})"),
        Kind::Number { min, max, .. } => format!("float({min},{max})"),
        Kind::Secret => "password".to_owned(),
        Kind::Choice(words) => format!("list({})", words.join("|")),
        Kind::Text { .. }
        | Kind::Duration { .. }
        | Kind::OrOff(_)
        | Kind::List(_)
        | Kind::Map { .. } => "str".to_owned(),
    }
}

fn texts(text: &mut String, indent: &str, name: &str, doc: &str) {
    let lines: Vec<_> = doc
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let doc = plain(&without_strangers(&lines.join(" ")));
    text.push_str(&format!(
        "{indent}{name}:\n{indent}  name: {}\n{indent}  description: {}\n",
        quoted(&title(name)),
        quoted(&doc)
    ));
}

/// Without the sentences about keys that the form does not show.
fn without_strangers(doc: &str) -> String {
    let strange = |sentence: &&str| {
        let keys = NOT_OPTIONS
            .iter()
            .filter_map(|path| path.rsplit('.').next());
        let mut named = keys.map(|key| format!("`{key}`"));
        named.any(|key| sentence.contains(&key))
    };
    let sentences: Vec<_> = doc
        .split_inclusive(". ")
        .filter(|sentence| !strange(sentence))
        .collect();
    sentences.concat().trim().to_owned()
}

/// A key as a title: `ca_file` is "CA file".
fn title(name: &str) -> String {
    let words = name.split('_').enumerate().map(|(index, word)| match word {
        "mqtt" | "url" | "ca" | "id" | "lan" => word.to_uppercase(),
        "lovense" => "Lovense".to_owned(),
        "ble" => "Bluetooth".to_owned(),
        "wsdm" => "Device websockets".to_owned(),
        "toy" | "group" | "pattern" if name == word => format!("{}s", capital(word)),
        "cert" => "certificate".to_owned(),
        "home" | "assistant" => capital(word),
        "max" if name == word => "Highest level".to_owned(),
        word if index == 0 => capital(word),
        word => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Without the marks of Markdown, which the form would show.
fn plain(text: &str) -> String {
    text.replace('`', "").replace("[[", "").replace("]]", "")
}

/// A YAML text in double quotes, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
