//! What is asked of the simulated bluetoothd, and what it answers.

use dbus::Message;
use dbus::arg::{PropMap, RefArg, Variant};
use dbus::channel::Sender;

use super::objects::{self, Place};
use super::{
    ADAPTER, CHARACTERISTIC, CONNECTING, DEVICE, Daemon, Due, OBJECT_MANAGER, PROPERTIES, World,
};

const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";

impl Daemon {
    pub(super) fn answer(&mut self, call: &Message, world: &mut World) -> Option<Message> {
        let path = call.path().map(|path| path.to_string()).unwrap_or_default();
        let interface = call.interface().map(|name| name.to_string());
        let member = call.member().map(|name| name.to_string());
        let (interface, member) = (interface.unwrap_or_default(), member.unwrap_or_default());
        let sender = call
            .sender()
            .map(|name| name.to_string())
            .unwrap_or_default();
        let ok = || Some(call.method_return());
        match (interface.as_str(), member.as_str()) {
            (OBJECT_MANAGER, "GetManagedObjects") => {
                Some(call.method_return().append1(objects::tree(world)))
            }
            (PROPERTIES, "GetAll") => {
                let asked: String = call.read1().expect("an interface");
                let found = objects::properties(world, &path, &asked);
                Some(match found {
                    Some(properties) => call.method_return().append1(properties),
                    None => error(call, "org.freedesktop.DBus.Error.UnknownObject", "gone"),
                })
            }
            (PROPERTIES, "Get") => {
                let (asked, name): (String, String) = call.read2().expect("a property");
                let found = objects::properties(world, &path, &asked);
                Some(match found.and_then(|mut all| all.remove(&name)) {
                    Some(value) => call.method_return().append1(value),
                    None => error(call, "org.freedesktop.DBus.Error.UnknownObject", "gone"),
                })
            }
            (INTROSPECTABLE, "Introspect") => Some(
                call.method_return()
                    .append1(objects::introspect(world, &path)),
            ),
            (PROPERTIES, "Set") => {
                let read = call.read3::<String, String, Variant<Box<dyn RefArg>>>();
                let (_, name, value) = read.expect("a property");
                let value = value.0.as_i64().unwrap_or(-1);
                note(world, &path, &format!("{name}={value}"));
                if name == "Powered" {
                    let radio = objects::radio(world, &path)?;
                    radio.powered = value == 1;
                }
                ok()
            }
            (ADAPTER, "SetDiscoveryFilter") => {
                note(world, &path, &member);
                ok()
            }
            (ADAPTER, "StartDiscovery") => {
                note(world, &path, &member);
                let started = objects::radio(world, &path)
                    .map(|radio| (radio.powered, radio.scanning.insert(sender)));
                match started {
                    Some((true, true)) => ok(),
                    Some((true, false)) => Some(error(
                        call,
                        "org.bluez.Error.InProgress",
                        "scanning already",
                    )),
                    _ => Some(error(
                        call,
                        "org.bluez.Error.NotReady",
                        "the adapter is off",
                    )),
                }
            }
            (ADAPTER, "StopDiscovery") => {
                note(world, &path, &member);
                if let Some(radio) = objects::radio(world, &path) {
                    radio.leave(&sender);
                }
                ok()
            }
            (DEVICE, "Connect") => self.connect(call, &path, world),
            (DEVICE, "Disconnect") => {
                let place = Place::of(&path);
                let waiting = place.as_ref().and_then(|place| self.pending.remove(place));
                if let Some((_, given_up)) = waiting {
                    let _ = self.connection.send(given_up);
                }
                let now = world.now();
                let body = place.and_then(|place| place.body(world));
                if let Some(body) = body.filter(|body| body.connected) {
                    body.leave(now);
                }
                ok()
            }
            (CHARACTERISTIC, "StartNotify") => {
                let body = Place::of(&path).and_then(|place| place.body(world));
                Some(match body.filter(|body| body.resolved) {
                    Some(body) => {
                        body.notifying = true;
                        call.method_return()
                    }
                    None => error(call, "org.bluez.Error.Failed", "Not connected"),
                })
            }
            (CHARACTERISTIC, "WriteValue") => self.write(call, &path, world),
            _ => Some(error(
                call,
                "org.freedesktop.DBus.Error.UnknownMethod",
                "not here",
            )),
        }
    }

    fn connect(&mut self, call: &Message, path: &str, world: &mut World) -> Option<Message> {
        let now = world.now();
        let place = Place::of(path)?;
        let unknown = "org.freedesktop.DBus.Error.UnknownObject";
        let Some(body) = place.body(world).filter(|body| body.known) else {
            return Some(error(call, unknown, "forgotten"));
        };
        if body.connected {
            return Some(call.method_return());
        }
        if self.pending.contains_key(&place) {
            let busy = "Operation already in progress";
            return Some(error(call, "org.bluez.Error.InProgress", busy));
        }
        if body.faults.connects_fail > 0 {
            body.faults.connects_fail -= 1;
            let why = "le-connection-abort-by-local";
            return Some(error(call, "org.bluez.Error.Failed", why));
        }
        let given_up = error(call, "org.bluez.Error.Failed", "given up");
        let answers = (call.method_return(), given_up);
        self.pending.insert(place.clone(), answers);
        self.due.push((now + CONNECTING, Due::Connected(place)));
        None
    }

    fn write(&mut self, call: &Message, path: &str, world: &mut World) -> Option<Message> {
        let now = world.now();
        let place = Place::of(path)?;
        let (bytes, options): (Vec<u8>, PropMap) = call.read2().expect("bytes and options");
        let kind = options.get("type").and_then(|kind| kind.0.as_str());
        let not_connected = || error(call, "org.bluez.Error.Failed", "Not connected");
        let Some(body) = place.body(world).filter(|body| body.connected) else {
            return Some(not_connected());
        };
        if body.writing {
            body.collisions += 1;
            let busy = "In Progress";
            return Some(error(call, "org.bluez.Error.InProgress", busy));
        }
        if body.faults.only.is_some_and(|only| kind != Some(only)) {
            let why = "Operation is not supported";
            return Some(error(call, "org.bluez.Error.NotSupported", why));
        }
        if body.faults.writes_fail > 0 {
            body.faults.writes_fail -= 1;
            return Some(error(call, "org.bluez.Error.Failed", "Write failed"));
        }
        if !body.faults.slow_writes.is_zero() {
            body.writing = true;
            let at = now + body.faults.slow_writes;
            let answers = Box::new((call.method_return(), not_connected()));
            self.due.push((at, Due::Written(place, answers, bytes)));
            return None;
        }
        self.deliver(&place, &bytes, world);
        Some(call.method_return())
    }
}

fn note(world: &mut World, path: &str, what: &str) {
    let name = path.rsplit('/').next().unwrap_or_default();
    world.calls.push(format!("{name} {what}"));
}

fn error(call: &Message, name: &str, why: &str) -> Message {
    let name = dbus::strings::ErrorName::new(name).expect("a name");
    let why = std::ffi::CString::new(why).expect("text");
    call.error(&name, &why)
}
