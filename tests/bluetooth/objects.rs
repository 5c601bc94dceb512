//! What the simulated bluetoothd shows on the bus: objects, properties, and the tree that clients
//! find services by.

use std::collections::HashMap;

use dbus::Path;
use dbus::arg::{PropMap, RefArg, Variant};

use super::world::{Body, Radio, World};

const SERVICE: &str = "service0010";
const WRITTEN: &str = "char0011";
const SPEAKING: &str = "char0014";

/// Where a device is: its adapter and its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    radio: String,
    address: String,
}

impl Place {
    pub(crate) fn new(radio: &str, address: &str) -> Self {
        Self {
            radio: radio.to_owned(),
            address: address.to_owned(),
        }
    }

    /// The device that an object belongs to: `/org/bluez/hci0/dev_F0_82_C0_02_46_FA/…`.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/org/bluez/")?.split('/');
        let (radio, device) = (parts.next()?, parts.next()?);
        let address = device.strip_prefix("dev_")?.replace('_', ":");
        Some(Self::new(radio, &address))
    }

    pub(crate) fn path(&self) -> Path<'static> {
        let address = self.address.replace(':', "_");
        Path::from(format!("/org/bluez/{}/dev_{address}", self.radio))
    }

    /// The characteristic that speaks.
    pub(crate) fn listening(&self) -> Path<'static> {
        Path::from(format!("{}/{SERVICE}/{SPEAKING}", self.path()))
    }

    pub(crate) fn radio<'a>(&self, world: &'a mut World) -> Option<&'a mut Radio> {
        let mut radios = world.radios.iter_mut();
        radios.find(|radio| radio.plugged && radio.name == self.radio)
    }

    pub(crate) fn body<'a>(&self, world: &'a mut World) -> Option<&'a mut Body> {
        let mut bodies = self.radio(world)?.bodies.iter_mut();
        bodies.find(|body| body.known && body.device.address == self.address)
    }
}

/// The adapter of this path.
pub(crate) fn radio<'a>(world: &'a mut World, path: &str) -> Option<&'a mut Radio> {
    let name = path.strip_prefix("/org/bluez/")?;
    let mut radios = world.radios.iter_mut();
    radios.find(|radio| radio.plugged && radio.name == name)
}

type Interfaces = HashMap<String, PropMap>;

/// All objects that clients are told of at once.
pub(crate) fn tree(world: &World) -> HashMap<Path<'static>, Interfaces> {
    let mut tree = HashMap::new();
    for radio in world.radios.iter().filter(|radio| radio.plugged) {
        let heard = !radio.scanning.is_empty();
        for body in radio.bodies.iter().filter(|body| body.known) {
            let place = Place::new(radio.name, body.device.address);
            let properties = HashMap::from([("org.bluez.Device1".to_owned(), device(body, heard))]);
            tree.insert(place.path(), properties);
        }
        let properties = HashMap::from([("org.bluez.Adapter1".to_owned(), adapter(radio))]);
        tree.insert(Path::from(format!("/org/bluez/{}", radio.name)), properties);
    }
    tree
}

/// The properties of one object.
pub(crate) fn properties(world: &mut World, path: &str, interface: &str) -> Option<PropMap> {
    match interface {
        "org.bluez.Adapter1" => radio(world, path).map(|radio| adapter(radio)),
        "org.bluez.Device1" => {
            let place = Place::of(path)?;
            let heard = !place.radio(world)?.scanning.is_empty();
            place.body(world).map(|body| device(body, heard))
        }
        "org.bluez.GattService1" => {
            let body = Place::of(path)?.body(world)?;
            let mut properties = PropMap::new();
            put(&mut properties, "UUID", body.device.port.service.to_owned());
            put(&mut properties, "Primary", true);
            body.resolved.then_some(properties)
        }
        "org.bluez.GattCharacteristic1" => {
            let body = Place::of(path)?.body(world)?;
            let (uuid, flags) = if path.ends_with(WRITTEN) {
                (body.device.port.to, body.device.port.flags)
            } else {
                (body.device.port.from, &["notify"][..])
            };
            let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
            let mut properties = PropMap::new();
            put(&mut properties, "UUID", uuid.to_owned());
            put(&mut properties, "Flags", flags);
            put(&mut properties, "Notifying", body.notifying);
            put(&mut properties, "MTU", 517_u16);
            body.resolved.then_some(properties)
        }
        _ => None,
    }
}

/// What is below an object.
pub(crate) fn introspect(world: &mut World, path: &str) -> String {
    let below: &[&str] = match path.rsplit('/').next().unwrap_or_default() {
        last if last.starts_with("dev_") => {
            let body = Place::of(path).and_then(|place| place.body(world));
            match body.is_some_and(|body| body.resolved) {
                true => &[SERVICE],
                false => &[],
            }
        }
        last if last.starts_with("service") => &[WRITTEN, SPEAKING],
        _ => &[],
    };
    let nodes: Vec<String> = below
        .iter()
        .map(|name| format!("<node name=\"{name}\"/>"))
        .collect();
    format!("<node>{}</node>", nodes.concat())
}

pub(crate) fn put(properties: &mut PropMap, name: &str, value: impl RefArg + 'static) {
    properties.insert(name.to_owned(), Variant(Box::new(value)));
}

fn adapter(radio: &Radio) -> PropMap {
    let mut properties = PropMap::new();
    put(&mut properties, "Address", radio.address.to_owned());
    put(&mut properties, "AddressType", "public".to_owned());
    put(&mut properties, "Name", "machine".to_owned());
    put(&mut properties, "Alias", "machine".to_owned());
    let modalias = "usb:v1D6Bp0246d0537";
    put(&mut properties, "Modalias", modalias.to_owned());
    put(&mut properties, "Powered", radio.powered);
    put(&mut properties, "Discovering", !radio.scanning.is_empty());
    properties
}

/// `heard`: somebody scans, so there is a strength.
pub(crate) fn device(body: &Body, heard: bool) -> PropMap {
    let device = &body.device;
    let mut properties = PropMap::new();
    put(&mut properties, "Address", device.address.to_owned());
    put(&mut properties, "AddressType", "public".to_owned());
    let name = device.name.filter(|_| body.named);
    // Without a name it is called by its address.
    let alias = device.address.replace(':', "-");
    put(&mut properties, "Alias", name.map_or(alias, str::to_owned));
    if let Some(name) = name {
        put(&mut properties, "Name", name.to_owned());
    }
    for no in ["Paired", "Trusted", "Blocked", "LegacyPairing"] {
        put(&mut properties, no, false);
    }
    put(&mut properties, "Connected", body.connected);
    put(&mut properties, "ServicesResolved", body.resolved);
    let services: Vec<String> = device.services.iter().map(|&s| s.to_owned()).collect();
    put(&mut properties, "UUIDs", services);
    if heard && !device.remembered && !body.connected {
        put(&mut properties, "RSSI", body.rssi);
    }
    let data: HashMap<u16, Variant<Box<dyn RefArg>>> = device
        .manufacturer_data
        .iter()
        .map(|(company, data)| (*company, Variant(Box::new(data.clone()) as Box<dyn RefArg>)))
        .collect();
    if !data.is_empty() {
        put(&mut properties, "ManufacturerData", data);
    }
    properties
}
