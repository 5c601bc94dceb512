//! The reference of all topics: data, and the page `docs/mqtt.md` made from it.

mod page;
mod tables;

pub use page::markdown;
pub use tables::{KEYS, REQUESTS, TOPICS};

/// Which way messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The bridge publishes them.
    Out,
    /// The bridge obeys them.
    In,
    /// The bridge publishes them, to itself.
    Both,
}

/// What a topic is about; a section of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What a toy tells.
    ToySays,
    /// What toys are told.
    ToyHears,
    /// What the bridge tells.
    BridgeSays,
    /// What the bridge is told.
    BridgeHears,
    /// Topics of Home Assistant.
    HomeAssistant,
}

/// A topic.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// Its section.
    pub about: About,
    /// With placeholders such as `<base>` and `<toy>`.
    pub topic: &'static str,
    /// Which way.
    pub direction: Direction,
    /// Whether the bridge retains it. Commands never are to be.
    pub retained: bool,
    /// The QoS with which the bridge publishes or subscribes.
    pub qos: u8,
    /// What is in it.
    pub payload: &'static str,
    /// A payload.
    pub example: &'static str,
}

/// A key of the JSON on `<base>/<toy>/set`.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What it does.
    pub does: &'static str,
}

/// A verb of `<base>/bridge/request/<verb>`.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The verb.
    pub verb: &'static str,
    /// The keys that it takes besides `transaction`.
    pub takes: &'static str,
    /// What it does, and what `data` of the response has.
    pub does: &'static str,
    /// A payload.
    pub example: &'static str,
}

#[cfg(test)]
mod tests;
