//! The Lovense app by way of its maker's server: the real backend against a simulated server and a
//! simulated app.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

mod lovense_support;

use std::sync::Arc;
use std::time::Duration;

use lovense_support::{A, B, DEADLINE, Rig, op, soon, vibrate};
use serde_json::{Value, json};
use toy2mqtt::backend::lovense::cloud::{Cloud, Options, OptionsError, Timing, probe};
use toy2mqtt::backend::{Backend, LinkError, Report, Token};
use toy2mqtt::domain::{
    BackendId, BackendState, Bound, Command, HardwareId, OpError, Reading, ToyInput,
};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, ToySpec};
use toy2mqtt::sim::lovense_cloud::{CloudFaults, CloudHandle, CloudOptions, LovenseCloud};

/// A server with a Lush 3 and a Hush 2 behind it.
async fn server(faults: CloudFaults) -> CloudHandle {
    let toys = [
        ToySpec::new("Lush 3").with_id(A),
        ToySpec::new("Hush 2").with_id(B),
    ];
    let app = LovenseApp::start_local(AppOptions::with_toys(toys)).await;
    let options = CloudOptions {
        faults,
        ..CloudOptions::default()
    };
    LovenseCloud::start_local(options, app.unwrap())
        .await
        .unwrap()
}

async fn good_server() -> CloudHandle {
    server(CloudFaults::default()).await
}

/// Quick, and yet patient enough for a busy machine.
fn options(server: &CloudHandle) -> Options {
    let known = CloudOptions::default();
    let token = Token::new(known.token);
    Options {
        server: server.url(),
        timing: Timing {
            ping: Duration::from_millis(100),
            pong: Duration::from_secs(10),
            patience: Duration::from_millis(100),
            refused: Duration::from_millis(50),
            ..Timing::default()
        },
        ..Options::new(BackendId::new("lovense_cloud"), token, known.platform)
    }
}

fn rig_with(options: Options) -> Rig<Cloud> {
    Rig::keep(Cloud::new(options).unwrap())
}

/// A bridge that knows both toys.
async fn rig(server: &CloudHandle) -> Rig<Cloud> {
    both_up(rig_with(options(server))).await
}

async fn both_up(mut rig: Rig<Cloud>) -> Rig<Cloud> {
    rig.up(A).await;
    rig.up(B).await;
    rig
}

fn state(report: Report) -> Option<BackendState> {
    match report {
        Report::State(state) => Some(state),
        _ => None,
    }
}

