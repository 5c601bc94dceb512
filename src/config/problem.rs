//! What is wrong with the settings, and where.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The bridge does not start with it.
    Error,
    /// The bridge starts; the user had better know.
    Warning,
}

/// Where a setting was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file, with the 1-based line where it is known.
    File(PathBuf, Option<usize>),
    /// In an environment variable of this name.
    Variable(String),
    /// In this command-line flag.
    Flag(String),
    /// Nowhere: something is missing, or settings of several places do not go together.
    Settings,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, Some(line)) => write!(f, "{}:{line}", path.display()),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::Settings => f.write_str("settings"),
        }
    }
}

/// One thing that is wrong. Never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// The path of the key, e.g. `lovense_lan[0].port`; empty where no key is at fault.
    pub key: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Problem {
    /// Something that the bridge cannot start with.
    pub(crate) fn error(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place,
            key: key.into(),
            message: message.into(),
        }
    }

    /// Something that the user had better know.
    pub(crate) fn warning(
        place: Place,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(place, key, message)
        }
    }

    /// Which key, and what to do about it, for those who know where the settings are.
    #[must_use]
    pub fn advice(&self) -> String {
        match self.key.as_str() {
            "" => self.message.clone(),
            key => format!("{key}: {}", self.message),
        }
    }

    /// For programs: `severity`, `message`, and `file`, `line`, `variable`, `flag` and `key` where
    /// they apply.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut json = json!({
            "severity": match self.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
        });
        match &self.place {
            Place::File(path, line) => {
                json["file"] = path.display().to_string().into();
                if let Some(line) = line {
                    json["line"] = (*line).into();
                }
            }
            Place::Variable(name) => json["variable"] = name.as_str().into(),
            Place::Flag(name) => json["flag"] = name.as_str().into(),
            Place::Settings => {}
        }
        if !self.key.is_empty() {
            json["key"] = self.key.as_str().into();
        }
        json["message"] = self.message.as_str().into();
        json
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with the settings: at least one error, and all warnings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);
