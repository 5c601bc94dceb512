//! The lock on the data folder: one process per folder.
//!
//! Two processes with one data folder would overwrite one another's quiet and limits, and connect to
//! the broker with one client id, so that each connection ends the other's. The lock is the operating
//! system's (`flock`): it ends with the process, also with a killed one, so none is ever left behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

const FILE: &str = "lock";

/// More of the lock file than this is not the bridge's own text.
const MAX_TEXT: u64 = 512;

/// A locked data folder. Dropping it unlocks the folder.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a data folder is not locked.
#[derive(Debug, thiserror::Error)]
pub enum NotLocked {
    /// Another process has the lock.
    #[error(
        "the data folder {} is in use by another toy2mqtt ({holder}): stop that one first, or give \
         this one a data_dir and a mqtt.base_topic of its own",
        .folder.display()
    )]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// The process that has the lock, in its own words.
        holder: String,
    },
    /// The folder takes no lock: it is read-only, or its file system has none.
    #[error("cannot lock {}: {cause}; let no other toy2mqtt use this data folder", .path.display())]
    Impossible {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

impl Lock {
    /// Locks `folder`, which is made if it is missing, and writes into it that this process, whose
    /// base topic is `base`, has the lock.
    ///
    /// # Errors
    /// Another process has it, or the folder takes no lock.
    pub fn take(folder: &Path, base: &str) -> Result<Self, NotLocked> {
        let path = folder.join(FILE);
        let impossible = |cause| NotLocked::Impossible {
            path: path.clone(),
            cause,
        };
        // A folder that cannot be made fails again below, with the path of the lock file.
        let _ = fs::create_dir_all(folder);
        let mut file = open(&path).map_err(impossible)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(NotLocked::Held {
                    folder: folder.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(cause)) => return Err(impossible(cause)),
        }
        // The text is for people. A full disk does not weaken the lock.
        let _ = file.set_len(0).and_then(|()| {
            let pid = std::process::id();
            let host = host();
            write!(file, "pid {pid}, host {host}, base topic {base}")
        });
        Ok(Self { _file: file })
    }
}

/// Opens the lock file; of a folder of another user for reading only, which suffices to lock it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match options.open(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            File::open(path).map_err(|_| error)
        }
        opened => opened,
    }
}

fn holder(file: &mut File) -> String {
    let mut text = Vec::new();
    let read = file.take(MAX_TEXT).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || text.is_empty() {
        "its process id is not known".to_owned()
    } else {
        text
    }
}

/// The name of the machine or container: each container counts its processes from 1.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.or_else(|_| fs::read_to_string("/etc/hostname"));
    name.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_of_the_first_until_that_one_ends() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("made");
        let first = Lock::take(&data, "toy2mqtt").unwrap();
        let refused = Lock::take(&data, "other").unwrap_err();
        assert!(matches!(refused, NotLocked::Held { .. }));
        let text = refused.to_string();
        let pid = format!("pid {}", std::process::id());
        for part in [pid.as_str(), "base topic toy2mqtt", "data_dir", "made"] {
            assert!(text.contains(part), "{text}");
        }
        drop(first);
        let _next = Lock::take(&data, "other").unwrap();
        let text = Lock::take(&data, "third").unwrap_err().to_string();
        assert!(text.contains("base topic other)"), "{text}");
    }

    #[test]
    fn a_folder_that_takes_no_lock_is_told_apart_from_one_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = Lock::take(&file.join("below"), "toy2mqtt").unwrap_err();
        assert!(matches!(refused, NotLocked::Impossible { .. }), "{refused}");
    }

    #[test]
    fn garbage_in_the_lock_file_is_no_word_of_a_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, vec![0; 4_096]).unwrap();
        let file = File::open(&path).unwrap();
        file.try_lock().unwrap();
        let text = Lock::take(folder.path(), "x").unwrap_err().to_string();
        assert!(text.contains("not known") && text.len() < 400, "{text}");
    }
}