async fn until(app: &AppHandle, what: &str, wanted: impl FnMut(&AppHandle) -> bool) {
    let waited = app.wait_until(DEADLINE, wanted).await;
    waited.unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// Commands that reached the server, without those that came before.
async fn commands(server: &CloudHandle, count: usize) -> Vec<Value> {
    let enough = server.wait_until(DEADLINE, |counts| counts.commands.len() >= count);
    enough.await.unwrap();
    let commands = server.counts().commands;
    let read = commands.iter().map(|body| serde_json::from_str(body));
    read.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn toys_appear_and_nothing_is_driven() {
    let toy = ToySpec {
        battery: 55,
        ..ToySpec::new("Edge 2").with_id(A).with_nickname("Alpha")
    };
    let app = LovenseApp::start_local(AppOptions::with_toys([toy]))
        .await
        .unwrap();
    let server = LovenseCloud::start_local(CloudOptions::default(), app)
        .await
        .unwrap();
    let mut rig = rig_with(options(&server));
    assert_eq!(rig.report("a state", state).await, BackendState::Connecting);
    assert_eq!(rig.report("a state", state).await, BackendState::Up);
    let (description, capabilities) = rig
        .report("the toy", |report| match report {
            Report::Up(description, capabilities) => Some((description, capabilities)),
            _ => None,
        })
        .await;
    // The same id as over every other way.
    assert_eq!(description.hardware, HardwareId::new(A));
    assert_eq!(
        (description.default_name(), &*description.model),
        ("Alpha", "Edge 2")
    );
    let outputs = description
        .outputs
        .iter()
        .map(|output| output.key.to_string());
    assert_eq!(outputs.collect::<Vec<_>>(), ["vibrate_1", "vibrate_2"]);
    assert_eq!(capabilities.bound, Bound::Lease(Duration::from_secs(5)));
    assert!(capabilities.pace >= Duration::from_millis(200));
    let charge = rig
        .report("the battery", |report| match report {
            Report::Told(_, input) => Some(input),
            _ => None,
        })
        .await;
    assert_eq!(charge, ToyInput::Reading(Reading::Battery(55)));
    server.app().set_connected(A, false).unwrap();
    assert!(rig.down(A).await.contains("switched off"));
    server.app().set_connected(A, true).unwrap();
    rig.up(A).await;
    let counts = server.counts();
    assert!(counts.user.starts_with("toy2mqtt-"), "{}", counts.user);
    assert_eq!((counts.logins, counts.opened, counts.odd), (1, 1, 0));
    assert_eq!((counts.commands.len(), counts.pairings), (0, 0));
    rig.stop().await;
}

#[tokio::test]
async fn commands_are_those_of_the_local_network_and_always_end() {
    let server = good_server().await;
    let rig = rig(&server).await;
    rig.execute(A, vibrate(16)).await.unwrap();
    assert_eq!(
        commands(&server, 1).await,
        [
            json!({ "command": "Function", "action": "Vibrate:16", "timeSec": 5,
                 "toy": A, "stopPrevious": 1, "apiVer": 1 })
        ]
    );
    assert_eq!(server.app().level(A, Function::Vibrate), 16);
    rig.execute(A, Command::Stop).await.unwrap();
    assert!(server.app().all_zero());
    let mut endless = op(B, vibrate(3));
    endless.lease = None;
    soon("an operation", Arc::clone(&rig.lan).execute(endless))
        .await
        .unwrap();
    // The stop was two commands.
    assert_eq!(commands(&server, 4).await[3]["timeSec"], 5);

    let mut brief = op(A, vibrate(9));
    brief.lease = Some(Duration::from_secs(1));
    soon("an operation", Arc::clone(&rig.lan).execute(brief))
        .await
        .unwrap();
    rig.stop().await;
    // Without the bridge, and without anybody.
    until(server.app(), "level 0", |app| {
        app.level(A, Function::Vibrate) == 0
    })
    .await;
}

#[tokio::test]
async fn stops_end_what_other_clients_play() {
    let server = good_server().await;
    let rig = rig(&server).await;
    let all = [
        json!({ "command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1 }),
        json!({ "command": "PatternV2", "type": "Stop", "apiVer": 1 }),
    ];
    let of_a = all.clone().map(|mut body| {
        body["toy"] = json!(A);
        body
    });
    // Nothing runs, as far as the bridge knows.
    for round in 1..=2 {
        rig.execute(A, Command::Stop).await.unwrap();
        assert_eq!(commands(&server, 2 * round).await[2 * (round - 1)..], of_a);
    }
    soon("a stop", Arc::clone(&rig.lan).stop_all()).await;
    assert_eq!(commands(&server, 6).await[4..], all);
}

#[tokio::test]
async fn what_the_server_does_not_answer_is_not_accepted() {
    let server = good_server().await;
    let mut options = options(&server);
    options.timing.pong = Duration::from_secs(5);
    let mut rig = both_up(rig_with(options)).await;
    server.change_faults(|faults| faults.pongs = false);
    let driving = tokio::spawn(Arc::clone(&rig.lan).execute(op(A, vibrate(5))));
    commands(&server, 1).await;
    // A stop does not wait for what is still to be answered.
    let stopping = tokio::spawn(Arc::clone(&rig.lan).execute(op(A, Command::Stop)));
    assert_eq!(commands(&server, 2).await[1]["action"], "Stop");
    until(server.app(), "level 0", AppHandle::all_zero).await;
    for ended in [driving, stopping] {
        let result = soon("an end", ended).await.unwrap();
        assert!(matches!(result, Err(OpError::Link(_))), "{result:?}");
    }
    assert!(rig.down(A).await.contains("nothing was heard"));
    server.change_faults(|faults| faults.pongs = true);
    rig.up(A).await;
    rig.execute(A, vibrate(5)).await.unwrap();
}

#[tokio::test]
async fn who_does_not_wait_for_answers_does_not() {
    let server = server(CloudFaults {
        pongs: false,
        ..CloudFaults::default()
    })
    .await;
    let unconfirmed = Options {
        confirm: false,
        ..options(&server)
    };
    let rig = both_up(rig_with(unconfirmed)).await;
    rig.execute(A, vibrate(4)).await.unwrap();
    until(server.app(), "level 4", |app| {
        app.level(A, Function::Vibrate) == 4
    })
    .await;
}

#[tokio::test]
async fn an_app_that_goes_takes_its_toys_along() {
    let server = good_server().await;
    let mut rig = rig(&server).await;
    server.change_faults(|faults| faults.online = false);
    assert!(
        rig.down(A)
            .await
            .contains("not connected to the maker's server")
    );
    assert!(rig.app_down().await.contains("is it open"));
    let error = rig.execute(A, vibrate(5)).await.unwrap_err();
    assert!(matches!(error, OpError::Offline(_)), "{error:?}");
    // A stop is worth a try, though nobody knows what becomes of it.
    let error = rig.execute(A, Command::Stop).await.unwrap_err();
    assert!(matches!(error, OpError::Offline(_)), "{error:?}");
    assert_eq!(commands(&server, 1).await[0]["action"], "Stop");
    server.change_faults(|faults| faults.online = true);
    rig.up(A).await;
    // Both commands of the stop.
    assert_eq!(server.counts().commands.len(), 2);
    assert_eq!(server.counts().pairings, 0);
    // Nothing may ever address all toys.
    assert!(rig.execute(" ", Command::Stop).await.is_err());
}

#[tokio::test]
async fn an_app_that_nobody_has_paired_can_be() {
    let server = server(CloudFaults {
        paired: false,
        ..CloudFaults::default()
    })
    .await;
    let mut rig = rig_with(options(&server));
    // What goes into events and the log does not say how.
    assert!(!rig.app_down().await.contains("395079"));
    let how = rig
        .report("how to pair", |report| match report {
            Report::State(BackendState::Unpaired(how)) => Some(how),
            _ => None,
        })
        .await;
    assert!(
        how.contains("395079") && how.contains("https://pictures.example/"),
        "{how}"
    );
    let error = rig.execute(A, vibrate(5)).await.unwrap_err();
    assert!(matches!(error, OpError::Offline(_)), "{error:?}");
    server.change_faults(|faults| faults.paired = true);
    assert_eq!(rig.report("a state", state).await, BackendState::Up);
    rig.up(A).await;
    server.change_faults(|faults| faults.paired = false);
    rig.down(A).await;
    let again = server.wait_until(DEADLINE, |counts| counts.pairings == 2);
    again.await.unwrap();
}

#[tokio::test]
async fn refusals_name_the_setting_and_never_the_token() {
    let server = good_server().await;
    let cases = [
        (
            "token",
            Options {
                token: Token::new("wrong-but-secret"),
                ..options(&server)
            },
        ),
        (
            "platform",
            Options {
                platform: "Another house".to_owned(),
                ..options(&server)
            },
        ),
    ];
    for (setting, options) in cases {
        let mut rig = rig_with(options.clone());
        let why = rig.app_down().await;
        assert!(why.contains(setting) && why.contains("refuses"), "{why}");
        let error = probe(options, DEADLINE).await.unwrap_err().to_string();
        assert!(error.contains(setting), "{error}");
        let logged = rig.links[0].last_error().unwrap();
        assert!(matches!(logged, LinkError::RetryAfter(..)), "{logged:?}");
        // The simulated server repeats every question.
        for text in [why, error, logged.to_string()] {
            for secret in ["wrong-but-secret", "auth+token"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        rig.stop().await;
    }
    // Once the server agrees, so does the bridge.
    server.change_faults(|faults| faults.socket = Some(500));
    let mut rig = rig_with(options(&server));
    rig.app_down().await;
    server.change_faults(|faults| faults.socket = None);
    rig.up(A).await;
}

#[tokio::test]
async fn rubbish_moves_nothing_and_breaks_nothing() {
    let server = good_server().await;
    let rig = rig(&server).await;
    let deep = format!(
        "42[\"basicapi_update_device_info_tc\",{}",
        "[".repeat(10_000)
    );
    for text in [
        "",
        "9",
        "4",
        "42",
        "42[]",
        "42[7]",
        "3",
        "3",
        "3probe",
        "6",
        "2",
        "é",
        "0[]",
        "42{\"a\":1}",
        r#"42["basicapi_update_device_info_tc"]"#,
        r#"42["basicapi_update_device_info_tc","{"]"#,
        r#"42["basicapi_update_device_info_tc",{"toyList":7}]"#,
        r#"42["basicapi_update_app_status_tc",{"status":[]}]"#,
        r#"42["basicapi_get_qrcode_tc",{"code":0,"data":{"code":"<script>"}}]"#,
        r#"42["basicapi_send_toy_command_ts",{"command":"Function","action":"Vibrate:20"}]"#,
        &deep,
    ] {
        server.say(text);
    }
    rig.execute(A, vibrate(7)).await.unwrap();
    until(server.app(), "level 7", |app| {
        app.level(A, Function::Vibrate) == 7
    })
    .await;
    assert_eq!(server.app().level(B, Function::Vibrate), 0);
    assert_eq!(server.counts().opened, 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_broken_connection_comes_back_without_driving() {
    let server = good_server().await;
    let mut rig = rig(&server).await;
    rig.execute(A, vibrate(5)).await.unwrap();
    for goodbye in ["1", "41", r#"44"go away""#] {
        server.say(goodbye);
        rig.down(A).await;
        rig.up(A).await;
    }
    server.cut();
    rig.down(A).await;
    rig.up(A).await;
    assert_eq!(server.counts().commands.len(), 1);
    rig.execute(A, Command::Stop).await.unwrap();
    assert!(server.app().all_zero());
}

#[tokio::test]
async fn the_server_hears_of_us_as_often_as_it_wants_to() {
    let server = server(CloudFaults {
        ping_interval: Duration::from_secs(2),
        ..CloudFaults::default()
    })
    .await;
    let mut options = options(&server);
    options.timing.ping = Duration::from_secs(3_600);
    let rig = both_up(rig_with(options)).await;
    let pinged = server.wait_until(DEADLINE, |counts| counts.pings >= 4);
    pinged.await.unwrap();
    assert_eq!(server.counts().opened, 1);
    // And when somebody doubts that it is there.
    let before = server.counts().pings;
    rig.lan.refresh();
    let pinged = server.wait_until(DEADLINE, |counts| counts.pings > before);
    pinged.await.unwrap();
}

#[tokio::test]
async fn a_look_finds_the_app_or_how_to_pair_one() {
    let server = good_server().await;
    server.app().set_connected(B, false).unwrap();
    let report = probe(options(&server), DEADLINE).await.unwrap();
    assert_eq!((report.app, report.toys, report.connected), (true, 2, 1));
    server.change_faults(|faults| faults.paired = false);
    let patience = Duration::from_millis(300);
    let report = probe(options(&server), patience).await.unwrap();
    let how = report.pairing.unwrap().instructions();
    assert!(!report.app && how.contains("395079"), "{how}");
    assert_eq!(server.counts().commands.len(), 0);
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    let token = || Token::new("x");
    for bad in [
        "http://api.example",
        "api.example",
        "https://u@x",
        "https://x/y",
        "ftp://x",
    ] {
        let options = Options {
            server: bad.to_owned(),
            ..Options::new(BackendId::new("lovense_cloud"), token(), "p")
        };
        assert_eq!(
            Cloud::new(options).err(),
            Some(OptionsError::Server),
            "{bad}"
        );
    }
}
