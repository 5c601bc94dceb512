//! A simulated bluetoothd: as much of `org.bluez` as toys need.
//!
//! Sources: the D-Bus API documentation of BlueZ (org.bluez.Adapter, Device, GattService,
//! GattCharacteristic), and how the real daemon was seen to behave: a connection to a silent device
//! stays pending until it is given up, nothing is told when the daemon ends, and a client that is
//! killed leaves its connections behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use dbus::arg::PropMap;
use dbus::blocking::Connection;
use dbus::channel::{Channel, Sender};
use dbus::message::MessageType;
use dbus::{Message, Path};

use super::objects::{self, Place, put};
use super::world::Radio;
pub(crate) use super::world::{Adapter, Device, Faults, World};

#[path = "calls.rs"]
mod calls;

const ADAPTER: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";
const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

/// How long it may take until it notices what the test does to it.
const ATTENTION: Duration = Duration::from_millis(5);
/// How often devices advertise.
const ADVERTISING: Duration = Duration::from_millis(60);
/// How long it takes to connect, and then to find the services.
const CONNECTING: Duration = Duration::from_millis(30);
/// How long a toy takes to answer.
const ANSWER: Duration = Duration::from_millis(8);

/// A running bluetoothd, and what is around it.
pub(crate) struct Bluez {
    world: Arc<Mutex<World>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Bluez {
    fn drop(&mut self) {
        self.end();
    }
}

impl Bluez {
    /// Takes the name `org.bluez` on this bus.
    pub(crate) fn start(address: &str, adapters: Vec<Adapter>) -> Self {
        let mut bluez = Self {
            world: Arc::new(Mutex::new(World::new(adapters))),
            over: Arc::default(),
            thread: None,
        };
        bluez.restart(address);
        bluez
    }

    /// Starts again after [`Self::end`], with the same world around it.
    pub(crate) fn restart(&mut self, address: &str) {
        let mut channel = Channel::open_private(address).expect("a bus");
        channel.register().expect("the bus lets us in");
        let connection = Connection::from(channel);
        connection
            .request_name("org.bluez", false, false, true)
            .expect("the name is free");
        // Whoever leaves the bus does not scan any more.
        connection
            .add_match_no_cb("type='signal',member='NameOwnerChanged'")
            .expect("the bus tells who leaves");
        self.over = Arc::default();
        let is_over = Arc::clone(&self.over);
        let mut daemon = Daemon {
            connection,
            world: Arc::clone(&self.world),
            due: Vec::new(),
            pending: HashMap::new(),
            advertised: Duration::ZERO,
            shown: HashMap::new(),
        };
        self.thread = Some(std::thread::spawn(move || {
            // Fails when the bus has gone.
            while !is_over.load(Ordering::Relaxed) && daemon.turn() {}
        }));
    }

    /// Ends it, without a word to anybody. Its connections are lost.
    pub(crate) fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let mut world = self.world();
        let now = world.now();
        for radio in &mut world.radios {
            radio.scanning.clear();
            for body in &mut radio.bodies {
                body.known = body.device.remembered;
                body.leave(now);
            }
        }
    }

    /// The world, to look at and to change. What the daemon would tell of a change it tells.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }

    /// What it was asked to do, in order. Questions are left out.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    /// Changes what goes wrong with a device.
    pub(crate) fn faults(&self, address: &str, change: impl FnOnce(&mut Faults)) {
        change(&mut self.world().body(address).faults);
    }

    /// The connection to a device breaks, and the daemon notices.
    pub(crate) fn drop_link(&self, address: &str) {
        let mut world = self.world();
        let now = world.now();
        world.body(address).leave(now);
    }

    /// Switches all adapters on or off.
    pub(crate) fn power(&self, on: bool) {
        let mut world = self.world();
        let now = world.now();
        for radio in &mut world.radios {
            radio.powered = on;
            if !on {
                radio.scanning.clear();
                radio.bodies.iter_mut().for_each(|body| body.leave(now));
            }
        }
    }

    /// All adapters hear nothing from now on, while they say that they scan; or could again, if
    /// somebody had them start anew.
    pub(crate) fn deafen(&self, deaf: bool) {
        for radio in &mut self.world().radios {
            radio.deaf = deaf;
            radio.stalled |= deaf;
        }
    }

