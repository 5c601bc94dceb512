//! A simulated bluetoothd: as much of `org.bluez` as looking around needs.
//!
//! Sources: the D-Bus API documentation of BlueZ (org.bluez.Adapter, org.bluez.Device).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use dbus::arg::{PropMap, RefArg, Variant};
use dbus::blocking::Connection;
use dbus::channel::{Channel, Sender};
use dbus::message::MessageType;
use dbus::{Message, Path};

const ADAPTER: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

/// How long it may take until it notices that the test is over.
const ATTENTION: Duration = Duration::from_millis(20);

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
}

/// A running bluetoothd.
pub(crate) struct Bluez {
    calls: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Bluez {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Bluez {
    /// Takes the name `org.bluez` on this bus.
    pub(crate) fn start(address: &str, adapters: Vec<Adapter>) -> Self {
        let mut channel = Channel::open_private(address).expect("a bus");
        channel.register().expect("the bus lets us in");
        let connection = Connection::from(channel);
        connection
            .request_name("org.bluez", false, false, true)
            .expect("the name is free");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let mut daemon = Daemon {
            adapters,
            scanning: Vec::new(),
            calls: Arc::clone(&calls),
        };
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                // Fails when the bus has gone.
                let Ok(message) = connection.channel().blocking_pop_message(ATTENTION) else {
                    break;
                };
                let call = message.filter(|m| m.msg_type() == MessageType::MethodCall);
                if let Some(call) = call {
                    let _ = connection.send(daemon.answer(&call));
                    connection.channel().flush();
                }
            }
        });
        Self {
            calls,
            over,
            thread: Some(thread),
        }
    }

    /// What it was asked to do, in order. Questions are left out.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("not poisoned").clone()
    }
}

struct Daemon {
    adapters: Vec<Adapter>,
    /// The paths of adapters.
    scanning: Vec<String>,
    calls: Arc<Mutex<Vec<String>>>,
}

type Interfaces = HashMap<String, PropMap>;

impl Daemon {
    fn answer(&mut self, call: &Message) -> Message {
        let path = call.path().map(|path| path.to_string()).unwrap_or_default();
        let interface = call.interface().map(|name| name.to_string());
        let member = call.member().map(|name| name.to_string());
        let member = member.unwrap_or_default();
        match (interface.as_deref(), member.as_str()) {
            (Some(OBJECT_MANAGER), "GetManagedObjects") => {
                call.method_return().append1(self.tree())
            }
            (Some(PROPERTIES), "GetAll") => {
                let asked: String = call.read1().expect("an interface");
                let mut tree = self.tree();
                let object = tree.get_mut(&Path::from(path));
                match object.and_then(|interfaces| interfaces.remove(&asked)) {
                    Some(properties) => call.method_return().append1(properties),
                    None => error(call, "org.freedesktop.DBus.Error.UnknownObject"),
                }
            }
            (Some(PROPERTIES), "Set") => {
                let read = call.read3::<String, String, Variant<Box<dyn RefArg>>>();
                let (_, name, value) = read.expect("a property");
                self.note(&path, &format!("{name}={}", value.0.as_i64().unwrap_or(-1)));
                call.method_return()
            }
            (Some(ADAPTER), "SetDiscoveryFilter") => {
                self.note(&path, &member);
                call.method_return()
            }
            (Some(ADAPTER), "StartDiscovery") => {
                self.note(&path, &member);
                self.scanning.push(path);
                call.method_return()
            }
            (Some(ADAPTER), "StopDiscovery") => {
                self.note(&path, &member);
                self.scanning.retain(|scanning| *scanning != path);
                call.method_return()
            }
            _ => error(call, "org.freedesktop.DBus.Error.UnknownMethod"),
        }
    }

    fn note(&self, path: &str, what: &str) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let mut calls = self.calls.lock().expect("not poisoned");
        calls.push(format!("{name} {what}"));
    }

    fn tree(&self) -> HashMap<Path<'static>, Interfaces> {
        let mut tree = HashMap::new();
        for adapter in &self.adapters {
            let path = format!("/org/bluez/{}", adapter.name);
            let scanning = self.scanning.contains(&path);
            for device in &adapter.devices {
                if scanning || device.remembered {
                    let address = device.address.replace(':', "_");
                    let path = Path::from(format!("{path}/dev_{address}"));
                    let properties = device_properties(device, scanning);
                    tree.insert(path, one(DEVICE, properties));
                }
            }
            let properties = adapter_properties(adapter, scanning);
            tree.insert(Path::from(path), one(ADAPTER, properties));
        }
        tree
    }
}

fn error(call: &Message, name: &str) -> Message {
    let name = dbus::strings::ErrorName::new(name).expect("a name");
    call.error(&name, c"not here")
}

fn one(interface: &str, properties: PropMap) -> Interfaces {
    HashMap::from([(interface.to_owned(), properties)])
}

fn put(properties: &mut PropMap, name: &str, value: impl RefArg + 'static) {
    properties.insert(name.to_owned(), Variant(Box::new(value)));
}

fn adapter_properties(adapter: &Adapter, scanning: bool) -> PropMap {
    let mut properties = PropMap::new();
    put(&mut properties, "Address", "00:1A:7D:DA:71:13".to_owned());
    put(&mut properties, "AddressType", "public".to_owned());
    put(&mut properties, "Name", "machine".to_owned());
    put(&mut properties, "Alias", "machine".to_owned());
    put(
        &mut properties,
        "Modalias",
        "usb:v1D6Bp0246d0537".to_owned(),
    );
    put(&mut properties, "Powered", adapter.powered);
    put(&mut properties, "Discovering", scanning);
    properties
}

fn device_properties(device: &Device, scanning: bool) -> PropMap {
    let mut properties = PropMap::new();
    put(&mut properties, "Address", device.address.to_owned());
    put(&mut properties, "AddressType", "public".to_owned());
    // Without a name it is called by its address.
    let alias = device.address.replace(':', "-");
    let alias = device.name.map_or(alias, str::to_owned);
    put(&mut properties, "Alias", alias);
    if let Some(name) = device.name {
        put(&mut properties, "Name", name.to_owned());
    }
    for no in [
        "Paired",
        "Connected",
        "ServicesResolved",
        "Trusted",
        "Blocked",
        "LegacyPairing",
    ] {
        put(&mut properties, no, false);
    }
    let services: Vec<String> = device.services.iter().map(|&s| s.to_owned()).collect();
    put(&mut properties, "UUIDs", services);
    if scanning && !device.remembered {
        put(&mut properties, "RSSI", -61_i16);
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
