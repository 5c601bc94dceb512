//! Stops over the Lovense app: they end what other clients play there, and nothing can make them be
//! left out.
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
use toy2mqtt::backend::lovense::lan::{LanApp, Options};
use toy2mqtt::backend::{Backend, Report};
use toy2mqtt::domain::{Command, LevelReport, OpError, ToyInput};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{
    AnswerFault, AppHandle, AppOptions, Handling, LovenseApp, RequestKind, Spread, ToySpec, Wrong,
};

const NORA: &str = "cccccccccccc";

fn ok() -> Value {
    json!({ "code": 200, "type": "ok" })
}

fn function_stop(toy: &str) -> Value {
    json!({ "command": "Function", "action": "Stop", "timeSec": 0, "toy": toy, "apiVer": 1 })
}

fn pattern_stop(toy: &str) -> Value {
    json!({ "command": "PatternV2", "type": "Stop", "toy": toy, "apiVer": 1 })
}

/// Answers the commands of this name so, and all others with "ok".
fn answering(app: &App, command: &'static str, reply: impl Fn() -> Reply + Send + 'static) {
    app.answer(with_commands(move |body| {
        if body["command"] == command {
            reply()
        } else {
            Reply::Json(ok())
        }
    }));
}

fn code(code: i32) -> Reply {
    Reply::Json(json!({ "code": code, "type": "ERROR" }))
}

#[tokio::test]
async fn a_stop_is_both_requests_however_often_it_is_asked_for() {
    let mut app = App::start().await;
    let rig = Rig::connected(&app).await;
    // Nothing runs, as far as the bridge knows.
    for _ in 0..3 {
        rig.execute(A, Command::Stop).await.unwrap();
        assert_eq!(app.command().await, function_stop(A));
        assert_eq!(app.command().await, pattern_stop(A));
    }
}

#[tokio::test]
async fn an_app_that_does_not_know_pattern_v2_plays_none() {
    let app = App::start().await;
    let rig = Rig::connected(&app).await;
    for unknown in [400, 403, 404] {
        answering(&app, "PatternV2", move || code(unknown));
        assert_eq!(rig.execute(A, Command::Stop).await, Ok(()), "{unknown}");
    }
    for status in [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND] {
        answering(&app, "PatternV2", move || {
            Reply::Raw(status, "text/html", "<html>".to_owned())
        });
        assert_eq!(rig.execute(A, Command::Stop).await, Ok(()), "{status}");
    }
}

#[tokio::test]
async fn a_stop_of_which_a_part_failed_is_not_confirmed() {
    let mut app = App::start().await;
    let mut options = options(app.address);
    options.timing.command = Duration::from_millis(200);
    let rig = Rig::start(options).ready().await;
    type Answer = fn() -> Reply;
    let failures: [Answer; 4] = [
        || code(402),
        || code(506),
        || Reply::Hang,
        || Reply::Raw(StatusCode::BAD_GATEWAY, "text/html", String::new()),
    ];
    for command in ["Function", "PatternV2"] {
        for failure in failures {
            answering(&app, command, failure);
            let error = rig.execute(A, Command::Stop).await.unwrap_err();
            assert!(!error.without_effect(), "{command}: {error}");
            // Each is tried although the other fails.
            assert_eq!(app.command().await, function_stop(A));
            assert_eq!(app.command().await, pattern_stop(A));
        }
    }
    // Refused, but what the other request ended has ended.
    answering(&app, "Function", || code(400));
    let error = rig.execute(A, Command::Stop).await.unwrap_err();
    assert!(matches!(error, OpError::Partly(_)), "{error:?}");
}

#[tokio::test]
async fn a_hanging_function_stop_does_not_hold_up_the_other() {
    let mut app = App::start().await;
    let rig = Rig::connected(&app).await;
    answering(&app, "Function", || Reply::Hang);
    let stopping = tokio::spawn(Arc::clone(&rig.lan).execute(op(A, Command::Stop)));
    assert_eq!(app.command().await, function_stop(A));
    assert_eq!(app.command().await, pattern_stop(A));
    assert!(!stopping.is_finished());
    stopping.abort();
}

