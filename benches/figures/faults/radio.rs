//! Toys over Bluetooth that are not who they say.

use std::time::{Duration, Instant};

use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::text_toy::TextToySpec;

use super::Build;
use super::permits::{Permits, Taken};
use super::rig::{AVAILABILITY, Home, Process, wait};
use crate::bluetooth::bluez::{Adapter, Bluez, Device};
use crate::bluetooth::bus::Bus;
use crate::client::Client;
use crate::stage::{Broker, all_there};
use crate::{Failure, within};

const FIRST: &str = "F0:82:C0:02:46:01";
const SECOND: &str = "F0:82:C0:02:46:02";

/// Both say that this is their address.
const TOLD: &str = "004b123a2e62";

/// On the air at `address`, telling [`TOLD`], and running on when its connection is lost.
fn toy(address: &'static str) -> Device {
    Device {
        address,
        name: Some("LVS-S132"),
        toy: Some(TextToySpec {
            can_auto_stop: false,
            ..TextToySpec::new("S", TOLD)
        }),
        ..Device::default()
    }
}

struct Scene {
    bridge: Process,
    client: Client,
    bluez: Bluez,
    bus: Bus,
    home: Home,
    build: Build,
    _broker: Broker,
}

impl Scene {
    /// The first toy is there, and runs at 50 %.
    async fn set(build: Build, toys: Vec<Device>, absent: &[&str]) -> Result<Self, Failure> {
        let bus = Bus::start();
        let hci0 = Adapter {
            name: "hci0",
            powered: true,
            devices: toys,
        };
        let bluez = Bluez::start(&bus.address, vec![hci0]);
        for address in absent {
            bluez.faults(address, |faults| faults.off_air = true);
        }
        let broker = Broker::start().await?;
        let mut client = Client::connect(broker.port, "audience", &AVAILABILITY).await?;
        let home = Home::new(broker.port, "[ble]\nenabled = true\n")?;
        let bridge = start(&build, &home, &bus)?;
        within(30, "the bridge", all_there("bench", &mut client, 0)).await??;
        // A toy that is not known yet is found by a search only.
        client.publish("bench/bridge/scan/set", "ON").await?;
        let online =
            client.find(|seen| seen.topic.ends_with("/availability") && seen.payload == b"online");
        within(30, "the toy", online).await??;
        let scene = Self {
            bridge,
            client,
            bluez,
            bus,
            home,
            build,
            _broker: broker,
        };
        wait(500).await;
        let id = ToyId::of(&HardwareId::new(TOLD));
        let set = format!("bench/{id}/vibrate/set");
        scene.client.publish(&set, "50").await?;
        super::rig::until("the toy to run", || scene.bluez.world().body(FIRST).runs()).await?;
        Ok(scene)
    }

    fn taken(&self, address: &str) -> Vec<Taken> {
        let mut world = self.bluez.world();
        let start = world.start;
        let toy = world.body(address).toy.as_ref();
        let changes = toy.iter().flat_map(|toy| toy.changes());
        changes
            .map(|change| (start + change.at, change.to.unsigned_abs() as u16))
            .collect()
    }
}

fn start(build: &Build, home: &Home, bus: &Bus) -> Result<Process, Failure> {
    let variables = [("DBUS_SYSTEM_BUS_ADDRESS", bus.address.as_str())];
    Process::start(build, home.path(), &variables)
}

/// A second toy that tells the same address comes while the first one runs; then everything is
/// stopped.
pub(super) async fn one_address(build: Build) -> Result<Duration, Failure> {
    let scene = Scene::set(build, vec![toy(FIRST), toy(SECOND)], &[SECOND]).await?;
    let mut permits = Permits::default();
    // For what was asked before.
    permits.allow_from(Instant::now() - Duration::from_secs(10), 20);
    scene.bluez.faults(SECOND, |faults| faults.off_air = false);
    scene.client.publish("bench/bridge/scan/set", "ON").await?;
    wait(5_000).await;
    scene.client.publish("bench/bridge/stop", "").await?;
    permits.end();
    wait(4_000).await;
    let both = [FIRST, SECOND].map(|toy| permits.exceeded(&scene.taken(toy)));
    Ok(both.into_iter().sum())
}

/// The bridge is killed while the toy runs, and starts again.
pub(super) async fn other_address(build: Build) -> Result<Duration, Failure> {
    let mut scene = Scene::set(build, vec![toy(FIRST)], &[]).await?;
    let mut permits = Permits::default();
    permits.allow_from(Instant::now() - Duration::from_secs(10), 20);
    scene.bridge.kill()?;
    // bluetoothd ends the connection that its client has left; the toy runs on.
    scene.bluez.drop_link(FIRST);
    scene.bridge = start(&scene.build, &scene.home, &scene.bus)?;
    // What the docs promise: stopped first thing. Connecting takes its time.
    permits.allow_from(Instant::now() + Duration::from_secs(4), 0);
    wait(10_000).await;
    Ok(permits.exceeded(&scene.taken(FIRST)))
}
