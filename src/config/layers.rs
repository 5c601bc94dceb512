//! The places that settings come from, one above the other.
//!
//! Each place becomes a figment provider; figment merges them and remembers which value came from
//! which. In every layer a list of tables is kept as a dictionary of its indices, so that an
//! environment variable can reach into one entry (`TOY2MQTT_LOVENSE_LAN__0__HOST`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Tag, Value};
use figment::{Error, Figment, Metadata, Profile, Provider, Source};
use serde_json::Value as Json;
use toml::de::DeTable;

use super::convert::{is_list, table_of, value_of_json};
use super::problem::{Place, Problem};

/// What every variable of ours starts with.
pub(super) const PREFIX: &str = "TOY2MQTT_";

/// Variables that say where to look instead of being settings.
pub(super) const FILE_VARIABLE: &str = "TOY2MQTT_CONFIG";
/// See [`FILE_VARIABLE`].
pub(super) const ADDON_VARIABLE: &str = "TOY2MQTT_ADDON_OPTIONS";

/// A kind of place, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    File,
    AddOn,
    Environment,
    Flags,
}

impl Layer {
    const ALL: [Self; 4] = [Self::File, Self::AddOn, Self::Environment, Self::Flags];

    const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::AddOn => "app options",
            Self::Environment => "environment",
            Self::Flags => "command line",
        }
    }
}

/// One layer's settings.
struct Settings {
    layer: Layer,
    path: Option<PathBuf>,
    values: Dict,
}

