//! What can be said to a toy.

/// The end of every command and answer.
const END: u8 = b';';

/// The travel of a stroke that `Mply:speed:20;` asks for: all of it.
const WHOLE_TRAVEL: u8 = 20;

/// A command of the text protocol.
///
/// Settings are answered with `OK;`, or `ERR;` by a toy that cannot do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextCommand {
    /// `DeviceType;`: which model, which firmware, which address.
    DeviceType,
    /// `Battery;`: its charge.
    Battery,
    /// `GetAS;`: whether it stops by itself when it is disconnected.
    AutoStop,
    /// `AutoSwith:On:Off;`, spelled like this: stop when disconnected, and do not start again when
    /// connected.
    SetAutoStop,
    /// `Vibrate:n;`: the only motor, or all vibrators at once; 0–20.
    Vibrate(u8),
    /// `Vibrate2:n;`: one of several motors, from 1 on; 0–20.
    VibrateOne(u8, u8),
    /// `Mply:a:b:c;`: several motors at once; 0–20 each.
    Together(Vec<u8>),
    /// `Mply:n:20;`: the speed of a stroker over its whole travel, 0–20. 0 ends it.
    Stroke(u8),
    /// `LVS:` and three bytes: speed, near end and far end of a stroke; 0–20 each.
    StrokeWithin(u8, u8, u8),
    /// `FSetSite:n;`: where a stroker is to be, 0–100.
    Place(u8),
    /// `Rotate:n;`: the speed of a rotation, 0–20.
    Rotate(u8),
    /// `RotateChange;`: turn the other way from now on.
    TurnRound,
    /// `Air:Level:n;`: how tight an air pump holds, 0–3.
    Air(u8),
}

impl TextCommand {
    /// As it is sent, with its end. At most 20 bytes, which is what the oldest toys take at once.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let text = match self {
            Self::DeviceType => "DeviceType".to_owned(),
            Self::Battery => "Battery".to_owned(),
            Self::AutoStop => "GetAS".to_owned(),
            Self::SetAutoStop => "AutoSwith:On:Off".to_owned(),
            Self::Vibrate(n) => format!("Vibrate:{n}"),
            Self::VibrateOne(motor, n) => format!("Vibrate{motor}:{n}"),
            Self::Together(levels) => levels
                .iter()
                .fold("Mply".to_owned(), |text, n| format!("{text}:{n}")),
            Self::Stroke(0) => "Mply:0:0".to_owned(),
            Self::Stroke(n) => format!("Mply:{n}:{WHOLE_TRAVEL}"),
            Self::StrokeWithin(speed, near, far) => {
                let mut bytes = b"LVS:".to_vec();
                bytes.extend([*speed, *near, *far, END]);
                return bytes;
            }
            Self::Place(n) => format!("FSetSite:{n}"),
            Self::Rotate(n) => format!("Rotate:{n}"),
            Self::TurnRound => "RotateChange".to_owned(),
            Self::Air(n) => format!("Air:Level:{n}"),
        };
        let mut bytes = text.into_bytes();
        bytes.push(END);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_as_it_is_sent() {
        use TextCommand::*;
        let table: &[(TextCommand, &[u8])] = &[
            (DeviceType, b"DeviceType;"),
            (Battery, b"Battery;"),
            (AutoStop, b"GetAS;"),
            (SetAutoStop, b"AutoSwith:On:Off;"),
            (Vibrate(0), b"Vibrate:0;"),
            (Vibrate(20), b"Vibrate:20;"),
            (VibrateOne(2, 7), b"Vibrate2:7;"),
            (Together(vec![20, 20, 20]), b"Mply:20:20:20;"),
            (Stroke(12), b"Mply:12:20;"),
            (Stroke(0), b"Mply:0:0;"),
            (StrokeWithin(9, 0, 20), b"LVS:\x09\x00\x14;"),
            (Place(100), b"FSetSite:100;"),
            (Rotate(3), b"Rotate:3;"),
            (TurnRound, b"RotateChange;"),
            (Air(3), b"Air:Level:3;"),
        ];
        for (command, bytes) in table {
            assert_eq!(command.bytes(), *bytes, "{command:?}");
            assert!(bytes.len() <= 20, "{command:?} is too long for old toys");
        }
    }
}
