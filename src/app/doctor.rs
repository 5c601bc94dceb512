//! `doctor`: tries every hop in turn and says what to do about the first that fails.

mod bluetooth;
mod cloud;
mod servers;
mod websocket;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::backend::lovense::lan::{EventsProbe, ProbeReport, probe};
use crate::config::{Config, Loaded};
use crate::domain::BackendId;
use crate::hass::Privacy;

use super::client::{Client, ClientError};
use super::compose::{self, StartError};
use super::first_run::{self, Proposal};

/// How one hop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which hop: `broker`, `bridge`, `lovense_lan`, …
    pub hop: String,
    /// Whether it works.
    pub ok: bool,
    /// What was found.
    pub text: String,
    /// What the user can do, if anything needs to be done.
    pub cure: Option<String>,
}

impl Finding {
    fn good(hop: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            hop: hop.into(),
            ok: true,
            text: text.into(),
            cure: None,
        }
    }

    fn bad(hop: impl Into<String>, text: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            hop: hop.into(),
            ok: false,
            text: text.into(),
            cure: Some(cure.into()),
        }
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"hop": self.hop, "ok": self.ok, "text": self.text, "cure": self.cure})
    }
}

/// What to do when the app does not answer.
const APP_AWAY: &str = "open the app, look at its Game Mode screen, and compare host and port; the \
                        phone has to be in the same network and awake";

/// What to do when a backend does not answer, for each of which that is known.
#[must_use]
pub fn cures(config: &Config) -> BTreeMap<BackendId, &'static str> {
    let apps =
        (0..config.lovense_lan.len()).map(|n| (compose::backend_id("lovense_lan", n), APP_AWAY));
    let clouds = compose::cloud_options(config).into_iter();
    let clouds = clouds.map(|options| (options.id, cloud::CURE));
    let servers = compose::server_options(config, None).into_iter();
    let servers = servers.map(|options| (options.id, servers::away(&options.place)));
    apps.chain(clouds).chain(servers).collect()
}

/// Tries everything that the settings name, and Bluetooth also if it is asked for. Each hop takes
/// `patience` at most, more or less. `own`: how the bridge's backends are, as in `bridge/info`, where
/// this is the bridge itself; else it is asked by way of the broker.
pub async fn examine(
    loaded: &Loaded,
    own: Option<Value>,
    bluetooth: bool,
    patience: Duration,
) -> Vec<Finding> {
    let config = &loaded.config;
    // A discreet bridge calls them otherwise.
    let privacy = Privacy::from(config.privacy.discreet);
    let (mut findings, asked) = broker(loaded, own.is_none(), patience).await;
    let backends = own.unwrap_or(asked);
    let of_backend = |id: &BackendId| &backends[privacy.backend(id)];
    if !config.reaches_toys() {
        let text = "no way to reach toys is configured";
        let cure = "add [[lovense_lan]] with the host that the app's Game Mode screen shows, or \
                    [[buttplug]] with the URL of a server, or switch Bluetooth on: ble.enabled = true";
        findings.push(Finding::bad("lovense_lan", text, cure));
    }
    if first_run::is_wanted(config) {
        findings.extend(first_run::look(config).await.iter().map(proposal));
    }
    // Toys that phones are connected to: nobody else can be.
    let mut held = 0;
    for (index, app) in config.lovense_lan.iter().enumerate() {
        let id = compose::backend_id("lovense_lan", index);
        let hop = id.to_string();
        match compose::lan_options(id.clone(), app) {
            Err(error) => {
                let error = StartError::Lan(id, error).to_string();
                findings.push(Finding::bad(hop, error, "mend the settings"));
            }
            Ok(options) => match probe(options, patience).await {
                Ok(report) => {
                    held += report.connected;
                    findings.extend(app_findings(&hop, &report));
                }
                Err(error) => {
                    findings.push(Finding::bad(hop, error.to_string(), APP_AWAY));
                }
            },
        }
    }
    for options in compose::server_options(config, None) {
        let told = of_backend(&options.id);
        findings.extend(servers::server(options, told).await);
    }
    if config.wsdm.enabled {
        let told = of_backend(&compose::backend_id("wsdm", 0));
        findings.push(websocket::port(config.wsdm.listen.get(), told));
    }
    for options in compose::cloud_options(config) {
        let told = of_backend(&options.id);
        findings.extend(cloud::account(options, told, patience).await);
    }
    if bluetooth || config.ble.enabled {
        findings.extend(bluetooth::bluetooth(config, held, patience).await);
    }
    findings
}