#[tokio::test]
async fn a_stop_of_all_names_no_toy_and_needs_none() {
    let mut app = App::start().await;
    let rig = Rig::connected(&app).await;
    let function = json!({ "command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1 });
    let pattern = json!({ "command": "PatternV2", "type": "Stop", "apiVer": 1 });
    soon("a stop", Arc::clone(&rig.lan).stop_all()).await;
    assert_eq!(app.command().await, function);
    assert_eq!(app.command().await, pattern);
    // Nothing is said of what fails: the stops of single toys follow.
    app.answer(with_commands(|_| code(506)));
    soon("a stop", Arc::clone(&rig.lan).stop_all()).await;
    assert_eq!(app.command().await, function);
    let never_found = LanApp::new(options(app.address)).unwrap();
    soon("a stop", never_found.stop_all()).await;
}

// Against the simulated app: toys' levels instead of what was sent.

async fn simulated(toys: &[(&str, &str)]) -> (AppHandle, Rig) {
    let specs = toys
        .iter()
        .map(|(id, model)| ToySpec::new(*model).with_id(*id));
    let app = LovenseApp::start_local(AppOptions::with_toys(specs)).await;
    let app = app.unwrap();
    let mut rig = Rig::start(Options {
        events: true,
        ..options(app.address())
    });
    for (id, _) in toys {
        rig.up(id).await;
    }
    (app, rig)
}

async fn until(app: &AppHandle, what: &str, wanted: impl FnMut(&AppHandle) -> bool) {
    let waited = app.wait_until(DEADLINE, wanted).await;
    waited.unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// Another client has the app do something.
async fn another_client(app: &AppHandle, body: Value) {
    // Another test may have been faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.post(app.command_url()).json(&body);
    let answer: Value = soon("an answer", request.send())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["code"], 200, "{body}");
}

/// Another client has the toys play a PatternV2 of an hour.
async fn pattern_v2(app: &AppHandle, toys: &[&str]) {
    let step =
        |at: u64| json!({ "ts": at * 50, "pos": if at.is_multiple_of(2) { 100 } else { 20 } });
    let mut actions: Vec<Value> = (0..1_000).map(step).collect();
    actions.push(json!({ "ts": 3_600_000, "pos": 0 }));
    for toy in toys {
        let body = json!({ "command": "PatternV2", "type": "InitPlay", "actions": actions,
                           "toy": toy, "startTime": 0, "offsetTime": 0, "apiVer": 1 });
        another_client(app, body).await;
    }
    until(app, "all moving", |app| {
        toys.iter()
            .all(|toy| !app.timeline(toy).changes().is_empty())
    })
    .await;
}

/// Whether the toys stand still while another one takes a few steps of its pattern.
async fn stand_still(app: &AppHandle, toys: &[&str], other: &str) {
    let steps = |toy: &str| app.timeline(toy).changes().len();
    let before: Vec<_> = toys.iter().map(|toy| steps(toy)).collect();
    let so_far = steps(other);
    until(app, "steps", |app| {
        app.timeline(other).changes().len() > so_far + 4
    })
    .await;
    let after: Vec<_> = toys.iter().map(|toy| steps(toy)).collect();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_stop_ends_the_pattern_of_another_client_and_of_no_other_toy() {
    let (app, rig) = simulated(&[(A, "Solace Pro"), (B, "Lush 3"), (NORA, "Nora")]).await;
    pattern_v2(&app, &[A, B, NORA]).await;
    // What the bridge does with the toy meanwhile does not matter.
    rig.execute(B, Command::Stop).await.unwrap();
    rig.execute(A, Command::Stop).await.unwrap();
    assert_eq!(app.level(B, Function::Vibrate), 0);
    stand_still(&app, &[A, B], NORA).await;
}

#[tokio::test]
async fn a_stop_of_all_ends_every_pattern_at_once() {
    let (app, rig) = simulated(&[(A, "Solace Pro"), (B, "Lush 3"), (NORA, "Nora")]).await;
    pattern_v2(&app, &[A, B]).await;
    another_client(
        &app,
        json!({ "command": "Preset", "name": "wave", "timeSec": 0, "toy": NORA, "apiVer": 1 }),
    )
    .await;
    soon("a stop", Arc::clone(&rig.lan).stop_all()).await;
    assert!(app.all_zero());
    assert_eq!(app.counts().of(RequestKind::Stop), 1);
    pattern_v2(&app, &[NORA]).await;
    stand_still(&app, &[A, B], NORA).await;
}

#[tokio::test]
async fn an_app_of_before_pattern_v2_is_stopped_as_ever() {
    let (app, rig) = simulated(&[(B, "Lush 3")]).await;
    app.change_faults(|faults| {
        faults.answer = Some(AnswerFault::new(Wrong::Code(400)).only(&[RequestKind::PatternV2]));
    });
    rig.execute(B, vibrate(12)).await.unwrap();
    rig.execute(B, Command::Stop).await.unwrap();
    assert!(app.all_zero());
}

#[tokio::test]
async fn a_stop_that_the_app_does_not_take_fails_soon_and_one_that_it_takes_may_last() {
    let app = App::start().await;
    let rig = Rig::connected(&app).await;
    let patience = rig.lan.stop_patience();
    // A dead app: another route may be better.
    app.answer(with_commands(|_| Reply::Hang));
    let began = tokio::time::Instant::now();
    let error = rig.execute(A, Command::Stop).await.unwrap_err();
    assert!(matches!(error, OpError::Timeout(_)), "{error:?}");
    assert!(began.elapsed() < patience / 2, "{:?}", began.elapsed());
    // The functions are off, but nothing is known of a pattern.
    answering(&app, "PatternV2", || Reply::Hang);
    let stopping = rig.execute(A, Command::Stop);
    let early = tokio::time::timeout(Duration::from_secs(2), stopping);
    assert!(early.await.is_err());
}

/// An app that serves one request at a time is asked for the functions of all toys before it is asked
/// for their patterns.
#[tokio::test]
async fn stops_of_many_toys_do_not_wait_for_one_anothers_patterns() {
    let ids: Vec<String> = (0..10).map(|n| format!("{n:012x}")).collect();
    let toys: Vec<_> = ids.iter().map(|id| (id.as_str(), "Lush 3")).collect();
    let (app, rig) = simulated(&toys).await;
    for id in &ids {
        rig.execute(id, vibrate(12)).await.unwrap();
    }
    app.change_faults(|faults| {
        faults.handling = Handling::Serial;
        faults.effect_latency = Spread::ms(40, 40);
    });
    let before = app.requests().last().unwrap().number;
    let stops = ids.iter().map(|id| rig.execute(id, Command::Stop));
    for result in futures_util::future::join_all(stops).await {
        result.unwrap();
    }
    assert!(app.all_zero());
    let sent = app.requests().into_iter();
    let kinds: Vec<_> = sent
        .filter(|sent| sent.number > before && sent.kind != RequestKind::GetToys)
        .map(|sent| sent.kind)
        .collect();
    let stops = kinds.iter().rposition(|kind| *kind == RequestKind::Stop);
    let patterns = kinds[..stops.unwrap()].iter();
    let between = patterns
        .filter(|kind| **kind == RequestKind::PatternV2)
        .count();
    assert_eq!(kinds.len(), 20);
    // None, unless this machine is very busy.
    assert!(between <= 5, "{kinds:?}");
}

async fn level(rig: &mut Rig, toy: &str) -> (String, i32) {
    rig.report("a level", |report| match report {
        Report::Told(hardware, ToyInput::Level(LevelReport { output, step }))
            if hardware.as_str() == toy =>
        {
            Some((output.to_string(), step))
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn what_the_wearer_sets_is_told_and_what_clients_set_only_by_apps_that_do_so() {
    let (app, mut rig) = simulated(&[(NORA, "Nora"), (B, "Edge 2")]).await;
    until(&app, "access", |app| app.sockets().granted == 1).await;
    rig.execute(NORA, drive(&[("vibrate", 8), ("rotate", 3)]))
        .await
        .unwrap();
    let of = |output: &str, step| (output.to_owned(), step);
    app.set_by_user(NORA, Function::Vibrate, 0).unwrap();
    assert_eq!(level(&mut rig, NORA).await, of("vibrate", 0));
    app.set_by_user(NORA, Function::Rotate, 5).unwrap();
    assert_eq!(level(&mut rig, NORA).await, of("rotate", 5));
    app.set_by_user(B, Function::Vibrate2, 9).unwrap();
    assert_eq!(level(&mut rig, B).await, of("vibrate_2", 9));

    app.change_faults(|faults| faults.echo_strength = true);
    another_client(
        &app,
        json!({ "command": "Function", "action": "Vibrate1:4", "timeSec": 0, "toy": B,
                "stopPrevious": 0, "apiVer": 1 }),
    )
    .await;
    assert_eq!(level(&mut rig, B).await, of("vibrate_1", 4));
    another_client(&app, function_stop(B)).await;
    assert_eq!(level(&mut rig, B).await, of("vibrate_1", 0));
    assert_eq!(level(&mut rig, B).await, of("vibrate_2", 0));
    // The bridge's own, too.
    rig.execute(B, drive(&[("vibrate_1", 2)])).await.unwrap();
    assert_eq!(level(&mut rig, B).await, of("vibrate_1", 2));
}

fn drive(settings: &[(&str, i32)]) -> Command {
    let setting = |&(key, step): &(&str, i32)| toy2mqtt::domain::Setting {
        key: str::parse(key).unwrap(),
        step,
    };
    Command::Drive(settings.iter().map(setting).collect())
}
