//! Reads a section key by key, and complains about the keys that nobody asked for.

use figment::value::{Dict, Tag, Value};

use super::Config;
use super::layers::{Layer, PREFIX, child};
use super::problem::{Place, Problem};
use super::reading::{Reading, Reported, Slot, variable};
use super::section::{Nested, Setting};
use super::suggest::nearest;

/// A section being read.
pub(super) struct Table<'a> {
    reading: &'a Reading<'a>,
    path: String,
    tag: Tag,
    values: Option<&'a Dict>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// All settings.
    pub(super) fn root(reading: &'a Reading<'a>) -> Self {
        Self {
            reading,
            path: String::new(),
            tag: Tag::Default,
            values: Some(&reading.merged.root),
            known: Vec::new(),
        }
    }

    fn slot(&mut self, key: &'static str) -> Option<Slot<'a>> {
        self.known.push(key);
        let value = self.values?.get(key)?;
        Some(Slot {
            reading: self.reading,
            path: child(&self.path, key),
            value,
            hint: "",
        })
    }

    /// The value of a key, or what holds without one.
    pub(super) fn optional<T: Setting>(&mut self, key: &'static str, default: T) -> Option<T> {
        let read = self.slot(key).map(|slot| T::read(&slot));
        // A bad value has been reported; going on with the default finds the other problems.
        Some(read.and_then(Result::ok).unwrap_or(default))
    }

    /// The value of a key that has to be there.
    pub(super) fn required<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        if let Some(slot) = self.slot(key) {
            return T::read(&slot).ok();
        }
        let place = self.reading.merged.place(self.tag, &self.path);
        let message = format!("missing: add {}", T::kind().describe());
        let problem = Problem::error(place, child(&self.path, key), message);
        self.reading.report(problem);
        None
    }

    /// A section, or a list of sections.
    pub(super) fn nested<T: Nested>(&mut self, key: &'static str) -> Option<T> {
        match self.slot(key) {
            Some(slot) => T::read(&slot),
            None => T::absent(self.reading, child(&self.path, key)),
        }
    }

    /// A section that nobody has written: everything takes its default.
    pub(super) fn absent(reading: &'a Reading<'a>, path: String) -> Self {
        Self {
            reading,
            path,
            tag: Tag::Default,
            values: None,
            known: Vec::new(),
        }
    }

    /// The section that this value is, if it is one.
    pub(super) fn of(slot: &Slot<'a>) -> Result<Self, Reported> {
        let Value::Dict(tag, values) = slot.value else {
            return Err(slot.expected("a table of settings"));
        };
        Ok(Self {
            reading: slot.reading,
            path: slot.path.clone(),
            tag: *tag,
            values: Some(values),
            known: Vec::new(),
        })
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(self) {
        for (key, value) in self.values.into_iter().flatten() {
            if !self.known.contains(&key.as_str()) {
                self.unknown(key, value);
            }
        }
    }

    fn unknown(&self, key: &str, value: &Value) {
        // A variable is named after a value, not after the section around it.
        let (mut path, mut leaf) = (child(&self.path, key), value);
        while let Value::Dict(_, inner) = leaf {
            let Some((key, value)) = inner.iter().next() else {
                break;
            };
            if self.reading.merged.layer(value.tag()) < Some(Layer::Environment) {
                break;
            }
            (path, leaf) = (child(&path, key), value);
        }
        let place = self.reading.merged.place(leaf.tag(), &path);
        let meant = match nearest(key, self.known.iter().copied()) {
            Some(near) => Some(child(&self.path, near)),
            None => Config::keys()
                .into_iter()
                .map(|leaf| leaf.path)
                .find(|path| path.rsplit('.').next() == Some(key)),
        };
        let message = match (meant, &place) {
            (Some(meant), Place::Variable(_)) => {
                format!("unknown; did you mean {}?", variable(&meant))
            }
            (Some(meant), _) => format!("unknown key; did you mean `{meant}`?"),
            (None, Place::Variable(_)) => format!(
                "unknown; `toy2mqtt schema config` lists what there is: {PREFIX}SECTION__KEY"
            ),
            (None, _) => format!("unknown key; there is {}", self.known.join(", ")),
        };
        self.reading.report(Problem::error(place, path, message));
    }
}
