//! Toys over Bluetooth LE, without an app in between.
//!
//! [`advert`] judges whether an advertisement is a toy's, [`gatt`] which of its characteristics to
//! use, [`roster`] which toys are ours and when to listen for them: pure, no IO. [`addresses`] keeps which
//! toy is behind which address on air. `radio` is the
//! Bluetooth library and nothing else. On top of it stand two kinds of links, which the supervisor
//! keeps up: `scanner` listens and opens a `toy` for every one that it is to have; a toy connects,
//! proves that it is one and is talked to. [`survey()`] looks once what is there, for `doctor`.
//! [`fault`] says what stands in the way.
//!
//! What a toy says and is told is the text protocol in
//! [`lovense::text`](crate::backend::lovense::text).

pub mod addresses;
pub mod advert;
mod fault;
pub mod gatt;
mod options;
mod radio;
pub mod roster;
mod scanner;
mod survey;
mod toy;
mod wires;

pub use fault::RadioError;
pub use options::{Options, RECONNECT, ScanPolicy};
pub use radio::Radio;
pub use scanner::Ble;
pub use survey::{Survey, survey};
