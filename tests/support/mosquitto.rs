//! The real Mosquitto, started for one test and ended with it.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rumqttc::MqttOptions;
use tempfile::TempDir;

use super::DEADLINE;
use super::client::Client;

const MISSING: &str = "these tests need Mosquitto: apt-get install mosquitto";

/// What it is to be like. By default: anonymous, everything allowed, nothing kept on disk.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Keeps retained messages on disk, at once.
    pub persistence: bool,
    /// Lines of an access list.
    pub acl: Option<String>,
    /// Users and passwords; nobody else is let in.
    pub users: Vec<(String, String)>,
    /// Subscriptions to exactly these filters are refused.
    pub denied: Vec<String>,
    /// Certificate and key: it then speaks TLS only.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Clients need a certificate of this authority.
    pub client_ca: Option<PathBuf>,
    /// More lines for its configuration.
    pub more: String,
}

/// A running broker.
pub struct Mosquitto {
    folder: TempDir,
    child: Option<Child>,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Mosquitto {
    /// Starts one on a port of its own.
    pub async fn start(setup: &Setup) -> Self {
        for _ in 0..20 {
            if let Some(broker) = Self::try_start_on(free_port(), setup) {
                broker.check(setup).await;
                return broker;
            }
        }
        panic!("Mosquitto does not start");
    }

    /// Starts one on this port.
    pub async fn start_on(port: u16, setup: &Setup) -> Self {
        let broker = Self::try_start_on(port, setup).expect("the port is free");
        broker.check(setup).await;
        broker
    }

    fn try_start_on(port: u16, setup: &Setup) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_config(folder.path(), port, setup);
        let mut broker = Self {
            folder,
            child: None,
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        broker.spawn().then_some(broker)
    }

    /// False if it ends before it listens.
    fn spawn(&mut self) -> bool {
        let mut child = Command::new(program("mosquitto"))
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{MISSING} ({error})"));
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (running, is_running) = mpsc::channel();
        // Ends with the child, which closes the pipe. It has to be read on, or the child blocks.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if line.ends_with(" running") {
                    let _ = running.send(());
                }
            }
        });
        let runs = is_running.recv_timeout(DEADLINE).is_ok();
        self.child = Some(child);
        if !runs {
            self.kill();
        }
        runs
    }

    /// Whether it is this broker that answers. Those with TLS or passwords are known by their log.
    async fn check(&self, setup: &Setup) {
        if setup.tls.is_none() && setup.users.is_empty() {
            Client::connect(self.addr, "check").await.disconnect().await;
        }
    }

    /// Connects a client with a password.
    pub async fn client_as(&self, id: &str, user: &str, password: &str) -> Client {
        let mut options = MqttOptions::new(id, self.addr.ip().to_string(), self.addr.port());
        options.set_credentials(user, password);
        Client::connect_with(options).await
    }

    /// Connects a client.
    pub async fn client(&self, id: &str) -> Client {
        Client::connect(self.addr, id).await
    }

    /// Ends it without goodbye (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.spawn(), "Mosquitto does not start again");
    }

    /// It holds its connections and does nothing (SIGSTOP).
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// It goes on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("a running broker");
        let sent = Command::new("kill")
            .arg(signal)
            .arg(child.id().to_string())
            .status();
        assert!(sent.expect("the kill command").success());
    }
}

/// A port that nobody uses. Below those that the system gives to outgoing connections, so that it
/// stays free while the broker is away.
pub fn free_port() -> u16 {
    loop {
        let chance = RandomState::new().hash_one(());
        let port = 12_000 + u16::try_from(chance % 20_000).expect("a small number");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn program(name: &str) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{MISSING}"))
}

fn write_config(folder: &Path, port: u16, setup: &Setup) {
    let mut config = format!(
        "listener {port} 127.0.0.1\n\
         user root\n\
         log_dest stderr\n\
         log_type all\n\
         allow_anonymous {}\n",
        setup.users.is_empty()
    );
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        writeln!(config, "{key} {value}").expect("a text grows");
    };
    if setup.persistence {
        line("persistence", &true);
        line("persistence_location", &format!("{}/", folder.display()));
        line("autosave_on_changes", &true);
        line("autosave_interval", &1);
    }
    if let Some(acl) = &setup.acl {
        line("acl_file", &write(folder, "acl", acl).display());
    }
    if !setup.users.is_empty() {
        let path = write(folder, "passwords", "");
        for (user, password) in &setup.users {
            let made = Command::new(program("mosquitto_passwd"))
                .arg("-b")
                .arg(&path)
                .args([user, password])
                .status();
            assert!(made.expect("mosquitto_passwd").success());
        }
        line("password_file", &path.display());
    }
    if !setup.denied.is_empty() {
        let rules = write(folder, "security.json", &denying(&setup.denied));
        line("plugin", &security_plugin().display());
        line("plugin_opt_config_file", &rules.display());
    }
    if let Some((certificate, key)) = &setup.tls {
        line("certfile", &certificate.display());
        line("keyfile", &key.display());
    }
    if let Some(authority) = &setup.client_ca {
        line("cafile", &authority.display());
        line("require_certificate", &true);
    }
    config += &setup.more;
    write(folder, "mosquitto.conf", &config);
}

/// Mosquitto's access list lets every subscription through and then delivers nothing; only this
/// plugin of its own refuses.
fn security_plugin() -> PathBuf {
    let name = "mosquitto_dynamic_security.so";
    let arch = std::env::consts::ARCH;
    let folders = [
        format!("/usr/lib/{arch}-linux-gnu"),
        "/usr/lib".into(),
        "/usr/local/lib".into(),
    ];
    let mut paths = folders.iter().map(|folder| Path::new(folder).join(name));
    let found = paths.find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{MISSING} ({name} is missing)"))
}

fn denying(filters: &[String]) -> String {
    let rules = filters.iter().map(|filter| {
        serde_json::json!({
            "acltype": "subscribeLiteral", "topic": filter, "priority": 10, "allow": false,
        })
    });
    serde_json::json!({
        "defaultACLAccess": {
            "publishClientSend": true, "publishClientReceive": true,
            "subscribe": true, "unsubscribe": true,
        },
        "clients": [],
        "groups": [{ "groupname": "everybody", "roles": [{ "rolename": "denied" }], "clients": [] }],
        "roles": [{ "rolename": "denied", "acls": rules.collect::<Vec<_>>() }],
        "anonymousGroup": "everybody",
    })
    .to_string()
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a folder to write to");
    path
}
