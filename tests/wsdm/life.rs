//! What a toy is told, from its first message to its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use toy2mqtt::backend::Report;
use toy2mqtt::domain::{Bound, Command, InputKind, OpError, Reading, ToyInput};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::TextToySpec;

use crate::rig::{Rig, options};
use crate::shared::soon;
use crate::shared::websocket_toy::WebsocketToy;

const TOY: &str = "f082c00246fa";

fn charge(report: Report) -> Option<u8> {
    match report {
        Report::Told(_, ToyInput::Reading(Reading::Battery(percent))) => Some(percent),
        _ => None,
    }
}

/// The smallest toy there is: it answers two questions and obeys one command, without a word.
#[tokio::test]
async fn a_toy_of_ones_own_in_a_few_lines() {
    let mut rig = Rig::start(options());
    let hello = r#"{"identifier":"LVSDevice","address":"8A3D9FAC2A45","version":0}"#;
    let level = Arc::new(Mutex::new(String::new()));
    let motor = Arc::clone(&level);
    let toy = WebsocketToy::connect(&rig.url().await, hello, move |command| match command {
        "DeviceType;" => vec!["Z:8A3D9FAC2A45:10".to_owned()],
        "Battery;" => vec!["90;".to_owned()],
        _ => {
            if let Some(n) = command.strip_prefix("Vibrate:") {
                n.clone_into(&mut motor.lock().unwrap());
            }
            Vec::new()
        }
    })
    .await;
    let (description, can) = rig.up("8a3d9fac2a45").await;
    assert_eq!(description.model, "Hush");
    assert_eq!(description.firmware.as_deref(), Some("10"));
    assert_eq!(description.outputs.len(), 1);
    assert!(description.inputs.contains(&InputKind::Battery));
    // Nothing stops it when it is cut off, as far as anybody knows.
    assert_eq!(can.bound, Bound::None);
    assert_eq!(rig.report("its charge", charge).await, 90);
    // It was asked and stopped, and not driven.
    let questions = ["DeviceType;", "Vibrate:0;", "GetAS;", "Battery;"];
    assert_eq!(toy.heard(), questions);

    rig.drive(&description, &[7]).await.unwrap();
    toy.told("Vibrate:7;").await;
    assert_eq!(*level.lock().unwrap(), "7;");
    rig.send("8a3d9fac2a45", Command::Stop).await.unwrap();
    toy.until("a stop", |heard| {
        heard[5..].contains(&"Vibrate:0;".to_owned())
    })
    .await;
}

/// Levels may have been changed at the toy, which does not tell.
#[tokio::test]
async fn a_stop_is_written_whatever_the_toy_was_told_before() {
    let mut rig = Rig::start(options());
    let (toy, body) = WebsocketToy::simulated(&rig.url().await, TextToySpec::new("A", TOY)).await;
    let (description, _) = rig.up(TOY).await;
    let zeros = |heard: &[String]| heard.iter().filter(|it| *it == "Vibrate:0;").count();
    for _ in 0..3 {
        let before = zeros(&toy.heard());
        body.lock()
            .unwrap()
            .write(Duration::ZERO, b"Vibrate:9;Rotate:4;");
        rig.send(TOY, Command::Stop).await.unwrap();
        assert!(!body.lock().unwrap().runs());
        assert_eq!(zeros(&toy.heard()), before + 1);
    }
    // Nor is a level of 0 left out, which has been told before.
    body.lock().unwrap().write(Duration::ZERO, b"Vibrate:9;");
    rig.drive(&description, &[0, 0]).await.unwrap();
    assert!(!body.lock().unwrap().runs());
}

#[tokio::test]
async fn a_toy_that_was_left_running_is_stopped_first() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let (first, body) = WebsocketToy::simulated(&url, TextToySpec::new("A", TOY)).await;
    let (description, can) = rig.up(TOY).await;
    assert_eq!(can.bound, Bound::Connection);
    assert!(body.lock().unwrap().stops_when_left());
    rig.drive(&description, &[9, -4]).await.unwrap();
    let level = |function| body.lock().unwrap().level(function);
    assert_eq!((level(Function::Vibrate), level(Function::Rotate)), (9, -4));
    drop(first);
    assert!(!rig.down(TOY).await.is_empty());

    // It comes back with its motors on.
    let again = Arc::clone(&body);
    let hello = crate::shared::websocket_toy::hello(TOY);
    let toy = WebsocketToy::connect(&url, &hello, move |command| {
        let mut body = again.lock().unwrap();
        body.write(Duration::ZERO, command.as_bytes())
    })
    .await;
    rig.up(TOY).await;
    assert!(!body.lock().unwrap().runs());
    let said = toy.heard();
    assert_eq!(said[..3], ["DeviceType;", "Vibrate:0;", "Rotate:0;"]);
}

