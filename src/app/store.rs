//! The data folder: what outlives the process.
//!
//! One small JSON file, written whole to a temporary file and renamed, and a marker that exists
//! while a toy may be running. Nothing here ever stops the bridge: a file that cannot be read is
//! set aside, a folder that cannot be written is a problem to be shown, and the bridge goes on
//! without saving.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{
    HardwareId, InputKind, Level, Limits, Output, OutputKey, ToyDescription, ToyId,
};
use crate::engine::{LeftRunning, Memory, ToyMemory};

const FILE: &str = "state.json";
const MARKER: &str = "running";
/// The format of the file.
const VERSION: u32 = 1;

/// The data folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// What was found in the data folder.
#[derive(Debug)]
pub struct Found {
    /// This installation's id: 8 hex digits, made at random on the first run.
    pub instance: String,
    /// What the engine remembers.
    pub memory: Memory,
    /// Toys that the process before this one may have left running.
    pub left_running: LeftRunning,
    /// Whether this is the first run, or the folder does not last.
    pub is_new: bool,
    /// What is wrong with the folder, for the user.
    pub problems: Vec<String>,
}

/// Why something was not saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause}", .path.display())]
pub struct NotSaved {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl Store {
    /// Uses this folder. It is made when first written to.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Reads what there is. Sets aside what makes no sense.
    #[must_use]
    pub fn open(&self) -> Found {
        let mut problems = Vec::new();
        let saved = self.read(&mut problems);
        let is_new = saved.is_none();
        let saved = saved.unwrap_or_default();
        let mut memory = Memory {
            quiet: saved.quiet,
            toys: BTreeMap::new(),
        };
        for (id, toy) in saved.toys {
            match (id.parse::<ToyId>(), toy.into_memory()) {
                (Ok(id), Ok(toy)) => {
                    memory.toys.insert(id, toy);
                }
                (Err(error), _) => problems.push(format!("{FILE}: {error}")),
                (_, Err(error)) => problems.push(format!("{FILE}: {id}: {error}")),
            }
        }
        let instance = match saved.instance {
            Some(instance) if is_instance(&instance) => instance,
            _ => random_word(),
        };
        let found = Found {
            left_running: self.left_running(),
            instance,
            memory,
            is_new,
            problems: Vec::new(),
        };
        if let Err(error) = self.save(&found.instance, &found.memory) {
            problems.push(format!("names, limits and quiet will not be kept: {error}"));
        }
        Found { problems, ..found }
    }

    fn read(&self, problems: &mut Vec<String>) -> Option<Saved> {
        let path = self.folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                problems.push(format!("cannot read {}: {error}", path.display()));
                return None;
            }
        };
        let cause = match serde_json::from_str::<Saved>(&text) {
            Ok(saved) if saved.version == VERSION => return Some(saved),
            Ok(saved) => format!("it has version {}, not {VERSION}", saved.version),
            Err(error) => error.to_string(),
        };
        let aside = self.folder.join(format!("{FILE}.damaged"));
        let fate = match fs::rename(&path, &aside) {
            Ok(()) => format!("it is set aside as {}", aside.display()),
            Err(error) => format!("it cannot be set aside either: {error}"),
        };
        problems.push(format!("cannot use {}: {cause}; {fate}", path.display()));
        None
    }

    /// Writes everything, so that either the old or the new file is there, whole.
    ///
    /// # Errors
    /// A folder that is missing and cannot be made, is read-only or full.
    pub fn save(&self, instance: &str, memory: &Memory) -> Result<(), NotSaved> {
        let toys = memory.toys.iter();
        let saved = Saved {
            version: VERSION,
            instance: Some(instance.to_owned()),
            quiet: memory.quiet,
            toys: toys
                .map(|(id, toy)| (id.to_string(), SavedToy::from_memory(toy)))
                .collect(),
        };
        let path = self.folder.join(FILE);
        let result = fs::create_dir_all(&self.folder)
            .and_then(|()| Ok(serde_json::to_vec_pretty(&saved)?))
            .and_then(|bytes| write_whole(&path, &bytes));
        result.map_err(|cause| NotSaved { path, cause })
    }

    /// Notes which toys may be running from now on: one id a line, no file if none does.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn mark_running(&self, toys: &BTreeSet<ToyId>) -> Result<(), NotSaved> {
        let path = self.marker();
        let result = if toys.is_empty() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            }
        } else {
            let lines: String = toys.iter().map(|toy| format!("{toy}\n")).collect();
            write_whole(&path, lines.as_bytes())
        };
        result.map_err(|cause| NotSaved { path, cause })
    }

    /// A marker that names no toys, or cannot be read, is taken for all toys.
    fn left_running(&self) -> LeftRunning {
        let text = match fs::read_to_string(self.marker()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return LeftRunning::default();
            }
            Err(_) => return LeftRunning::Any,
        };
        let toys: Result<BTreeSet<ToyId>, _> = text.lines().map(str::parse).collect();
        match toys {
            Ok(toys) if !toys.is_empty() => LeftRunning::Toys(toys),
            _ => LeftRunning::Any,
        }
    }

    fn marker(&self) -> PathBuf {
        self.folder.join(MARKER)
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        // It says which toys there are: nobody else's business.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)
}

