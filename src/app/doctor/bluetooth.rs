//! The hop to toys without an app in between. Asked for by hand: no setting uses it yet.

use std::time::Duration;

use super::Finding;

const HOP: &str = "bluetooth";

/// Looks for adapters, and listens for toys for `patience`.
#[cfg(feature = "ble")]
pub(super) async fn bluetooth(patience: Duration) -> Vec<Finding> {
    use crate::backend::ble::{Radio, survey};

    let survey = match survey(patience).await {
        Ok(survey) => survey,
        Err(error) => return vec![Finding::bad(HOP, error.to_string(), error.cure())],
    };
    let state = |radio: &Radio| {
        let state = if radio.powered { "on" } else { "off" };
        format!("adapter {} is {state}", radio.name)
    };
    let radios: Vec<String> = survey.radios.iter().map(state).collect();
    let mut findings = vec![Finding::good(HOP, radios.join(", "))];
    let hop = format!("{HOP} toys");
    findings.push(match survey.toys.len() {
        0 => {
            let cure = "switch a toy on near this machine, and close the app that it is connected \
                        to: connected toys do not advertise";
            Finding::bad(hop, "no toy advertises", cure)
        }
        count => {
            let mut names: Vec<&str> = survey.toys.iter().map(|toy| toy.model_name()).collect();
            names.sort_unstable();
            let noun = if count == 1 {
                "toy advertises"
            } else {
                "toys advertise"
            };
            Finding::good(hop, format!("{count} {noun}: {}", names.join(", ")))
        }
    });
    findings
}

/// This build cannot look.
#[cfg(not(feature = "ble"))]
pub(super) async fn bluetooth(_patience: Duration) -> Vec<Finding> {
    let cure = "use a build that has it: cargo build --features ble";
    vec![Finding::bad(HOP, "this build has no Bluetooth", cure)]
}
