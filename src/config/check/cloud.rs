//! Accounts at the maker's server.

use super::Checks;
use crate::config::sections::LovenseCloud;

impl Checks<'_> {
    /// Checks them, and reads the tokens from their files.
    pub(super) fn clouds(&self, clouds: &mut [LovenseCloud]) {
        // With an entry missing, the numbers of the others are not those of the file.
        if !self.reading.is_complete("lovense_cloud") {
            return;
        }
        for index in 0..clouds.len() {
            let key = |name: &str| format!("lovense_cloud[{index}].{name}");
            let (before, rest) = clouds.split_at_mut(index);
            let cloud = &mut rest[0];
            let (token_key, file_key) = (key("token"), key("token_file"));
            let written = self.is_set(&token_key) || self.is_set(&file_key);
            self.secret(&token_key, &mut cloud.token, &mut cloud.token_file);
            match &cloud.token {
                // Complained about already if it is there but cannot be read.
                None if written => {}
                None => self.warn(
                    &format!("lovense_cloud[{index}]"),
                    "has no effect without token or token_file: the developer dashboard has it",
                ),
                Some(token) if token.reveal().chars().any(char::is_control) => {
                    self.error(&token_key, "has characters that no token has");
                }
                Some(_) => {}
            }
            let same = |other: &LovenseCloud| other.token == cloud.token && other.uid == cloud.uid;
            if cloud.token.is_some() && before.iter().any(same) {
                let message =
                    "is listed twice: remove one of the two, or give one a uid of its own";
                self.error(&token_key, message);
            }
            if cloud.pace.get() > cloud.lease.get() / 2 {
                let message = "is over half of the lease, which could not be renewed in time";
                self.error(&key("pace"), message);
            }
        }
    }
}