impl Provider for Settings {
    fn metadata(&self) -> Metadata {
        let metadata = Metadata::named(self.layer.name());
        match &self.path {
            Some(path) => metadata.source(Source::File(path.clone())),
            None => metadata,
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// All layers.
#[derive(Default)]
pub(super) struct Layers {
    layers: Vec<Settings>,
    /// Where keys stand in the file, 1-based.
    lines: BTreeMap<String, usize>,
    /// Which variable or flag set a key.
    names: BTreeMap<(bool, String), String>,
    /// What could not be understood at all.
    pub(super) problems: Vec<Problem>,
}

/// All layers, merged.
pub(super) struct Merged {
    figment: Figment,
    /// The settings, as a dictionary of dictionaries.
    pub(super) root: Dict,
    lines: BTreeMap<String, usize>,
    names: BTreeMap<(bool, String), String>,
}

impl Layers {
    /// Adds the TOML file.
    pub(super) fn add_toml(&mut self, path: &Path, text: &str) {
        let line_of = |offset: usize| {
            let before = text.as_bytes().iter().take(offset);
            1 + before.filter(|byte| **byte == b'\n').count()
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // Only the message: the line itself could hold a secret.
            let line = error.span().map(|span| line_of(span.start));
            let message = format!("not TOML: {}", error.message().replace('\n', ", "));
            let place = Place::File(path.to_owned(), line);
            self.problems.push(Problem::error(place, "", message));
        }
        if !self.problems.is_empty() {
            // What is left of a broken file would only lead to more complaints.
            return;
        }
        let mut lines = BTreeMap::new();
        let mut note = |path: String, offset: usize| {
            lines.insert(path, line_of(offset));
        };
        let values = table_of(table.get_ref(), "", &mut note);
        self.lines = lines;
        self.push(Layer::File, Some(path), values);
    }

    /// Adds the options of the Home Assistant app, as the Supervisor writes them. Options that are
    /// null, empty text or an empty list are what its form makes of an empty field: not set.
    pub(super) fn add_options(&mut self, path: &Path, text: &str) {
        let wrong = |line, message| Problem::error(Place::File(path.to_owned(), line), "", message);
        match serde_json::from_str::<Json>(text) {
            Ok(Json::Object(map)) => {
                let filled = |(key, value)| Some((key, value_of_json(value)?));
                let values: Dict = map.into_iter().filter_map(filled).collect();
                // A list given here takes the place of the file's: it is not mixed with it.
                let lists = values.iter().filter(|(_, value)| is_list(value));
                for (key, _) in lists {
                    for below in &mut self.layers {
                        below.values.remove(key);
                    }
                }
                self.push(Layer::AddOn, Some(path), values);
            }
            Ok(_) => self
                .problems
                .push(wrong(None, "not a JSON object".to_owned())),
            Err(error) => {
                let message = format!("not JSON: {error}");
                self.problems.push(wrong(Some(error.line()), message));
            }
        }
    }

    /// Adds those of the variables that are ours.
    pub(super) fn add_variables(&mut self, variables: Vec<(OsString, OsString)>) {
        let mut values = Dict::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| is_setting(name)) else {
                continue;
            };
            let path: Vec<String> = name[PREFIX.len()..]
                .split("__")
                .map(str::to_lowercase)
                .collect();
            let Some(value) = value.to_str() else {
                let place = Place::Variable(name.to_owned());
                let problem = Problem::error(place, key_of(&path), "not UTF-8 text");
                self.problems.push(problem);
                continue;
            };
            // What `${UNSET:-}` makes in a compose file.
            if value.is_empty() {
                continue;
            }
            let place = Place::Variable(name.to_owned());
            self.insert(&mut values, &path, value, place);
        }
        self.push(Layer::Environment, None, values);
    }

    /// Adds settings from the command line: flag, key, value.
    pub(super) fn add_flags(&mut self, flags: Vec<(String, String, String)>) {
        let mut values = Dict::new();
        for (flag, key, value) in flags {
            let path: Vec<String> = key
                .replace('[', ".")
                .replace(']', "")
                .split('.')
                .map(str::to_owned)
                .collect();
            self.insert(&mut values, &path, &value, Place::Flag(flag));
        }
        self.push(Layer::Flags, None, values);
    }

    fn push(&mut self, layer: Layer, path: Option<&Path>, values: Dict) {
        self.layers.push(Settings {
            layer,
            path: path.map(Path::to_owned),
            values,
        });
    }

    /// Puts a value where its path says.
    fn insert(&mut self, values: &mut Dict, path: &[String], value: &str, place: Place) {
        let key = key_of(path);
        let name = match &place {
            Place::Variable(name) => ((false, key.clone()), name.clone()),
            Place::Flag(name) => ((true, key.clone()), name.clone()),
            Place::File(..) | Place::Settings => return,
        };
        self.names.insert(name.0, name.1);
        let (Some((last, sections)), false) =
            (path.split_last(), path.iter().any(String::is_empty))
        else {
            let problem = Problem::error(place, key, "names no setting");
            return self.problems.push(problem);
        };
        let mut dict = values;
        for section in sections {
            let entry = dict
                .entry(section.clone())
                .or_insert_with(|| Value::from(Dict::new()));
            match entry {
                Value::Dict(_, inner) => dict = inner,
                _ => {
                    let message =
                        format!("{section} is set as a whole, too: remove one of the two");
                    return self.problems.push(Problem::error(place, key, message));
                }
            }
        }
        dict.insert(last.clone(), Value::from(value));
    }

    /// All of them as one.
    pub(super) fn merge(self) -> (Merged, Vec<Problem>) {
        let figment = self.layers.into_iter().fold(Figment::new(), Figment::merge);
        // Our providers cannot fail.
        let mut profiles = figment.data().unwrap_or_default();
        let merged = Merged {
            root: profiles.remove(&Profile::Default).unwrap_or_default(),
            figment,
            lines: self.lines,
            names: self.names,
        };
        (merged, self.problems)
    }
}

impl Merged {
    /// Which layer a value came from.
    pub(super) fn layer(&self, tag: Tag) -> Option<Layer> {
        let name = &self.figment.get_metadata(tag)?.name;
        Layer::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// The folder of the file that a value came from.
    pub(super) fn folder(&self, tag: Tag) -> Option<&Path> {
        let source = self.figment.get_metadata(tag)?.source.as_ref();
        source.and_then(Source::file_path).and_then(Path::parent)
    }

    /// Where a value with this path was set.
    pub(super) fn place(&self, tag: Tag, path: &str) -> Place {
        let named = |flag: bool| {
            let exact = (flag, path.to_owned());
            let mut from = self.names.range(exact.clone()..);
            from.next()
                .filter(|((f, key), _)| *f == flag && key.starts_with(path))
                .map(|(_, name)| name.clone())
        };
        let file = |line| {
            let source = self.figment.get_metadata(tag)?.source.as_ref();
            Some(Place::File(source?.file_path()?.to_owned(), line))
        };
        let place = match self.layer(tag) {
            Some(Layer::File) => file(self.lines.get(path).copied()),
            Some(Layer::AddOn) => file(None),
            Some(Layer::Environment) => named(false).map(Place::Variable),
            Some(Layer::Flags) => named(true).map(Place::Flag),
            None => None,
        };
        place.unwrap_or(Place::Settings)
    }
}

/// Whether this variable is a setting of ours, or meant to be one.
fn is_setting(name: &str) -> bool {
    // Kubernetes gives every pod variables named after a service called "toy2mqtt".
    let of_service = name
        .strip_prefix("TOY2MQTT_SERVICE_")
        .or_else(|| name.strip_prefix("TOY2MQTT_PORT"))
        .is_some_and(|rest| !rest.contains("__"));
    name.starts_with(PREFIX) && ![FILE_VARIABLE, ADDON_VARIABLE].contains(&name) && !of_service
}

/// The usual spelling of a path: `lovense_lan[0].host`.
fn key_of(path: &[String]) -> String {
    path.iter()
        .fold(String::new(), |key, part| child(&key, part))
}

/// The path of `key` in `path`; a number is an index.
pub(super) fn child(path: &str, key: &str) -> String {
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{path}[{key}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
