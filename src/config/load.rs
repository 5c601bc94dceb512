//! Finds the settings and reads them.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::check::check;
use super::layers::{ADDON_VARIABLE, FILE_VARIABLE, Layers};
use super::problem::{Place, Problem, Problems, Severity};
use super::reading::Reading;
use super::secret::Secret;
use super::section::Section;
use super::sections::Config;
use super::surroundings::Surroundings;
use super::table::Table;
use super::types::LogLevel;

/// What the command line says of settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The file to read, and no other.
    pub file: Option<PathBuf>,
    /// The options of the Home Assistant app, if they exist.
    pub addon_options: Option<PathBuf>,
    /// `log.level`.
    pub log_level: Option<LogLevel>,
    /// Any settings.
    pub overrides: Vec<Override>,
}

/// One setting from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The path of the key: `mqtt.base_topic`, `lovense_lan.0.host`.
    pub key: String,
    /// The value, as text.
    pub value: String,
}

/// A text that is no `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOverride {
    /// No `=`, or nothing before it.
    #[error("expected KEY=VALUE, e.g. mqtt.base_topic=toys")]
    Form,
    /// Every user of the machine could see it in the list of processes.
    #[error("{key} is secret: set {variable}, or {variable}_FILE to a file that holds it")]
    Secret {
        /// The key.
        key: String,
        /// The variable that sets it.
        variable: String,
    },
}

impl FromStr for Override {
    type Err = BadOverride;

    fn from_str(text: &str) -> Result<Self, BadOverride> {
        let (key, value) = text.split_once('=').ok_or(BadOverride::Form)?;
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        if key.is_empty() {
            return Err(BadOverride::Form);
        }
        let secret = Config::keys()
            .into_iter()
            .any(|leaf| leaf.kind == super::Kind::Secret && leaf.path == key);
        if secret {
            let variable = super::reading::variable(&key);
            return Err(BadOverride::Secret { key, variable });
        }
        Ok(Self { key, value })
    }
}

/// Settings that the bridge can start with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The folder for what the bridge keeps: `data_dir`, or what holds without it.
    pub data_dir: PathBuf,
    /// Whom to ask for the broker, since the settings do not name one.
    pub supervisor: Option<Supervisor>,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// The files that were looked for, in this order.
    pub searched: Vec<PathBuf>,
    /// What the user had better know.
    pub warnings: Vec<Problem>,
}

/// Home Assistant's Supervisor, as an app that it runs can reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    /// Its host, with a port if it is not 80.
    pub host: String,
    /// What it knows the app by.
    pub token: Secret,
}

impl Supervisor {
    /// From the variables that it gives to apps: `SUPERVISOR_TOKEN`, and, as for Home Assistant
    /// itself, `SUPERVISOR` where its host is not called `supervisor`.
    fn find(surroundings: &dyn Surroundings) -> Option<Self> {
        let token = Secret::new(surroundings.variable("SUPERVISOR_TOKEN")?);
        let host = surroundings.variable("SUPERVISOR");
        let host = host.unwrap_or_else(|| "supervisor".to_owned());
        Some(Self { host, token })
    }
}

impl Loaded {
    /// Where the broker is, in words.
    #[must_use]
    pub fn broker(&self) -> String {
        match self.supervisor {
            Some(_) => "the broker that the Supervisor knows".to_owned(),
            None => self.config.mqtt.broker().to_string(),
        }
    }

    /// Where the settings come from, in a sentence.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.file {
            Some(file) => format!("settings read from {}", file.display()),
            None => {
                let searched: Vec<_> = self
                    .searched
                    .iter()
                    .map(|p| p.display().to_string())
                    .collect();
                format!("no settings file found; looked for {}", searched.join(", "))
            }
        }
    }
}

