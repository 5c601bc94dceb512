//! What settings are read from: the environment and the file system, or made-up ones.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No file that settings are read from is larger than this, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Where settings come from. Tests make up their own, so that they never depend on the process
/// environment.
pub trait Surroundings {
    /// All environment variables.
    fn variables(&self) -> Vec<(OsString, OsString)>;

    /// The content of a file.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::InvalidData`] for a file that is not UTF-8 text
    /// or over 1 MiB.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// Whether everybody on this machine may read the file.
    fn is_public(&self, path: &Path) -> bool;

    /// One environment variable; `None` if it is not set, empty or not UTF-8.
    fn variable(&self, name: &str) -> Option<String> {
        self.variables()
            .into_iter()
            .find(|(candidate, _)| candidate == name)
            .and_then(|(_, value)| value.into_string().ok())
            .filter(|value| !value.is_empty())
    }
}

/// The real environment and file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Surroundings for System {
    fn variables(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        let file = std::fs::File::open(path)?;
        // One byte more tells a file that is too large from one that just fits.
        file.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "larger than 1 MiB",
            ));
        }
        Ok(text)
    }

    #[cfg(unix)]
    fn is_public(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o004 != 0)
    }

    #[cfg(not(unix))]
    fn is_public(&self, _path: &Path) -> bool {
        false
    }
}

/// Made-up surroundings.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    variables: BTreeMap<OsString, OsString>,
    files: BTreeMap<PathBuf, (String, bool)>,
}

impl Fixed {
    /// With one more variable.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With one more file, which only its owner may read.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), (text.into(), false));
        self
    }

    /// With one more file, which everybody may read.
    #[must_use]
    pub fn with_public_file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), (text.into(), true));
        self
    }
}

impl Surroundings for Fixed {
    fn variables(&self) -> Vec<(OsString, OsString)> {
        let pairs = self.variables.iter();
        pairs.map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let file = self.files.get(path);
        file.map(|(text, _)| text.clone())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_public(&self, path: &Path) -> bool {
        self.files.get(path).is_some_and(|(_, public)| *public)
    }
}
