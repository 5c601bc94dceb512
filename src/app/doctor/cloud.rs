//! Whether apps can be reached by way of the maker's server.

use std::time::Duration;

use serde_json::Value;

use super::Finding;
use crate::backend::lovense::cloud::{Options, ProbeError, ProbeReport, probe};

/// What to do when no app is connected to the server.
pub(super) const CURE: &str = "open the app on the phone; to pair it, scan the picture or enter the \
                               code where it takes one (docs/cloud.md)";

/// One account. `held` is what the running bridge says of it: two connections for one user might get
/// into each other's way.
pub(super) async fn account(options: Options, held: Value, patience: Duration) -> Vec<Finding> {
    let hop = options.id.to_string();
    if held["state"] == "up" {
        let text = "the bridge is connected to the maker's server, and an app is there";
        return vec![Finding::good(hop, text)];
    }
    if let Some(error) = held["last_error"].as_str() {
        return vec![Finding::bad(hop, error, CURE)];
    }
    match probe(options, patience).await {
        Ok(report) => findings(&hop, &report),
        Err(error) => {
            let cure = match &error {
                ProbeError::Options(_) => "mend the settings",
                ProbeError::Fault(_) => {
                    "compare token and platform with the developer dashboard, \
                                         and check that this machine reaches the internet"
                }
            };
            vec![Finding::bad(hop, error.to_string(), cure)]
        }
    }
}

fn findings(hop: &str, report: &ProbeReport) -> Vec<Finding> {
    let mut findings = vec![Finding::good(hop, "the maker's server lets us in")];
    let app = format!("{hop} app");
    if !report.app {
        let text = match &report.pairing {
            Some(pairing) => pairing.instructions(),
            None => "no app is connected, and the server does not say how to pair one".to_owned(),
        };
        findings.push(Finding::bad(app, text, CURE));
        return findings;
    }
    let text = format!("{} toys, {} connected", report.toys, report.connected);
    findings.push(if report.connected > 0 {
        Finding::good(app, text)
    } else {
        Finding::bad(app, text, "switch a toy on and connect it in the app")
    });
    findings
}
