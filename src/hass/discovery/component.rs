//! What every component has, and how it is put together.

use serde_json::{Map, Value, json};

use super::Context;
use super::slug::slug;

/// The device that components belong to.
pub(super) struct Device<'a> {
    pub(super) context: &'a Context<'a>,
    /// Its identifier; unique ids begin with it.
    id: String,
    /// What its entity ids begin with.
    slug: String,
}

impl<'a> Device<'a> {
    /// `fallback` stands for a name that has no letter an entity id could have.
    pub(super) fn new(context: &'a Context<'a>, id: String, name: &str, fallback: String) -> Self {
        let mut slug = slug(name);
        if slug.is_empty() {
            slug = fallback;
        }
        Self { context, id, slug }
    }

    /// With entity ids that begin with this.
    pub(super) fn called(self, slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            ..self
        }
    }

    /// An entity called by its own name, after that of the device; so is its entity id. Cores
    /// before 2025.10 make the same id of the name, without being told.
    pub(super) fn entity(&self, platform: &str, key: &str, name: &str) -> Component {
        let own = slug(name);
        let object = if own.is_empty() { key } else { &own };
        let object = format!("{}_{object}", self.slug);
        self.named(platform, key, name.into(), &object)
    }

    /// The main entity: it is called as the device is.
    pub(super) fn main_entity(&self, platform: &str, key: &str) -> Component {
        self.named(platform, key, Value::Null, &self.slug)
    }

    fn named(&self, platform: &str, key: &str, name: Value, object: &str) -> Component {
        self.component(platform, key)
            .with("unique_id", format!("{}_{key}", self.id))
            .with("default_entity_id", format!("{platform}.{object}"))
            .with("name", name)
    }

    /// A component that is no entity.
    pub(super) fn component(&self, platform: &str, key: &str) -> Component {
        let component = Component {
            key: key.to_owned(),
            config: Map::new(),
        };
        component.with("platform", platform).with("qos", 1)
    }

    /// An icon, unless it would tell what the device is.
    pub(super) fn telling_icon(&self, icon: &'static str) -> Option<&'static str> {
        (!self.context.privacy.is_discreet()).then_some(icon)
    }
}

/// An entity or a trigger.
pub(super) struct Component {
    key: String,
    config: Map<String, Value>,
}

impl Component {
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.config.insert(key.to_owned(), value.into());
        self
    }

    /// With a key, if there is something to say.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn icon(self, icon: &str) -> Self {
        self.with("icon", icon)
    }

    /// Shown under "Diagnostic".
    pub(super) fn diagnostic(self) -> Self {
        self.with("entity_category", "diagnostic")
    }

    /// Shown under "Configuration".
    pub(super) fn config(self) -> Self {
        self.with("entity_category", "config")
    }

    /// Available as long as the bridge is, whether or not the toy is there.
    pub(super) fn with_the_bridge(self, context: &Context<'_>) -> Self {
        self.with("availability", json!([context.bridge_availability()]))
    }

    /// Shows what is under `key` in the JSON of a state topic.
    pub(super) fn shows(self, topic: String, key: &str) -> Self {
        self.with("state_topic", topic)
            .with("value_template", value_of(key))
    }

    /// Shows the text under `key`, as far as a state of Home Assistant can hold it: of a longer
    /// one it logs a complaint.
    pub(super) fn tells(self, topic: String, key: &str) -> Self {
        let template = format!("{{{{ (value_json.get('{key}') or 'None')[:255] }}}}");
        self.with("state_topic", topic)
            .with("value_template", template)
    }

    pub(super) fn entry(self) -> (String, Value) {
        (self.key, Value::Object(self.config))
    }
}

/// The template of what is under `key`. A missing key is shown as unknown; `value_json.key` would
/// log a warning.
pub(super) fn value_of(key: &str) -> String {
    format!("{{{{ value_json.get('{key}') }}}}")
}

/// A template that lets events of these types through, and nothing else: a type that an entity has
/// not announced is logged.
pub(super) fn only(event_types: &[&str]) -> String {
    let list: Vec<_> = event_types.iter().map(|t| format!("'{t}'")).collect();
    let list = list.join(", ");
    format!("{{{{ value if value_json.get('event_type') in [{list}] else '' }}}}")
}
