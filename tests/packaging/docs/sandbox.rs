//! A folder in which what the documentation says can be typed: a real broker, a simulated app, a
//! running bridge, and the program and Mosquitto's tools on the path.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, ToySpec};

use crate::program::Running;
use crate::shared::client::Client;
use crate::shared::mosquitto::{Mosquitto, Setup, free_port};
use crate::shared::soon;

/// A vibration, a rotation, a button, a gesture.
const ALPHA: &str = "f082c00246fa";
/// Two vibrating motors.
const BETA: &str = "e01a2b3c4d5e";
/// The toy of which the documentation speaks.
const DOCUMENTED: &str = "toy_1a2b3c4d";
/// Where the real tools are: not in the sandbox.
const REAL: &str = "PATH=/usr/local/bin:/usr/bin:/bin";
/// The panel of which the documentation speaks.
const PANEL: &str = "127.0.0.1:8099";

pub(super) struct Sandbox {
    folder: TempDir,
    pub(super) broker: Mosquitto,
    _app: AppHandle,
    panel: u16,
    variables: Vec<(String, String)>,
    _bridge: Running,
    /// Hears everything that the bridge says.
    pub(super) home: Client,
}

/// What toys of these addresses are called in topics.
fn id(hardware: &str) -> String {
    ToyId::of(&HardwareId::new(hardware)).to_string()
}

impl Sandbox {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = Mosquitto::start(&Setup::default()).await;
        let toys = [("Nora", ALPHA), ("Edge 2", BETA)];
        let toys = toys.map(|(model, address)| ToySpec::new(model).with_id(address));
        let app = LovenseApp::start_local(AppOptions::with_toys(toys)).await;
        let app = app.unwrap();
        let panel = free_port();
        let work = folder.path().join("work");
        let completions = folder
            .path()
            .join(".local/share/bash-completion/completions");
        for folder in [&work, &completions, &folder.path().join("bin")] {
            fs::create_dir_all(folder).unwrap();
        }
        // The folder of the sources, as far as commands need it.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        symlink(root.join("config"), work.join("config")).unwrap();
        let variables = [
            ("HOME", folder.path().display().to_string()),
            ("TOY2MQTT_MQTT__URL", format!("mqtt://{}", broker.addr)),
            (
                "TOY2MQTT_LOVENSE_LAN__0__HOST",
                app.address().ip().to_string(),
            ),
            (
                "TOY2MQTT_LOVENSE_LAN__0__PORT",
                app.address().port().to_string(),
            ),
            ("TOY2MQTT_TOY__0__ADDRESS", ALPHA.to_owned()),
            ("TOY2MQTT_TOY__0__NAME", "Alpha".to_owned()),
            ("TOY2MQTT_TOY__1__ADDRESS", BETA.to_owned()),
            ("TOY2MQTT_TOY__1__NAME", "Beta".to_owned()),
            ("TOY2MQTT_WEB__LISTEN", format!("127.0.0.1:{panel}")),
            // Nobody on the network is asked for servers.
            ("TOY2MQTT_DISCOVERY__ENABLED", "false".to_owned()),
            // One command after the other, even after a stop.
            ("TOY2MQTT_SAFETY__STOP_HOLD", "0s".to_owned()),
            (
                "TOY2MQTT_DATA_DIR",
                folder.path().join("data").display().to_string(),
            ),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let bridge = std::process::Command::new(env!("CARGO_BIN_EXE_toy2mqtt"))
            .arg("run")
            .env_clear()
            .envs(variables.clone())
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .spawn();
        let bridge = Running(bridge.unwrap());
        let mut home = broker.client("home").await;
        for filter in ["toy2mqtt/#", "homeassistant/#"] {
            assert!(home.subscribe(filter).await);
        }
        for toy in [ALPHA, BETA] {
            let topic = format!("toy2mqtt/{}/availability", id(toy));
            home.wait_for(&topic, |seen| seen.text() == "online").await;
        }
        let sandbox = Self {
            folder,
            broker,
            _app: app,
            panel,
            variables: variables.into(),
            _bridge: bridge,
            home,
        };
        sandbox.tools();
        sandbox
    }

