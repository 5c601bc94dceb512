//! The broker: connection, what is published, topics.
