//! The panel.

use super::{Checks, MIN_TOKEN};
use crate::config::sections::Web;
use crate::config::types::OrOff;

impl Checks<'_> {
    /// Checks it, and reads the token from its file.
    pub(super) fn web(&self, web: &mut Web) {
        self.secret("web.token", &mut web.token, &mut web.token_file);
        let key = if web.token_file.is_some() {
            "web.token_file"
        } else {
            "web.token"
        };
        if let Some(token) = &web.token {
            let token = token.reveal();
            if token.chars().count() < MIN_TOKEN {
                let message = format!("is too short: at least {MIN_TOKEN} characters");
                self.error(key, message);
            }
            // It travels in a header (RFC 9110 §5.5).
            if !token.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
                self.error(key, "may only have printable ASCII characters");
            }
        }
        let OrOff::On(listen) = web.listen else {
            return;
        };
        let beyond = !listen.get().ip().is_loopback();
        if beyond && web.token.is_none() && !web.ingress {
            let message = "lets others than this machine in: set web.token or web.ingress, too";
            self.error("web.listen", message);
        }
        if !beyond && web.token.is_none() && !web.allowed_hosts.is_empty() {
            let message =
                "whoever comes through the proxy of that name needs no token: set web.token";
            self.warn("web.allowed_hosts", message);
        }
        if web.ingress && !beyond {
            let message = "has no effect while web.listen is only for this machine: write \
                           \"0.0.0.0:8099\" there";
            self.warn("web.ingress", message);
        }
    }
}
