//! Whether Buttplug servers work.

use serde_json::Value;

use super::Finding;
use crate::backend::buttplug::{Fault, Options, Place, ProbeReport, probe};

/// What to do about the server within the bridge.
#[cfg(feature = "embedded-buttplug")]
const EMBEDDED: &str = "plug a Bluetooth adapter in, or switch it on: bluetoothctl power on; \
                        `toy2mqtt doctor --bluetooth` says more";

/// What to do when no server is at this place.
pub(super) fn away(place: &Place) -> &'static str {
    match place {
        Place::Dial { .. } => {
            "start the server in Intiface Central, and compare its address with buttplug.url"
        }
        Place::Listen { .. } => {
            "start the engine with --websocket-client-address and the address of buttplug.listen"
        }
        #[cfg(feature = "embedded-buttplug")]
        Place::Embedded { .. } => EMBEDDED,
    }
}

/// One server. `held` is what the running bridge says of its own.
pub(super) async fn server(options: Options, held: &Value) -> Vec<Finding> {
    let hop = options.id.to_string();
    let place = options.place.to_string();
    // A server has one place, and that is the bridge's.
    if held["state"] == "up" {
        let text = format!("{place}: the bridge is connected to it");
        return vec![Finding::good(hop, text)];
    }
    if matches!(options.place, Place::Listen { .. }) {
        return vec![waiting(hop, &place, held)];
    }
    #[cfg(feature = "embedded-buttplug")]
    if let Place::Embedded { .. } = options.place {
        return vec![embedded(hop).await];
    }
    match probe(options).await {
        Ok(report) => findings(&hop, &place, &report),
        Err(fault) => {
            let cure = cure(&fault);
            vec![Finding::bad(hop, fault.to_string(), cure)]
        }
    }
}

/// The server within the bridge: whether it would find anything to work with.
#[cfg(feature = "embedded-buttplug")]
async fn embedded(hop: String) -> Finding {
    match crate::backend::buttplug::adapters().await {
        Ok(count) => Finding::good(hop, format!("built in; Bluetooth adapters: {count}")),
        Err(fault) => Finding::bad(hop, fault.to_string(), EMBEDDED),
    }
}

/// A server that has to come to us; to look for it, the bridge has to run.
fn waiting(hop: String, place: &str, held: &Value) -> Finding {
    let cure = format!(
        "start the engine with --websocket-client-address and the bridge's address; on this \
         machine that is {place}, and the token, if there is one, is its path"
    );
    match held["last_error"].as_str() {
        Some(error) => Finding::bad(hop, error, cure),
        None if held.is_null() => {
            let text = format!("{place}: the bridge does not run, so no server can connect to it");
            Finding::good(hop, text)
        }
        None => Finding::bad(hop, format!("{place}: no server has connected yet"), cure),
    }
}

fn findings(hop: &str, place: &str, report: &ProbeReport) -> Vec<Finding> {
    let name = &report.name;
    let version = report.dialect.number();
    let text = format!("{place}: {name:?} answers, in version {version} of the protocol");
    let mut findings = vec![Finding::good(hop, text)];
    let toys = format!("{} toys", report.toys);
    let hop = format!("{hop} toys");
    findings.push(match (report.toys, report.useless) {
        (0, _) => {
            let cure = "switch a toy on and press Start Scanning in Intiface; the bridge searches \
                        by itself, too, as long as it is connected";
            Finding::bad(hop, toys, cure)
        }
        (_, 0) => Finding::good(hop, toys),
        (_, useless) => {
            let text = format!("{toys}, {useless} of them with nothing that the bridge can drive");
            Finding::good(hop, text)
        }
    });
    findings
}

fn cure(fault: &Fault) -> &'static str {
    match fault {
        Fault::Refused { .. } => {
            "press Start Server in Intiface; if it runs already, close every other program that is \
             connected to it; if it is on another machine, switch on \"Listen on all network \
             interfaces\" in its settings"
        }
        Fault::NoSuchHost { .. } | Fault::Unreachable { .. } | Fault::NoConnection { .. } => {
            "compare the address with the one that Intiface shows on its main page, and let its \
             port through the firewall of that machine"
        }
        Fault::NoWebsocket { .. } => "compare host and port with those that Intiface shows",
        Fault::Mute { .. } | Fault::VersionStuck { .. } | Fault::Handshake { .. } => {
            "stop the server in Intiface and start it again; update Intiface if that does not help"
        }
        Fault::PingedOut
        | Fault::Said
        | Fault::Closed
        | Fault::Broken(_)
        | Fault::Silent(_)
        | Fault::CannotListen { .. }
        | Fault::Embedded(_) => "look at the log of the server",
    }
}
