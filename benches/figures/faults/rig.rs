//! Broker, app, bridge and a client, for one fault.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppOptions, ToySpec};

use super::Build;
use super::permits::{Permits, Taken};
use crate::client::Client;
use crate::stage::{App, Broker, all_there};
use crate::{Failure, within};

/// What a client has to see of a bridge to know which toys are there.
pub(crate) const AVAILABILITY: [&str; 2] = ["bench/+/availability", "bench/bridge/state"];

/// A running bridge. Dropping it kills it.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it with the settings in `folder`.
    pub(crate) fn start(
        build: &Build,
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let mut log = File::options();
        let log = log.create(true).append(true).open(folder.join("log"))?;
        let child = Command::new(build.as_os_str())
            .arg("run")
            .arg("--config")
            .arg(folder.join("toy2mqtt.toml"))
            .env_clear()
            .env("TOY2MQTT_DISCOVERY__ENABLED", "false")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self(child))
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A folder with a bridge's settings and data.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// With settings for this broker, no panel, and `sections` after those.
    pub(crate) fn new(broker: u16, sections: &str) -> Result<Self, Failure> {
        Self::under("bench", broker, sections)
    }

    /// The same with another base topic.
    pub(crate) fn under(base: &str, broker: u16, sections: &str) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let home = Self { folder };
        let settings = format!(
            "data_dir = {:?}\n[mqtt]\nurl = \"mqtt://127.0.0.1:{broker}\"\nbase_topic = \"{base}\"\n\
             [web]\nlisten = \"off\"\n{sections}",
            home.data()
        );
        std::fs::write(home.path().join("toy2mqtt.toml"), settings)?;
        Ok(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // For who looks into a fault: what the bridge has logged.
        if let Some(kept) = std::env::var_os("TOY2MQTT_FAULT_LOGS") {
            let name = self.path().file_name().unwrap_or_default();
            let _ = std::fs::copy(self.path().join("log"), Path::new(&kept).join(name));
        }
    }
}

/// The section of an app.
pub(crate) fn section(app: &App, more: &str) -> String {
    let port = app.address().port();
    format!("[[lovense_lan]]\nhost = \"127.0.0.1\"\nport = {port}\nevents = true\n{more}")
}

/// A Lush 3 each: one vibrator of 20 steps.
pub(crate) fn vibrators(count: usize) -> AppOptions {
    App::vibrators(count)
}

/// One toy of this model.
pub(crate) fn model(model: &str) -> AppOptions {
    AppOptions::with_toys([ToySpec::new(model)])
}

/// Everything for one fault with the app.
pub(crate) struct Rig {
    pub(crate) bridge: Process,
    pub(crate) client: Client,
    pub(crate) app: App,
    pub(crate) home: Home,
    pub(crate) broker: Broker,
    pub(crate) build: Build,
}

impl Rig {
    /// Starts everything and waits until all toys are there and events flow.
    pub(crate) async fn set(
        build: Build,
        options: AppOptions,
        more: &str,
    ) -> Result<Self, Failure> {
        let broker = Broker::start().await?;
        let port = broker.port;
        let app = App::start(options).await?;
        Self::on(build, broker, port, app, more).await
    }

    /// The same with parts that are there already. The bridge connects to `port`.
    pub(crate) async fn on(
        build: Build,
        broker: Broker,
        port: u16,
        app: App,
        more: &str,
    ) -> Result<Self, Failure> {
        let mut client = Client::connect(broker.port, "audience", &AVAILABILITY).await?;
        let home = Home::new(port, &section(&app, more))?;
        let bridge = Process::start(&build, home.path(), &[])?;
        let toys = app.ids().len();
        within(30, "the toys", all_there("bench", &mut client, toys)).await??;
        until("Toy Events", || app.sockets().granted > 0).await?;
        // What follows a start, such as a first save, is over then.
        wait(500).await;
        Ok(Self {
            bridge,
            client,
            app,
            home,
            broker,
            build,
        })
    }

    /// Starts the bridge again after [`Process::kill`].
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        self.bridge = Process::start(&self.build, self.home.path(), &[])?;
        Ok(())
    }

    /// Publishes to a topic of the toy with this index.
    pub(crate) async fn tell(&self, toy: usize, below: &str, payload: &str) -> Result<(), Failure> {
        self.client.publish(&topic(toy, below), payload).await
    }

    /// A level that was permitted has to be there, else the fault was none.
    pub(crate) async fn runs(&self, toy: usize, function: Function) -> Result<(), Failure> {
        let id = self.app.ids()[toy].clone();
        until("a toy to run", || self.app.level(&id, function) > 0).await
    }

    /// What a toy has taken.
    pub(crate) fn taken(&self, toy: usize, function: Function) -> Vec<Taken> {
        taken(&self.app, toy, function)
    }

    /// For how long a toy was above what it was permitted.
    pub(super) fn exceeded(&self, toy: usize, function: Function, permits: &Permits) -> Duration {
        permits.exceeded(&self.taken(toy, function))
    }
}

/// What a toy of an app has taken.
pub(crate) fn taken(app: &App, toy: usize, function: Function) -> Vec<Taken> {
    let timeline = app.timeline(&app.ids()[toy]);
    timeline
        .of(function)
        .map(|change| (app.instant(change.at), change.to))
        .collect()
}

/// A topic of the toy with this index of the app.
pub(crate) fn topic(toy: usize, below: &str) -> String {
    format!("bench/{}/{below}", App::toy(toy))
}

/// Waits until something is true, with a deadline.
pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) -> Result<(), Failure> {
    let looking = async {
        while !is() {
            wait(5).await;
        }
    };
    within(10, what, looking).await
}

pub(crate) async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// A command of another client, straight to the app.
pub(crate) async fn post(app: &App, body: &serde_json::Value) -> Result<(), Failure> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http
        .post(app.command_url())
        .header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await?;
    answer.error_for_status()?;
    Ok(())
}
