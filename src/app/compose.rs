//! From settings to the parts of the bridge.

mod cloud;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::buttplug::wire::Dialect;
use crate::backend::buttplug::{self, Options as ServerOptions, Place, Server};
use crate::backend::lovense::cloud::{self as lovense_cloud, Cloud};
use crate::backend::lovense::lan::{self, LanApp, Options as LanOptions, OptionsError};
use crate::backend::lovense::tls::{Fingerprint, Trust};
use crate::backend::supervisor::Policy;
use crate::backend::wsdm::{self, Options as WsdmOptions, Wsdm};
use crate::backend::{Backend, Token};
use crate::config::sections::{Buttplug, LovenseLan};
use crate::config::types::{LogLevel, Protocol, Scheme, Trust as TrustSetting};
use crate::config::{Config, Loaded};
use crate::domain::BackendId;
use crate::engine::Memory;
use crate::hass::Privacy;
use crate::mqtt::tls::{TlsError, TlsOptions};
use crate::mqtt::{Access, BadBase, Guide, Options as SessionOptions, Topics};
use crate::telemetry::LogHandle;

pub use self::cloud::{cloud_options, clouds};
use super::broker_guide::{BrokerGuide, GuideError};
use super::company::PROBE;
use super::lock::NotLocked;
use super::outlet;

