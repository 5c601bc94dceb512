//! The broker: connection, what is published, topics.
//!
//! [`topics`] knows what the topics are called, [`outbox`] what is to be retained at the broker;
//! neither does IO. [`session`] keeps the connections up, and is the only file that knows the MQTT
//! library.

pub mod guide;
pub mod outbox;
pub mod publisher;
pub mod reference;
pub mod session;
pub mod tls;
pub mod topics;
mod twice;

pub use guide::{Access, Guide};
pub use outbox::Rank;
pub use publisher::Publisher;
pub use session::{Checker, Event, Message, Options, Session, Verdict};
pub use topics::{BadBase, Incoming, Topics, UnknownTopic};