/// What could be set up.
fn proposal(proposal: &Proposal) -> Finding {
    let text = format!("there is {}, which is not in the settings", proposal.found);
    let cure = format!(
        "if it is yours, add: {}",
        proposal.settings.replace('\n', "  ")
    );
    Finding::bad("discovery", text, cure)
}

/// The broker and the bridge, and if that is wanted, how the bridge's backends are, if it runs.
async fn broker(loaded: &Loaded, wanted: bool, patience: Duration) -> (Vec<Finding>, Value) {
    let url = loaded.broker();
    let mut client = match Client::connect(loaded, patience).await {
        Ok(client) => client,
        Err(error) => {
            let cure = "check mqtt.url, mqtt.username and mqtt.password, and that the broker runs";
            let text = format!("{url}: {error}");
            return (vec![Finding::bad("broker", text, cure)], Value::Null);
        }
    };
    let mut findings = vec![Finding::good("broker", format!("{url} lets us in"))];
    let mut backends = Value::Null;
    match client.toys().await {
        Ok(toys) => {
            if wanted {
                backends = client.backends().await.unwrap_or_default();
            }
            let there = toys.iter().filter(|toy| toy.available).count();
            let text = format!("running; knows {} toys, {there} of them there", toys.len());
            findings.push(Finding::good("bridge", text));
        }
        Err(ClientError::NoBridge { .. }) => {
            // Not a fault: doctor is often asked before the first start.
            findings.push(Finding::good("bridge", "not running"));
        }
        Err(error) => findings.push(Finding::bad(
            "bridge",
            error.to_string(),
            "look at the bridge's log",
        )),
    }
    client.close().await;
    (findings, backends)
}

fn app_findings(hop: &str, report: &ProbeReport) -> Vec<Finding> {
    let kind = [&report.app_type, &report.platform];
    let kind: Vec<&str> = kind.into_iter().flatten().map(String::as_str).collect();
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!(" ({})", kind.join(", "))
    };
    let mut findings = vec![Finding::good(
        hop,
        format!("{} answers{kind}", report.place),
    )];
    let toys = format!("{} toys, {} connected", report.toys, report.connected);
    findings.push(if report.connected > 0 {
        Finding::good(format!("{hop} toys"), toys)
    } else {
        let cure = "switch a toy on and connect it in the app";
        Finding::bad(format!("{hop} toys"), toys, cure)
    });
    for unusable in &report.unusable {
        let cure = "report it, with the output of `toy2mqtt doctor --json`";
        findings.push(Finding::bad(format!("{hop} toys"), unusable, cure));
    }
    let text = match &report.events {
        EventsProbe::SwitchedOff => "Toy Events are switched off in the settings".to_owned(),
        EventsProbe::Granted => "Toy Events flow".to_owned(),
        EventsProbe::AwaitingAccess => "Toy Events: the phone has not allowed us in".to_owned(),
        EventsProbe::Closed => "Toy Events: the app closed the connection".to_owned(),
        EventsProbe::Unsupported(why) => format!("the app has no Toy Events: {why}"),
        EventsProbe::Failed(why) => format!("Toy Events cannot be reached: {why}"),
    };
    let hop = format!("{hop} events");
    findings.push(match report.events.cure() {
        None => Finding::good(hop, text),
        Some(cure) => Finding::bad(hop, text, cure),
    });
    findings
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::config::{Fixed, Flags, load};

    #[test]
    fn what_is_advised_is_about_the_place_in_the_settings() {
        let path = "toy2mqtt.toml";
        let text = "[[lovense_lan]]\nhost = '192.168.1.20'\n[wsdm]\nenabled = true\n\
                    [[buttplug]]\nurl = 'ws://192.168.1.20:12345'\n\
                    [[buttplug]]\nname = 'two'\nlisten = '127.0.0.1:54817'\n\
                    [[buttplug]]\nname = 'own'\nembedded = true\n";
        let flags = Flags {
            file: Some(path.into()),
            ..Flags::default()
        };
        let loaded = load(&flags, &Fixed::default().with_file(path, text)).unwrap();
        let cures = cures(&loaded.config);
        let of = |id: &str| cures.get(&BackendId::new(id)).copied().unwrap_or_default();
        assert!(of("lovense_lan").contains("Game Mode"));
        assert!(of("buttplug").contains("buttplug.url"));
        assert!(of("buttplug_2").contains("buttplug.listen"));
        let own = of("buttplug_3");
        // Without the feature there is no such server.
        assert_eq!(
            own.contains("bluetoothctl"),
            cfg!(feature = "embedded-buttplug")
        );
        assert!(!own.contains("Intiface"), "{own}");
        assert_eq!(of("wsdm"), "", "nobody can be told to connect");
    }
}
