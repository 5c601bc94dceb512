//! The server within the bridge, with the real Bluetooth library and a simulated bluetoothd.

use serde_json::json;

use crate::radio::bluez::{Adapter, Bluez, Device, World};
use crate::radio::bus::Bus;
use crate::radio::world::Port;
use crate::rig::Rig;
use crate::shared::soon;

const CUP: &str = "C0:FF:EE:00:00:01";
const OURS: &str = "F0:82:C0:02:46:FA";

/// A toy of a maker whose commands are texts: `$SYS,0?` to `$SYS,8?`.
fn cup() -> Device {
    Device {
        address: CUP,
        name: Some("Youcups"),
        port: Port {
            service: "0000fee9-0000-1000-8000-00805f9b34fb",
            to: "d44bc439-abfd-45a2-b575-925416129600",
            from: "d44bc439-abfd-45a2-b575-925416129601",
            flags: &["write", "write-without-response"],
        },
        ..Device::default()
    }
}

/// How the server knows it.
fn known() -> String {
    "buttplug/embedded/0/Youcups Warrior II".to_owned()
}

struct Stage {
    rig: Rig,
    bluez: Bluez,
    _bus: Bus,
}

impl Stage {
    async fn start(devices: Vec<Device>) -> Self {
        let bus = Bus::start();
        let adapter = Adapter {
            name: "hci0",
            powered: true,
            devices,
        };
        let bluez = Bluez::start(&bus.address, vec![adapter]);
        let variables = [("DBUS_SYSTEM_BUS_ADDRESS", bus.address.as_str())];
        let rig = Rig::start_with(&["embedded = true".to_owned()], &variables).await;
        rig.backend_until("buttplug", |it| it["state"] == "up")
            .await;
        Self {
            rig,
            bluez,
            _bus: bus,
        }
    }

    /// Waits for something to become true around the daemon.
    async fn until(&self, what: &str, mut wanted: impl FnMut(&mut World) -> bool) {
        let looking = async {
            while !wanted(&mut self.bluez.world()) {
                self.rig.home.synced().await;
            }
        };
        soon(what, looking).await;
    }

    /// Waits until the toy has been told this last.
    async fn told(&self, command: &str) {
        self.until(command, |world| {
            let last = world.body(CUP).written.last();
            last.is_some_and(|last| last == command.as_bytes())
        })
        .await;
    }

    async fn drive(&self, level: u8, command: &str) {
        self.rig.set(&known(), json!({"vibrate": level})).await;
        self.told(command).await;
    }
}

#[tokio::test]
async fn a_toy_of_another_maker_is_found_driven_and_stopped_and_ours_is_left_alone() {
    let lovense = crate::radio::lovense(OURS);
    let mut stage = Stage::start(vec![cup(), lovense]).await;
    let id = known();
    stage.rig.available(&id, true).await;
    let silent = stage.bluez.world().body(CUP).written.clone();
    assert!(
        silent.is_empty(),
        "nothing is driven on connect: {silent:?}"
    );
    stage.drive(50, "$SYS,4?").await;
    stage.drive(100, "$SYS,8?").await;
    stage.rig.home.publish(&stage.rig.topic(&id, "stop"), "");
    stage.told("$SYS,0?").await;
    stage
        .rig
        .state_until(&id, |state| state["state"] == "OFF")
        .await;

    // It goes, and comes back as the same device, off.
    stage.drive(50, "$SYS,4?").await;
    stage.bluez.drop_link(CUP);
    stage.rig.available(&id, false).await;
    let told = {
        let mut world = stage.bluez.world();
        let cup = world.body(CUP);
        // bluetoothd forgets, some time after it has gone, what was never paired.
        cup.known = false;
        cup.written.len()
    };
    stage.rig.available(&id, true).await;
    let state = stage
        .rig
        .state_until(&id, |state| state["state"] == "OFF")
        .await;
    // 0, or unknown until the toy has confirmed it.
    assert_eq!(state["vibrate"].as_i64().unwrap_or(0), 0, "{state}");
    let since = stage.bluez.world().body(CUP).written[told..].to_vec();
    assert!(since.iter().all(|it| it == b"$SYS,0?"), "{since:?}");

    // The end of the bridge is the end of its levels.
    stage.drive(50, "$SYS,4?").await;
    stage.rig.bridge.terminate();
    assert!(stage.rig.bridge.ended().await.success());
    stage.told("$SYS,0?").await;
    assert_eq!(stage.bluez.world().body(OURS).connections, 0);
}

#[tokio::test]
async fn an_adapter_that_is_pulled_or_switched_off_is_noticed_and_found_again() {
    let stage = Stage::start(vec![cup()]).await;
    let id = known();
    stage.rig.available(&id, true).await;
    stage.drive(50, "$SYS,4?").await;
    let down = async |why: &str| {
        let is = |it: &serde_json::Value| {
            let error = it["last_error"].as_str().unwrap_or_default();
            it["state"] == "down" && error.contains(why)
        };
        stage.rig.backend_until("buttplug", is).await;
        stage.rig.available(&id, false).await;
    };
    stage.bluez.plug(false);
    down("there is no Bluetooth adapter").await;
    stage.bluez.plug(true);
    stage.rig.available(&id, true).await;
    stage
        .rig
        .state_until(&id, |state| state["state"] == "OFF")
        .await;
    stage.drive(100, "$SYS,8?").await;

    stage.bluez.power(false);
    down("switched off").await;
    stage.bluez.power(true);
    stage.rig.available(&id, true).await;
    stage.drive(50, "$SYS,4?").await;
}
