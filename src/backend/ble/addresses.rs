//! Which toy is behind which address on air, kept in a file of the data folder.
//!
//! A toy answers `DeviceType;` with an address, by which the phone app knows it as well: its hardware
//! id. That address need not be the one on air, and firmware that anybody can download tells the same
//! address from every board. So each address on air belongs to one toy, and each toy to one address on
//! air: of two devices that tell one address the second gets an id of its own, and both can be stopped.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The format of the file.
const VERSION: u32 = 1;

/// What the id of a toy begins with whose address on air is another toy's id already.
pub const OWN: &str = "ble/";

/// Hardware ids by address on air. Addresses are 12 lower-case hex digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    toys: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    toys: BTreeMap<String, String>,
}

impl Addresses {
    /// The hardware id of the toy with this address on air; the address itself if no toy has proved to
    /// be behind it.
    #[must_use]
    pub fn hardware<'a>(&'a self, air: &'a str) -> &'a str {
        self.toys.get(air).map_or(air, String::as_str)
    }

    /// Whether a toy has proved to be behind this address on air.
    #[must_use]
    pub fn has_met(&self, air: &str) -> bool {
        self.toys.contains_key(air)
    }

    /// The address on air of the toy with this hardware id.
    #[must_use]
    pub fn on_air(&self, hardware: &str) -> Option<&str> {
        let mut toys = self.toys.iter();
        let found = toys.find(|(_, known)| *known == hardware)?;
        Some(found.0)
    }

    /// The hardware id for the toy at `air` that tells the address `told`: `told`, unless that is
    /// another toy's, by what was told before or by the address `on_air`.
    #[must_use]
    pub fn identify(&self, air: &str, told: &str, on_air: impl Fn(&str) -> bool) -> String {
        if let Some(known) = self.toys.get(air) {
            return known.clone();
        }
        let is_free = |id: &str| self.on_air(id).is_none();
        if is_free(told) && (told == air || !on_air(told)) {
            told.to_owned()
        } else if is_free(air) {
            air.to_owned()
        } else {
            format!("{OWN}{air}")
        }
    }

    /// The toy at `air` has this hardware id from now on. Whether that is new.
    pub fn note(&mut self, air: &str, hardware: &str) -> bool {
        let before = self.toys.insert(air.to_owned(), hardware.to_owned());
        before.as_deref() != Some(hardware)
    }

    /// Reads the file; nothing is known if there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or makes no sense.
    pub fn read(file: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read?,
        };
        let saved: Saved = serde_json::from_str(&text)?;
        if saved.version != VERSION {
            let why = format!("it has version {}, not {VERSION}", saved.version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        // One id of two addresses would be one toy of two again.
        let mut all = Self::default();
        for (air, hardware) in saved.toys {
            if all.on_air(&hardware).is_none() {
                all.note(&air, &hardware);
            }
        }
        Ok(all)
    }

    /// Writes the file, so that either the old or the new one is there, whole.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let saved = Saved {
            version: VERSION,
            toys: self.toys.clone(),
        };
        let text = serde_json::to_string_pretty(&saved)?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let half: PathBuf = file.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            // The file says which toys there are: it is for this user alone.
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut open = options.open(&half)?;
        io::Write::write_all(&mut open, text.as_bytes())?;
        open.sync_all()?;
        drop(open);
        std::fs::rename(&half, file)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    const TOLD: &str = "004b123a2e62";

    #[test]
    fn of_two_toys_that_tell_one_address_the_second_has_an_id_of_its_own() {
        let mut all = Addresses::default();
        let nowhere = |_: &str| false;
        for (air, id) in [("a1", TOLD), ("a2", "a2"), (TOLD, "ble/004b123a2e62")] {
            assert_eq!(all.identify(air, TOLD, nowhere), id);
            assert!(all.note(air, id));
            // From now on, whatever it tells.
            assert_eq!(all.identify(air, "b", nowhere), id);
            assert!(!all.note(air, id));
        }
        assert_eq!(all.on_air(TOLD), Some("a1"));
    }

    #[test]
    fn an_address_on_air_belongs_to_the_device_there() {
        let all = Addresses::default();
        assert_eq!(all.identify("a1", TOLD, |air| air == TOLD), "a1");
        assert_eq!(all.identify(TOLD, TOLD, |air| air == TOLD), TOLD);
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made/toys.json");
        assert_eq!(Addresses::read(&file).unwrap(), Addresses::default());
        let mut all = Addresses::default();
        all.note("c098e5000001", "0082059ad3bd");
        all.write(&file).unwrap();
        assert_eq!(Addresses::read(&file).unwrap(), all);
        for damage in ["", "[]", r#"{"version":9,"toys":{}}"#] {
            fs::write(&file, damage).unwrap();
            assert!(Addresses::read(&file).is_err(), "{damage:?}");
        }
        let twice = r#"{"version":1,"toys":{"a":"x","b":"x"}}"#;
        fs::write(&file, twice).unwrap();
        let read = Addresses::read(&file).unwrap();
        assert_eq!((read.hardware("a"), read.hardware("b")), ("x", "b"));
    }

    proptest! {
        /// Whatever devices tell, in whatever order: no two of them are one toy.
        #[test]
        fn no_two_addresses_on_air_are_one_toy(told in proptest::collection::vec((0..6u8, 0..6u8), 1..40)) {
            let mut all = Addresses::default();
            let name = |number: u8| format!("{number:012x}");
            for (air, told) in told {
                let id = all.identify(&name(air), &name(told), |air| all.has_met(air));
                all.note(&name(air), &id);
            }
            let mut ids: Vec<_> = all.toys.values().collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), all.toys.len());
        }
    }
}
