//! What a section of the settings is: one definition from which its reading, its defaults, its
//! documentation and its JSON form all follow, so that they cannot differ.

use serde_json::{Map, Value as Json};

use super::kind::Kind;
use super::layers::child;
use super::reading::{Reading, Reported, Slot};
use super::table::Table;

/// The type of a setting.
pub(super) trait Setting: Sized {
    /// What may be written.
    fn kind() -> Kind;

    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read; by then that has been reported to the slot.
    fn read(slot: &Slot<'_>) -> Result<Self, Reported>;

    /// As it would be written; null if it is not set. Never a secret.
    fn show(&self) -> Json;
}

/// A table of settings.
pub(super) trait Section: Sized {
    /// What it is about.
    const ABOUT: &'static str;

    /// Its keys, in the order in which they are documented.
    fn fields() -> Vec<Field>;

    /// Reads it; `None` if something that has to be there is not, which has been reported.
    fn read(table: &mut Table<'_>) -> Option<Self>;

    /// As it would be written, without what is not set and without secrets.
    fn show(&self) -> Map<String, Json>;
}

/// A section, or a list of sections, within another.
pub(super) trait Nested: Sized {
    /// What may be written.
    fn shape() -> Shape;

    /// Reads it.
    fn read(slot: &Slot<'_>) -> Option<Self>;

    /// What holds when nobody has written it.
    fn absent(reading: &Reading<'_>, path: String) -> Option<Self>;

    /// As it would be written.
    fn show(&self) -> Json;
}

/// One key of a section.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What it means, in Markdown.
    pub doc: &'static str,
    /// What may be written.
    pub shape: Shape,
    /// Whether it has to be there.
    pub required: bool,
    /// What holds without it; null for nothing.
    pub default: Json,
    /// An example, as TOML.
    pub example: Option<&'static str>,
}

/// What may stand under a key.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A value.
    Value(Kind),
    /// A table with these keys.
    Section(&'static str, Vec<Field>),
    /// Any number of tables with these keys.
    List(&'static str, Vec<Field>),
}

impl<T: Section> Nested for T {
    fn shape() -> Shape {
        Shape::Section(T::ABOUT, T::fields())
    }

    fn read(slot: &Slot<'_>) -> Option<Self> {
        let mut table = Table::of(slot).ok()?;
        let section = <T as Section>::read(&mut table);
        table.finish();
        section
    }

    fn absent(reading: &Reading<'_>, path: String) -> Option<Self> {
        <T as Section>::read(&mut Table::absent(reading, path))
    }

    fn show(&self) -> Json {
        Section::show(self).into()
    }
}

impl<T: Section> Nested for Vec<T> {
    fn shape() -> Shape {
        Shape::List(T::ABOUT, T::fields())
    }

    fn read(slot: &Slot<'_>) -> Option<Self> {
        let entries = slot.entries().ok()?;
        let read: Vec<Option<T>> = entries.iter().map(<T as Nested>::read).collect();
        if read.iter().any(Option::is_none) {
            slot.mark_incomplete();
        }
        Some(read.into_iter().flatten().collect())
    }

    fn absent(_reading: &Reading<'_>, _path: String) -> Option<Self> {
        Some(Self::new())
    }

    fn show(&self) -> Json {
        self.iter().map(Nested::show).collect()
    }
}

/// A key that holds a value, wherever it stands.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Its path, with `[]` for each list: `lovense_lan[].host`.
    pub path: String,
    /// The key.
    pub field: Field,
    /// What may be written.
    pub kind: Kind,
}

/// Every key of a section and of those within it.
pub(super) fn leaves<T: Section>() -> Vec<Leaf> {
    let mut all = Vec::new();
    walk("", T::fields(), &mut all);
    all
}

fn walk(prefix: &str, fields: Vec<Field>, into: &mut Vec<Leaf>) {
    for field in fields {
        let path = child(prefix, field.name);
        match field.shape.clone() {
            Shape::Value(kind) => into.push(Leaf { path, field, kind }),
            Shape::Section(_, fields) => walk(&path, fields, into),
            Shape::List(_, fields) => walk(&format!("{path}[]"), fields, into),
        }
    }
}

/// Defines a section. A key is written
/// `pub key: Type = default => "example",` with the example as TOML and optional;
/// `pub key: Type => "example",` if it has to be there;
/// `pub key: Type,` if it is a section or a list of sections.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                pub $key:ident : $type:ty $(= $default:expr)? $(=> $example:literal)?,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $key: $type,)+
        }

        impl $crate::config::section::Section for $name {
            const ABOUT: &'static str = concat!($($about, "\n"),+);

            fn fields() -> Vec<$crate::config::section::Field> {
                vec![$($crate::config::section::section!(
                    @field $key $type [$($default)?] [$($example)?] concat!($($doc, "\n"),+)
                )),+]
            }

            fn read(table: &mut $crate::config::table::Table<'_>) -> Option<Self> {
                // Every key is read before any missing one ends it: all problems are to be found.
                $(let $key = $crate::config::section::section!(
                    @read table $key [$($default)?] [$($example)?]
                );)+
                Some(Self { $($key: $key?),+ })
            }

            fn show(&self) -> serde_json::Map<String, serde_json::Value> {
                let mut map = serde_json::Map::new();
                $(
                    let value = $crate::config::section::section!(
                        @show (&self.$key) [$($default)?] [$($example)?]
                    );
                    if !value.is_null() {
                        map.insert(stringify!($key).to_owned(), value);
                    }
                )+
                map
            }
        }
    };

    (@field $key:ident $type:ty [] [] $doc:expr) => {
        $crate::config::section::Field {
            name: stringify!($key),
            doc: $doc,
            shape: <$type as $crate::config::section::Nested>::shape(),
            required: false,
            default: serde_json::Value::Null,
            example: None,
        }
    };
    (@field $key:ident $type:ty [] [$example:literal] $doc:expr) => {
        $crate::config::section::Field {
            name: stringify!($key),
            doc: $doc,
            shape: $crate::config::section::Shape::Value(
                <$type as $crate::config::section::Setting>::kind(),
            ),
            required: true,
            default: serde_json::Value::Null,
            example: Some($example),
        }
    };
    (@field $key:ident $type:ty [$default:expr] [$($example:literal)?] $doc:expr) => {{
        let default: $type = $default;
        $crate::config::section::Field {
            name: stringify!($key),
            doc: $doc,
            shape: $crate::config::section::Shape::Value(
                <$type as $crate::config::section::Setting>::kind(),
            ),
            required: false,
            default: $crate::config::section::Setting::show(&default),
            example: [$($example)?].first().copied(),
        }
    }};

    (@read $table:ident $key:ident [] []) => { $table.nested(stringify!($key)) };
    (@read $table:ident $key:ident [] [$example:literal]) => { $table.required(stringify!($key)) };
    (@read $table:ident $key:ident [$default:expr] [$($example:literal)?]) => {
        $table.optional(stringify!($key), $default)
    };

    (@show ($value:expr) [] []) => { $crate::config::section::Nested::show($value) };
    (@show ($value:expr) [$($default:expr)?] [$($example:literal)?]) => {
        $crate::config::section::Setting::show($value)
    };
}

pub(super) use section;
