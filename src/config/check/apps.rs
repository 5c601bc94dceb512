//! The phone apps.

use super::Checks;
use crate::config::sections::LovenseLan;
use crate::config::types::{Scheme, Trust};

impl Checks<'_> {
    /// Checks them.
    pub(super) fn apps(&self, apps: &[LovenseLan]) {
        if !self.reading.is_complete("lovense_lan") {
            return;
        }
        for (index, app) in apps.iter().enumerate() {
            let key = |name: &str| format!("lovense_lan[{index}].{name}");
            if apps[..index]
                .iter()
                .any(|other| (&other.host, other.port) == (&app.host, app.port))
            {
                self.error(&key("host"), "is listed twice: remove one of the two");
            }
            match (app.scheme, app.trust) {
                (Scheme::Http, Trust::Pin) => {
                    self.error(&key("trust"), "needs scheme = \"https\"");
                }
                (Scheme::Http, _) if self.is_set(&key("trust")) => {
                    self.warn(&key("trust"), "has no effect without scheme = \"https\"");
                }
                (Scheme::Https, Trust::Insecure) => {
                    let message = "any certificate is accepted: prefer \"pin\"";
                    self.warn(&key("trust"), message);
                }
                _ => {}
            }
            if !app.pins.is_empty() && app.trust != Trust::Pin {
                self.warn(&key("pins"), "have no effect without trust = \"pin\"");
            }
            if app.events_port.is_some() && !app.events {
                self.warn(&key("events_port"), "has no effect with events = false");
            }
            match app.lease.duration() {
                None => {
                    let message = "a toy runs on if the bridge is killed or loses the app";
                    self.warn(&key("lease"), message);
                }
                Some(lease) if app.pace.get() > lease / 2 => {
                    let message = "is over half of the lease, which could not be renewed in time";
                    self.error(&key("pace"), message);
                }
                Some(_) => {}
            }
        }
    }
}