    /// The first adapter returns under this name, as after a reset by the kernel, and another one has the
    /// name that the first one had.
    pub(crate) fn swap_names(&self, name: &'static str) {
        let mut world = self.world();
        let freed = std::mem::replace(&mut world.radios[0].name, name);
        world.radios.truncate(1);
        let mut other = Radio::new(Adapter {
            name: freed,
            powered: true,
            devices: Vec::new(),
        });
        other.address = "00:1A:7D:DA:71:14";
        world.radios.push(other);
    }

    /// The first adapter is switched off, and all devices are within reach of the second one.
    pub(crate) fn take_over(&self) {
        let mut world = self.world();
        let now = world.now();
        let [first, second] = &mut world.radios[..] else {
            panic!("not two adapters");
        };
        first.powered = false;
        first.scanning.clear();
        for mut body in first.bodies.drain(..) {
            body.known = false;
            body.leave(now);
            second.bodies.push(body);
        }
    }

    /// Plugs all adapters in or pulls them out.
    pub(crate) fn plug(&self, in_: bool) {
        let mut world = self.world();
        let now = world.now();
        for radio in &mut world.radios {
            radio.plugged = in_;
            radio.scanning.clear();
            for body in &mut radio.bodies {
                body.known = false;
                body.leave(now);
            }
        }
    }
}

/// Something that happens by itself.
enum Due {
    Connected(Place),
    Resolved(Place),
    Answer(Place, Vec<u8>),
    /// What to answer if it is still connected then, and if not.
    Written(Place, Box<(Message, Message)>, Vec<u8>),
}

struct Daemon {
    connection: Connection,
    world: Arc<Mutex<World>>,
    due: Vec<(Duration, Due)>,
    /// Who waits for a connection: what to answer when it is there, and when it is given up.
    pending: HashMap<Place, (Message, Message)>,
    advertised: Duration,
    /// What was told last of each object.
    shown: HashMap<Path<'static>, (bool, bool, bool)>,
}

impl Daemon {
    /// Waits for a call or for something to be due. False if the bus has gone.
    fn turn(&mut self) -> bool {
        let Ok(message) = self.connection.channel().blocking_pop_message(ATTENTION) else {
            return false;
        };
        let world = Arc::clone(&self.world);
        let mut world = world.lock().expect("not poisoned");
        if let Some(left) = message.as_ref().and_then(left) {
            for radio in &mut world.radios {
                radio.leave(&left);
            }
        }
        let call = message.filter(|m| m.msg_type() == MessageType::MethodCall);
        if let Some(call) = call
            && let Some(answer) = self.answer(&call, &mut world)
        {
            let _ = self.connection.send(answer);
        }
        self.happen(&mut world);
        self.advertise(&mut world);
        self.tell(&mut world);
        self.connection.channel().flush();
        true
    }

    /// A write reaches the toy, which answers.
    fn deliver(&mut self, place: &Place, bytes: &[u8], world: &mut World) {
        let now = world.now();
        let Some(body) = place.body(world).filter(|body| !body.faults.dead) else {
            return;
        };
        let Some(toy) = &mut body.toy else {
            body.written.push(bytes.to_vec());
            return;
        };
        for answer in toy.write(now, bytes) {
            if body.faults.answers_lost > 0 {
                body.faults.answers_lost -= 1;
                continue;
            }
            let answer = answer.into_bytes();
            let cut = if body.faults.split {
                answer.len() / 2
            } else {
                answer.len()
            };
            let (one, two) = answer.split_at(cut);
            for piece in [one, two].into_iter().filter(|piece| !piece.is_empty()) {
                let due = Due::Answer(place.clone(), piece.to_vec());
                self.due.push((now + ANSWER, due));
            }
        }
    }

    /// What is due happens.
    fn happen(&mut self, world: &mut World) {
        let now = world.now();
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.due = later;
        for (_, due) in due {
            match due {
                Due::Connected(place) => self.connected(place, world),
                Due::Resolved(place) => {
                    let body = place.body(world);
                    if let Some(body) = body.filter(|b| b.connected && !b.faults.unresolved) {
                        body.resolved = true;
                    }
                }
                Due::Answer(place, bytes) => {
                    let body = place.body(world);
                    if body.is_some_and(|body| body.notifying && !body.faults.dead) {
                        let mut value = PropMap::new();
                        put(&mut value, "Value", bytes);
                        self.changed(&place.listening(), CHARACTERISTIC, value);
                    }
                }
                Due::Written(place, answers, bytes) => {
                    let connected = place.body(world).is_some_and(|body| {
                        body.writing = false;
                        body.connected
                    });
                    if connected {
                        self.deliver(&place, &bytes, world);
                    }
                    let answer = if connected { answers.0 } else { answers.1 };
                    let _ = self.connection.send(answer);
                }
            }
        }
    }

