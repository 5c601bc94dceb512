//! One pass over the merged settings, collecting every problem on the way.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use figment::value::Value;

use super::layers::{Layer, Merged, PREFIX, child};
use super::problem::{Place, Problem};

/// One pass over the settings.
pub(super) struct Reading<'a> {
    pub(super) merged: &'a Merged,
    problems: RefCell<Vec<Problem>>,
    /// Lists of which an entry could not be read, so that what is left does not say enough.
    incomplete: RefCell<BTreeSet<String>>,
}

/// The problem has been noted.
#[derive(Debug)]
pub(super) struct Reported;

impl<'a> Reading<'a> {
    pub(super) fn new(merged: &'a Merged, problems: Vec<Problem>) -> Self {
        Self {
            merged,
            problems: RefCell::new(problems),
            incomplete: RefCell::default(),
        }
    }

    /// Whether every entry of this list could be read.
    pub(super) fn is_complete(&self, list: &str) -> bool {
        !self.incomplete.borrow().contains(list)
    }

    /// Notes a problem.
    pub(super) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// All problems, in the order in which the settings are read.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// The value with this path.
    fn find(&self, path: &str) -> Option<&Value> {
        let dotted = path.replace('[', ".").replace(']', "");
        let mut parts = dotted.split('.');
        let first = self.merged.root.get(parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            Value::Dict(_, dict) => dict.get(part),
            Value::Array(_, items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Which layer set this key, if any.
    pub(super) fn layer_of(&self, path: &str) -> Option<Layer> {
        self.merged.layer(self.find(path)?.tag())
    }

    /// Where this key was set, or the nearest one around it.
    pub(super) fn place_of(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(value) = self.find(path) {
                return self.merged.place(value.tag(), path);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return Place::Settings,
            }
        }
    }
}

/// One value, with all that is needed to complain about it.
#[derive(Clone)]
pub(super) struct Slot<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) path: String,
    pub(super) value: &'a Value,
    /// Added to what would have been right.
    pub(super) hint: &'static str,
}

impl<'a> Slot<'a> {
    /// Notes that this value is wrong.
    pub(super) fn wrong(&self, message: impl AsRef<str>) -> Reported {
        let place = self.reading.merged.place(self.value.tag(), &self.path);
        let message = format!("{}{}", message.as_ref(), self.hint);
        self.reading
            .report(Problem::error(place, self.path.clone(), message));
        Reported
    }

    /// Notes that this value is of the wrong type. Says nothing of the value: it may be a secret in
    /// the wrong place.
    pub(super) fn expected(&self, what: &str) -> Reported {
        let found = match self.value {
            Value::String(..) | Value::Char(..) => "text",
            Value::Bool(..) => "true or false",
            Value::Num(..) => "a number",
            Value::Empty(..) => "a date",
            Value::Dict(..) => "a table",
            Value::Array(..) => "a list",
        };
        self.wrong(format!("expected {what}, found {found}"))
    }

    /// The same, where "off" would have been right as well.
    pub(super) fn or_off(&self) -> Self {
        Self {
            hint: ", or \"off\"",
            ..self.clone()
        }
    }

    /// Whether everything is text where this value comes from: numbers, too.
    pub(super) fn is_textual(&self) -> bool {
        let layer = self.reading.merged.layer(self.value.tag());
        matches!(layer, Some(Layer::Environment | Layer::Flags))
    }

    /// The folder of the file that holds the value.
    pub(super) fn folder(&self) -> Option<&'a Path> {
        self.reading.merged.folder(self.value.tag())
    }

    /// Remembers that entries of this list are left out.
    pub(super) fn mark_incomplete(&self) {
        let mut incomplete = self.reading.incomplete.borrow_mut();
        incomplete.insert(self.path.clone());
    }

    /// The entries of a list of tables.
    pub(super) fn entries(&self) -> Result<Vec<Self>, Reported> {
        let dict = match self.value {
            Value::Dict(_, dict) => dict,
            Value::Array(_, items) if items.is_empty() => return Ok(Vec::new()),
            _ => {
                self.mark_incomplete();
                let what = format!("tables, each under its own [[{}]]", self.path);
                return Err(self.expected(&what));
            }
        };
        let mut entries = Vec::new();
        for (key, value) in dict {
            let Ok(index) = key.parse::<usize>() else {
                self.mark_incomplete();
                let part = self.part(key, value);
                return Err(if part.is_textual() {
                    let example = variable(&format!("{}[0].{key}", self.path));
                    part.wrong(format!("there may be several, so say which: {example}"))
                } else {
                    self.wrong(format!(
                        "there may be several, so write [[{0}]] instead of [{0}]",
                        self.path
                    ))
                });
            };
            entries.push((index, self.part(key, value)));
        }
        entries.sort_by_key(|(index, _)| *index);
        for (expected, (index, slot)) in entries.iter().enumerate() {
            if *index != expected {
                self.mark_incomplete();
                return Err(slot.wrong(format!(
                    "there is no entry {expected}: entries are counted from 0 without gaps"
                )));
            }
        }
        Ok(entries.into_iter().map(|(_, slot)| slot).collect())
    }

    /// A part of this value.
    pub(super) fn part(&self, key: &str, value: &'a Value) -> Self {
        Self {
            reading: self.reading,
            path: child(&self.path, key),
            value,
            hint: "",
        }
    }
}

/// The variable that sets a key: `lovense_lan[0].host` is `TOY2MQTT_LOVENSE_LAN__0__HOST`.
pub(super) fn variable(path: &str) -> String {
    let parts = path.replace("[]", "[0]").replace('[', ".");
    let name = parts.replace(']', "").replace('.', "__");
    format!("{PREFIX}{}", name.to_uppercase())
}
