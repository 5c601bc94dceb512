//! Bus, bluetoothd, broker, bridge and a client.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::TextToySpec;

use super::bluez::{Adapter, Bluez, Device};
use super::bus::Bus;
use super::world::World;
use crate::client::{Arrived, Client};
use crate::stage::{Bridge, Broker, all_there};
use crate::{Failure, within};

/// Addresses of toys.
pub(super) const TOYS: [&str; 10] = [
    "F0:82:C0:02:46:01",
    "F0:82:C0:02:46:02",
    "F0:82:C0:02:46:03",
    "F0:82:C0:02:46:04",
    "F0:82:C0:02:46:05",
    "F0:82:C0:02:46:06",
    "F0:82:C0:02:46:07",
    "F0:82:C0:02:46:08",
    "F0:82:C0:02:46:09",
    "F0:82:C0:02:46:0A",
];

/// How often to look at the world.
const LOOK: Duration = Duration::from_millis(2);

/// Whoever asked and was refused asks again after this time.
const AGAIN: Duration = Duration::from_millis(100);

/// A toy with one vibrator.
pub(super) fn toy(address: &'static str) -> Device {
    Device {
        address,
        name: Some("LVS-S132"),
        toy: Some(TextToySpec::new("S", &hardware(address))),
        ..Device::default()
    }
}

fn hardware(address: &str) -> String {
    address.replace(':', "").to_lowercase()
}

/// A topic of a toy.
pub(super) fn topic(address: &str, below: &str) -> String {
    let id = ToyId::of(&HardwareId::new(hardware(address)));
    format!("bench/{id}/{below}")
}

/// Everything, running.
pub(super) struct Scene {
    pub(super) bridge: Bridge,
    pub(super) client: Client,
    pub(super) bluez: Bluez,
    pub(super) bus: Bus,
    _broker: Broker,
    asked: u64,
    /// Whether the first toy is there, as the bridge says.
    there: bool,
}

impl Scene {
    /// With so many of the [`TOYS`] for the bridge, these `others`, and more lines for `[ble]`.
    pub(super) async fn set(
        toys: Vec<Device>,
        others: Vec<Device>,
        settings: &str,
    ) -> Result<Self, Failure> {
        let count = toys.len();
        let bus = Bus::start();
        let hci0 = Adapter {
            name: "hci0",
            powered: true,
            devices: toys.into_iter().chain(others).collect(),
        };
        let bluez = Bluez::start(&bus.address, vec![hci0]);
        let broker = Broker::start().await?;
        let mut client = Client::connect(broker.port, "audience", &["bench/#"]).await?;
        let sections = format!("[ble]\nenabled = true\nscan = \"all\"\n{settings}");
        let variables = vec![("DBUS_SYSTEM_BUS_ADDRESS", bus.address.clone())];
        let bridge = Bridge::with(&broker, &sections, variables)?;
        within(60, "the toys", all_there("bench", &mut client, count)).await??;
        // What follows a start, such as a first question for the charge, is over then.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(Self {
            bridge,
            client,
            bluez,
            bus,
            _broker: broker,
            asked: 0,
            there: true,
        })
    }

    /// Waits until something is true of the world.
    pub(super) async fn until(
        &self,
        what: &str,
        mut wanted: impl FnMut(&mut World) -> bool,
    ) -> Result<(), Failure> {
        let looking = async {
            while !wanted(&mut self.bluez.world()) {
                tokio::time::sleep(LOOK).await;
            }
        };
        within(30, what, looking).await
    }

    /// Asks the first toy for a level, again and again until it is done. Returns when it was.
    pub(super) async fn drive(&mut self, percent: u64) -> Result<Instant, Failure> {
        within(30, "a level to be accepted", self.insist(percent)).await?
    }

    async fn insist(&mut self, percent: u64) -> Result<Instant, Failure> {
        let (set, result) = (topic(TOYS[0], "set"), topic(TOYS[0], "result"));
        loop {
            while !self.there {
                self.hear().await?;
            }
            self.asked += 1;
            let id = json!(self.asked.to_string());
            let asked = json!({"vibrate": percent, "id": id});
            self.client.publish(&set, &asked.to_string()).await?;
            let answer = loop {
                let seen = self.hear().await?;
                let answer: Value = serde_json::from_slice(&seen.payload).unwrap_or_default();
                if seen.topic == result && answer["id"] == id {
                    break (seen.at, answer["ok"] == true);
                }
            };
            if let (at, true) = answer {
                return Ok(at);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn hear(&mut self) -> Result<Arrived, Failure> {
        let arrived = self.client.next().await?;
        if arrived.topic == topic(TOYS[0], "availability") {
            self.there = arrived.payload == b"online";
        }
        Ok(arrived)
    }

    /// Stops the first toy.
    pub(super) async fn rest(&mut self) -> Result<(), Failure> {
        self.client.publish(&topic(TOYS[0], "stop"), "").await?;
        self.until("a stop", |world| !world.body(TOYS[0]).runs())
            .await
    }

    /// The level of the first toy, in its own steps.
    pub(super) fn level(&self) -> i32 {
        self.bluez.world().body(TOYS[0]).level(Function::Vibrate)
    }
}
