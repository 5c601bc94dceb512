//! Bluetooth: the real program and the real Bluetooth library, against a simulated bluetoothd on a
//! real D-Bus. Here `toy2mqtt doctor --bluetooth`; `toys` and `recovery` have the running bridge.
#![cfg(all(feature = "ble", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

#[path = "bluetooth/bluez.rs"]
mod bluez;
#[path = "bluetooth/bus.rs"]
mod bus;
#[path = "bluetooth/identity.rs"]
mod identity;
#[path = "bluetooth/objects.rs"]
mod objects;
#[path = "bluetooth/recovery.rs"]
mod recovery;
#[path = "bluetooth/rig.rs"]
mod rig;
#[path = "bluetooth/routes.rs"]
mod routes;
#[path = "bluetooth/sharing.rs"]
mod sharing;
#[path = "bluetooth/toys.rs"]
mod toys;
#[path = "bluetooth/world.rs"]
mod world;

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use bluez::{Adapter, Bluez, Device};
use bus::Bus;
use serde_json::Value;
use support::soon;
use tokio::process::Command;
use toy2mqtt::sim::lovense_app::{AppOptions, LovenseApp, ToySpec};

const LUSH: &str = "53300001-0023-4bd4-bbd5-a6920e4c5653";
const EDGE: &str = "50300001-0023-4bd4-bbd5-a6920e4c5653";
const HEART_RATE: &str = "0000180d-0000-1000-8000-00805f9b34fb";

/// What `doctor` finds of Bluetooth on this bus. That there is no broker does not matter.
async fn doctor(bus: &str) -> Vec<Value> {
    doctor_with(bus, "").await
}

/// The same with more settings.
async fn doctor_with(bus: &str, more: &str) -> Vec<Value> {
    // A port that stays ours: nobody answers there.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("toy2mqtt.toml");
    let url = format!("mqtt://{}", nobody.local_addr().unwrap());
    std::fs::write(&settings, format!("mqtt.url = '{url}'\n{more}")).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_toy2mqtt"))
        .args(["doctor", "--bluetooth", "--json", "--timeout", "300ms"])
        .arg("--config")
        .arg(&settings)
        .env_clear()
        .env("DBUS_SYSTEM_BUS_ADDRESS", bus)
        // Nobody on the network is asked for servers.
        .env("TOY2MQTT_DISCOVERY__ENABLED", "false")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = soon("doctor", program).await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let findings: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    assert!(!errors.contains("panicked"), "{errors}");
    let of_bluetooth = |finding: &Value| {
        let hop = finding["hop"].as_str();
        hop.is_some_and(|hop| hop.starts_with("bluetooth"))
    };
    findings.into_iter().filter(of_bluetooth).collect()
}

/// The one finding, and that it is bad: what was found, and what helps.
async fn fault(bus: &str) -> (String, String) {
    let findings = doctor(bus).await;
    let [finding] = &findings[..] else {
        panic!("not one finding: {findings:?}");
    };
    assert_eq!(
        (&finding["hop"], &finding["ok"]),
        (&"bluetooth".into(), &false.into())
    );
    let text = |key: &str| finding[key].as_str().unwrap().to_owned();
    (text("text"), text("cure"))
}

fn adapter(name: &'static str, powered: bool) -> Adapter {
    Adapter {
        name,
        powered,
        devices: Vec::new(),
    }
}

/// What a look around asks of an adapter: nothing of its power.
fn scanned(name: &str) -> [String; 3] {
    ["SetDiscoveryFilter", "StartDiscovery", "StopDiscovery"].map(|call| format!("{name} {call}"))
}

#[tokio::test]
async fn two_toys_and_a_stranger() {
    let bus = Bus::start();
    let lush = Device {
        address: "F0:82:C0:02:46:FA",
        name: Some("LVS-S132"),
        services: vec![LUSH],
        ..Device::default()
    };
    let nameless_edge = Device {
        address: "F0:82:C0:02:46:FB",
        services: vec![HEART_RATE, EDGE],
        manufacturer_data: vec![(0x026c, vec![0xff, 0x21, 0x01])],
        ..Device::default()
    };
    let stranger = Device {
        address: "F0:82:C0:02:46:FC",
        name: Some("Chest strap"),
        services: vec![HEART_RATE],
        manufacturer_data: vec![(0x004c, vec![0x10, 0x05])],
        ..Device::default()
    };
    let long_gone = Device {
        address: "F0:82:C0:02:46:FD",
        name: Some("LVS-Z001"),
        remembered: true,
        ..Device::default()
    };
    let hci0 = Adapter {
        devices: vec![lush, nameless_edge, stranger, long_gone],
        ..adapter("hci0", true)
    };
    let bluez = Bluez::start(&bus.address, vec![hci0]);
    let findings = doctor(&bus.address).await;
    let texts: Vec<_> = findings.iter().map(|finding| &finding["text"]).collect();
    assert_eq!(
        texts,
        ["adapter hci0 is on", "2 toys advertise: Edge, Lush 2"]
    );
    assert!(findings.iter().all(|finding| finding["ok"] == true));
    assert_eq!(findings[1]["hop"], "bluetooth toys");
    assert_eq!(bluez.calls(), scanned("hci0"));
}

