//! Commands to the Lovense app on the LAN, and finding out whether it is there.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

mod lovense_support;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use lovense_support::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use toy2mqtt::backend::lovense::lan::{
    EventsProbe, Fault, LanApp, Options, OptionsError, ProbeError, Timing, probe,
};
use toy2mqtt::backend::lovense::tls::Trust;
use toy2mqtt::backend::{Backend, Report};
use toy2mqtt::domain::{BackendState, Bound, Command, HardwareId, OpError, Reading, ToyInput};

#[tokio::test]
async fn toys_appear_with_what_they_can_do() {
    let mut app = App::start().await;
    app.answer(with_toys(vec![json!({
        "id": A, "name": "edge", "status": 1, "battery": "55", "nickName": "Alpha",
        "shortFunctionNames": ["v", "v1", "v2"],
    })]));
    let mut rig = Rig::start(options(app.address));
    let state = |report| match report {
        Report::State(state) => Some(state),
        _ => None,
    };
    assert_eq!(rig.report("a state", state).await, BackendState::Connecting);
    assert_eq!(rig.report("a state", state).await, BackendState::Up);
    let (description, capabilities) = rig
        .report("the toy", |report| match report {
            Report::Up(description, capabilities) => Some((description, capabilities)),
            _ => None,
        })
        .await;
    assert_eq!(description.hardware, HardwareId::new(A));
    assert_eq!(description.default_name(), "Alpha");
    assert_eq!(description.model, "Edge");
    let keys: Vec<_> = description
        .outputs
        .iter()
        .map(|o| o.key.to_string())
        .collect();
    assert_eq!(keys, ["vibrate_1", "vibrate_2"]);
    assert_eq!(capabilities.bound, Bound::Lease(Duration::from_secs(5)));
    assert_eq!(capabilities.pace, Duration::from_millis(25));
    let told = rig
        .report("the battery", |report| match report {
            Report::Told(_, input) => Some(input),
            _ => None,
        })
        .await;
    assert_eq!(told, ToyInput::Reading(Reading::Battery(55)));
    let post = app.post("GetToys").await;
    assert_eq!(post.body, json!({ "command": "GetToys" }));
    assert_eq!(post.platform.as_deref(), Some("toy2mqtt"));
    rig.stop().await;
}

#[tokio::test]
async fn commands_reach_the_app_as_documented() {
    let mut app = App::start().await;
    let rig = Rig::connected(&app).await;
    rig.execute(A, vibrate(16)).await.unwrap();
    let expected = json!({ "command": "Function", "action": "Vibrate:16", "timeSec": 5,
                           "toy": A, "stopPrevious": 1, "apiVer": 1 });
    assert_eq!(app.command().await, expected);
    rig.execute(A, Command::Stop).await.unwrap();
    let expected = json!({ "command": "Function", "action": "Stop", "timeSec": 0,
                           "toy": A, "apiVer": 1 });
    assert_eq!(app.command().await, expected);
    let expected = json!({ "command": "PatternV2", "type": "Stop", "toy": A, "apiVer": 1 });
    assert_eq!(app.command().await, expected);
}

#[tokio::test]
async fn a_hanging_operation_delays_nobody_else() {
    let mut app = App::start().await;
    app.answer(with_commands(|body| {
        match (body["toy"].as_str(), body["action"].as_str()) {
            (Some(A), Some("Vibrate:16")) => Reply::Hang,
            _ => Reply::Json(json!({ "code": 200, "type": "ok" })),
        }
    }));
    let rig = Rig::connected(&app).await;
    let hanging = tokio::spawn(Arc::clone(&rig.lan).execute(op(A, vibrate(16))));
    assert_eq!(app.command().await["action"], "Vibrate:16");
    rig.execute(B, vibrate(3)).await.unwrap();
    rig.execute(A, Command::Stop).await.unwrap();
    assert!(!hanging.is_finished());
    hanging.abort();
    // The dropped operation has taken nothing with it.
    rig.execute(A, vibrate(4)).await.unwrap();
}

