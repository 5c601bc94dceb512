//! Bus, bluetoothd, broker, bridge and Home Assistant's side, put together.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::text_toy::TextToySpec;

use super::bluez::{Adapter, Bluez, Device};
use super::bus::Bus;
use super::support::mosquitto::{Mosquitto, Setup};
use super::support::soon;

#[path = "../bridge/support/bridge.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod bridge;
#[path = "../bridge/support/home.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod home;

pub(crate) use bridge::Bridge;
pub(crate) use home::{Home, Seen};

/// `F0:82:C0:02:46:FA` of a device is `f082c00246fa` of a toy.
pub(crate) fn hardware(address: &str) -> String {
    address.replace(':', "").to_lowercase()
}

/// A toy of these letters that advertises as `LVS-…`.
pub(crate) fn toy(letters: &str, name: &'static str, address: &'static str) -> Device {
    Device {
        address,
        name: Some(name),
        toy: Some(TextToySpec::new(letters, &hardware(address))),
        ..Device::default()
    }
}

/// An adapter that is on, with these devices around it.
pub(crate) fn adapter(devices: Vec<Device>) -> Adapter {
    Adapter {
        name: "hci0",
        powered: true,
        devices,
    }
}

/// Everything, running.
pub(crate) struct Rig {
    pub(crate) bridge: Bridge,
    pub(crate) home: Home,
    pub(crate) bluez: Bluez,
    pub(crate) bus: Bus,
    _broker: Mosquitto,
    folder: TempDir,
    addresses: Vec<&'static str>,
}

impl Rig {
    /// One adapter with these devices, and these lines for `[ble]`.
    pub(crate) async fn start(devices: Vec<Device>, settings: &str) -> Self {
        let addresses = devices.iter().map(|device| device.address).collect();
        let bus = Bus::start();
        let bluez = Bluez::start(&bus.address, vec![adapter(devices)]);
        let broker = Mosquitto::start(&Setup::default()).await;
        let home = Home::connect(broker.addr).await;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let text = format!(
            "data_dir = {data:?}\n[mqtt]\nurl = 'mqtt://{}'\n[log]\nlevel = 'debug'\n\
             [web]\nlisten = 'off'\n[safety]\nstop_hold = '0s'\n[ble]\nenabled = true\n{settings}\n",
            broker.addr
        );
        std::fs::write(folder.path().join("toy2mqtt.toml"), text).unwrap();
        let bridge = launch(&folder, &bus);
        let rig = Self {
            bridge,
            home,
            bluez,
            bus,
            _broker: broker,
            folder,
            addresses,
        };
        rig.home.says("toy2mqtt/bridge/state", "online").await;
        rig
    }

    /// The same, every device a toy that is taken and there.
    pub(crate) async fn with_toys(devices: Vec<Device>, settings: &str) -> Self {
        let rig = Self::start(devices, &format!("scan = 'all'\n{settings}")).await;
        for address in rig.addresses.clone() {
            rig.is(address, "online").await;
        }
        rig
    }

    /// Starts the bridge again, after it was killed or has ended.
    pub(crate) fn relaunch(&mut self) {
        self.bridge = launch(&self.folder, &self.bus);
    }

    /// A topic of the toy with this address.
    pub(crate) fn topic(&self, address: &str, below: &str) -> String {
        let id = ToyId::of(&HardwareId::new(hardware(address)));
        format!("toy2mqtt/{id}/{below}")
    }

    /// Waits until the toy is `online` or `offline`.
    pub(crate) async fn is(&self, address: &str, state: &str) {
        self.home
            .says(&self.topic(address, "availability"), state)
            .await;
    }

    /// Publishes to a topic of a toy.
    pub(crate) fn say(&self, address: &str, below: &str, payload: &str) {
        self.home.publish(&self.topic(address, below), payload);
    }

    /// Sets outputs and returns the result.
    pub(crate) async fn set(&self, address: &str, mut payload: Value) -> Value {
        payload["id"] = json!(format!("ask-{}", self.home.mark()));
        let mark = self.home.mark();
        self.say(address, "set", &payload.to_string());
        let topic = self.topic(address, "result");
        let id = payload["id"].clone();
        let seen = self.home.next(mark, &topic, |seen| seen.json()["id"] == id);
        seen.await.json()
    }

    /// Sets outputs until it is done: a toy that has just come back may refuse for a moment.
    pub(crate) async fn drive(&self, address: &str, payload: Value) {
        let result = self.set(address, payload).await;
        assert_eq!(result["ok"], true, "{result}");
    }

    /// Waits for something to become true of the toy.
    pub(crate) async fn until(
        &self,
        what: &str,
        address: &str,
        mut wanted: impl FnMut(&mut super::world::Body) -> bool,
    ) {
        self.world_until(what, |world| wanted(world.body(address)))
            .await;
    }

    /// Waits for something to become true around the daemon.
    pub(crate) async fn world_until(
        &self,
        what: &str,
        mut wanted: impl FnMut(&mut super::bluez::World) -> bool,
    ) {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        let looking = async {
            while !wanted(&mut self.bluez.world()) {
                looks.tick().await;
            }
        };
        soon(what, looking).await;
    }

    /// The state of the backend, as the bridge publishes it.
    pub(crate) async fn backend_is(&self, state: &str) -> Value {
        let find = |info: &Value| {
            let ble = &info["backends"]["ble"];
            (ble["state"] == state).then(|| ble.clone())
        };
        let topic = "toy2mqtt/bridge/info";
        let seen = self.home.until(topic, |seen| find(&seen.json()).is_some());
        find(&seen.await.json()).unwrap()
    }
}

fn launch(folder: &TempDir, bus: &Bus) -> Bridge {
    let config = folder.path().join("toy2mqtt.toml");
    Bridge::start_with(&config, &[("DBUS_SYSTEM_BUS_ADDRESS", &bus.address)])
}
