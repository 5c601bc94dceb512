//! Toys that connect by themselves, over real websockets.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod life;
mod rig;
#[path = "../support/mod.rs"]
mod shared;
mod strangers;
mod visitors;
