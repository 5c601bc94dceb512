//! What Home Assistant is told, and what it tells: payloads there and back.

mod any_command;
mod attribute;
mod command;
mod discovery;
mod off;
mod request;
mod state;
mod structure;
mod toys;
