//! The words of the Lovense Standard API: requests, answers, and how an operation becomes
//! requests. Pure: no IO, and nothing an app may answer makes it panic.
//!
//! Source: Lovense Standard API, "by local application" and "by server": both take the same
//! command bodies.

mod answer;
mod request;
mod toys;
mod translate;

pub use answer::{Answer, Complaint, MAX_ANSWER, NotAnAnswer, parse_answer, parse_envelope};
pub use request::{AppToyId, NotAToyAddress, PRESETS, Request, Seconds};
#[cfg(test)]
pub(super) use toys::any_json;
pub use toys::{AppInfo, BadEntry, ListedToy, ToyList, hardware_id, parse_toys};
pub(super) use toys::{flag, number, percent};
pub use translate::{MAX_PATTERN_STRENGTHS, requests, stop_of_all};
