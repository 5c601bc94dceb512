//! What a simulated toy can be told to do, in the words of the Lovense Standard API.

use std::fmt;

/// One thing that a toy moves or sets by itself: a motor, a pump, the shape of its travel.
///
/// `Stroke` of the API is a range and therefore two of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// The only vibrator of a toy, 0–20.
    Vibrate,
    /// The first of several vibrators, 0–20.
    Vibrate1,
    /// The second of several vibrators, 0–20.
    Vibrate2,
    /// The third of several vibrators, 0–20.
    Vibrate3,
    /// Rotation, 0–20; its direction cannot be set over the LAN.
    Rotate,
    /// Air pump, 0–3.
    Pump,
    /// Thrusting, 0–20.
    Thrusting,
    /// Fingering, 0–20.
    Fingering,
    /// Suction, 0–20.
    Suction,
    /// How far each thrust travels, 0–3.
    Depth,
    /// The near end of a stroke, 0–100.
    StrokeMin,
    /// The far end of a stroke, 0–100.
    StrokeMax,
    /// Oscillation, 0–20.
    Oscillate,
    /// Where the toy is, 0–100.
    Position,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 14] = [
        Self::Vibrate,
        Self::Vibrate1,
        Self::Vibrate2,
        Self::Vibrate3,
        Self::Rotate,
        Self::Pump,
        Self::Thrusting,
        Self::Fingering,
        Self::Suction,
        Self::Depth,
        Self::StrokeMin,
        Self::StrokeMax,
        Self::Oscillate,
        Self::Position,
    ];

    /// Its highest level (Lovense Standard API, Function Request).
    #[must_use]
    pub const fn max(self) -> u16 {
        match self {
            Self::Pump | Self::Depth => 3,
            Self::StrokeMin | Self::StrokeMax | Self::Position => 100,
            _ => 20,
        }
    }

    /// Whether a level above 0 makes the toy do something by itself, as against shaping what
    /// something else does.
    #[must_use]
    pub const fn moves(self) -> bool {
        !matches!(
            self,
            Self::Depth | Self::StrokeMin | Self::StrokeMax | Self::Position
        )
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vibrate => "Vibrate",
            Self::Vibrate1 => "Vibrate1",
            Self::Vibrate2 => "Vibrate2",
            Self::Vibrate3 => "Vibrate3",
            Self::Rotate => "Rotate",
            Self::Pump => "Pump",
            Self::Thrusting => "Thrusting",
            Self::Fingering => "Fingering",
            Self::Suction => "Suction",
            Self::Depth => "Depth",
            Self::StrokeMin => "StrokeMin",
            Self::StrokeMax => "StrokeMax",
            Self::Oscillate => "Oscillate",
            Self::Position => "Position",
        }
    }

    /// Whether it is a vibrator.
    #[must_use]
    pub const fn vibrates(self) -> bool {
        matches!(
            self,
            Self::Vibrate | Self::Vibrate1 | Self::Vibrate2 | Self::Vibrate3
        )
    }

    /// `share` of `whole`, of this function's range; above 0 never becomes 0.
    pub(crate) fn scaled(self, share: u16, whole: u16) -> u16 {
        let (share, whole) = (u32::from(share.min(whole)), u32::from(whole.max(1)));
        let level = (share * u32::from(self.max()) + whole / 2) / whole;
        // The quotient is at most `max`.
        level.max(u32::from(share > 0)) as u16
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_keeps_the_ends_and_never_loses_a_little() {
        for function in Function::ALL {
            assert_eq!(function.scaled(0, 20), 0);
            assert_eq!(function.scaled(20, 20), function.max());
            assert_eq!(function.scaled(99, 20), function.max());
            assert!(function.scaled(1, 20) >= 1);
        }
        assert_eq!(Function::Pump.scaled(10, 20), 2);
    }
}
