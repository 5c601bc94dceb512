//! Toy Events of the Lovense app: being let in, hearing toys, and noticing that nothing comes.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

mod lovense_support;

use std::time::Duration;

use axum::http::StatusCode;
use lovense_support::*;
use serde_json::{Value, json};
use toy2mqtt::backend::lovense::lan::{EventsProbe, Options, Timing, probe};
use toy2mqtt::backend::supervisor::LinkStatus;
use toy2mqtt::backend::{LinkError, Report};
use toy2mqtt::domain::{Gesture, HardwareId, LevelReport, Reading, ToyInput};

fn hearing(app: &App) -> Options {
    Options {
        events: true,
        ..options(app.address)
    }
}

/// A bridge that has been let in.
async fn let_in(app: &mut App, options: impl FnOnce(&App) -> Options) -> (Rig, Socket) {
    let rig = Rig::start(options(app)).ready().await;
    let mut socket = app.socket().await;
    socket.grant().await;
    (rig, socket)
}

fn frame(kind: &str, toy: &str, data: Value) -> Value {
    json!({ "type": kind, "toyId": toy, "data": data })
}

async fn told(rig: &mut Rig) -> (HardwareId, ToyInput) {
    rig.report("something told", |report| match report {
        Report::Told(_, ToyInput::Reading(Reading::Battery(80))) => None,
        Report::Told(toy, input) => Some((toy, input)),
        _ => None,
    })
    .await
}

/// Waits until the events link has failed.
async fn failed(rig: &mut Rig) -> LinkError {
    let status: &LinkStatus = &rig.links[1];
    let mut look = tokio::time::interval(Duration::from_millis(5));
    soon("the events link to fail", async {
        loop {
            match status.last_error() {
                Some(error) => return error,
                None => look.tick().await,
            };
        }
    })
    .await
}

#[tokio::test]
async fn what_toys_tell_is_reported_once_each() {
    let mut app = App::start().await;
    let (mut rig, mut socket) = let_in(&mut app, hearing).await;
    let gesture = ToyInput::Gesture;
    let reading = ToyInput::Reading;
    let cases = [
        (
            frame("button-down", A, json!({ "index": 0 })),
            gesture(Gesture::ButtonDown(0)),
        ),
        (
            frame("button-up", A, json!({ "index": 0 })),
            gesture(Gesture::ButtonUp(0)),
        ),
        (
            frame("button-pressed", A, json!({ "index": 1 })),
            gesture(Gesture::ButtonPressed(1)),
        ),
        (
            json!({ "type": "shake", "toyId": B }),
            gesture(Gesture::Shake),
        ),
        (
            frame("shake-frequency-changed", B, json!({ "value": 4 })),
            reading(Reading::ShakeFrequency(4.0)),
        ),
        (
            frame("battery-changed", A, json!({ "value": 42 })),
            reading(Reading::Battery(42)),
        ),
        (
            frame("depth-changed", A, json!({ "value": 12 })),
            reading(Reading::InsertionDepth(12.0)),
        ),
        (
            frame(
                "motion-changed",
                A,
                json!({ "motionData": [{ "position": 9 }, { "speed": 1 }] }),
            ),
            reading(Reading::MotionPosition(9.0)),
        ),
    ];
    for (frame, expected) in cases {
        let toy = HardwareId::new(frame["toyId"].as_str().unwrap());
        socket.send(frame).await;
        assert_eq!(told(&mut rig).await, (toy, expected));
    }
    rig.stop().await;
    while socket.text().await.is_some() {}
}

#[tokio::test]
async fn a_strength_is_a_reading_and_the_level_of_an_output() {
    let mut app = App::start().await;
    let (mut rig, mut socket) = let_in(&mut app, hearing).await;
    let level = |step| {
        let output = "vibrate".parse().unwrap();
        ToyInput::Level(LevelReport { output, step })
    };
    let strength = |value| ToyInput::Reading(Reading::Strength(value));
    for (data, value, step) in [
        (
            json!({ "function": "vibration", "value": 20, "index": 0 }),
            20.0,
            20,
        ),
        (
            json!({ "function": "vibration", "value": 0, "index": 0 }),
            0.0,
            0,
        ),
        // The same again is told again.
        (
            json!({ "function": "vibration", "value": 0, "index": 0 }),
            0.0,
            0,
        ),
        (json!({ "function": "brand new", "value": "0" }), 0.0, 0),
        (json!({ "value": 0 }), 0.0, 0),
        (
            json!({ "function": "vibration", "value": 100, "index": 0 }),
            100.0,
            20,
        ),
    ] {
        socket
            .send(frame("function-strength-changed", A, data))
            .await;
        let toy = HardwareId::new(A);
        assert_eq!(told(&mut rig).await, (toy.clone(), strength(value)));
        assert_eq!(told(&mut rig).await, (toy, level(step)));
    }
}