    /// A connection is made, if the device answers; else it stays pending.
    fn connected(&mut self, place: Place, world: &mut World) {
        let now = world.now();
        if !self.pending.contains_key(&place) {
            return;
        }
        let powered = place
            .radio(world)
            .is_some_and(|radio| radio.powered && radio.plugged);
        let Some(body) = place.body(world).filter(|_| powered) else {
            return;
        };
        if body.faults.off_air {
            self.due.push((now + CONNECTING, Due::Connected(place)));
            return;
        }
        body.connected = true;
        body.connections += 1;
        if let Some((done, _)) = self.pending.remove(&place) {
            let _ = self.connection.send(done);
        }
        self.due.push((now + CONNECTING, Due::Resolved(place)));
    }

    fn advertise(&mut self, world: &mut World) {
        let now = world.now();
        if now < self.advertised + ADVERTISING {
            return;
        }
        self.advertised = now;
        for radio in &mut world.radios {
            if !radio.plugged || !radio.powered || radio.stalled || radio.scanning.is_empty() {
                continue;
            }
            let name = radio.name;
            for body in radio.bodies.iter_mut().filter(|body| body.advertises()) {
                let place = Place::new(name, body.device.address);
                if body.known {
                    body.named = true;
                    body.rssi = if body.rssi == -61 { -60 } else { -61 };
                    let mut rssi = PropMap::new();
                    put(&mut rssi, "RSSI", body.rssi);
                    self.changed(&place.path(), DEVICE, rssi);
                } else {
                    body.known = true;
                    body.named = !body.faults.late_name;
                    let interfaces =
                        HashMap::from([(DEVICE.to_owned(), objects::device(body, true))]);
                    let added = signal("/", OBJECT_MANAGER, "InterfacesAdded");
                    let _ = self
                        .connection
                        .send(added.append2(place.path(), interfaces));
                }
            }
        }
    }

    /// Tells what has changed of adapters and devices since it was told last.
    fn tell(&mut self, world: &mut World) {
        let mut news = Vec::new();
        for radio in world.radios.iter().filter(|radio| radio.plugged) {
            let path = Path::from(format!("/org/bluez/{}", radio.name));
            let now = (radio.powered, !radio.scanning.is_empty(), false);
            news.push((path, ADAPTER, ["Powered", "Discovering", ""], now));
            for body in radio.bodies.iter().filter(|body| body.known) {
                let place = Place::new(radio.name, body.device.address);
                let now = (body.connected, body.resolved, false);
                news.push((
                    place.path(),
                    DEVICE,
                    ["Connected", "ServicesResolved", ""],
                    now,
                ));
            }
        }
        for (path, interface, [one, two, _], now) in news {
            let before = self.shown.insert(path.clone(), now);
            let Some(before) = before else { continue };
            let mut changed = PropMap::new();
            if before.0 != now.0 {
                put(&mut changed, one, now.0);
            }
            if before.1 != now.1 {
                put(&mut changed, two, now.1);
            }
            if !changed.is_empty() {
                self.changed(&path, interface, changed);
            }
        }
    }

    fn changed(&self, path: &Path<'_>, interface: &str, properties: PropMap) {
        let signal = signal(path, PROPERTIES, "PropertiesChanged");
        let gone: Vec<String> = Vec::new();
        let _ = self
            .connection
            .send(signal.append3(interface, properties, gone));
    }
}

/// Who has left the bus.
fn left(message: &Message) -> Option<String> {
    let changed = message
        .member()
        .is_some_and(|member| &*member == "NameOwnerChanged");
    let (name, _, owner): (String, String, String) =
        changed.then(|| message.read3().ok()).flatten()?;
    owner.is_empty().then_some(name)
}

fn signal(path: &str, interface: &str, member: &str) -> Message {
    Message::new_signal(path, interface, member).expect("names")
}
