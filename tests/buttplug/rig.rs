//! Broker, servers, bridge and Home Assistant's side, put together.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Bridge, BrokerSetup, Home, Mosquitto, Seen, toy};

/// Everything but the servers, running.
pub(crate) struct Rig {
    pub(crate) bridge: Bridge,
    pub(crate) home: Home,
    pub(crate) config: PathBuf,
    _broker: Mosquitto,
    _folder: TempDir,
}

/// How a toy of the server `Test Engine` is known.
pub(crate) fn known(index: u32, name: &str) -> String {
    format!("buttplug/Test Engine/{index}/{name}")
}

/// The topic of a toy.
fn topic(hardware: &str) -> String {
    format!("toy2mqtt/{}", toy(hardware))
}

impl Rig {
    /// A bridge with these `[[buttplug]]` tables, each without its headline.
    pub(crate) async fn start(servers: &[String]) -> Self {
        Self::start_with(servers, &[]).await
    }

    /// The same, with these variables.
    pub(crate) async fn start_with(servers: &[String], variables: &[(&str, &str)]) -> Self {
        let broker = Mosquitto::start(&BrokerSetup::default()).await;
        let home = Home::connect(broker.addr).await;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut text = format!(
            "data_dir = {data:?}\n[mqtt]\nurl = \"mqtt://{}\"\n[web]\nlisten = \"off\"\n[log]\nlevel = \"debug\"\n[safety]\nstop_hold = \"0s\"\n",
            broker.addr
        );
        for server in servers {
            writeln!(text, "[[buttplug]]\n{server}").unwrap();
        }
        let config = folder.path().join("toy2mqtt.toml");
        std::fs::write(&config, text).unwrap();
        let rig = Self {
            bridge: Bridge::start_with(&config, variables),
            home,
            config,
            _broker: broker,
            _folder: folder,
        };
        rig.home.says("toy2mqtt/bridge/state", "online").await;
        rig
    }

    pub(crate) fn topic(&self, hardware: &str, below: &str) -> String {
        format!("{}/{below}", topic(hardware))
    }

    /// Waits until the toy can be used, or cannot.
    pub(crate) async fn available(&self, hardware: &str, is: bool) -> Seen {
        let word = if is { "online" } else { "offline" };
        self.home
            .says(&self.topic(hardware, "availability"), word)
            .await
    }

    /// Waits until the toy's state is accepted by `wanted`.
    pub(crate) async fn state_until(
        &self,
        hardware: &str,
        wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        self.home.state_until(&topic(hardware), wanted).await
    }

    /// Sets outputs and returns the result.
    pub(crate) async fn ask(&self, hardware: &str, payload: Value) -> Value {
        self.home.ask(&topic(hardware), "set", payload).await
    }

    /// Sets outputs and expects that it is done.
    pub(crate) async fn set(&self, hardware: &str, payload: Value) {
        let result = self.ask(hardware, payload).await;
        assert_eq!(result["ok"], true, "{result}");
    }

    /// Waits until a backend's state, as told in `bridge/info`, is accepted by `wanted`.
    pub(crate) async fn backend_until(
        &self,
        backend: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        let find = |seen: &Seen| seen.json()["backends"][backend].clone();
        let topic = "toy2mqtt/bridge/info";
        let seen = self.home.until(topic, |seen| wanted(&find(seen)));
        find(&seen.await)
    }

    /// Waits for a bridge event of this type about this toy, told after `mark`.
    pub(crate) async fn event(&self, mark: usize, kind: &str, hardware: &str) -> Seen {
        let id = toy(hardware);
        let is = |seen: &Seen| {
            let event = seen.json();
            event["event_type"] == kind && event["toy"] == *id
        };
        self.home.next(mark, "toy2mqtt/bridge/event", is).await
    }
}