#[tokio::test]
async fn what_the_app_says_is_what_becomes_of_an_operation() {
    let app = App::start().await;
    let rig = Rig::connected(&app).await;
    type Check = fn(&OpError) -> bool;
    let cases: [(i32, Check); 7] = [
        (400, |e| matches!(e, OpError::Refused(_))),
        (401, |e| matches!(e, OpError::Offline(_))),
        (402, |e| matches!(e, OpError::Offline(_))),
        (403, |e| matches!(e, OpError::Unsupported(_))),
        (404, |e| matches!(e, OpError::Refused(_))),
        (
            500,
            |e| matches!(e, OpError::Link(t) if t.contains("Game Mode is off")),
        ),
        (506, |e| matches!(e, OpError::Link(_))),
    ];
    for (code, check) in cases {
        let body = json!({ "code": code, "type": "ERROR" });
        app.answer(with_commands(move |_| Reply::Json(body.clone())));
        let error = rig.execute(A, vibrate(1)).await.unwrap_err();
        assert!(check(&error), "{code}: {error:?}");
    }
}

#[tokio::test]
async fn an_error_page_is_named_with_its_place() {
    let app = App::start().await;
    let rig = Rig::connected(&app).await;
    for status in [StatusCode::OK, StatusCode::BAD_GATEWAY] {
        let page = "<html>router login</html>".to_owned();
        app.answer(with_commands(move |_| {
            Reply::Raw(status, "text/html", page.clone())
        }));
        let error = rig.execute(A, vibrate(1)).await.unwrap_err();
        let place = format!("http://{}/command", app.address);
        assert!(matches!(error, OpError::Link(_)), "{error:?}");
        assert!(error.to_string().contains(&place), "{error}");
    }
    let endless = "x".repeat(2 << 20);
    app.answer(with_commands(move |_| {
        Reply::Raw(StatusCode::OK, "text/plain", endless.clone())
    }));
    let error = rig.execute(A, vibrate(1)).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn an_operation_without_an_answer_ends() {
    let app = App::start().await;
    app.answer(with_commands(|_| Reply::Hang));
    let limit = Duration::from_millis(200);
    let options = Options {
        timing: Timing {
            command: limit,
            ..timing()
        },
        ..options(app.address)
    };
    let rig = Rig::start(options).ready().await;
    assert_eq!(
        rig.execute(A, vibrate(1)).await,
        Err(OpError::Timeout(limit))
    );
}

#[tokio::test]
async fn unknown_toys_are_offline_but_can_be_stopped() {
    let mut app = App::start().await;
    let rig = Rig::connected(&app).await;
    let error = rig.execute("cccccccccccc", vibrate(1)).await.unwrap_err();
    assert!(matches!(error, OpError::Offline(_)), "{error:?}");
    rig.execute("cccccccccccc", Command::Stop).await.unwrap();
    assert_eq!(app.command().await["toy"], "cccccccccccc");
    // Nothing may ever address all toys.
    assert!(rig.execute(" ", Command::Stop).await.is_err());
}

#[tokio::test]
async fn toys_come_and_go_alone() {
    let app = App::start().await;
    let mut rig = Rig::connected(&app).await;
    let mut off = lush(A);
    off["status"] = json!(0);
    app.answer(with_toys(vec![off, lush(B)]));
    assert!(rig.down(A).await.contains("switched off"));
    let mut odd = lush(A);
    odd["status"] = json!({ "odd": true });
    app.answer(with_toys(vec![odd, lush("cccccccccccc")]));
    rig.up("cccccccccccc").await;
    assert!(rig.down(B).await.contains("does not list"));
    app.answer(with_toys(vec![lush(A), lush(B)]));
    rig.up(A).await;
    rig.up(B).await;
}

#[tokio::test]
async fn an_app_that_goes_and_comes_back_is_noticed() {
    let port = Port::reserve();
    let app = App::serve(port.listen(), None);
    let mut rig = Rig::connected(&app).await;
    drop(app);
    let reason = rig.down(A).await;
    assert!(reason.contains("Game Mode"), "{reason}");
    rig.down(B).await;
    rig.app_down().await;
    let error = rig.execute(A, vibrate(1)).await.unwrap_err();
    assert!(matches!(error, OpError::Offline(_)), "{error:?}");
    // A stop is tried nevertheless.
    let error = rig.execute(A, Command::Stop).await.unwrap_err();
    assert!(matches!(error, OpError::Link(_)), "{error:?}");

    let _app = App::serve(port.listen(), None);
    rig.up(A).await;
    rig.up(B).await;
    rig.execute(A, vibrate(1)).await.unwrap();
}

#[tokio::test]
async fn an_app_that_falls_silent_is_noticed() {
    let app = App::start().await;
    let options = Options {
        timing: Timing {
            answer: Duration::from_millis(300),
            ..timing()
        },
        ..options(app.address)
    };
    let mut rig = Rig::start(options).ready().await;
    app.answer(Box::new(|_| Reply::Hang));
    let reason = rig.down(A).await;
    assert!(reason.contains("did not answer within 300ms"), "{reason}");
}

#[tokio::test]
async fn one_lost_answer_is_forgiven() {
    let mut app = App::start().await;
    let options = Options {
        timing: Timing {
            answer: Duration::from_millis(300),
            ..timing()
        },
        ..options(app.address)
    };
    let mut rig = Rig::start(options).ready().await;
    let lost = std::sync::atomic::AtomicBool::new(false);
    app.answer(Box::new(move |_| {
        match lost.swap(true, std::sync::atomic::Ordering::SeqCst) {
            false => Reply::Hang,
            true => Reply::Json(toys(&[lush(A)])),
        }
    }));
    app.post("GetToys").await;
    // The next that is heard of the app is its new list, not that it is gone.
    assert!(rig.down(B).await.contains("does not list"));
}

#[tokio::test]
async fn game_mode_off_is_said() {
    let app = App::start().await;
    app.answer(Box::new(|_| {
        Reply::Json(json!({ "code": 500, "type": "ERROR" }))
    }));
    let mut rig = Rig::start(options(app.address));
    let reason = rig.app_down().await;
    assert!(reason.contains("Game Mode is off"), "{reason}");
}

#[tokio::test]
async fn a_refresh_is_a_look_at_once() {
    let mut app = App::start().await;
    let options = Options {
        timing: Timing {
            poll: Duration::from_secs(3_600),
            ..timing()
        },
        ..options(app.address)
    };
    let mut rig = Rig::start(options).ready().await;
    app.post("GetToys").await;
    app.answer(with_toys(vec![lush(A), lush("cccccccccccc")]));
    rig.lan.refresh();
    rig.up("cccccccccccc").await;
}

#[tokio::test]
async fn the_port_that_answers_well_is_found() {
    let app = App::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = App::start().await;
    other.answer(Box::new(|_| {
        Reply::Raw(StatusCode::OK, "text/html", "<html>".to_owned())
    }));
    let candidates = vec![
        silent.local_addr().unwrap().port(),
        other.address.port(),
        app.address.port(),
    ];
    let options = Options {
        port: None,
        candidates: candidates.clone(),
        ..options(app.address)
    };
    let rig = Rig::start(options.clone()).ready().await;
    rig.execute(A, vibrate(1)).await.unwrap();
    rig.stop().await;

    let report = soon("a probe", probe(options.clone(), DEADLINE))
        .await
        .unwrap();
    assert_eq!(report.port, app.address.port());
    assert_eq!(report.app_type.as_deref(), Some("remote"));
    assert_eq!((report.toys, report.connected), (2, 2));
    assert_eq!(report.events, EventsProbe::SwitchedOff);

    // Of ports that are no good the most telling is named.
    let options = Options {
        candidates: candidates[..2].to_vec(),
        timing: Timing {
            answer: Duration::from_millis(500),
            ..timing()
        },
        ..options
    };
    let error = soon("a probe", probe(options, DEADLINE)).await.unwrap_err();
    assert!(
        matches!(error, ProbeError::Fault(Fault::Nowhere { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("<html>"), "{error}");
}

#[tokio::test]
async fn names_are_reached_too() {
    let app = App::start().await;
    let named = Options {
        host: "localhost".parse().unwrap(),
        ..options(app.address)
    };
    Rig::start(named).ready().await.stop().await;

    let unknown = Options {
        host: "no-such-phone.invalid".parse().unwrap(),
        ..options(app.address)
    };
    let error = soon("a probe", probe(unknown, DEADLINE)).await.unwrap_err();
    assert!(
        matches!(error, ProbeError::Fault(Fault::NoSuchHost { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn ipv6_addresses_are_reached_too() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        eprintln!("this machine has no IPv6");
        return;
    };
    let app = App::serve(listener, None);
    Rig::start(options(app.address)).ready().await.stop().await;
}

#[tokio::test]
async fn a_connection_that_the_app_closed_while_idle_costs_nothing() {
    // Answers one request per connection, says that it keeps it open, and closes it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = vec![0; 4_096];
                let mut length = 0;
                // Bodies end with their closing brace.
                while length == 0 || buffer[length - 1] != b'}' {
                    let read = stream.read(&mut buffer[length..]).await.unwrap();
                    if read == 0 {
                        return;
                    }
                    length += read;
                }
                let body = toys(&[lush(A), lush(B)]).to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            });
        }
    });
    let rig = Rig::start(options(address)).ready().await;
    for step in 1..=20 {
        rig.execute(A, vibrate(step)).await.unwrap();
    }
    server.abort();
}

#[tokio::test]
async fn without_a_lease_toys_run_until_stopped() {
    let mut app = App::start().await;
    let mut rig = Rig::start(Options {
        lease: None,
        ..options(app.address)
    });
    let bound = rig
        .report("a toy", |report| match report {
            Report::Up(_, capabilities) => Some(capabilities.bound),
            _ => None,
        })
        .await;
    assert_eq!(bound, Bound::None);
    let mut op = op(A, vibrate(2));
    op.lease = None;
    soon("an operation", Arc::clone(&rig.lan).execute(op))
        .await
        .unwrap();
    assert_eq!(app.command().await["timeSec"], 0);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let good = options("127.0.0.1:1".parse().unwrap());
    let refused = |options: Options| LanApp::new(options).unwrap_err();
    for app_name in ["", " ", "a\nb", "é", &"x".repeat(65)] {
        let app_name = app_name.to_owned();
        let options = Options {
            app_name,
            ..good.clone()
        };
        assert!(matches!(refused(options), OptionsError::AppName(_)));
    }
    let options = Options {
        host: "::1".parse().unwrap(),
        trust: Trust::Webpki,
        ..good.clone()
    };
    assert!(matches!(refused(options), OptionsError::NoName(_)));
    let options = Options {
        trust: Trust::Pin(Vec::new()),
        ..good
    };
    assert_eq!(refused(options), OptionsError::NoPin);
}

#[tokio::test]
async fn toys_that_share_nothing_but_the_app_are_driven_side_by_side() {
    let mut app = App::start().await;
    let ids: Vec<String> = (0..10).map(|n| format!("{n:012x}")).collect();
    let list: Vec<Value> = ids.iter().map(|id| lush(id)).collect();
    app.answer(with_toys(list));
    let mut rig = Rig::start(options(app.address));
    for id in &ids {
        rig.up(id).await;
    }
    let all = ids.iter().map(|id| rig.execute(id, vibrate(5)));
    for result in futures_util::future::join_all(all).await {
        result.unwrap();
    }
    let mut seen = Vec::new();
    for _ in &ids {
        seen.push(app.command().await["toy"].as_str().unwrap().to_owned());
    }
    seen.sort();
    assert_eq!(seen, ids);
}
