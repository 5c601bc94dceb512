//! Toys over Bluetooth LE, without an app in between. So far it looks and does not touch.
//!
//! [`advert`] judges whether an advertisement is a toy's: pure, no IO. [`survey()`] looks once what is
//! there: adapters, and toys that advertise. It connects to nothing and changes nothing. [`fault`]
//! says what stands in the way. The Bluetooth library is known to `survey.rs` alone.

pub mod advert;
mod fault;
mod survey;

pub use fault::SurveyError;
pub use survey::{Radio, Survey, survey};
