//! Toys of a Buttplug server: outputs that are no motors, limits, and indexes that change hands.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Build;
use super::permits::{Permits, Taken};
use super::rig::{AVAILABILITY, Home, Process, wait};
use super::server::{Server, device, list};
use crate::client::Client;
use crate::stage::{Broker, all_there};
use crate::{Failure, within};

/// Broker, server, bridge and a client.
pub(super) struct Scene {
    pub(super) bridge: Process,
    pub(super) client: Client,
    pub(super) server: Server,
    /// The topics of the toys.
    pub(super) toys: Vec<String>,
    _home: Home,
    _broker: Broker,
}

impl Scene {
    /// `more`: lines of the server's section.
    pub(super) async fn set(
        build: Build,
        devices: &[serde_json::Value],
        more: &str,
    ) -> Result<Self, Failure> {
        let broker = Broker::start().await?;
        let server = Server::start(list(devices)).await?;
        let mut client = Client::connect(broker.port, "audience", &AVAILABILITY).await?;
        let section = format!("[[buttplug]]\nurl = \"ws://{}\"\n{more}", server.address);
        let home = Home::new(broker.port, &section)?;
        let bridge = Process::start(&build, home.path(), &[])?;
        within(
            30,
            "the toys",
            all_there("bench", &mut client, devices.len()),
        )
        .await??;
        wait(500).await;
        // Which topics they have is asked of the broker, which keeps their availability.
        let mut again = Client::connect(broker.port, "again", &["bench/+/availability"]).await?;
        let mut toys = BTreeSet::new();
        while toys.len() < devices.len() {
            let seen = within(5, "the toys again", again.next()).await??;
            if let Some(toy) = seen.topic.strip_suffix("/availability") {
                toys.insert(toy.to_owned());
            }
        }
        Ok(Self {
            bridge,
            client,
            server,
            toys: toys.into_iter().collect(),
            _home: home,
            _broker: broker,
        })
    }

    pub(super) async fn tell(&self, below: &str, payload: &str) -> Result<(), Failure> {
        let topic = format!("{}/{below}", self.toys[0]);
        self.client.publish(&topic, payload).await
    }

    /// What an output of a device was told.
    fn taken(&self, device: u64, output: &str) -> Vec<Taken> {
        let told = self.server.told().into_iter();
        told.filter(|told| told.device == device)
            .filter(|told| told.output == output || told.output == "Stop")
            .map(|told| (told.at, told.value))
            .collect()
    }
}

/// A toy with a motor, a spray, a heater and a lamp, and all ways to say that it is to move.
pub(super) async fn spray(build: Build) -> Result<Duration, Failure> {
    let toy = device(
        "Toy",
        &[
            ("Vibrate", json!({"Value": [0, 20]})),
            ("Temperature", json!({"Value": [0, 10]})),
            ("Spray", json!({"Value": [0, 1]})),
            ("Led", json!({"Value": [0, 255]})),
        ],
    );
    let scene = Scene::set(build, &[toy], "").await?;
    for (below, payload) in [
        ("set", "ON"),
        ("set", r#"{"brightness":50}"#),
        ("set", r#"{"effect":"Pulse"}"#),
        ("identify", ""),
    ] {
        scene.tell(below, payload).await?;
        wait(1_200).await;
        scene.tell("stop", "").await?;
        // Longer than the hold of a stop.
        wait(2_300).await;
    }
    let moved = scene.taken(0, "Vibrate");
    if moved.iter().all(|taken| taken.1 == 0) {
        return Err("the motor never ran".into());
    }
    // None of them was named.
    let never = Permits::default();
    let outputs = ["Temperature", "Spray", "Led"];
    Ok(outputs
        .iter()
        .map(|output| never.exceeded(&scene.taken(0, output)))
        .sum())
}

/// A limit cuts a level of a motor that is only on or off, and is raised.
pub(super) async fn limit(build: Build) -> Result<Duration, Failure> {
    let toy = device("Toy", &[("Vibrate", json!({"Value": [0, 1]}))]);
    let scene = Scene::set(build, &[toy], "").await?;
    let limit = async |max: u64| {
        let toy = scene.toys[0].trim_start_matches("bench/");
        let request = json!({"toy": toy, "max": max}).to_string();
        scene
            .client
            .publish("bench/bridge/request/limits", &request)
            .await
    };
    limit(30).await?;
    wait(300).await;
    scene.tell("set", r#"{"vibrate":20}"#).await?;
    wait(1_000).await;
    limit(100).await?;
    wait(3_000).await;
    Ok(Permits::default().exceeded(&scene.taken(0, "Vibrate")))
}

/// Two toys of one model, a limit of 20 % for the second; then the server lists them the other way
/// round, and both are set to 100.
pub(super) async fn forgot(build: Build) -> Result<Duration, Failure> {
    let hush = || device("Hush", &[("Vibrate", json!({"Value": [0, 20]}))]);
    let scene = Scene::set(build, &[hush(), hush()], "").await?;
    // Which topic moves the second one?
    let mut hers = None;
    for toy in &scene.toys {
        scene
            .client
            .publish(&format!("{toy}/vibrate/set"), "10")
            .await?;
        wait(500).await;
        if scene
            .taken(1, "Vibrate")
            .last()
            .is_some_and(|taken| taken.1 > 0)
        {
            hers = Some(toy.trim_start_matches("bench/"));
        }
        scene
            .client
            .publish(&format!("{toy}/vibrate/set"), "0")
            .await?;
        wait(300).await;
    }
    let hers = hers.ok_or("the second toy never moved")?;
    let request = json!({"toy": hers, "max": 20}).to_string();
    scene
        .client
        .publish("bench/bridge/request/limits", &request)
        .await?;
    wait(500).await;
    // From now on she has index 0.
    let since = Instant::now();
    scene.server.restart(list(&[hush(), hush()]));
    wait(4_000).await;
    scene
        .client
        .publish("bench/all/set", r#"{"vibrate":100}"#)
        .await?;
    wait(3_000).await;
    let mut permits = Permits::default();
    permits.allow_from(since, 4);
    let taken = scene.taken(0, "Vibrate");
    let taken: Vec<_> = taken.into_iter().filter(|taken| taken.0 >= since).collect();
    Ok(permits.exceeded(&taken))
}
