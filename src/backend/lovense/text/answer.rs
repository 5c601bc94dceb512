//! What a toy answers, and to which question.

/// What `DeviceType;` is answered with: `C:11:0082059AD3BD`, or by some toys of users' own
/// `C:0082059AD3BD:11`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceType {
    /// The letters of the model, in capitals.
    pub letters: String,
    /// Its firmware.
    pub firmware: u32,
    /// Its Bluetooth address as 12 lower-case hex digits: its hardware id.
    pub address: String,
}

/// An answer, read for what it can be. Which question it belongs to is up to [`Question::takes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `OK`: done.
    Done,
    /// `ERR`: cannot be done.
    Refused,
    /// `C:11:0082059AD3BD`
    Device(DeviceType),
    /// A number from 0 to 100 where a charge is expected: `85`, or `s85` from a toy that runs.
    Percent(u8),
    /// `AutoSwith:1:0`
    AutoStop {
        /// It stops when it is disconnected.
        stops: bool,
        /// It starts again when it is connected.
        starts_again: bool,
    },
    /// Anything else, e.g. what the toy tells by itself.
    Other,
}

/// What has been asked of a toy and not been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// A setting.
    Setting,
    /// `DeviceType;`
    DeviceType,
    /// `Battery;`
    Battery,
    /// `GetAS;`
    AutoStop,
}

impl Question {
    /// Whether this answers it. An `OK` that belongs to something else never does, unless a setting
    /// has been asked for; an `ERR` does whatever was asked.
    #[must_use]
    pub const fn takes(self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (_, Answer::Refused)
                | (Self::Setting, Answer::Done)
                | (Self::DeviceType, Answer::Device(_))
                | (Self::Battery, Answer::Percent(_))
                | (Self::AutoStop, Answer::AutoStop { .. })
        )
    }
}

impl Answer {
    /// Reads an answer without its end.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let line = line.trim();
        if line.eq_ignore_ascii_case("ok") {
            return Self::Done;
        }
        if line.eq_ignore_ascii_case("err") || line.eq_ignore_ascii_case("error") {
            return Self::Refused;
        }
        percent(line)
            .map(Self::Percent)
            .or_else(|| auto_stop(line))
            .or_else(|| device(line).map(Self::Device))
            .unwrap_or(Self::Other)
    }
}

/// `85`, `s85`; some toys say `Bat:88` or `soc075`.
fn percent(line: &str) -> Option<u8> {
    let prefixes = ["Bat:", "soc", "s", ""];
    let digits = prefixes.iter().find_map(|p| line.strip_prefix(p))?;
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let value = digits.parse().ok().filter(|_| plain)?;
    (value <= 100).then_some(value)
}

fn auto_stop(line: &str) -> Option<Answer> {
    // Toys spell it as their makers did; somebody may have noticed since.
    let rest = ["AutoSwith:", "AutoSwitch:"]
        .iter()
        .find_map(|p| line.strip_prefix(p))?;
    let (stops, starts_again) = rest.split_once(':')?;
    Some(Answer::AutoStop {
        stops: flag(stops)?,
        starts_again: flag(starts_again)?,
    })
}

fn flag(word: &str) -> Option<bool> {
    match word {
        "1" => Some(true),
        "0" => Some(false),
        _ if word.eq_ignore_ascii_case("on") => Some(true),
        _ if word.eq_ignore_ascii_case("off") => Some(false),
        _ => None,
    }
}

fn device(line: &str) -> Option<DeviceType> {
    let mut parts = line.split(':');
    let (letters, mut firmware, mut address) = (parts.next()?, parts.next()?, parts.next()?);
    let is_address =
        |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_address(firmware) {
        (firmware, address) = (address, firmware);
    }
    let lettered =
        (1..=4).contains(&letters.len()) && letters.bytes().all(|byte| byte.is_ascii_alphabetic());
    let addressed = is_address(address);
    let numbered =
        (1..=6).contains(&firmware.len()) && firmware.bytes().all(|byte| byte.is_ascii_digit());
    (lettered && addressed && numbered && parts.next().is_none())
        .then(|| DeviceType {
            letters: letters.to_ascii_uppercase(),
            // Six digits fit.
            firmware: firmware.parse().unwrap_or_default(),
            address: address.to_ascii_lowercase(),
        })
        // The maker's USB dongle speaks the protocol as well and is no toy.
        .filter(|device| device.letters != "D")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_answer() {
        let device = |letters: &str, firmware, address: &str| {
            Answer::Device(DeviceType {
                letters: letters.to_owned(),
                firmware,
                address: address.to_owned(),
            })
        };
        let auto = |stops, starts_again| Answer::AutoStop {
            stops,
            starts_again,
        };
        let table = [
            ("OK", Answer::Done),
            ("ok", Answer::Done),
            ("ERR", Answer::Refused),
            ("85", Answer::Percent(85)),
            ("s92", Answer::Percent(92)),
            ("Bat:88", Answer::Percent(88)),
            ("soc075", Answer::Percent(75)),
            ("100", Answer::Percent(100)),
            ("101", Answer::Other),
            ("-5", Answer::Other),
            ("+5", Answer::Other),
            ("s", Answer::Other),
            ("", Answer::Other),
            ("0085", Answer::Other),
            ("C:11:0082059AD3BD", device("C", 11, "0082059ad3bd")),
            ("Z:8A3D9FAC2A45:10", device("Z", 10, "8a3d9fac2a45")),
            ("C:0082059AD3BD:0082059AD3BD", Answer::Other),
            ("ei:03:0082059ad3bd", device("EI", 3, "0082059ad3bd")),
            ("D:107:0082059AD3BD", Answer::Other),
            ("C:11:0082059AD3B", Answer::Other),
            ("C:11:0082059AD3BD:1", Answer::Other),
            ("C::0082059AD3BD", Answer::Other),
            (":11:0082059AD3BD", Answer::Other),
            ("AutoSwith:1:0", auto(true, false)),
            ("AutoSwith:0:1", auto(false, true)),
            ("AutoSwitch:On:Off", auto(true, false)),
            ("AutoSwith:2:0", Answer::Other),
            ("P:01234", Answer::Other),
            ("GEF008312ED00", Answer::Other),
        ];
        for (line, answer) in table {
            assert_eq!(Answer::read(line), answer, "{line:?}");
        }
    }

    #[test]
    fn an_answer_belongs_to_what_was_asked() {
        let ok = Answer::read("OK");
        assert!(Question::Setting.takes(&ok));
        for other in [Question::Battery, Question::DeviceType, Question::AutoStop] {
            assert!(!other.takes(&ok), "{other:?}");
            assert!(other.takes(&Answer::Refused));
        }
        assert!(Question::Battery.takes(&Answer::read("s85")));
        assert!(!Question::Setting.takes(&Answer::read("85")));
    }

    proptest! {
        #[test]
        fn any_text_is_read(line in ".{0,80}") {
            if let Answer::Percent(percent) = Answer::read(&line) {
                prop_assert!(percent <= 100);
            }
        }

        #[test]
        fn what_looks_like_an_answer_is_read(
            line in "(OK|ERR|s|Bat:|soc|AutoSwith:|[A-Z]{0,5}:)?[0-9A-F]{0,13}(:[0-9A-Za-z]{0,13}){0,3}"
        ) {
            if let Answer::Device(device) = Answer::read(&line) {
                prop_assert_eq!(device.address.len(), 12);
                prop_assert!((1..=4).contains(&device.letters.len()));
            }
        }
    }
}
