//! Reconnecting, written once.
