//! What is around a simulated bluetoothd: adapters, devices, and what is to go wrong with them. It
//! outlives the daemon, as the real world does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::{TextToy, TextToySpec};

/// An adapter and the devices around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Adapter {
    /// `hci0`
    pub(crate) name: &'static str,
    pub(crate) powered: bool,
    pub(crate) devices: Vec<Device>,
}

/// A device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    /// With colons.
    pub(crate) address: &'static str,
    /// Its name, if it advertises one.
    pub(crate) name: Option<&'static str>,
    pub(crate) services: Vec<&'static str>,
    pub(crate) manufacturer_data: Vec<(u16, Vec<u8>)>,
    /// It was there once, and bluetoothd remembers it. All others show while somebody scans.
    pub(crate) remembered: bool,
    /// What it is when it is connected to.
    pub(crate) toy: Option<TextToySpec>,
    /// The service that the toy is spoken to by, and its characteristics.
    pub(crate) port: Port,
}

/// A toy's service: its UUID, those of what is written to and of what speaks, and how to write.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub(crate) service: &'static str,
    pub(crate) to: &'static str,
    pub(crate) from: &'static str,
    pub(crate) flags: &'static [&'static str],
}

impl Default for Port {
    fn default() -> Self {
        Self {
            service: "53300001-0023-4bd4-bbd5-a6920e4c5653",
            to: "53300002-0023-4bd4-bbd5-a6920e4c5653",
            from: "53300003-0023-4bd4-bbd5-a6920e4c5653",
            flags: &["write", "write-without-response"],
        }
    }
}

/// What is to go wrong with a device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// It does not advertise and does not answer.
    pub(crate) off_air: bool,
    /// The next so many connections fail.
    pub(crate) connects_fail: u32,
    /// It can be connected to, but never shows its services.
    pub(crate) unresolved: bool,
    /// Its name is not in what it advertises first.
    pub(crate) late_name: bool,
    /// The connection is dead, and nobody has noticed.
    pub(crate) dead: bool,
    /// Each write takes this long.
    pub(crate) slow_writes: Duration,
    /// The next so many writes fail.
    pub(crate) writes_fail: u32,
    /// The next so many answers are lost.
    pub(crate) answers_lost: u32,
    /// Each answer comes in two pieces.
    pub(crate) split: bool,
    /// Only writes of this kind are taken, whatever the flags say.
    pub(crate) only: Option<&'static str>,
}

/// A device as it is now.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) device: Device,
    pub(crate) toy: Option<TextToy>,
    pub(crate) faults: Faults,
    /// bluetoothd knows it.
    pub(crate) known: bool,
    pub(crate) named: bool,
    pub(crate) connected: bool,
    pub(crate) resolved: bool,
    pub(crate) notifying: bool,
    /// How often it was connected to.
    pub(crate) connections: u32,
    /// How many writes came while another one was under way.
    pub(crate) collisions: u32,
    pub(crate) writing: bool,
    /// Everything that was written to it, if it is no toy that speaks.
    pub(crate) written: Vec<Vec<u8>>,
    pub(crate) rssi: i16,
}

impl Body {
    pub(crate) fn new(device: Device) -> Self {
        Self {
            toy: device.toy.clone().map(TextToy::new),
            known: device.remembered,
            named: true,
            faults: Faults::default(),
            connected: false,
            resolved: false,
            notifying: false,
            connections: 0,
            collisions: 0,
            writing: false,
            written: Vec::new(),
            rssi: -61,
            device,
        }
    }

    /// What its connection was is over.
    pub(crate) fn leave(&mut self, at: Duration) {
        self.connected = false;
        self.resolved = false;
        self.notifying = false;
        self.writing = false;
        self.faults.dead = false;
        if let Some(toy) = &mut self.toy {
            toy.left_alone(at);
        }
    }

    /// Whether the toy runs.
    pub(crate) fn runs(&self) -> bool {
        self.toy.as_ref().is_some_and(TextToy::runs)
    }

    pub(crate) fn level(&self, function: Function) -> i32 {
        self.toy.as_ref().map_or(0, |toy| toy.level(function))
    }

    /// Everything that the toy was told.
    pub(crate) fn heard(&self) -> Vec<String> {
        let heard = self.toy.iter().flat_map(|toy| toy.heard());
        heard.map(|heard| heard.command.clone()).collect()
    }

    pub(crate) fn advertises(&self) -> bool {
        !self.device.remembered && !self.faults.off_air && !self.connected
    }
}

/// An adapter as it is now.
#[derive(Debug)]
pub(crate) struct Radio {
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) powered: bool,
    pub(crate) plugged: bool,
    /// Who has asked it to scan.
    pub(crate) scanning: BTreeSet<String>,
    /// It says that it scans and hears nothing…
    pub(crate) deaf: bool,
    /// …not even once it is well again, before nobody has scanned for a moment.
    pub(crate) stalled: bool,
    pub(crate) bodies: Vec<Body>,
}

impl Radio {
    /// Of this adapter, plugged in.
    pub(crate) fn new(adapter: Adapter) -> Self {
        Self {
            name: adapter.name,
            address: "00:1A:7D:DA:71:13",
            powered: adapter.powered,
            plugged: true,
            scanning: BTreeSet::new(),
            deaf: false,
            stalled: false,
            bodies: adapter.devices.into_iter().map(Body::new).collect(),
        }
    }

    /// Somebody does not scan any more.
    pub(crate) fn leave(&mut self, who: &str) {
        self.scanning.remove(who);
        self.stalled &= self.deaf || !self.scanning.is_empty();
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) radios: Vec<Radio>,
    /// What the daemon was asked to do, in order. Questions are left out.
    pub(crate) calls: Vec<String>,
    /// When its clock was at 0.
    pub(crate) start: Instant,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "the clock of the simulated toys")]
    pub(crate) fn new(adapters: Vec<Adapter>) -> Self {
        Self {
            radios: adapters.into_iter().map(Radio::new).collect(),
            calls: Vec::new(),
            start: Instant::now(),
        }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The device with this address.
    pub(crate) fn body(&mut self, address: &str) -> &mut Body {
        let bodies = self.radios.iter_mut().flat_map(|radio| &mut radio.bodies);
        let mut found = bodies.filter(|body| body.device.address == address);
        found.next().expect("a device of the test")
    }
}
