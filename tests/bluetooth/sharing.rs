//! Why every toy has a connection to the message bus of its own, and what it is about: the Bluetooth
//! library and dbus-daemon as they are, without the bridge. Should this test fail one day because
//! nothing is lost over a shared connection either, one connection will do.

use std::process::Stdio;
use std::time::Duration;

use btleplug::api::{Central, CharPropFlags, Manager as _, Peripheral as _, ScanFilter, WriteType};
use btleplug::platform::{Manager, Peripheral};
use futures_util::StreamExt;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bluez::Bluez;
use super::bus::Bus;
use super::recovery::TOYS;
use super::rig::{adapter, toy};
use super::support::soon;

/// Tells the child how many connections to use: `own` or `shared`.
const CONNECTIONS: &str = "TOY2MQTT_TEST_CONNECTIONS";

const ROUNDS: usize = 25;

/// How long a toy may take to be connected to, and to answer. It takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Toys turn up one after the other, each before the one before it is connected: whoever has
/// connected takes away what a later one listens by.
const STAGGER: Duration = Duration::from_millis(10);

const ITSELF: &str = "sharing::toys_that_share_a_connection_are_lost_and_others_are_not";

/// Runs itself again as its children, which have the bus that their environment names.
#[tokio::test]
async fn toys_that_share_a_connection_are_lost_and_others_are_not() {
    if let Ok(connections) = std::env::var(CONNECTIONS) {
        println!("lost: {}", rounds(&connections).await);
        return;
    }
    assert_eq!(lost("own").await, 0);
    assert!(lost("shared").await > 0);
}

/// How many toys were lost in the rounds of a child; over a shared connection no more than one.
async fn lost(connections: &str) -> usize {
    let bus = Bus::start();
    let toys = TOYS.iter();
    let toys = toys.map(|(letters, name, address)| toy(letters, name, address));
    let _bluez = Bluez::start(&bus.address, vec![adapter(toys.collect())]);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", ITSELF, "--nocapture"])
        .env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address)
        .env(CONNECTIONS, connections)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = soon("the child", child).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let lost = text.lines().find_map(|line| line.split("lost: ").nth(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    let lost = lost.unwrap_or_else(|| panic!("the child says nothing: {text}{errors}"));
    lost.trim().parse().unwrap()
}

/// Connects to all toys, asks each what it is, and disconnects. Tells how many did not answer.
async fn rounds(connections: &str) -> usize {
    let scanner = Manager::new().await.unwrap();
    let hci0 = scanner.adapters().await.unwrap().remove(0);
    hci0.start_scan(ScanFilter::default()).await.unwrap();
    let mut known = hci0.peripherals().await.unwrap();
    while known.len() < TOYS.len() {
        tokio::task::yield_now().await;
        known = hci0.peripherals().await.unwrap();
    }
    let shared = Manager::new().await.unwrap();
    let mut toys = Vec::new();
    for toy in known {
        let manager = match connections {
            "shared" => shared.clone(),
            _ => Manager::new().await.unwrap(),
        };
        let hci0 = manager.adapters().await.unwrap().remove(0);
        toys.push(hci0.peripheral(&toy.id()).await.unwrap());
    }
    let mut lost = 0;
    let mut starts = tokio::time::interval(STAGGER);
    for _ in 0..ROUNDS {
        let mut round = JoinSet::new();
        for toy in toys.drain(..) {
            starts.tick().await;
            round.spawn(async move {
                let mut said = toy.notifications().await.unwrap();
                let asked = timeout(PATIENCE, ask(&toy)).await.is_ok();
                let answered = asked && timeout(PATIENCE, said.next()).await.is_ok();
                let _ = timeout(PATIENCE, toy.disconnect()).await;
                (answered, toy)
            });
        }
        for (answered, toy) in round.join_all().await {
            lost += usize::from(!answered);
            toys.push(toy);
        }
        if lost > 0 {
            break;
        }
    }
    lost
}

async fn ask(toy: &Peripheral) {
    toy.connect().await.unwrap();
    toy.discover_services().await.unwrap();
    let all = toy.characteristics();
    let with = |flag| all.iter().find(|one| one.properties.contains(flag));
    let said = with(CharPropFlags::NOTIFY).unwrap();
    toy.subscribe(said).await.unwrap();
    let to = with(CharPropFlags::WRITE).unwrap();
    let kind = WriteType::WithResponse;
    toy.write(to, b"DeviceType;", kind).await.unwrap();
}