#[tokio::test]
async fn pings_go_both_ways() {
    let mut app = App::start().await;
    let (_rig, mut socket) = let_in(&mut app, hearing).await;
    socket.send(json!({ "type": "ping" })).await;
    let (mut replies, mut pings) = (0, 0);
    while replies == 0 || pings < 2 {
        match socket.text().await.unwrap().as_str() {
            "Pong" => replies += 1,
            text => {
                assert_eq!(text, r#"{"type":"ping"}"#);
                pings += 1;
                // Both forms of an answer are taken.
                socket
                    .send_text(if pings == 1 {
                        "Pong"
                    } else {
                        r#"{"type":"pong"}"#
                    })
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn garbage_is_skipped_and_counted() {
    let mut app = App::start().await;
    let (mut rig, mut socket) = let_in(&mut app, hearing).await;
    for text in [
        "{",
        "[]",
        "",
        r#"{"type":"toy-status","toyId":"a"}"#,
        r#"{"type":"shake"}"#,
    ] {
        socket.send_text(text).await;
    }
    socket
        .send(json!({ "type": "invented-yesterday", "data": 1 }))
        .await;
    socket.send(json!({ "type": "shake", "toyId": A })).await;
    let expected = (HardwareId::new(A), ToyInput::Gesture(Gesture::Shake));
    assert_eq!(told(&mut rig).await, expected);
    assert_eq!(rig.lan.malformed_frames(), 5);
}

#[tokio::test]
async fn toys_come_and_go_at_once() {
    let mut app = App::start().await;
    let options = Options {
        timing: Timing {
            poll: Duration::from_secs(3_600),
            ..timing()
        },
        ..hearing(&app)
    };
    let (mut rig, mut socket) = let_in(&mut app, |_| options).await;
    socket
        .send(frame("toy-status", A, json!({ "connected": false })))
        .await;
    rig.down(A).await;
    socket
        .send(frame("toy-status", A, json!({ "connected": true })))
        .await;
    rig.up(A).await;
    let row = |id, connected| json!({ "id": id, "name": "Lush 3", "connected": connected });
    socket
        .send(json!({ "type": "toy-list", "toyList": [row(A, true), row(B, false)] }))
        .await;
    rig.down(B).await;
    // A toy that only the event knows is looked for.
    app.answer(with_toys(vec![lush(A), lush("cccccccccccc")]));
    socket
        .send(json!({ "type": "toy-list", "toyList": [row("cccccccccccc", true)] }))
        .await;
    rig.up("cccccccccccc").await;
}

#[tokio::test]
async fn an_app_without_events_is_found_out_once() {
    for status in [
        StatusCode::NOT_FOUND,
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_IMPLEMENTED,
    ] {
        let app = App::start().await;
        app.handshake(status);
        let mut rig = Rig::start(hearing(&app)).ready().await;
        let error = failed(&mut rig).await;
        assert!(matches!(error, LinkError::Fatal(_)), "{error:?}");
        // The toys are looked at as often as ever.
        app.answer(with_toys(vec![lush(A), lush("cccccccccccc")]));
        rig.up("cccccccccccc").await;
        rig.execute(A, vibrate(1)).await.unwrap();
        rig.stop().await;
        let report = soon("a probe", probe(hearing(&app), DEADLINE))
            .await
            .unwrap();
        assert!(
            matches!(report.events, EventsProbe::Unsupported(_)),
            "{report:?}"
        );
        assert!(report.events.cure().is_some());
    }
}

#[tokio::test]
async fn events_that_are_closed_come_back() {
    let mut app = App::start().await;
    let (mut rig, mut socket) = let_in(&mut app, hearing).await;
    socket.send(json!({ "type": "event-closed" })).await;
    let error = failed(&mut rig).await;
    assert!(matches!(error, LinkError::Retry(_)), "{error:?}");
    let mut socket = app.socket().await;
    socket.grant().await;
    socket.send(json!({ "type": "shake", "toyId": B })).await;
    assert_eq!(told(&mut rig).await.0, HardwareId::new(B));
}

#[tokio::test]
async fn who_is_not_let_in_asks_again_but_not_soon() {
    let mut app = App::start().await;
    let mut rig = Rig::start(hearing(&app)).ready().await;
    let mut socket = app.socket().await;
    socket.text().await.unwrap();
    drop(socket);
    let wait = timing().ask_again;
    let error = failed(&mut rig).await;
    assert!(
        matches!(error, LinkError::RetryAfter(_, time) if time == wait),
        "{error:?}"
    );
    assert!(error.to_string().contains("press Allow"), "{error}");
    // Failures that prove nothing are counted, so the delay grows.
    drop(app.socket().await);
    drop(app.socket().await);
    app.socket().await;
    assert!(rig.links[1].attempts() >= 3);
}

#[tokio::test]
async fn silence_ends_the_connection_but_not_the_app() {
    let mut app = App::start().await;
    let dead = Duration::from_millis(600);
    let options = Options {
        timing: Timing {
            suspicion: Duration::from_millis(200),
            dead,
            ..timing()
        },
        ..hearing(&app)
    };
    let (mut rig, _socket) = let_in(&mut app, |_| options).await;
    let error = failed(&mut rig).await;
    assert!(error.to_string().contains("nothing was heard"), "{error}");
    rig.execute(A, vibrate(1)).await.unwrap();
    app.socket().await;
}

#[tokio::test]
async fn silence_everywhere_means_that_the_app_is_gone() {
    let mut app = App::start().await;
    // As if the phone had left: nothing is refused, nothing is answered. Left alone, the looks
    // would take an hour to notice.
    let hour = Duration::from_secs(3_600);
    let options = Options {
        timing: Timing {
            poll: hour,
            poll_with_events: hour,
            answer: hour,
            suspicion: Duration::from_millis(300),
            check: Duration::from_millis(300),
            dead: hour,
            ..timing()
        },
        ..hearing(&app)
    };
    let (mut rig, mut socket) = let_in(&mut app, |_| options).await;
    app.answer(Box::new(|_| Reply::Hang));
    let reason = rig.down(A).await;
    assert!(reason.contains("did not answer within 300ms"), "{reason}");
    // The connection is given up as well, without a word of its own.
    while socket.text().await.is_some() {}
    assert_eq!(rig.links[1].attempts(), 0);
    app.answer(with_toys(vec![lush(A), lush(B)]));
    drop(app.post("GetToys").await);
}

#[tokio::test]
async fn a_look_under_way_does_not_delay_the_verdict() {
    let mut app = App::start().await;
    let hour = Duration::from_secs(3_600);
    let options = Options {
        timing: Timing {
            poll: hour,
            poll_with_events: hour,
            answer: hour,
            suspicion: Duration::from_millis(500),
            check: Duration::from_millis(300),
            dead: hour,
            ..timing()
        },
        ..hearing(&app)
    };
    let (mut rig, _socket) = let_in(&mut app, |_| options).await;
    app.answer(Box::new(|_| Reply::Hang));
    toy2mqtt::backend::Backend::refresh(&*rig.lan);
    rig.down(A).await;
}

#[tokio::test]
async fn a_broken_connection_has_the_app_checked_at_once() {
    let port = Port::reserve();
    let mut app = App::serve(port.listen(), None);
    let hour = Duration::from_secs(3_600);
    let options = Options {
        timing: Timing {
            poll: hour,
            poll_with_events: hour,
            ..timing()
        },
        ..hearing(&app)
    };
    let (mut rig, socket) = let_in(&mut app, |_| options).await;
    drop(app);
    drop(socket);
    let reason = rig.down(A).await;
    assert!(reason.contains("nothing listens"), "{reason}");
    assert_eq!(rig.links[1].last_error(), None);

    let mut app = App::serve(port.listen(), None);
    rig.up(A).await;
    app.socket().await.grant().await;
}

#[tokio::test]
async fn while_events_flow_the_app_is_left_in_peace() {
    let mut app = App::start().await;
    let options = Options {
        timing: Timing {
            poll_with_events: Duration::from_secs(3_600),
            suspicion: Duration::from_secs(3_600),
            dead: Duration::from_secs(3_600),
            ..timing()
        },
        ..hearing(&app)
    };
    let (mut rig, mut socket) = let_in(&mut app, |_| options).await;
    socket.send(json!({ "type": "shake", "toyId": A })).await;
    told(&mut rig).await;
    // A look that had already begun when events began to flow may still arrive.
    app.count("GetToys", Duration::from_millis(150)).await;
    assert_eq!(app.count("GetToys", Duration::from_millis(500)).await, 0);
    drop(socket);
    app.post("GetToys").await;
    app.post("GetToys").await;
}

#[tokio::test]
async fn events_may_have_a_port_of_their_own() {
    let app = App::start().await;
    let mut events = App::start().await;
    let options = Options {
        events_port: Some(events.address.port()),
        ..hearing(&app)
    };
    let mut rig = Rig::start(options).ready().await;
    let mut socket = events.socket().await;
    socket.grant().await;
    socket.send(json!({ "type": "shake", "toyId": A })).await;
    told(&mut rig).await;
}

#[tokio::test]
async fn a_probe_says_what_is_missing() {
    let mut app = App::start().await;
    let patience = Duration::from_millis(200);
    let report = soon("a probe", probe(hearing(&app), patience))
        .await
        .unwrap();
    assert_eq!(report.events, EventsProbe::AwaitingAccess);
    assert!(report.events.cure().unwrap().contains("Allow"));
    app.socket().await;

    let probing = tokio::spawn(probe(hearing(&app), DEADLINE));
    let mut socket = app.socket().await;
    socket.text().await.unwrap();
    socket.send(json!({ "type": "event-closed" })).await;
    let report = soon("a probe", probing).await.unwrap().unwrap();
    assert_eq!(report.events, EventsProbe::Closed);

    let closed = Port::reserve();
    let elsewhere = Options {
        events_port: Some(closed.number()),
        ..hearing(&app)
    };
    let report = soon("a probe", probe(elsewhere, patience)).await.unwrap();
    assert!(
        matches!(report.events, EventsProbe::Failed(_)),
        "{report:?}"
    );
}
