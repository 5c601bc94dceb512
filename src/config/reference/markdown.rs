//! docs/configuration.md.

use super::{is_empty, toml};
use crate::config::Kind;
use crate::config::reading::variable;
use crate::config::section::{Field, Section, Shape};
use crate::config::sections::Config;

const HEAD: &str = "\
# Configuration

<!-- Made by `toy2mqtt schema config`. Do not edit: change src/config/sections.rs and run `make docs`. -->

Nothing has to be set: `toy2mqtt run` starts with the defaults below and says where it looked for
a file. `toy2mqtt check` reads all settings without starting anything and names every problem with
file, line and key.

## Where settings come from

Each of these wins over the ones before it, key by key:

1. **A TOML file**: the one that `--config` or `$TOY2MQTT_CONFIG` names, else the first that exists
   of `./toy2mqtt.toml`, `$XDG_CONFIG_HOME/toy2mqtt/toy2mqtt.toml` (`~/.config/toy2mqtt/toy2mqtt.toml`)
   and `/etc/toy2mqtt/toy2mqtt.toml`. A file that is named has to exist. Relative paths in it start
   at its folder. [`config/toy2mqtt.example.toml`](../config/toy2mqtt.example.toml) shows every key.
2. **The options of the Home Assistant app**: the JSON file that `--addon-options` or
   `$TOY2MQTT_ADDON_OPTIONS` names, if it exists. Empty fields count as not set. A list in it takes
   the place of the file's list.
3. **Environment variables**: `TOY2MQTT_` and the path of the key in capitals, with two underscores
   for each dot: `mqtt.base_topic` is `TOY2MQTT_MQTT__BASE_TOPIC`. Entries of lists are counted from
   0: `TOY2MQTT_LOVENSE_LAN__0__HOST`; they change the entry of that number, or add the next one. A
   list of plain values is written with commas. An empty variable counts as not set.
4. **Flags**: `--log-level`, and `--override KEY=VALUE` for everything that is not secret.

## How values are written

- Durations have a unit: `\"250ms\"`, `\"5s\"`, `\"1m 30s\"`, `\"2h\"`.
- Levels are percent of full strength, 0 to 100. A level above 0 never rounds down to 0.
- `\"off\"` switches a guard off, where the type says so.
- Secrets can be given as a file that holds nothing else (`password_file`,
  `TOY2MQTT_MQTT__PASSWORD_FILE`). They are taken as they are, digits and leading zeros included,
  and never appear in logs, errors or topics.
- A key that does not exist is an error, with the nearest one that does. All problems are reported
  at once.

";

/// The reference page.
#[must_use]
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let (values, sections): (Vec<Field>, Vec<Field>) = Config::fields()
        .into_iter()
        .partition(|field| matches!(field.shape, Shape::Value(_)));
    text.push_str("## Top level\n\n");
    table(&mut text, "", &values);
    for field in &sections {
        let (head, path, about, fields) = match &field.shape {
            Shape::Section(about, fields) => (
                format!("[{}]", field.name),
                field.name.to_owned(),
                about,
                fields,
            ),
            Shape::List(about, fields) => {
                let head = format!("[[{}]]", field.name);
                (head, format!("{}[]", field.name), about, fields)
            }
            Shape::Value(_) => continue,
        };
        text.push_str(&format!("\n## `{head}`\n\n{}\n\n", joined(about)));
        table(&mut text, &path, fields);
    }
    text
}

fn table(text: &mut String, path: &str, fields: &[Field]) {
    text.push_str("| key | what it means | type | default | example | variable |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    for field in fields {
        let Shape::Value(kind) = &field.shape else {
            continue;
        };
        let key = crate::config::layers::child(path, field.name);
        let variable = match kind {
            Kind::Map { keys, .. } => format!("{}__{}", variable(&key), keys.to_uppercase()),
            _ => variable(&key),
        };
        let default = if field.required {
            "**required**".to_owned()
        } else if is_empty(&field.default) {
            "–".to_owned()
        } else {
            code(&toml(&field.default))
        };
        let cells = [
            code(field.name),
            joined(field.doc),
            kind.describe(),
            default,
            field.example.map(code).unwrap_or_default(),
            code(&variable),
        ];
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Lines of a doc comment as one.
fn joined(doc: &str) -> String {
    let lines: Vec<_> = doc.lines().map(str::trim).collect();
    lines.join(" ")
}
