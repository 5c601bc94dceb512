//! The first run: nothing is set up yet, so the bridge looks for what could be, and proposes it.
//!
//! It only looks while the settings name no way to reach toys. Nothing that is found is used before
//! its user has put it into the settings.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::interval;
use tracing::{debug, info};

use crate::backend::buttplug::{Announced, announced};
use crate::backend::lovense::lan::{Options as LanOptions, probe};
use crate::backend::lovense::look_up;
use crate::config::Config;
use crate::domain::BackendId;

/// How long answers are waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long from one look to the next…
const AGAIN: Duration = Duration::from_secs(60);

/// …and how many there are: whoever sets up the bridge is there at its start.
const LOOKS: usize = 15;

/// Where an app on this machine is.
const THIS_MACHINE: &str = "127.0.0.1";

/// Something that could be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What was found, and where.
    pub found: String,
    /// What to add to the settings.
    pub settings: String,
}

impl Proposal {
    fn server(server: &Announced) -> Self {
        let called = match server.name.as_str() {
            "" => String::new(),
            name => format!(" ({name})"),
        };
        Self {
            found: format!("a Buttplug server{called} at {server}"),
            settings: format!("[[buttplug]]\nurl = \"{server}\""),
        }
    }

    fn app(port: u16) -> Self {
        Self {
            found: "a Lovense app on this machine".to_owned(),
            settings: format!("[[lovense_lan]]\nhost = \"{THIS_MACHINE}\"\nport = {port}"),
        }
    }

    fn phone(address: Ipv4Addr) -> Self {
        Self {
            found: format!("a Lovense app at {address}, as its maker's server says"),
            settings: format!("[[lovense_lan]]\nhost = \"{address}\""),
        }
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"found": self.found, "settings": self.settings})
    }
}

/// Whether there is reason and leave to look.
#[must_use]
pub fn is_wanted(config: &Config) -> bool {
    !config.reaches_toys() && config.discovery.enabled && !config.privacy.discreet
}

/// Looks once.
pub async fn look(config: &Config) -> Vec<Proposal> {
    let (servers, app, phones) = tokio::join!(
        announced(config.discovery.ask.get(), PATIENCE),
        app_on_this_machine(),
        phones(config)
    );
    let servers = servers.unwrap_or_else(|error| {
        debug!("this machine has no network to look for servers in: {error}");
        Vec::new()
    });
    let servers = servers.iter().map(Proposal::server);
    let phones = phones.into_iter().map(Proposal::phone);
    servers
        .chain(app.map(Proposal::app))
        .chain(phones)
        .collect()
}

/// Where the maker's server has seen apps, if it is to be asked.
async fn phones(config: &Config) -> BTreeSet<Ipv4Addr> {
    let Some(server) = &config.discovery.maker else {
        return BTreeSet::new();
    };
    let found = look_up(&server.to_string(), PATIENCE).await;
    found.unwrap_or_else(|error| {
        debug!("{error}");
        BTreeSet::new()
    })
}

/// The port of an app on this machine. No phone is asked to allow anything.
async fn app_on_this_machine() -> Option<u16> {
    let host = THIS_MACHINE.parse().ok()?;
    let options = LanOptions {
        events: false,
        ..LanOptions::new(BackendId::new("lovense_lan"), host)
    };
    Some(probe(options, PATIENCE).await.ok()?.port)
}

/// Looks again and again until something is found, if there is reason to; whatever it is, is sent.
pub fn start(config: &Config) -> (JoinSet<()>, mpsc::Receiver<Vec<Proposal>>) {
    let (sender, found) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    if is_wanted(config) {
        let config = config.clone();
        tasks.spawn(async move {
            let mut looks = interval(AGAIN);
            for _ in 0..LOOKS {
                looks.tick().await;
                let proposals = look(&config).await;
                if !proposals.is_empty() {
                    let count = proposals.len();
                    info!(
                        count,
                        "found what toys could be reached through: the panel's page Set-up and \
                         `toy2mqtt doctor` say what to add to the settings"
                    );
                    // Nobody listens only while the process ends.
                    let _ = sender.send(proposals).await;
                    return;
                }
            }
        });
    }
    (tasks, found)
}