#[tokio::test]
async fn no_toy() {
    let bus = Bus::start();
    let adapters = vec![adapter("hci1", false), adapter("hci0", true)];
    let bluez = Bluez::start(&bus.address, adapters);
    let findings = doctor(&bus.address).await;
    assert_eq!(
        findings[0]["text"],
        "adapter hci0 is on, adapter hci1 is off"
    );
    assert_eq!(findings[1]["text"], "no toy advertises");
    assert_eq!(findings[1]["ok"], false);
    // The one that is off is left alone.
    assert_eq!(bluez.calls(), scanned("hci0"));
}

#[tokio::test]
async fn a_toy_that_the_phone_has_is_nothing_to_mend() {
    let bus = Bus::start();
    let _bluez = Bluez::start(&bus.address, vec![adapter("hci0", true)]);
    let app = AppOptions::with_toys([ToySpec::new("Lush 3")]);
    let app = LovenseApp::start_local(app).await.unwrap();
    let place = app.address();
    let more = format!(
        "[[lovense_lan]]\nhost = '{}'\nport = {}\n",
        place.ip(),
        place.port()
    );
    let findings = doctor_with(&bus.address, &more).await;
    let text = findings[1]["text"].as_str().unwrap();
    assert!(text.contains("the phone app is connected to 1"), "{text}");
    assert_eq!(findings[1]["ok"], true);
}

#[tokio::test]
async fn an_adapter_that_is_off_stays_off() {
    let bus = Bus::start();
    let bluez = Bluez::start(&bus.address, vec![adapter("hci0", false)]);
    let (text, cure) = fault(&bus.address).await;
    assert_eq!(text, "Bluetooth is switched off (hci0)");
    assert!(cure.contains("power on"), "{cure}");
    assert!(bluez.calls().is_empty(), "{:?}", bluez.calls());
}

#[tokio::test]
async fn no_adapter() {
    let bus = Bus::start();
    let _bluez = Bluez::start(&bus.address, Vec::new());
    let (text, cure) = fault(&bus.address).await;
    assert_eq!(text, "there is no Bluetooth adapter");
    assert!(cure.contains("plug in"), "{cure}");
}

#[tokio::test]
async fn no_bluetoothd() {
    let bus = Bus::start();
    let (text, cure) = fault(&bus.address).await;
    assert!(text.contains("bluetoothd, is not running"), "{text}");
    assert!(cure.contains("systemctl enable"), "{cure}");
}

#[tokio::test]
async fn the_policy_of_the_bus_forbids_it() {
    let bus = Bus::with_policy(r#"<deny send_destination="org.bluez" send_type="method_call"/>"#);
    let _bluez = Bluez::start(&bus.address, vec![adapter("hci0", true)]);
    let (text, cure) = fault(&bus.address).await;
    assert!(text.contains("does not let this user"), "{text}");
    assert!(cure.contains("group bluetooth"), "{cure}");
}

#[tokio::test]
async fn no_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("system_bus_socket");
    let bus = format!("unix:path={}", socket.display());
    let (text, cure) = fault(&bus).await;
    assert!(text.contains("bus cannot be reached"), "{text}");
    assert!(text.contains(socket.to_str().unwrap()), "{text}");
    assert!(cure.contains("/run/dbus"), "{cure}");

    // Left behind by a bus that has ended.
    drop(UnixListener::bind(&socket).unwrap());
    let (text, _) = fault(&bus).await;
    assert!(text.contains("bus cannot be reached"), "{text}");
}

#[tokio::test]
async fn a_bus_that_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("system_bus_socket");
    let _silent = UnixListener::bind(&socket).unwrap();
    let (text, _) = fault(&format!("unix:path={}", socket.display())).await;
    assert_eq!(text, "the D-Bus system bus does not answer in time");
}
