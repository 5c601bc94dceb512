//! Why a toy stands still or cannot be reached, for the panel's cards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::{BackendId, ToyId};
use crate::hass::Privacy;

/// What ended the last run of a toy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stop {
    /// Milliseconds since 1970.
    at: u64,
    /// `stop`, `quiet`, or the reason of a safety stop.
    why: &'static str,
    by: String,
}

/// The way over which a toy was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Loss {
    backend: BackendId,
    reason: String,
}

/// The last stop and the last loss of each toy.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    stops: BTreeMap<ToyId, Stop>,
    losses: BTreeMap<ToyId, Loss>,
}

impl Reasons {
    /// A toy that ran is stopped. `by` is empty if the bridge does so by itself.
    pub(super) fn stopped(&mut self, toy: ToyId, at: u64, why: &'static str, by: &str) {
        let by = by.to_owned();
        self.stops.insert(toy, Stop { at, why, by });
    }

    /// A toy is sent a level: why it was stopped before is over.
    pub(super) fn runs(&mut self, toy: ToyId) {
        self.stops.remove(&toy);
    }

    /// A toy cannot be reached over this backend any more.
    pub(super) fn lost(&mut self, toy: ToyId, backend: BackendId, reason: String) {
        self.losses.insert(toy, Loss { backend, reason });
    }

    /// A toy can be reached.
    pub(super) fn found(&mut self, toy: ToyId) {
        self.losses.remove(&toy);
    }

    /// A toy is no longer known.
    pub(super) fn forgotten(&mut self, toy: ToyId) {
        self.stops.remove(&toy);
        self.losses.remove(&toy);
    }

    /// The keys `stopped` and `lost` of a toy that is shown.
    pub(super) fn show(&self, toy: ToyId, privacy: Privacy, shown: &mut Value) {
        let stop = self.stops.get(&toy);
        shown["stopped"] = stop
            .map(|stop| json!({"at": stop.at, "why": stop.why, "by": stop.by}))
            .into();
        let loss = self.losses.get(&toy);
        let loss = loss.map(|loss| {
            let reason = privacy.text(&loss.reason);
            json!({"route": privacy.backend(&loss.backend), "reason": reason})
        });
        shown["lost"] = loss.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::HardwareId;

    #[test]
    fn a_reason_is_shown_until_it_is_over() {
        let toy = ToyId::of(&HardwareId::new("a"));
        let mut reasons = Reasons::default();
        let shown = |reasons: &Reasons| {
            let mut shown = json!({});
            reasons.show(toy, Privacy::Open, &mut shown);
            shown
        };
        let nothing = json!({"stopped": null, "lost": null});
        assert_eq!(shown(&reasons), nothing);
        reasons.stopped(toy, 5, "idle", "");
        reasons.stopped(toy, 7, "stop", "mqtt");
        let stop = json!({"at": 7, "why": "stop", "by": "mqtt"});
        assert_eq!(shown(&reasons)["stopped"], stop);
        let app = BackendId::new("lovense_lan");
        reasons.lost(toy, app, "no answer in 4s".to_owned());
        let lost = json!({"route": "lovense_lan", "reason": "no answer in 4s"});
        assert_eq!(shown(&reasons)["lost"], lost);
        reasons.found(toy);
        reasons.runs(toy);
        assert_eq!(shown(&reasons), nothing);
        reasons.stopped(toy, 9, "quiet", "");
        reasons.forgotten(toy);
        assert_eq!(shown(&reasons), nothing);
    }
}
