//! Discovery.
mod slug;
