//! The example file: every setting, commented out.

use super::{is_empty, toml};
use crate::config::section::{Field, Section, Shape};
use crate::config::sections::Config;

const HEAD: &str = "\
# Settings of toy2mqtt. Everything is optional; what is commented out shows the default, or an
# example where there is none. Remove the # in front of a key to set it.
#
# Looked for as ./toy2mqtt.toml, ~/.config/toy2mqtt/toy2mqtt.toml and
# /etc/toy2mqtt/toy2mqtt.toml, or wherever --config says. `toy2mqtt check` tells whether it is right.
# Every key is explained in docs/configuration.md, too.
#
# Made by `toy2mqtt schema config-example`.
";

/// The example file. A line of prose starts with `# `, a setting that is commented out with `#`.
#[must_use]
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for field in Config::fields() {
        text.push('\n');
        match &field.shape {
            Shape::Value(_) => setting(&mut text, &field),
            Shape::Section(about, fields) => {
                prose(&mut text, about);
                text.push_str(&format!("[{}]\n", field.name));
                settings(&mut text, fields);
            }
            Shape::List(about, fields) => {
                prose(&mut text, about);
                text.push_str(&format!("#[[{}]]\n", field.name));
                settings(&mut text, fields);
            }
        }
    }
    text
}

fn settings(text: &mut String, fields: &[Field]) {
    for field in fields {
        setting(text, field);
    }
}

fn setting(text: &mut String, field: &Field) {
    prose(text, field.doc);
    let value = match field.example {
        Some(example) if is_empty(&field.default) => example.to_owned(),
        _ => toml(&field.default),
    };
    text.push_str(&format!("#{} = {value}\n", field.name));
}

fn prose(text: &mut String, doc: &str) {
    for line in doc.lines() {
        text.push_str(&format!("# {}\n", line.trim()));
    }
}
