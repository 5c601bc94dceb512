//! Buttplug servers.

use super::Checks;
use crate::config::sections::Buttplug;

impl Checks<'_> {
    /// Checks them.
    pub(super) fn servers(&self, servers: &[Buttplug]) {
        if !self.reading.is_complete("buttplug") {
            return;
        }
        for (index, server) in servers.iter().enumerate() {
            let key = |name: &str| format!("buttplug[{index}].{name}");
            let before = &servers[..index];
            if server.embedded {
                self.embedded(server, index, before);
                continue;
            }
            match (&server.url, &server.listen) {
                // Complained about already if it is there but cannot be read.
                (None, None) if self.is_set(&key("url")) || self.is_set(&key("listen")) => {}
                (None, None) => {
                    let message = "needs a url, an address to listen at, or embedded = true";
                    self.warn(&format!("buttplug[{index}]"), message);
                }
                (Some(_), Some(_)) => self.warn(&key("listen"), "has no effect beside url"),
                (Some(url), None) if before.iter().any(|other| other.url.as_ref() == Some(url)) => {
                    self.error(&key("url"), "is listed twice: remove one of the two");
                }
                (None, Some(at)) if before.iter().any(|other| other.listen == Some(*at)) => {
                    self.error(&key("listen"), "is listed twice: choose another port");
                }
                (None, Some(at)) if !at.is_local() && server.token.is_none() => {
                    let message = "anybody in the network could connect: set token as well";
                    self.error(&key("listen"), message);
                }
                _ => {}
            }
            if server.token.is_some() && server.listen.is_none() {
                self.warn(&key("token"), "has no effect without listen");
            }
            let same = |other: &Buttplug| server.name.is_some() && other.name == server.name;
            if before.iter().any(same) {
                self.error(&key("name"), "another server has this name");
            }
            if index > 0 && server.name.is_none() {
                let message = "without a name its toys would be new ones whenever the order of the \
                               servers is changed";
                self.warn(&key("name"), message);
            }
            if let (Some(scan), Some(rescan)) = (server.scan.duration(), server.rescan.duration())
                && rescan < scan
            {
                self.error(&key("rescan"), "is shorter than scan");
            }
        }
    }

    fn embedded(&self, server: &Buttplug, index: usize, before: &[Buttplug]) {
        let key = format!("buttplug[{index}].embedded");
        if !cfg!(feature = "embedded-buttplug") {
            let message = "this build has no server of its own: build it with --features \
                           embedded-buttplug, or use Intiface and its url";
            self.warn(&key, message);
        } else if server.url.is_some() || server.listen.is_some() || server.token.is_some() {
            self.warn(&key, "is used, and url, listen and token have no effect");
        }
        if before.iter().any(|other| other.embedded) {
            self.error(&key, "one is enough: remove one of the two");
        }
    }
}
