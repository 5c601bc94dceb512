//! The web panel: REST with its OpenAPI document, server-sent events, health and metrics.
//!
//! What a button here does and what an MQTT topic does is the same request: payloads are read by
//! [`hass`](crate::hass), answered with the same results and the same error codes. Nothing in here
//! touches the engine. A request is put on the [`desk`], where the driver takes it, and what there
//! is to show comes back over the [`feed`]. Stops and quiet have a way of their own that has no
//! bound, so that no flood of other requests can delay them.
//!
//! - [`table`]: every operation, once. Routes ([`router`]) and the document ([`openapi`]) are both
//!   made from it, so they cannot differ.
//! - [`guard`]: who may do what. Pure.
//! - [`server`]: connections and their limits; [`places`]: how a stop gets one whatever is held.

mod api;
mod assets;
pub mod desk;
pub mod feed;
mod guard;
mod limiter;
mod log;
pub mod metrics;
mod openapi;
mod patient;
mod places;
mod refusal;
mod router;
mod schemas;
mod server;
mod session;
mod stream;
mod table;

pub use assets::total as asset_bytes;
pub use desk::{Desk, Handle};
pub use feed::Feed;
pub use log::Lines;
pub use openapi::document;
pub use router::{Doctor, Parts};
pub use server::{Options, Server, StartError};
