//! Who is turned away, and toys that break the rules.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use toy2mqtt::backend::Report;
use toy2mqtt::backend::wsdm::{Options, Timing};
use toy2mqtt::domain::BackendState;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::TextToySpec;

use crate::rig::{Rig, options};
use crate::shared::soon;
use crate::shared::websocket_toy::{WebsocketToy, hello, open};

const TOY: &str = "f082c00246fa";
const OTHER: &str = "e01a2b3c4d5e";

/// Code and reason that a connection is closed with after this first message.
async fn closed_after(url: &str, first: Message) -> String {
    let mut socket = open(url).await;
    socket.send(first).await.unwrap();
    soon("the end", async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return format!("{} {}", u16::from(frame.code), frame.reason);
                }
                Some(Ok(_)) => {}
                other => return format!("{other:?}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_is_no_toy_is_told_so_and_disturbs_nobody() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let (_toy, body) = WebsocketToy::simulated(&url, TextToySpec::new("S", TOY)).await;
    let (description, _) = rig.up(TOY).await;
    let cases = [
        (Message::text("hello"), "1008 the first message has to be {"),
        (
            Message::binary(vec![0xff; 300]),
            "1008 the first message has to be {",
        ),
        (
            Message::text(r#"{"identifier":"TCode","address":"f082c00246fb"}"#),
            "1008 identifier \"TCode\" is unknown",
        ),
        (
            Message::text(hello("no address")),
            "1008 address \"NO ADDRESS\" is not 12 hex digits",
        ),
        (
            Message::text("x".repeat(5_000)),
            "1009 the toy sent a message of over 4096 bytes",
        ),
    ];
    for (first, says) in cases {
        let told = closed_after(&url, first).await;
        assert!(told.starts_with(says), "{told}");
    }
    // What is no websocket at all.
    let address = url.trim_start_matches("ws://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[0; 1_000]).await.unwrap();
    drop(TcpStream::connect(address).await.unwrap());

    rig.drive(&description, &[6]).await.unwrap();
    assert_eq!(body.lock().unwrap().level(Function::Vibrate), 6);
    let reports = rig.rest();
    assert!(
        reports
            .iter()
            .all(|report| !matches!(report, Report::Up(..) | Report::Down(..))),
        "{reports:?}"
    );
}

#[tokio::test]
async fn what_does_not_answer_as_a_toy_is_never_driven() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let mut toys = Vec::new();
    for (n, answer) in ["", "what?", "OK;", "D:107:F082C00246FA;"]
        .into_iter()
        .enumerate()
    {
        let answers = move |_: &str| vec![answer.to_owned()];
        let hello = hello(&format!("f082c00246f{n}"));
        toys.push(WebsocketToy::connect(&url, &hello, answers).await);
    }
    for toy in toys {
        let ended = toy.ended().await;
        assert!(
            ended.starts_with("1008 DeviceType; was not answered"),
            "{ended}"
        );
        assert!(
            toy.heard().iter().all(|command| command == "DeviceType;"),
            "{:?}",
            toy.heard()
        );
    }
    let reports = rig.rest();
    assert!(
        reports
            .iter()
            .all(|report| matches!(report, Report::State(_))),
        "{reports:?}"
    );
}

#[tokio::test]
async fn silence_has_its_limits() {
    let quick = Duration::from_secs(1);
    let mut rig = Rig::start(Options {
        timing: Timing {
            handshake: quick,
            ..options().timing
        },
        ..options()
    });
    let url = rig.url().await;
    // No websocket, and no first message.
    let mut mute = TcpStream::connect(url.trim_start_matches("ws://"))
        .await
        .unwrap();
    let mut nothing = [0; 1];
    let read = tokio::io::AsyncReadExt::read(&mut mute, &mut nothing);
    assert_eq!(soon("the end", read).await.unwrap(), 0);
    let mut shy = open(&url).await;
    let end = soon("the end", shy.next()).await;
    assert!(matches!(end, Some(Ok(Message::Close(Some(_))))), "{end:?}");

    // A toy that is not there any more although its connection is.
    let mut rig2 = Rig::start(Options {
        timing: Timing {
            ping: Duration::from_millis(100),
            dead: Duration::from_secs(1),
            ..options().timing
        },
        ..options()
    });
    let mut frozen = open(&rig2.url().await).await;
    frozen.send(Message::text(hello(TOY))).await.unwrap();
    for answer in ["S:1:F082C00246FA;", "OK;", "AutoSwith:1:0;"] {
        while !soon("a question", frozen.next())
            .await
            .unwrap()
            .unwrap()
            .is_binary()
        {}
        frozen.send(Message::text(answer)).await.unwrap();
    }
    rig2.up(TOY).await;
    // From now on nobody reads its socket, so no ping is answered.
    assert_eq!(rig2.down(TOY).await, "nothing was heard of the toy for 1s");
    assert!(
        rig.rest()
            .iter()
            .all(|report| matches!(report, Report::State(_)))
    );
}

#[tokio::test]
async fn a_toy_that_answers_no_more_is_gone_and_one_that_never_did_is_not() {
    let mut rig = Rig::start(Options {
        battery: Duration::from_millis(100),
        ..options()
    });
    let url = rig.url().await;
    let greeting = |command: &str| match command {
        "DeviceType;" => vec!["S:1:F082C00246FA;".to_owned()],
        _ => Vec::new(),
    };
    let _without = WebsocketToy::connect(&url, &hello(OTHER), greeting).await;
    let (other, _) = rig.up(OTHER).await;
    let mut charges = 0;
    let _hung = WebsocketToy::connect(&url, &hello(TOY), move |command| {
        charges += u32::from(command == "Battery;");
        match command {
            "Battery;" if charges <= 2 => vec!["85;".to_owned()],
            command => greeting(command),
        }
    })
    .await;
    rig.up(TOY).await;
    assert_eq!(
        rig.down(TOY).await,
        "the toy does not answer its commands any more"
    );
    rig.drive(&other, &[3]).await.unwrap();
}

#[tokio::test]
async fn a_toy_that_talks_too_much_is_cut_off() {
    let mut rig = Rig::start(options());
    let url = rig.url().await;
    let mut chatty = open(&url).await;
    chatty.send(Message::text(hello(TOY))).await.unwrap();
    let chatting = async {
        // Nobody can say how many fit into a second on this machine, but it is not endless.
        for _ in 0..1_000_000 {
            if chatty.feed(Message::text("GEF008312ED00;")).await.is_err() {
                return;
            }
            if chatty.flush().await.is_err() {
                return;
            }
        }
        panic!("it may talk for ever");
    };
    soon("the end", chatting).await;
    let (_toy, body) = WebsocketToy::simulated(&url, TextToySpec::new("S", OTHER)).await;
    let (description, _) = rig.up(OTHER).await;
    rig.drive(&description, &[6]).await.unwrap();
    assert_eq!(body.lock().unwrap().level(Function::Vibrate), 6);
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_and_tried_again() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let mut rig = Rig::start(Options {
        listen: address,
        ..options()
    });
    let why = rig
        .report("the port", |report| match report {
            Report::State(BackendState::Down(why)) => Some(why),
            _ => None,
        })
        .await;
    let says = format!("cannot listen on {address}: another program has the port");
    assert!(why.starts_with(&says), "{why}");
    drop(taken);
    rig.report("the port", |report| {
        (report == Report::State(BackendState::Up)).then_some(())
    })
    .await;
    let url = rig.url().await;
    let (_toy, _) = WebsocketToy::simulated(&url, TextToySpec::new("S", TOY)).await;
    rig.up(TOY).await;
}
