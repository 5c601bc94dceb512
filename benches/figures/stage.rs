//! The parts: broker, app, bridge.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, ToySpec, toy_id};

use crate::client::Client;
use crate::{Failure, within};

/// A real Mosquitto on a port of its own.
pub(crate) struct Broker {
    child: Child,
    folder: TempDir,
    pub(crate) port: u16,
}

impl Broker {
    pub(crate) async fn start() -> Result<Self, Failure> {
        Self::start_with("").await
    }

    /// With `more` lines in Mosquitto's settings.
    pub(crate) async fn start_with(more: &str) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings =
            format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n{more}");
        std::fs::write(folder.path().join("mosquitto.conf"), settings)?;
        let child = Self::run(&folder)?;
        let mut broker = Self {
            child,
            folder,
            port,
        };
        broker.listens().await?;
        Ok(broker)
    }

    fn run(folder: &TempDir) -> Result<Child, Failure> {
        let start = |program: &str| {
            Command::new(program)
                .arg("-c")
                .arg(folder.path().join("mosquitto.conf"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        match start("mosquitto") {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(start("/usr/sbin/mosquitto")?),
            started => Ok(started?),
        }
    }

    async fn listens(&mut self) -> Result<(), Failure> {
        let listening = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    return Err(format!("mosquitto ended: {status}").into());
                }
                if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        within(10, "mosquitto", listening).await?
    }

    /// Kills it and starts it again; it has forgotten everything. Returns when it listened again.
    pub(crate) async fn restart(&mut self) -> Result<Instant, Failure> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = Self::run(&self.folder)?;
        self.listens().await?;
        Ok(Instant::now())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The simulated app, on a thread and a runtime of its own.
pub(crate) struct App {
    handle: AppHandle,
    runtime: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// When its clock was at 0.
    epoch: Instant,
}

impl App {
    pub(crate) async fn start(mut options: AppOptions) -> Result<Self, Failure> {
        options.keep_requests = 0;
        let (end, ended) = oneshot::channel::<()>();
        let (started, starting) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let own = runtime.handle().clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let handle = LovenseApp::start_local(options).await;
                if started.send(handle).is_ok() {
                    let _ = ended.await;
                }
            });
        });
        let handle = starting.await??;
        Ok(Self {
            epoch: Instant::now() - handle.now(),
            handle,
            runtime: own,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// So many toys with one vibrator each.
    pub(crate) fn vibrators(count: usize) -> AppOptions {
        AppOptions::with_toys((0..count).map(|_| ToySpec::new("Lush 3")))
    }

    /// A moment of the app's clock.
    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.epoch + at
    }

    /// A moment, by the app's clock.
    pub(crate) fn since_start(&self, at: Instant) -> Duration {
        at - self.epoch
    }

    /// The app is gone, as a phone that has left the network.
    pub(crate) async fn go(&self) -> Result<(), Failure> {
        let handle = self.handle.clone();
        Ok(self
            .runtime
            .spawn(async move { handle.go().await })
            .await??)
    }

    /// The app is back after [`Self::go`].
    pub(crate) async fn come_back(&self) -> Result<(), Failure> {
        let handle = self.handle.clone();
        let back = async move { handle.come_back().await };
        Ok(self.runtime.spawn(back).await??)
    }

    /// The topic segment of the toy with this index.
    pub(crate) fn toy(index: usize) -> String {
        let seed = AppOptions::default().seed;
        ToyId::of(&HardwareId::new(toy_id(seed, index))).to_string()
    }
}

impl Deref for App {
    type Target = AppHandle;

    fn deref(&self) -> &AppHandle {
        &self.handle
    }
}

impl Drop for App {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The bridge, in a process of its own.
pub(crate) struct Bridge {
    child: Child,
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
    pub(crate) started: Instant,
}

/// What `cargo bench` has built, or what `TOY2MQTT_PROGRAM` names, e.g. a static one.
pub(crate) fn program() -> OsString {
    let built = || env!("CARGO_BIN_EXE_toy2mqtt").into();
    std::env::var_os("TOY2MQTT_PROGRAM").unwrap_or_else(built)
}

impl Bridge {
    /// Starts it with default settings, save where broker and app are, no panel, and `extra` in the
    /// section of the app and behind it.
    pub(crate) fn start(broker: &Broker, app: &App, extra: &str) -> Result<Self, Failure> {
        let port = app.address().port();
        let app = format!("[[lovense_lan]]\nhost = \"127.0.0.1\"\nport = {port}\n{extra}");
        Self::with(broker, &app, Vec::new())
    }

    /// The same with other sections than that of an app, and with these variables.
    pub(crate) fn with(
        broker: &Broker,
        sections: &str,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let mut settings = String::new();
        writeln!(settings, "data_dir = {:?}", folder.path().join("data"))?;
        writeln!(
            settings,
            "[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"",
            broker.port
        )?;
        writeln!(settings, "base_topic = \"bench\"\n{sections}")?;
        // What the panel costs is measured by itself.
        if !sections.contains("[web]") {
            writeln!(settings, "[web]\nlisten = \"off\"")?;
        }
        std::fs::write(folder.path().join("toy2mqtt.toml"), settings)?;
        let started = Instant::now();
        Ok(Self {
            child: Self::run(&folder, &variables)?,
            folder,
            variables,
            started,
        })
    }

    fn run(folder: &TempDir, variables: &[(&'static str, String)]) -> Result<Child, Failure> {
        Ok(Command::new(program())
            .arg("run")
            .arg("--config")
            .arg(folder.path().join("toy2mqtt.toml"))
            .env_clear()
            // Nobody on the network is asked for servers.
            .env("TOY2MQTT_DISCOVERY__ENABLED", "false")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?)
    }

    /// Starts it again after [`Self::kill`].
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        self.started = Instant::now();
        self.child = Self::run(&self.folder, &self.variables)?;
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// All parts, and a client.
pub(crate) struct Stage {
    pub(crate) bridge: Bridge,
    pub(crate) client: Client,
    pub(crate) app: App,
    pub(crate) broker: Broker,
}

impl Stage {
    /// Starts everything and waits until all toys are there.
    pub(crate) async fn set(options: AppOptions, extra: &str) -> Result<Self, Failure> {
        let toys = options.toys.len();
        let broker = Broker::start().await?;
        let app = App::start(options).await?;
        let filters = ["bench/+/availability", "bench/bridge/state"];
        let mut client = Client::connect(broker.port, "audience", &filters).await?;
        let bridge = Bridge::start(&broker, &app, extra)?;
        within(60, "the toys", all_there("bench", &mut client, toys)).await??;
        // What follows a start, such as a first save, is over then.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(Self {
            bridge,
            client,
            app,
            broker,
        })
    }
}

/// Waits until so many toys, and the bridge, are online. `base`: the base topic.
pub(crate) async fn all_there(
    base: &str,
    client: &mut Client,
    toys: usize,
) -> Result<Instant, Failure> {
    let mut there = std::collections::HashSet::new();
    let mut online = false;
    let state = format!("{base}/bridge/state");
    loop {
        let arrived = client.next().await?;
        if arrived.payload != b"online" {
            continue;
        }
        if arrived.topic == state {
            online = true;
        } else if arrived.topic.ends_with("/availability") {
            there.insert(arrived.topic);
        }
        if online && there.len() >= toys {
            return Ok(arrived.at);
        }
    }
}