/// Reads the settings from everywhere.
///
/// # Errors
/// Everything that is wrong with them, warnings included.
pub fn load(flags: &Flags, surroundings: &dyn Surroundings) -> Result<Loaded, Problems> {
    let mut layers = Layers::default();
    let (file, searched) = match find(flags, surroundings) {
        Ok((file, searched)) => {
            if let Some((path, text)) = &file {
                layers.add_toml(path, text);
            }
            (file.map(|(path, _)| path), searched)
        }
        Err(problem) => {
            layers.problems.push(problem);
            (None, Vec::new())
        }
    };
    let options = flags.addon_options.clone();
    let options = options.or_else(|| surroundings.variable(ADDON_VARIABLE).map(PathBuf::from));
    if let Some(path) = options {
        match surroundings.read(&path) {
            Ok(text) => layers.add_options(&path, &text),
            // Only the Supervisor makes this file; an image may look for it wherever it runs.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => layers.problems.push(unreadable(&path, &error)),
        }
    }
    layers.add_variables(surroundings.variables());
    layers.add_flags(values_of(flags));

    let (merged, problems) = layers.merge();
    let reading = Reading::new(&merged, problems);
    let mut root = Table::root(&reading);
    let config = <Config as Section>::read(&mut root);
    root.finish();
    let config = config.map(|mut config| {
        check(&mut config, &reading, surroundings);
        config
    });
    let mut problems = reading.into_problems();
    problems.sort_by_key(|problem| problem.severity);
    match config {
        Some(config) if problems.iter().all(|p| p.severity == Severity::Warning) => Ok(Loaded {
            data_dir: config
                .data_dir
                .clone()
                .unwrap_or_else(|| default_data_dir(surroundings)),
            // A broker that the user names wins.
            supervisor: match config.mqtt.url {
                None => Supervisor::find(surroundings),
                Some(_) => None,
            },
            config,
            file,
            searched,
            warnings: problems,
        }),
        _ => Err(Problems(problems)),
    }
}

/// The file to read, with its text, and where it was looked for.
type Found = (Option<(PathBuf, String)>, Vec<PathBuf>);

fn find(flags: &Flags, surroundings: &dyn Surroundings) -> Result<Found, Problem> {
    let told = flags.file.clone();
    let told = told.or_else(|| surroundings.variable(FILE_VARIABLE).map(PathBuf::from));
    if let Some(path) = told {
        let text = surroundings.read(&path);
        let text = text.map_err(|error| unreadable(&path, &error))?;
        return Ok((Some((path.clone(), text)), vec![path]));
    }
    let searched = search_order(surroundings);
    for path in &searched {
        match surroundings.read(path) {
            Ok(text) => return Ok((Some((path.clone(), text)), searched)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A file that is there but cannot be read must not silently count as none.
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok((None, searched))
}

/// Where the file is looked for unless one is named.
fn search_order(surroundings: &dyn Surroundings) -> Vec<PathBuf> {
    let home = |rest: &str| {
        surroundings
            .variable("HOME")
            .map(|home| Path::new(&home).join(rest))
    };
    let user = surroundings.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let user = user.or_else(|| home(".config"));
    let mut order = vec![PathBuf::from("toy2mqtt.toml")];
    order.extend(user.map(|user| user.join("toy2mqtt/toy2mqtt.toml")));
    order.push(PathBuf::from("/etc/toy2mqtt/toy2mqtt.toml"));
    order
}

fn default_data_dir(surroundings: &dyn Surroundings) -> PathBuf {
    // systemd lists several with colons between them; the first is ours.
    if let Some(list) = surroundings.variable("STATE_DIRECTORY") {
        return PathBuf::from(list.split(':').next().unwrap_or_default());
    }
    if let Some(state) = surroundings.variable("XDG_STATE_HOME") {
        return Path::new(&state).join("toy2mqtt");
    }
    match surroundings.variable("HOME") {
        Some(home) => Path::new(&home).join(".local/state/toy2mqtt"),
        None => PathBuf::from("/var/lib/toy2mqtt"),
    }
}

fn values_of(flags: &Flags) -> Vec<(String, String, String)> {
    let overrides = flags.overrides.iter().map(|own| {
        let flag = format!("--override {}", own.key);
        (flag, own.key.clone(), own.value.clone())
    });
    let level = flags.log_level.map(|level| {
        let flag = "--log-level".to_owned();
        (flag, "log.level".to_owned(), level.to_string())
    });
    overrides.chain(level).collect()
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(
        Place::File(path.to_owned(), None),
        "",
        format!("cannot be read: {error}"),
    )
}
