//! The port for toys that connect by themselves.

use super::{Checks, MIN_TOKEN};
use crate::config::sections::Wsdm;

impl Checks<'_> {
    /// Checks it, and reads the token from its file.
    pub(super) fn wsdm(&self, wsdm: &mut Wsdm) {
        self.secret("wsdm.token", &mut wsdm.token, &mut wsdm.token_file);
        let key = if wsdm.token_file.is_some() {
            "wsdm.token_file"
        } else {
            "wsdm.token"
        };
        if let Some(token) = &wsdm.token {
            let token = token.reveal();
            if token.chars().count() < MIN_TOKEN {
                let message = format!("is too short: at least {MIN_TOKEN} characters");
                self.error(key, message);
            }
            // It is part of a URL (RFC 3986 §2.3).
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            if !token.chars().all(plain) {
                self.error(key, "may only have letters, digits and - . _ ~");
            }
        }
        if !wsdm.enabled {
            for key in ["listen", "token", "token_file", "pace", "battery"] {
                let key = format!("wsdm.{key}");
                if self.is_set(&key) {
                    self.warn(&key, "has no effect without wsdm.enabled = true");
                }
            }
        } else if !wsdm.listen.is_local() && wsdm.token.is_none() {
            let message = "anybody in the network could connect: set wsdm.token as well";
            self.error("wsdm.listen", message);
        }
    }
}