    /// The tools, as they are to be found on the path.
    fn tools(&self) {
        let program = env!("CARGO_BIN_EXE_toy2mqtt");
        let port = self.broker.addr.port();
        // `run` and `demo` go on until somebody ends them.
        self.tool(
            "toy2mqtt",
            &format!(
                "\
ends() {{ kill -TERM $1 && wait $1; }}
case $1 in
run)
    export TOY2MQTT_MQTT__BASE_TOPIC=second TOY2MQTT_DATA_DIR=$HOME/second TOY2MQTT_WEB__LISTEN=off
    : >run.log
    {program} run 2>>run.log & bridge=$!
    until grep -q 'connected to the broker' run.log; do kill -0 $bridge; sleep 0.05; done
    ends $bridge ;;
demo)
    : >demo.log
    {program} \"$@\" >>demo.log 2>&1 & demo=$!
    until grep -q mosquitto_sub demo.log; do kill -0 $demo; sleep 0.05; done
    ends $demo ;;
*) exec {program} \"$@\" ;;
esac"
            ),
        );
        // They end once the broker has it.
        for tool in ["mosquitto_pub", "mosquitto_rr"] {
            self.tool(tool, &format!("{REAL}; exec {tool} -p {port} -q 1 \"$@\""));
        }
        // Ends with the first message. Something happens until it has come.
        let toy = id(ALPHA);
        self.tool(
            "mosquitto_sub",
            &format!(
                "\
{REAL}
mosquitto_sub -p {port} -C 1 -W 20 \"$@\" & sub=$!
while kill -0 $sub 2>/dev/null; do mosquitto_pub -p {port} -q 1 -t toy2mqtt/{toy}/stop -n; sleep 0.1; done
wait $sub"
            ),
        );
        self.tool(
            "curl",
            &format!(
                "\
{REAL}
case $* in
*-N*) curl --silent --max-time 20 \"$@\" | head -n 1 | grep -q . ;;
*) exec curl --silent --show-error --fail --max-time 20 \"$@\" ;;
esac"
            ),
        );
        self.tool("man", "test \"$*\" = '-l -' && grep -q '^\\.TH'");
    }

    fn tool(&self, name: &str, text: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A file that a command has written.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Types this, all of it.
    pub(super) async fn types(&self, script: &str) -> Output {
        let panel = format!("127.0.0.1:{}", self.panel);
        let lines = script.lines().map(|line| {
            let two = ["vibrate_1", "vibrate_2"]
                .iter()
                .any(|key| line.contains(key));
            let toy = if two { BETA } else { ALPHA };
            line.replace(DOCUMENTED, &id(toy)).replace(PANEL, &panel)
        });
        let script: Vec<String> = lines.collect();
        let bin = self.folder.path().join("bin");
        let child = Command::new("/bin/sh")
            .args(["-eu", "-c", &script.join("\n")])
            .current_dir(self.folder.path().join("work"))
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true)
            .output();
        soon(&script.join("\n"), child).await.unwrap()
    }

    /// Waits until the bridge has answered this many commands since `mark`, and returns all answers.
    pub(super) async fn answers(&mut self, mark: usize, count: usize) -> Vec<Value> {
        let answers = |home: &Client| -> Vec<Value> {
            let new = home.received[mark..].iter();
            let said = new.filter(|seen| {
                let topic = seen.topic.as_str();
                topic.ends_with("/result")
                    || topic.starts_with("toy2mqtt/bridge/response/")
                    || (topic.ends_with("/event") && seen.text().contains("command_rejected"))
            });
            said.map(|seen| serde_json::from_slice(&seen.payload).unwrap())
                .collect()
        };
        while answers(&self.home).len() < count {
            self.home.next().await;
        }
        self.home.catch_up().await;
        answers(&self.home)
    }

    /// Waits until no stop is under way any more: what is asked before that is not obeyed.
    pub(super) async fn settle(&mut self) {
        loop {
            let mark = self.home.received.len();
            let off = serde_json::json!({"state": "OFF", "id": "settled"});
            self.home
                .publish("toy2mqtt/all/set", off.to_string(), false)
                .await;
            let answers = self.answers(mark, 2).await;
            let own: Vec<&Value> = answers
                .iter()
                .filter(|answer| answer["id"] == "settled")
                .collect();
            if own.len() == 2 && own.iter().all(|answer| answer["ok"] == true) {
                return;
            }
        }
    }

    /// A toy that is like the one of which the documentation speaks: with two motors, or with one.
    pub(super) fn toy(two: bool) -> String {
        id(if two { BETA } else { ALPHA })
    }
}