#[tokio::test]
async fn a_stop_overtakes_what_the_toy_is_slow_to_do() {
    let mut rig = Rig::start(options());
    // It never answers levels, as if it were busy.
    let hello = crate::shared::websocket_toy::hello(TOY);
    let toy = WebsocketToy::connect(&rig.url().await, &hello, |command| {
        let answer = match command {
            "DeviceType;" => "P:11:F082C00246FA;",
            "GetAS;" => "AutoSwith:1:0;",
            "Battery;" => "85;",
            command if command.ends_with(":0;") => "OK;",
            _ => return Vec::new(),
        };
        vec![answer.to_owned()]
    })
    .await;
    let (description, _) = rig.up(TOY).await;
    let mut moving = JoinSet::new();
    moving.spawn(rig.drive(&description, &[5, 9]));
    toy.told("Vibrate1:5;").await;
    rig.send(TOY, Command::Stop).await.unwrap();
    let result = soon("the level", moving.join_next())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(result, Err(OpError::Refused(_))), "{result:?}");
    assert!(toy.heard().iter().all(|command| command != "Vibrate2:9;"));
}

#[tokio::test]
async fn many_toys_at_once() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let mut toys = Vec::new();
    for n in 0..50 {
        let address = format!("f082c00247{n:02x}");
        let toy = WebsocketToy::simulated(&url, TextToySpec::new("S", &address)).await;
        toys.push((address, toy));
    }
    let mut descriptions = Vec::new();
    while descriptions.len() < toys.len() {
        let up = rig.report("all toys", |report| match report {
            Report::Up(toy, _) => Some(toy),
            _ => None,
        });
        descriptions.push(up.await);
    }
    let step = |address: &str| 1 + i32::from_str_radix(&address[10..], 16).unwrap() % 20;
    let moves = descriptions.iter().map(|toy| {
        let step = step(toy.hardware.as_str());
        rig.drive(toy, &[step])
    });
    for moved in futures_util::future::join_all(moves).await {
        moved.unwrap();
    }
    for (address, (_, body)) in &toys {
        let level = body.lock().unwrap().level(Function::Vibrate);
        assert_eq!(level, step(address), "{address}");
    }
}

#[tokio::test]
async fn a_toy_that_goes_is_gone_at_once() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let (toy, _) = WebsocketToy::simulated(&url, TextToySpec::new("S", TOY)).await;
    let (description, _) = rig.up(TOY).await;
    drop(toy);
    // The reason tells that no time limit was waited for.
    assert_eq!(rig.down(TOY).await, "the toy closed the connection");
    let result = rig.drive(&description, &[5]).await;
    assert!(matches!(result, Err(OpError::Offline(_))), "{result:?}");
    let result = rig.send(TOY, Command::Stop).await;
    assert!(matches!(result, Err(OpError::Offline(_))), "{result:?}");
}

#[tokio::test]
async fn one_that_lost_its_network_comes_back_and_is_stopped_before() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let spec = TextToySpec::new("S", TOY);
    let (old, old_body) = WebsocketToy::simulated(&url, spec.clone()).await;
    let (description, _) = rig.up(TOY).await;
    rig.drive(&description, &[12]).await.unwrap();
    let (new, new_body) = WebsocketToy::simulated(&url, spec.clone()).await;
    assert_eq!(rig.down(TOY).await, "the toy has connected once more");
    assert!(!old_body.lock().unwrap().runs());
    assert_eq!(old.ended().await, "1008 the toy has connected once more");
    rig.up(TOY).await;
    rig.drive(&description, &[3]).await.unwrap();
    assert_eq!(new_body.lock().unwrap().level(Function::Vibrate), 3);
    assert!(!old_body.lock().unwrap().runs());

    // Two toys of one address do not take turns for ever.
    let (third, _) = WebsocketToy::simulated(&url, spec).await;
    let why = "1013 another toy with this address has just connected";
    assert_eq!(third.ended().await, why);
    rig.drive(&description, &[4]).await.unwrap();
    assert_eq!(new_body.lock().unwrap().level(Function::Vibrate), 4);
    drop(new);
    rig.down(TOY).await;
}

#[tokio::test]
async fn a_charge_is_asked_for_again_and_on_request() {
    let mut rig = Rig::start(options());
    let (_toy, body) = WebsocketToy::simulated(&rig.url().await, TextToySpec::new("S", TOY)).await;
    assert_eq!(rig.report("its charge", charge).await, 85);
    body.lock().unwrap().spec_mut().battery = 42;
    toy2mqtt::backend::Backend::refresh(&*rig.wsdm);
    assert_eq!(rig.report("its charge", charge).await, 42);

    let mut rig = Rig::start(toy2mqtt::backend::wsdm::Options {
        battery: Duration::from_millis(50),
        ..options()
    });
    let (_toy, body) = WebsocketToy::simulated(&rig.url().await, TextToySpec::new("S", TOY)).await;
    assert_eq!(rig.report("its charge", charge).await, 85);
    body.lock().unwrap().spec_mut().battery = 41;
    rig.report("a new charge", |report| {
        charge(report).filter(|percent| *percent == 41)
    })
    .await;
}
