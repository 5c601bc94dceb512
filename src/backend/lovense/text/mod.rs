//! The text protocol that Lovense toys speak themselves, over Bluetooth and over device websockets:
//! ASCII commands and answers that end in `;`.
//!
//! [`TextCommand`] is what can be said, [`Answer`] what comes back, [`Lines`] puts answers together
//! from whatever pieces they arrive in, and [`Translator`] makes commands of an operation, for the
//! model at hand. A [`Greeting`] finds out what the toy is, a [`Session`] is the conversation that
//! follows, with its pace and its stops. All of it is pure, and nothing that a toy may answer makes
//! it panic.
//!
//! Sources: the protocol notes of the Buttplug project ("Lovense" in docs.buttplug.io) and its
//! device configuration; nothing here was tried on the vendor's own programs.

mod answer;
mod command;
mod greeting;
mod lines;
mod session;
mod translate;

pub use answer::{Answer, DeviceType, Question};
pub use command::TextCommand;
pub use greeting::{Courtesy, Greeting, Proof};
pub use lines::Lines;
pub use session::{Manners, Session, Step};
pub use translate::{Line, Translator};