/// Why the bridge cannot start with these settings.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The base topic cannot be one.
    #[error("mqtt.base_topic: {0}")]
    Base(#[from] BadBase),
    /// TLS to the broker cannot be set up.
    #[error("mqtt: {0}")]
    Tls(#[from] TlsError),
    /// The Supervisor cannot be asked.
    #[error("the Supervisor cannot be asked for the broker: {0}")]
    Supervisor(#[from] GuideError),
    /// An app cannot be reached as the settings say.
    #[error("{0}: {1}")]
    Lan(BackendId, #[source] OptionsError),
    /// An account at the maker's server cannot be used as the settings say.
    #[error("{0}: {1}")]
    Cloud(BackendId, #[source] lovense_cloud::OptionsError),
    /// Another process uses the data folder.
    #[error(transparent)]
    Held(NotLocked),
}

/// The bridge's topics.
///
/// # Errors
/// A base topic that cannot be one.
pub fn topics(config: &Config) -> Result<Topics, StartError> {
    Ok(Topics::new(config.mqtt.base_topic.as_str())?)
}

/// How to reach the broker: everything but what to hear from it.
///
/// # Errors
/// Certificate files that cannot be used.
pub fn broker(loaded: &Loaded) -> Result<SessionOptions, StartError> {
    let mqtt = &loaded.config.mqtt;
    let url = mqtt.broker();
    let tls = TlsOptions {
        ca_file: mqtt.ca_file.clone(),
        client: mqtt.client_cert.clone().zip(mqtt.client_key.clone()),
    };
    let credentials = mqtt.username.clone().map(|user| {
        let password = mqtt.password.as_ref().map(|secret| secret.reveal());
        (user, password.unwrap_or_default().to_owned())
    });
    if let Some(supervisor) = &loaded.supervisor {
        let guide: Arc<dyn Guide> = Arc::new(BrokerGuide::new(supervisor, tls, credentials)?);
        return Ok(SessionOptions {
            guide: Some(guide),
            ..SessionOptions::default()
        });
    }
    let host = match url.host.ip() {
        Some(ip) => ip.to_string(),
        None => url.host.as_str().to_owned(),
    };
    let tls = url.tls.then(|| tls.client_config()).transpose()?;
    Ok(SessionOptions {
        access: Access {
            host,
            port: url.port,
            tls,
            credentials,
        },
        ..SessionOptions::default()
    })
}

/// What the running bridge is to the broker, and what it wants to hear.
#[must_use]
pub fn session(
    config: &Config,
    broker: SessionOptions,
    topics: &Topics,
    instance: &str,
    process: &str,
) -> SessionOptions {
    let mut filters = topics.command_filters();
    filters.push(topics.barrier());
    filters.push(topics.bridge_state());
    // Another bridge under the same topics would be heard there.
    filters.push(topics.bridge_info());
    filters.push(topics.bridge_response(PROBE));
    filters.push(config.home_assistant.status_topic.as_str().to_owned());
    if config.home_assistant.discovery {
        let prefix = config.home_assistant.discovery_prefix.as_str();
        filters.push(format!("{prefix}/device/+/config"));
    }
    let base = topics.base().replace('/', "-");
    SessionOptions {
        client_id: format!("{base}-{instance}"),
        process: Some(process.to_owned()),
        will: Some((topics.bridge_state(), b"offline".to_vec())),
        filters,
        stop_filters: topics.stop_filters(),
        marker: Some(topics.barrier()),
        ..broker
    }
}

/// The Lovense apps in the settings.
///
/// # Errors
/// Options that contradict one another.
pub fn lovense_apps(config: &Config) -> Result<Vec<Arc<LanApp>>, StartError> {
    let apps = config.lovense_lan.iter().enumerate();
    apps.map(|(index, app)| {
        let id = backend_id("lovense_lan", index);
        lan_options(id.clone(), app)
            .and_then(LanApp::new)
            .map_err(|error| StartError::Lan(id, error))
    })
    .collect()
}

/// Every way to reach toys that is in the settings, with how often to try again: `apps`, `clouds`, and
/// what cannot fail before it is started. `memory` has the toys that have been here before, and
/// `left_running` says that the last run may have left toys running.
pub fn backends(
    loaded: &Loaded,
    apps: Vec<Arc<LanApp>>,
    clouds: Vec<Arc<Cloud>>,
    memory: &Memory,
    left_running: bool,
) -> Vec<(Arc<dyn Backend>, Policy)> {
    let config = &loaded.config;
    let mut all: Vec<(Arc<dyn Backend>, Policy)> = Vec::new();
    for app in apps {
        all.push((app, lan::RECONNECT));
    }
    for server in servers(config, &loaded.data_dir, memory) {
        all.push((server, buttplug::RECONNECT));
    }
    #[cfg(feature = "ble")]
    if let Some(bluetooth) = bluetooth(loaded, memory, left_running) {
        all.push((bluetooth, crate::backend::ble::RECONNECT));
    }
    #[cfg(not(feature = "ble"))]
    let _ = (memory, left_running);
    if let Some(port) = websocket_toys(config) {
        all.push((port, wsdm::RECONNECT));
    }
    for cloud in clouds {
        all.push((cloud, lovense_cloud::RECONNECT));
    }
    all
}

/// `lovense_lan`, `lovense_lan_2`, …
pub(super) fn backend_id(kind: &str, index: usize) -> BackendId {
    match index {
        0 => BackendId::new(kind),
        _ => BackendId::new(format!("{kind}_{}", index + 1)),
    }
}

/// One app, as its backend wants to know it.
///
/// # Errors
/// A host that is none.
pub fn lan_options(id: BackendId, app: &LovenseLan) -> Result<LanOptions, OptionsError> {
    let trust = match (app.scheme, app.trust) {
        (Scheme::Http, _) => Trust::Plain,
        (Scheme::Https, TrustSetting::Webpki) => Trust::Webpki,
        (Scheme::Https, TrustSetting::Insecure) => Trust::Insecure,
        (Scheme::Https, TrustSetting::Pin) => {
            let own = app.pins.iter().map(|pin| Fingerprint::from(*pin.bytes()));
            Trust::Pin(own.chain([Fingerprint::KNOWN_APP]).collect())
        }
    };
    let host = app.host.as_str().parse()?;
    Ok(LanOptions {
        port: app.port.map(Into::into),
        trust,
        events: app.events,
        events_port: app.events_port.map(Into::into),
        app_name: app.app_name.as_str().to_owned(),
        lease: app.lease.duration(),
        pace: app.pace.get(),
        play_in_app: app.play_in_app,
        ..LanOptions::new(id, host)
    })
}

/// The Buttplug servers in the settings, with what they keep in `data_dir`. `memory` has the toys that
/// have been here before.
#[must_use]
fn servers(config: &Config, data_dir: &Path, memory: &Memory) -> Vec<Arc<Server>> {
    let known = memory.toys.values().filter_map(|toy| {
        let toy = toy.description.as_ref()?;
        let is_theirs = toy.hardware.as_str().starts_with("buttplug/");
        is_theirs.then(|| (toy.hardware.clone(), toy.nickname.clone()))
    });
    let known: Vec<_> = known.collect();
    let servers = server_options(config, Some(data_dir)).into_iter();
    let servers = servers.map(|options| ServerOptions {
        known: known.clone(),
        ..options
    });
    servers.map(Server::new).collect()
}

/// The Buttplug servers, as their backends want to know them. Without a folder they keep nothing.
#[must_use]
pub fn server_options(config: &Config, data_dir: Option<&Path>) -> Vec<ServerOptions> {
    #[cfg(not(feature = "embedded-buttplug"))]
    let _ = data_dir;
    let servers = config.buttplug.iter().enumerate();
    let options = |(index, server): (usize, &Buttplug)| {
        let place = match (&server.url, server.listen) {
            #[cfg(feature = "embedded-buttplug")]
            _ if server.embedded => Place::Embedded {
                file: data_dir.map(|folder| folder.join("buttplug-toys.json")),
            },
            (Some(url), _) => Place::Dial {
                host: url.host.as_str().to_owned(),
                port: url.port,
                path: url.path.clone(),
            },
            (None, Some(address)) => Place::Listen {
                address: address.get(),
                token: server.token.as_ref().map(|it| Token::new(it.reveal())),
            },
            // Refused when the settings were read.
            (None, None) => return None,
        };
        Some(ServerOptions {
            name: server.name.as_ref().map(|name| name.as_str().to_owned()),
            number: index + 1,
            dialect: match server.protocol {
                Protocol::Auto => None,
                Protocol::V4 => Some(Dialect::V4),
                Protocol::V3 => Some(Dialect::V3),
            },
            pace: server.pace.get(),
            travel: server.travel.get(),
            scan: server.scan.duration(),
            rescan: server.rescan.duration(),
            read: server.battery.duration(),
            ..ServerOptions::new(backend_id("buttplug", index), place)
        })
    };
    servers.filter_map(options).collect()
}

/// Bluetooth, if the settings ask for it, with what it keeps in the data folder: `memory` has the toys that have been here before, and
/// `left_running` says that the last run may have left toys running.
#[cfg(feature = "ble")]
#[must_use]
fn bluetooth(loaded: &Loaded, memory: &Memory, left_running: bool) -> Option<Arc<dyn Backend>> {
    use crate::backend::ble::{Ble, Options, ScanPolicy, addresses};
    use crate::config::types::{Address, BleScan};

    let config = &loaded.config;
    let ble = config.ble.enabled.then_some(&config.ble)?;
    let list = |list: &[Address]| {
        let list = list.iter().map(|address| address.hardware().as_str());
        list.map(str::to_owned).collect()
    };
    let remembered = memory.toys.values().filter_map(|toy| {
        let hardware = toy.description.as_ref()?.hardware.as_str();
        // Only Lovense toys are called by their address, or by the one on air.
        let is_address = hardware.len() == 12 && hardware.bytes().all(|b| b.is_ascii_hexdigit());
        let is_own = hardware.starts_with(addresses::OWN);
        (is_address || is_own).then(|| hardware.to_owned())
    });
    let named = config.toy.iter().filter_map(|toy| toy.address.as_ref());
    let named = named.map(|address| address.hardware().as_str().to_owned());
    let mut options = Options {
        adapter: ble.adapter.clone(),
        scan: match ble.scan {
            BleScan::Asked => ScanPolicy::Asked,
            BleScan::Known => ScanPolicy::Known,
            BleScan::All => ScanPolicy::All,
        },
        allow: list(&ble.allow),
        deny: list(&ble.deny),
        known: remembered.chain(named).collect(),
        adopt: left_running,
        file: Some(loaded.data_dir.join("bluetooth-toys.json")),
        ..Options::new(backend_id("ble", 0))
    };
    options.manners.pace = ble.pace.get();
    options.manners.battery = ble.battery.get();
    Some(Ble::new(options))
}

/// The port for toys that connect by themselves, if the settings want one.
#[must_use]
fn websocket_toys(config: &Config) -> Option<Arc<Wsdm>> {
    let wsdm = config.wsdm.enabled.then_some(&config.wsdm)?;
    let token = wsdm.token.as_ref().map(|token| Token::new(token.reveal()));
    Some(Wsdm::new(WsdmOptions {
        token,
        pace: wsdm.pace.get(),
        battery: wsdm.battery.get(),
        ..WsdmOptions::new(backend_id("wsdm", 0), wsdm.listen.get())
    }))
}

/// What the outlet has to know.
#[must_use]
pub fn outlet(
    config: &Config,
    topics: Topics,
    instance: &str,
    process: &str,
    log: &LogHandle,
) -> outlet::Settings {
    let discovery = config.home_assistant.discovery;
    outlet::Settings {
        topics,
        instance: instance.to_owned(),
        process: process.to_owned(),
        discovery_prefix: discovery
            .then(|| config.home_assistant.discovery_prefix.as_str().to_owned()),
        light: config.home_assistant.light,
        privacy: Privacy::from(config.privacy.discreet),
        settings: config.redacted(),
        page: super::panels::page(&config.web),
        log_level: log.get().to_string(),
        stale_after: Duration::from_secs(60),
    }
}

/// Changes the level of the log.
///
/// # Errors
/// A word that names none.
pub fn set_log_level(log: &LogHandle, level: &str) -> Result<(), String> {
    let level: LogLevel = level
        .parse()
        .map_err(|_| format!("{level:?} is no log level"))?;
    log.set(level);
    Ok(())
}
