//! The server within the bridge, with the real Bluetooth library and a simulated bluetoothd.

use crate::radio::bluez::{Adapter, Bluez};
use crate::radio::bus::Bus;
use crate::support::{BrokerSetup, Home, Mosquitto};

#[tokio::test]
async fn the_server_within_the_bridge_searches_with_the_adapter_of_this_machine() {
    let bus = Bus::start();
    let adapter = Adapter {
        name: "hci0",
        powered: true,
        devices: Vec::new(),
    };
    let bluez = Bluez::start(&bus.address, vec![adapter]);
    let broker = Mosquitto::start(&BrokerSetup::default()).await;
    let home = Home::connect(broker.addr).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("toy2mqtt.toml");
    let data = folder.path().join("data");
    let settings = format!(
        "data_dir = {data:?}\n[web]\nlisten = \"off\"\n[mqtt]\nurl = \"mqtt://{}\"\n\
         [[buttplug]]\nembedded = true\n",
        broker.addr
    );
    std::fs::write(&config, settings).unwrap();
    let _bridge = tokio::process::Command::new(env!("CARGO_BIN_EXE_toy2mqtt"))
        .env_clear()
        .env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address)
        .arg("--config")
        .arg(&config)
        .arg("run")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let up = |seen: &crate::support::Seen| seen.json()["backends"]["buttplug"]["state"] == "up";
    home.until("toy2mqtt/bridge/info", up).await;
    let searching = async {
        while !bluez
            .calls()
            .iter()
            .any(|call| call == "hci0 StartDiscovery")
        {
            home.synced().await;
        }
    };
    crate::shared::soon("a search", searching).await;
}
