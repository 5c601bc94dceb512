//! The hop to toys without an app in between.

use std::time::Duration;

use super::Finding;
use crate::config::Config;

const HOP: &str = "bluetooth";

/// Looks for adapters, and listens for toys for `patience`. Connects to nothing and switches nothing
/// on. `held`: how many toys phones are connected to.
#[cfg(feature = "ble")]
pub(super) async fn bluetooth(config: &Config, held: usize, patience: Duration) -> Vec<Finding> {
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
    if let Some(wanted) = &config.ble.adapter
        && !survey
            .radios
            .iter()
            .any(|r| r.is_meant_by(wanted) && r.powered)
    {
        let text = format!("adapter {wanted}, which ble.adapter names, is off or not there");
        let cure = "switch it on (bluetoothctl power on), or take ble.adapter out of the settings: \
                    the first one that is on is used then";
        findings.push(Finding::bad(HOP, text, cure));
    }
    let hop = format!("{HOP} toys");
    if survey.connected > 0 {
        let text = match survey.connected {
            1 => "1 toy is connected to this machine".to_owned(),
            count => format!("{count} toys are connected to this machine"),
        };
        findings.push(Finding::good(hop.clone(), text));
    }
    match survey.toys.len() {
        0 if survey.connected > 0 => {}
        0 if held > 0 => {
            let text = format!(
                "no toy advertises; the phone app is connected to {held}, and a toy has one \
                 connection at a time: it is used directly once the app is closed"
            );
            findings.push(Finding::good(hop, text));
        }
        0 => {
            let cure = "switch a toy on near this machine, and close the app that it is connected \
                        to: connected toys do not advertise";
            findings.push(Finding::bad(hop, "no toy advertises", cure));
        }
        count => {
            let mut names: Vec<&str> = survey.toys.iter().map(|toy| toy.model_name()).collect();
            names.sort_unstable();
            let noun = if count == 1 {
                "toy advertises"
            } else {
                "toys advertise"
            };
            let text = format!("{count} {noun}: {}", names.join(", "));
            findings.push(Finding::good(hop, text));
        }
    }
    findings
}

/// This build cannot look.
#[cfg(not(feature = "ble"))]
pub(super) async fn bluetooth(_config: &Config, _held: usize, _patience: Duration) -> Vec<Finding> {
    let cure = "use a build that has it: cargo build --features ble";
    vec![Finding::bad(HOP, "this build has no Bluetooth", cure)]
}