fn is_instance(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Eight hex digits that no other process has.
#[must_use]
pub fn random_word() -> String {
    // The standard library seeds each of these at random; this is no secret.
    let random = RandomState::new().hash_one(std::process::id());
    format!("{:08x}", random as u32)
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    version: u32,
    instance: Option<String>,
    #[serde(default)]
    quiet: bool,
    #[serde(default)]
    toys: BTreeMap<String, SavedToy>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct SavedToy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limits: Option<SavedLimits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    toy: Option<SavedDescription>,
}

/// Levels in permille.
#[derive(Debug, Serialize, Deserialize)]
struct SavedLimits {
    max: i32,
    #[serde(default)]
    outputs: BTreeMap<String, i32>,
    #[serde(default)]
    slope: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedDescription {
    hardware: String,
    manufacturer: String,
    model: String,
    nickname: Option<String>,
    firmware: Option<String>,
    outputs: Vec<SavedOutput>,
    inputs: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedOutput {
    key: String,
    steps: u16,
    #[serde(default)]
    signed: bool,
    #[serde(default)]
    label: Option<String>,
}

impl SavedToy {
    fn from_memory(toy: &ToyMemory) -> Self {
        let limits = toy.limits.as_ref().map(|limits| {
            let outputs = limits.outputs.iter();
            SavedLimits {
                max: limits.max.permille().into(),
                outputs: outputs
                    .map(|(key, level)| (key.to_string(), level.permille().into()))
                    .collect(),
                slope: limits.slope,
            }
        });
        Self {
            name: toy.name.clone(),
            limits,
            toy: toy.description.as_ref().map(SavedDescription::from_domain),
        }
    }

    fn into_memory(self) -> Result<ToyMemory, String> {
        let limits = self.limits.map(|limits| {
            let outputs = limits.outputs.iter().map(|(key, permille)| {
                let key: OutputKey = key.parse().map_err(stringify)?;
                Ok((key, Level::from_permille(*permille).abs()))
            });
            Ok::<_, String>(Limits {
                max: Level::from_permille(limits.max).abs(),
                outputs: outputs.collect::<Result<_, String>>()?,
                slope: limits.slope,
            })
        });
        Ok(ToyMemory {
            name: self.name,
            limits: limits.transpose()?,
            description: self.toy.map(SavedDescription::into_domain).transpose()?,
        })
    }
}

impl SavedDescription {
    fn from_domain(toy: &ToyDescription) -> Self {
        let outputs = toy.outputs.iter().map(|output| SavedOutput {
            key: output.key.to_string(),
            steps: output.steps,
            signed: output.signed,
            label: output.label.clone(),
        });
        Self {
            hardware: toy.hardware.as_str().to_owned(),
            manufacturer: toy.manufacturer.clone(),
            model: toy.model.clone(),
            nickname: toy.nickname.clone(),
            firmware: toy.firmware.clone(),
            outputs: outputs.collect(),
            inputs: toy.inputs.iter().map(|i| i.as_str().to_owned()).collect(),
        }
    }

    fn into_domain(self) -> Result<ToyDescription, String> {
        let outputs = self.outputs.into_iter().map(|output| {
            if output.steps == 0 {
                return Err(format!("output {:?} has no steps", output.key));
            }
            Ok(Output {
                key: output.key.parse().map_err(stringify)?,
                steps: output.steps,
                signed: output.signed,
                label: output.label,
            })
        });
        let inputs = self.inputs.iter().map(|word| {
            let kind = InputKind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == word);
            kind.ok_or_else(|| format!("{word:?} names no input"))
        });
        Ok(ToyDescription {
            hardware: HardwareId::new(self.hardware),
            manufacturer: self.manufacturer,
            model: self.model,
            nickname: self.nickname,
            firmware: self.firmware,
            outputs: outputs.collect::<Result<_, _>>()?,
            inputs: inputs.collect::<Result<_, _>>()?,
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn stringify(error: impl ToString) -> String {
    error.to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::OutputKind;

    fn memory() -> Memory {
        let description = ToyDescription {
            hardware: HardwareId::new("f082c00246fa"),
            manufacturer: "Lovense".into(),
            model: "Nora".into(),
            nickname: None,
            firmware: Some("20".into()),
            outputs: vec![Output {
                signed: true,
                ..Output::new(OutputKey::only(OutputKind::Rotate), 20)
            }],
            inputs: BTreeSet::from([InputKind::Battery, InputKind::Shake]),
        };
        let toy = ToyMemory {
            name: Some("Alpha".into()),
            limits: Some(Limits {
                max: Level::from_permille(505),
                outputs: BTreeMap::from([(OutputKey::only(OutputKind::Rotate), Level::ZERO)]),
                slope: Some(7),
            }),
            description: Some(description.clone()),
        };
        Memory {
            quiet: true,
            toys: BTreeMap::from([(description.id(), toy)]),
        }
    }

    #[test]
    fn everything_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("made"));
        let first = store.open();
        assert!(first.is_new && first.problems.is_empty());
        store.save(&first.instance, &memory()).unwrap();
        let again = store.open();
        assert_eq!(again.memory, memory());
        assert_eq!(again.instance, first.instance);
        assert!(!again.is_new && again.problems.is_empty());
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        for damage in ["", "{", "[]", r#"{"version":99}"#, "\u{0}\u{0}"] {
            fs::write(folder.path().join(FILE), damage).unwrap();
            let found = Store::new(folder.path()).open();
            assert_eq!(found.problems.len(), 1, "{damage:?}: {:?}", found.problems);
            assert_eq!(found.memory, Memory::default());
            let aside = folder.path().join("state.json.damaged");
            assert_eq!(fs::read_to_string(aside).unwrap(), damage);
        }
    }

    #[test]
    fn one_bad_toy_does_not_lose_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let bad = r#"{"version":1,"quiet":true,"toys":{"toy_00000001":{"name":"Beta"},
            "nonsense":{},"toy_00000002":{"toy":{"hardware":"x","manufacturer":"","model":"",
            "outputs":[{"key":"wings","steps":20}],"inputs":[]}}}}"#;
        fs::write(folder.path().join(FILE), bad).unwrap();
        let found = store.open();
        assert_eq!(found.problems.len(), 2, "{:?}", found.problems);
        assert!(found.memory.quiet);
        assert_eq!(found.memory.toys.len(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_problem_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let found = Store::new(file.join("below")).open();
        assert!(!found.problems.is_empty());
    }

    #[test]
    fn the_marker_says_that_something_was_left_running() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let toys = ["a", "b"].map(|name| ToyId::of(&HardwareId::new(name)));
        let toys = BTreeSet::from(toys);
        store.mark_running(&toys).unwrap();
        assert_eq!(store.open().left_running, LeftRunning::Toys(toys));
        store.mark_running(&BTreeSet::new()).unwrap();
        store.mark_running(&BTreeSet::new()).unwrap();
        assert!(store.open().left_running.is_none());
        // As version 0.1 left it, or damaged.
        for marker in ["", "toy_1\n"] {
            fs::write(folder.path().join(MARKER), marker).unwrap();
            assert_eq!(store.open().left_running, LeftRunning::Any, "{marker:?}");
        }
    }
}
