//! How a change goes on in time: `transition`, `for`, `repeat`, `pause`.

use std::time::Duration;

use super::fields::{Fields, count, duration};
use super::invalid;
use crate::domain::{Rejection, SetCommand};

/// The longest time that a request may take: 24 h.
pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The most repetitions.
pub const MAX_REPEAT: u32 = 10_000;

/// The keys read here.
pub(super) const KEYS: [&str; 4] = ["transition", "for", "repeat", "pause"];

/// Reads the keys of timing into a command that does nothing else yet.
pub(super) fn read(fields: &mut Fields) -> Result<SetCommand, Rejection> {
    let command = SetCommand {
        transition: fields.read("transition", duration)?,
        hold: fields.read("for", duration)?,
        repeat: fields.read("repeat", count(MAX_REPEAT))?,
        pause: fields.read("pause", duration)?,
        ..SetCommand::default()
    };
    check(&command)?;
    Ok(command)
}

fn check(command: &SetCommand) -> Result<(), Rejection> {
    let Some(hold) = command.hold else {
        return if command.repeat.is_some() {
            Err(invalid("repeat", "needs \"for\""))
        } else if command.pause.is_some() {
            Err(invalid("pause", "needs \"for\" and \"repeat\""))
        } else {
            Ok(())
        };
    };
    if hold.is_zero() {
        return Err(invalid("for", "must be longer than 0"));
    }
    let Some(repeat) = command.repeat else {
        return if command.pause.is_some() {
            Err(invalid("pause", "needs \"repeat\""))
        } else {
            Ok(())
        };
    };
    // At most 10,000 times 48 h: far from any overflow.
    let total = (hold + command.pause.unwrap_or_default()) * repeat;
    if total > MAX_TIME {
        let most = humantime::format_duration(MAX_TIME);
        let rule = format!("all repetitions together must take at most {most}");
        return Err(invalid("repeat", rule));
    }
    Ok(())
}
