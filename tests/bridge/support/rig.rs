//! Broker, apps, bridge and Home Assistant's side, put together.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, ToySpec};

use super::{Bridge, BrokerSetup, DEADLINE, Home, Mosquitto, Seen, toy};

/// What is to be put together.
pub(crate) struct Setup {
    /// The broker.
    pub(crate) broker: BrokerSetup,
    /// The apps, each with its toys.
    pub(crate) apps: Vec<AppOptions>,
    /// More lines for `[mqtt]`.
    pub(crate) mqtt: String,
    /// More lines for each `[[lovense_lan]]`.
    pub(crate) lan: String,
    /// The lines of `[web]`.
    pub(crate) web: String,
    /// More of the settings file.
    pub(crate) more: String,
    /// The base topic.
    pub(crate) base: String,
}

impl Setup {
    /// One app with these toys: model and address.
    pub(crate) fn toys(toys: &[(&str, &str)]) -> Self {
        let specs = toys
            .iter()
            .map(|(model, id)| ToySpec::new(*model).with_id(*id));
        Self::app(AppOptions::with_toys(specs))
    }

    /// One app.
    pub(crate) fn app(app: AppOptions) -> Self {
        Self {
            broker: BrokerSetup {
                more: "max_queued_messages 0\n".to_owned(),
                ..BrokerSetup::default()
            },
            apps: vec![app],
            mqtt: String::new(),
            lan: String::new(),
            // Bridges of several tests at once would want the same port.
            web: "listen = \"off\"\n".to_owned(),
            more: String::new(),
            base: "toy2mqtt".to_owned(),
        }
    }

    /// With more lines for `[mqtt]`.
    pub(crate) fn mqtt(mut self, lines: &str) -> Self {
        self.mqtt = lines.to_owned();
        self
    }

    /// With more lines for each `[[lovense_lan]]`.
    pub(crate) fn lan(mut self, lines: &str) -> Self {
        self.lan = lines.to_owned();
        self
    }

    /// With more of the settings file.
    pub(crate) fn more(mut self, lines: &str) -> Self {
        self.more = lines.to_owned();
        self
    }

    /// Starts everything, and waits until the bridge and every connected toy are there.
    pub(crate) async fn start(self) -> Rig {
        let rig = self.prepare().await;
        rig.with_bridge().await
    }

    /// Starts everything but the bridge.
    pub(crate) async fn prepare(self) -> Prepared {
        let broker = Mosquitto::start(&self.broker).await;
        let mut apps = Vec::new();
        for app in &self.apps {
            apps.push(LovenseApp::start_local(app.clone()).await.unwrap());
        }
        let home = Home::connect(broker.addr).await;
        Prepared {
            broker,
            apps,
            home,
            folder: tempfile::tempdir().unwrap(),
            setup: self,
        }
    }

    /// The settings file, with a data folder below `folder`.
    fn file(&self, base: &str, broker: &Mosquitto, apps: &[AppHandle], folder: &Path) -> String {
        let data = folder.join("data");
        let mut text = format!(
            "data_dir = {data:?}\n[web]\n{}\n[mqtt]\nurl = \"mqtt://{}\"\nbase_topic = \"{}\"\n{}",
            self.web, broker.addr, base, self.mqtt
        );
        for app in apps {
            let address = app.address();
            writeln!(
                text,
                "[[lovense_lan]]\nhost = \"{}\"\nport = {}\n{}",
                address.ip(),
                address.port(),
                self.lan
            )
            .unwrap();
        }
        text + &self.more
    }
}

/// Everything but the bridge.
pub(crate) struct Prepared {
    pub(crate) broker: Mosquitto,
    pub(crate) apps: Vec<AppHandle>,
    pub(crate) home: Home,
    folder: TempDir,
    setup: Setup,
}

impl Prepared {
    /// With more of the settings file: what has to be started first.
    pub(crate) fn more(mut self, lines: &str) -> Self {
        self.setup.more += lines;
        self
    }

    /// Starts the bridge, and waits until it and every connected toy are there.
    pub(crate) async fn with_bridge(self) -> Rig {
        let rig = self.launch();
        rig.ready(0).await;
        rig
    }

    /// Starts the bridge without waiting for it.
    pub(crate) fn launch(self) -> Rig {
        let Self {
            broker,
            apps,
            home,
            folder,
            setup,
        } = self;
        let config = folder.path().join("toy2mqtt.toml");
        std::fs::write(
            &config,
            setup.file(&setup.base, &broker, &apps, folder.path()),
        )
        .unwrap();
        Rig {
            bridge: Bridge::start(&config),
            broker,
            home,
            app: apps[0].clone(),
            apps,
            config,
            folder,
            setup,
        }
    }
}

