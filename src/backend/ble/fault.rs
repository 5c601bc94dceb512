//! Why Bluetooth cannot be used, by the hop that fails, and what helps.

use std::error::Error;

/// What the Bluetooth library says.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// The hop that fails on the way to a toy.
#[derive(Debug, thiserror::Error)]
pub enum RadioError {
    /// Nobody listens at the socket of the system bus, or there is none.
    #[error("the D-Bus system bus cannot be reached: {0}")]
    NoBus(#[source] Cause),
    /// The bus is there, but its socket or its policy keeps us out.
    #[error("D-Bus does not let this user talk to Bluetooth: {0}")]
    NotAllowed(#[source] Cause),
    /// The bus does not know `org.bluez`, and cannot start it.
    #[error("the Bluetooth service, bluetoothd, is not running: {0}")]
    NoService(#[source] Cause),
    /// The service knows no adapter, or none that it describes completely.
    #[error("there is no Bluetooth adapter")]
    NoAdapter,
    /// All adapters are off; which.
    #[error("Bluetooth is switched off ({0})")]
    PoweredOff(String),
    /// The adapter in the settings is not there; which.
    #[error("there is no Bluetooth adapter {0}")]
    NoSuchAdapter(String),
    /// The device has nothing that a toy could be spoken to by.
    #[error("the device is no toy: it has nothing to be spoken to by")]
    NoPort,
    /// The toy let itself be connected to and nothing more.
    #[error("the toy does not tell what it can do")]
    NoServices,
    /// The toy does not answer a connection.
    #[error("the toy does not answer")]
    NoToy,
    /// A hop is there, but says nothing; which.
    #[error("{0} does not answer in time")]
    Silent(&'static str),
    /// Anything else.
    #[error("bluetoothd refuses: {0}")]
    Refused(#[source] Cause),
}

impl RadioError {
    /// What the user can do, in one sentence.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::NoBus(_) => {
                "in a container mount the host's /run/dbus, read-only; elsewhere install and start \
                 D-Bus, or set DBUS_SYSTEM_BUS_ADDRESS if its socket is in another place"
            }
            Self::NotAllowed(_) => {
                "run as root or as a member of the group bluetooth; a container under AppArmor needs \
                 a profile that allows D-Bus, e.g. security_opt: apparmor:unconfined"
            }
            Self::NoService(_) => {
                "install BlueZ (package bluez) and start it: sudo systemctl enable --now bluetooth"
            }
            Self::NoAdapter => {
                "plug in a Bluetooth adapter; a virtual machine has to be given it; `bluetoothctl \
                 list` shows what the system sees"
            }
            Self::NoSuchAdapter(_) => {
                "`bluetoothctl list` shows what the system sees; without ble.adapter the first one \
                 that is on is used"
            }
            Self::NoServices | Self::NoToy => {
                "bring it nearer, switch it off and on, and close every app that may hold it"
            }
            Self::NoPort => "put its address into ble.deny",
            Self::PoweredOff(_) => {
                "switch it on: bluetoothctl power on; if that fails: sudo rfkill unblock bluetooth"
            }
            Self::Silent(_) | Self::Refused(_) => {
                "restart Bluetooth, sudo systemctl restart bluetooth, and look at its log, \
                 journalctl -u bluetooth"
            }
        }
    }

    /// Whether no toy can be connected any more.
    pub(super) const fn is_the_end(&self) -> bool {
        matches!(
            self,
            Self::NoBus(_) | Self::NoService(_) | Self::NoAdapter | Self::PoweredOff(_)
        )
    }

    /// Sorts by D-Bus's name of the error, e.g. `org.bluez.Error.NotReady`.
    pub(super) fn named(name: &str, cause: Cause) -> Self {
        const STANDARD: &str = "org.freedesktop.DBus.Error.";
        match name.strip_prefix(STANDARD).unwrap_or(name) {
            "FileNotFound" | "NoServer" | "BadAddress" | "NoNetwork" | "Disconnected" => {
                Self::NoBus(cause)
            }
            // What the library says once the bus has closed the connection.
            "Failed" if cause.to_string().contains("Failed to send message") => Self::NoBus(cause),
            "AccessDenied" | "AuthFailed" | "InteractiveAuthorizationRequired" => {
                Self::NotAllowed(cause)
            }
            "ServiceUnknown" | "NameHasNoOwner" => Self::NoService(cause),
            // The bus tried to start it.
            name if name.starts_with("Spawn.") || name.starts_with("org.freedesktop.systemd1.") => {
                Self::NoService(cause)
            }
            "NoReply" | "Timeout" | "TimedOut" => Self::Silent("bluetoothd"),
            // It went off after it was asked.
            "org.bluez.Error.NotReady" => Self::PoweredOff("the adapter is not ready".to_owned()),
            _ => Self::Refused(cause),
        }
    }
}

/// The text without Bluetooth addresses, which D-Bus likes to name: `dev_F0_82_C0_02_46_FA`. What
/// fails is told to people, in the log too, and whose toy it is is nobody's business.
pub(super) fn without_addresses(text: &str) -> String {
    /// Six pairs of digits and what stands between them.
    const LENGTH: usize = 17;
    let is_address = |part: &[u8]| {
        let fits = |(at, byte): (usize, &u8)| match at % 3 {
            2 => b":_-".contains(byte),
            _ => byte.is_ascii_hexdigit(),
        };
        part.len() == LENGTH && part.iter().enumerate().all(fits)
    };
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if rest.as_bytes().get(..LENGTH).is_some_and(is_address) {
            kept.push('…');
            // All of it was ASCII.
            rest = &rest[LENGTH..];
        } else {
            kept.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_name_is_a_hop() {
        for (name, says) in [
            (
                "org.freedesktop.DBus.Error.FileNotFound",
                "cannot be reached",
            ),
            ("org.freedesktop.DBus.Error.NoServer", "cannot be reached"),
            ("org.freedesktop.DBus.Error.AccessDenied", "does not let"),
            ("org.freedesktop.DBus.Error.ServiceUnknown", "not running"),
            ("org.freedesktop.DBus.Error.Spawn.ExecFailed", "not running"),
            ("org.freedesktop.systemd1.NoSuchUnit", "not running"),
            ("org.freedesktop.DBus.Error.NoReply", "does not answer"),
            ("org.bluez.Error.NotReady", "switched off"),
            ("org.bluez.Error.Failed", "refuses: why"),
        ] {
            let error = RadioError::named(name, "why".into());
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
    }

    #[test]
    fn addresses_are_left_out() {
        let text = "no /org/bluez/hci0/dev_F0_82_C0_02_46_FA/service0010, f0:82:c0:02:46:fa";
        let kept = "no /org/bluez/hci0/dev_…/service0010, …";
        assert_eq!(without_addresses(text), kept);
        assert_eq!(
            without_addresses("ä 12:34 F0:82:C0:02:46"),
            "ä 12:34 F0:82:C0:02:46"
        );
    }

    proptest! {
        #[test]
        fn any_text_survives(text in ".{0,60}") {
            prop_assert!(without_addresses(&text).chars().count() <= text.chars().count());
        }

        #[test]
        fn any_name_is_sorted_and_has_a_cure(name in ".*", text in ".*") {
            let error = RadioError::named(&name, text.clone().into());
            prop_assert!(!error.cure().is_empty());
            if let RadioError::Refused(_) = error {
                prop_assert!(error.to_string().ends_with(&text));
            }
        }
    }
}
