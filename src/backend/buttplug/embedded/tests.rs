#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use buttplug_server::device::hardware::simulated::{
    SimulatedDeviceEntry, SimulatedHardwareCommunicationManagerBuilder,
};

use super::super::wire::{self, Device, Dialect, Message, OutputCommand, OutputType, Request};
use super::*;

/// Toys that the server itself simulates: kind and advertised name.
fn simulated(toys: &[(&str, &str)]) -> Others<SimulatedHardwareCommunicationManagerBuilder> {
    let entries = toys.iter().map(|(kind, name)| SimulatedDeviceEntry {
        identifier: (*kind).to_owned(),
        display_name: Some((*name).to_owned()),
        address: format!("simulated:{name}"),
    });
    Others(SimulatedHardwareCommunicationManagerBuilder::new(
        entries.collect(),
    ))
}

async fn ask(socket: &mut Socket, id: u32, request: &Request) -> Message {
    socket.send(Frame::text(request.encode(id))).await.unwrap();
    until(socket, |message| message.id() == id).await
}

async fn until(socket: &mut Socket, wanted: impl Fn(&Message) -> bool) -> Message {
    let found = async {
        loop {
            let frame = socket.next().await.unwrap().unwrap();
            let Frame::Text(text) = frame else { continue };
            let messages = wire::parse(&text).unwrap().messages;
            if let Some(message) = messages.into_iter().find(&wanted) {
                return message;
            }
        }
    };
    let limit = Duration::from_secs(30);
    timeout(limit, found).await.expect("an answer in time")
}

/// Shakes hands, searches, and waits until so many toys are there.
async fn toys(socket: &mut Socket, count: usize) -> Vec<Device> {
    let hello = ask(socket, 1, &Request::hello("test", Dialect::V4)).await;
    assert!(
        matches!(hello, Message::ServerInfo { version: 4, .. }),
        "{hello:?}"
    );
    ask(socket, 2, &Request::StartScanning {}).await;
    let all = |message: &Message| matches!(message, Message::DeviceList { devices, .. } if devices.len() == count);
    // They may have come before anybody listened.
    socket
        .send(Frame::text(Request::RequestDeviceList {}.encode(3)))
        .await
        .unwrap();
    match until(socket, all).await {
        Message::DeviceList { devices, .. } => devices,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn toys_are_driven_keep_their_index_and_lovense_ones_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("numbers.json");
    let (one, two) = (("simulated-1vibe", "A"), ("simulated-2vibe", "B"));
    let ours = ("simulated-1vibe", "LVS-Z001");

    let source = simulated(&[one, ours, two]);
    let mut server = Embedded::with(Some(file.clone()), source).await.unwrap();
    let mut socket = server.connect().await.unwrap();
    let found = toys(&mut socket, 2).await;
    let second = found
        .iter()
        .find(|toy| toy.actuators.len() == 2)
        .unwrap()
        .clone();
    let full = Request::OutputCmd {
        device_index: second.index,
        feature_index: 1,
        command: OutputCommand {
            kind: OutputType::Vibrate,
            value: 100,
            duration: None,
        },
    };
    let done = ask(&mut socket, 9, &full).await;
    assert_eq!(done, Message::Ok { id: 9 });

    // A connection that ends is followed by another.
    drop(socket);
    let mut socket = server.connect().await.unwrap();
    assert_eq!(toys(&mut socket, 2).await, found);

    // What has been written down is what the next start goes by.
    let saved = async {
        loop {
            let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
            if text.contains("simulated:A") && text.contains("simulated:B") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), saved).await.unwrap();
    drop((socket, server));
    let mut again = Embedded::with(Some(file.clone()), simulated(&[two]))
        .await
        .unwrap();
    let mut socket = again.connect().await.unwrap();
    assert_eq!(toys(&mut socket, 1).await, [second]);

    // A file that is broken keeps nobody from starting.
    drop((socket, again));
    std::fs::write(&file, "{").unwrap();
    Embedded::with(Some(file), simulated(&[two])).await.unwrap();
}