/// Everything, running.
pub(crate) struct Rig {
    pub(crate) bridge: Bridge,
    pub(crate) broker: Mosquitto,
    pub(crate) home: Home,
    /// The first app.
    pub(crate) app: AppHandle,
    pub(crate) apps: Vec<AppHandle>,
    /// The settings file.
    pub(crate) config: PathBuf,
    folder: TempDir,
    setup: Setup,
}

static REQUESTS: AtomicU64 = AtomicU64::new(0);

impl Rig {
    /// Waits until the bridge and every connected toy are there, as told after `mark`.
    pub(crate) async fn ready(&self, mark: usize) {
        let online = |seen: &Seen| seen.text() == "online";
        self.home
            .next(mark, &self.bridge_topic("state"), online)
            .await;
        for app in &self.apps {
            let toys = app.toys().into_iter().filter(|toy| toy.connected);
            for toy in toys {
                let topic = self.topic(&toy.id, "availability");
                self.home.next(mark, &topic, online).await;
            }
        }
    }

    /// Starts the bridge again, with the same settings and data folder.
    pub(crate) async fn start_again(&mut self) {
        let mark = self.home.mark();
        self.bridge = Bridge::start(&self.config);
        self.ready(mark).await;
    }

    /// Starts another bridge with the same settings, but its own data folder.
    pub(crate) fn start_another(&self, name: &str) -> (Bridge, PathBuf) {
        self.start_with(name, &self.setup.base)
    }

    /// Starts another bridge with its own base topic and data folder.
    pub(crate) fn start_another_on(&self, base: &str) -> (Bridge, PathBuf) {
        self.start_with("another", base)
    }

    /// The settings, changed, in a file of their own.
    pub(crate) fn changed(&self, name: &str, from: &str, to: &str) -> PathBuf {
        let text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{text}");
        let path = self.config.with_file_name(name);
        std::fs::write(&path, text.replace(from, to)).unwrap();
        path
    }

    fn start_with(&self, name: &str, base: &str) -> (Bridge, PathBuf) {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let config = folder.join("toy2mqtt.toml");
        let text = self.setup.file(base, &self.broker, &self.apps, &folder);
        std::fs::write(&config, text).unwrap();
        (Bridge::start(&config), config)
    }

    fn toy(&self, hardware: &str) -> String {
        format!("{}/{}", self.setup.base, toy(hardware))
    }

    /// A topic of the toy with this address.
    pub(crate) fn topic(&self, hardware: &str, below: &str) -> String {
        format!("{}/{below}", self.toy(hardware))
    }

    /// A topic of the bridge.
    pub(crate) fn bridge_topic(&self, below: &str) -> String {
        format!("{}/bridge/{below}", self.setup.base)
    }

    /// The toy's state as last published.
    pub(crate) fn state(&self, hardware: &str) -> Value {
        let newest = self.home.newest(&self.topic(hardware, "state"));
        newest.map(|seen| seen.json()).unwrap_or_default()
    }

    /// Waits until the toy's state is accepted by `wanted`.
    pub(crate) async fn state_until(
        &self,
        hardware: &str,
        wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        self.home.state_until(&self.toy(hardware), wanted).await
    }

    /// Sends a JSON command to a topic of a toy and returns its result.
    pub(crate) async fn ask(&self, hardware: &str, below: &str, payload: Value) -> Value {
        self.home.ask(&self.toy(hardware), below, payload).await
    }

    /// Sets outputs and expects that it is done.
    pub(crate) async fn set(&self, hardware: &str, payload: Value) -> Value {
        let result = self.ask(hardware, "set", payload).await;
        assert_eq!(result["ok"], true, "{result}");
        result
    }

    /// Sets outputs as soon as the hold after a stop allows it. What is refused prolongs the hold, so it
    /// is not asked too often.
    pub(crate) async fn set_after_stop(&self, hardware: &str, payload: Value) {
        let mut tries = tokio::time::interval(std::time::Duration::from_millis(2_100));
        while self.ask(hardware, "set", payload.clone()).await["ok"] != true {
            tries.tick().await;
        }
    }

    /// Sends a request to the bridge and returns the response.
    pub(crate) async fn request(&self, verb: &str, mut payload: Value) -> Value {
        let id = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        payload["transaction"] = json!(id);
        let mark = self.home.mark();
        let request = self.bridge_topic(&format!("request/{verb}"));
        self.home.publish(&request, payload.to_string());
        let topic = self.bridge_topic(&format!("response/{verb}"));
        let response = self
            .home
            .next(mark, &topic, |seen| seen.json()["transaction"] == id);
        response.await.json()
    }

    /// Waits for something to become true of an app.
    pub(crate) async fn app_until(&self, what: &str, wanted: impl FnMut(&AppHandle) -> bool) {
        let waited = self.app.wait_until(DEADLINE, wanted).await;
        waited.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}
