//! From settings to the panel.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{info, warn};

use crate::config::sections::Web;
use crate::config::types::OrOff;
use crate::config::{Config, Loaded};
use crate::domain::Pattern;
use crate::hass::{Privacy, state};
use crate::telemetry::LogHandle;
use crate::web::desk::{Handle, Question};
use crate::web::{Desk, Doctor, Lines, Options, Parts, Server};

use super::doctor;
use super::panel::{Panel, Settings, now_ms};

/// How long the doctor waits at each hop.
const DOCTOR_PATIENCE: Duration = Duration::from_secs(4);

/// The panel, or what there is instead of one.
pub(super) struct Panels {
    /// Answers browsers.
    pub(super) server: Option<Server>,
    /// The driver's side of the desk.
    pub(super) desk: Desk,
    /// What the driver shows.
    pub(super) panel: Option<Panel>,
    /// Why there is none, for the user.
    pub(super) problem: Option<String>,
}

impl Panels {
    fn closed(problem: Option<String>) -> Self {
        Self {
            server: None,
            desk: Desk::closed(),
            panel: None,
            problem,
        }
    }

    /// Opens the panel, if the settings want one. The bridge runs without it, too.
    pub(super) async fn open(loaded: &Loaded, log: &LogHandle) -> Self {
        let config = &loaded.config;
        let OrOff::On(listen) = config.web.listen else {
            return Self::closed(None);
        };
        let (handle, desk, counter) = Desk::new();
        let privacy = Privacy::from(config.privacy.discreet);
        let lines = Lines::default();
        let parts = Parts {
            doctor: doctor_of(loaded, privacy, handle.clone()),
            handle,
            lines: lines.clone(),
            groups: groups(config),
            patterns: patterns(config),
        };
        let web = &config.web;
        let options = Options {
            listen: listen.get(),
            token: web.token.as_ref().map(|token| token.reveal().to_owned()),
            hosts: web.allowed_hosts.iter().map(ToString::to_string).collect(),
            ingress: web.ingress,
            folder: loaded.data_dir.clone(),
        };
        let server = match Server::start(options, parts).await {
            Ok(server) => server,
            Err(error) => {
                let problem = format!("no panel: {error}; change web.listen, or set it to \"off\"");
                warn!("{problem}");
                return Self::closed(Some(problem));
            }
        };
        info!("panel: {}", address(&server));
        log.tap(Some(Arc::new(move |level, text| {
            lines.push(now_ms(), level, &privacy.text(text));
        })));
        let settings = Settings {
            base_topic: config.mqtt.base_topic.as_str().to_owned(),
            discovery: config.home_assistant.discovery,
            privacy,
            cures: doctor::cures(config),
            groups: config.engine_settings().groups,
        };
        Self {
            server: Some(server),
            desk,
            panel: Some(Panel::new(settings, counter)),
            problem: None,
        }
    }
}

/// What to type into a browser.
fn address(server: &Server) -> String {
    let address = server.address();
    match address.ip() {
        ip if !ip.is_unspecified() => format!("http://{address}/"),
        IpAddr::V4(_) | IpAddr::V6(_) => {
            format!("port {} of this machine", address.port())
        }
    }
}

/// The panel's address for others in the network, where there is one: Home Assistant's page of the
/// bridge has a link to it.
pub(super) fn page(web: &Web) -> Option<String> {
    let OrOff::On(listen) = web.listen else {
        return None;
    };
    let address = listen.get();
    // Whoever comes by the ingress alone is refused here.
    if address.ip().is_loopback() || web.token.is_none() {
        return None;
    }
    if address.ip().is_unspecified() {
        let host = web.allowed_hosts.first()?;
        let host = match host.ip() {
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => host.as_str().to_owned(),
        };
        return Some(format!("http://{host}:{}/", address.port()));
    }
    Some(format!("http://{address}/"))
}

fn groups(config: &Config) -> Value {
    let groups = config.engine_settings().groups;
    let groups = groups.iter().map(|(name, toys)| {
        let toys: Vec<String> = toys.iter().map(ToString::to_string).collect();
        json!({"name": name, "toys": toys})
    });
    groups.collect()
}

fn patterns(config: &Config) -> Value {
    let shown = |pattern: &Pattern| {
        let levels: Vec<Value> = pattern
            .levels()
            .iter()
            .map(|l| state::percent(*l))
            .collect();
        json!({
            "name": pattern.name(),
            "step_ms": u64::try_from(pattern.step().as_millis()).unwrap_or(u64::MAX),
            "levels": levels,
        })
    };
    config
        .engine_settings()
        .patterns
        .iter()
        .map(shown)
        .collect()
}

fn doctor_of(loaded: &Loaded, privacy: Privacy, handle: Handle) -> Doctor {
    let loaded = Arc::new(loaded.clone());
    Arc::new(move || {
        let (loaded, handle) = (Arc::clone(&loaded), handle.clone());
        Box::pin(async move {
            // This is the bridge: no broker is needed to know how it is.
            let info = handle.ask(Question::Info).await;
            let own = info.ok().map(|mut info| info["backends"].take());
            let findings = doctor::examine(&loaded, own, false, DOCTOR_PATIENCE).await;
            let shown = findings.iter().map(|finding| {
                let mut shown = finding.to_json();
                for text in ["hop", "text", "cure"] {
                    if let Some(own) = shown[text].as_str() {
                        shown[text] = privacy.text(own).into();
                    }
                }
                shown
            });
            shown.collect()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::config::types::ListenAddress;

    #[test]
    fn there_is_a_link_where_others_can_follow_it() {
        let web = |listen: &str, token: bool, hosts: &[&str]| {
            let listen: ListenAddress = listen.parse().expect("an address");
            let hosts = hosts.iter().map(|host| host.parse().expect("a host"));
            page(&Web {
                listen: OrOff::On(listen),
                token: token.then(|| Secret::new("long-and-random")),
                allowed_hosts: hosts.collect(),
                token_file: None,
                ingress: false,
            })
        };
        let lan = Some("http://192.168.1.5:8099/".to_owned());
        assert_eq!(web("192.168.1.5:8099", true, &[]), lan);
        let named = Some("http://nas.local:80/".to_owned());
        assert_eq!(web("0.0.0.0:80", true, &["nas.local"]), named);
        let literal = Some("http://[fd00::1]:80/".to_owned());
        assert_eq!(web("[::]:80", true, &["fd00::1"]), literal);
        for (listen, token) in [
            ("127.0.0.1:8099", true),
            ("0.0.0.0:8099", true),
            ("0.0.0.0:8099", false),
            ("192.168.1.5:8099", false),
        ] {
            assert_eq!(web(listen, token, &[]), None, "{listen} {token}");
        }
    }
}
