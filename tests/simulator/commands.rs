//! What commands do, and how they are answered.

use std::time::Duration;

use serde_json::{Value, json};
use toy2mqtt::sim::lovense_app::{
    AppOptions, Dialect, Handling, LovenseApp, RequestKind, Spread, ToySpec, ToysShape,
};
use toy2mqtt::sim::{Cause, Function};

use crate::support::{
    DEADLINE, EDGE, MAX, SOLACE, app, client, code, function, options, send, wait,
};

#[tokio::test]
async fn get_toys_is_a_string_of_json() {
    let app = app().await;
    let answer = send(&app, &json!({"command": "GetToys"})).await;
    assert_eq!(answer["code"], 200);
    assert_eq!(answer["type"], "OK");
    let toys: Value = serde_json::from_str(answer["data"]["toys"].as_str().unwrap()).unwrap();
    assert_eq!(toys[EDGE]["name"], "edge");
    assert_eq!(toys[MAX]["nickName"], "left");
    assert_eq!(toys[MAX]["shortFunctionNames"], json!(["v", "p"]));
    let names = send(&app, &json!({"command": "GetToyName"})).await;
    assert_eq!(names["data"], json!(["Edge 2", "Max 2", "Solace Pro"]));
}

#[tokio::test]
async fn get_toys_has_other_shapes_too() {
    for (shape, path) in [
        (ToysShape::Object, format!("/data/toys/{EDGE}/id")),
        (ToysShape::BareObject, format!("/data/{EDGE}/id")),
        (ToysShape::Array, "/data/0/id".to_owned()),
        (ToysShape::ToysArray, "/data/toys/0/id".to_owned()),
    ] {
        let dialect = Dialect {
            shape,
            ..Dialect::default()
        };
        let app = LovenseApp::start_local(AppOptions {
            dialect,
            ..options()
        })
        .await
        .unwrap();
        let answer = send(&app, &json!({"command": "GetToys"})).await;
        assert_eq!(answer.pointer(&path), Some(&json!(EDGE)), "{shape:?}");
    }
}

#[tokio::test]
async fn a_level_lasts_as_long_as_it_says() {
    let app = app().await;
    let answer = send(&app, &function(EDGE, "Vibrate1:16", 1.0)).await;
    assert_eq!(answer, json!({"code": 200, "type": "ok"}));
    assert_eq!(app.level(EDGE, Function::Vibrate1), 16);
    wait(&app, "end of the lease", |app| app.all_zero()).await;
    let timeline = app.timeline(EDGE);
    let [on, off] = timeline.changes() else {
        panic!("{timeline:?}");
    };
    assert_eq!(
        (on.cause, off.cause),
        (Cause::Command(1), Cause::Expired(1))
    );
    assert!(off.at - on.at >= Duration::from_secs(1));
    assert_eq!(timeline.max(Function::Vibrate1), 16);
    assert!(timeline.ran_between(on.at, off.at) && timeline.is_zero());
}

#[tokio::test]
async fn without_a_toy_all_toys_are_meant() {
    let app = app().await;
    let mut body = function("", "Vibrate:3", 0.0);
    body.as_object_mut().unwrap().shift_remove("toy");
    assert_eq!(code(&app, &body).await, 200);
    assert_eq!(app.level(EDGE, Function::Vibrate1), 3);
    assert_eq!(app.level(EDGE, Function::Vibrate2), 3);
    assert_eq!(app.level(MAX, Function::Vibrate), 3);
    // Which a client that misspells the key finds out.
    body["toy_id"] = json!(EDGE);
    body["action"] = json!("Vibrate:9");
    assert_eq!(code(&app, &body).await, 200);
    assert_eq!(app.level(MAX, Function::Vibrate), 9);
    let stop = json!({"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1});
    assert_eq!(code(&app, &stop).await, 200);
    assert!(app.all_zero());
    assert_eq!(app.counts().of(RequestKind::Stop), 1);
}

#[tokio::test]
async fn several_toys_are_commanded_together_or_not_at_all() {
    let app = app().await;
    let mut body = function("", "Vibrate:3", 0.0);
    body["toy"] = json!([EDGE, MAX]);
    assert_eq!(code(&app, &body).await, 200);
    assert_eq!(app.level(EDGE, Function::Vibrate2), 3);
    assert_eq!(app.level(MAX, Function::Vibrate), 3);
    body["action"] = json!("Vibrate:9");
    body["toy"] = json!([EDGE, SOLACE]);
    assert_eq!(code(&app, &body).await, 403);
    assert_eq!(app.level(EDGE, Function::Vibrate1), 3);
}

#[tokio::test]
async fn by_default_a_command_stops_what_it_does_not_name() {
    let app = app().await;
    assert_eq!(
        code(&app, &function(MAX, "Vibrate:8,Pump:2", 0.0)).await,
        200
    );
    let mut stacked = function(MAX, "Pump:3", 0.0);
    stacked["stopPrevious"] = json!(0);
    assert_eq!(code(&app, &stacked).await, 200);
    assert_eq!(app.level(MAX, Function::Vibrate), 8);
    assert_eq!(code(&app, &function(MAX, "Pump:1", 0.0)).await, 200);
    assert_eq!(app.level(MAX, Function::Vibrate), 0);
    assert_eq!(app.level(MAX, Function::Pump), 1);
    let last = *app.timeline(MAX).of(Function::Vibrate).last().unwrap();
    assert_eq!(last.cause, Cause::Superseded(3));
}

#[tokio::test]
async fn refusals_have_their_codes_and_change_nothing() {
    let app = app().await;
    app.set_connected(MAX, false).unwrap();
    for (body, expected) in [
        (json!({"command": "Dance"}), 400),
        (json!([1]), 400),
        (function("000000000000", "Vibrate:3", 0.0), 401),
        (function("", "Vibrate:3", 0.0), 401),
        (function(MAX, "Vibrate:3", 0.0), 402),
        (function(EDGE, "Rotate:3", 0.0), 403),
        (function(EDGE, "Vibrate:3,Rotate:3", 0.0), 403),
        (function(EDGE, "Vibrate3:3", 0.0), 403),
        (function(EDGE, "Vibrate:21", 0.0), 404),
        (function(EDGE, "Wobble:3", 0.0), 404),
        (function(EDGE, "Vibrate:3", 0.5), 404),
        (function(EDGE, "Vibrate:3", -1.0), 404),
        (
            json!({"command": "Position", "value": "50", "toy": EDGE}),
            403,
        ),
        (
            json!({"command": "Position", "value": 50, "toy": SOLACE}),
            404,
        ),
        (
            json!({"command": "Preset", "name": "tsunami", "timeSec": 1}),
            404,
        ),
        (
            json!({"command": "Pattern", "rule": "V:1;F:r;S:100#", "strength": "5",
                "timeSec": 1, "toy": EDGE}),
            403,
        ),
    ] {
        assert_eq!(code(&app, &body).await, expected, "{body}");
    }
    let answer = client()
        .post(app.command_url())
        .body("no JSON")
        .send()
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["code"], 400);
    assert_eq!(answer["message"], "Invalid Command");
    for id in app.ids() {
        assert_eq!(app.timeline(&id).changes(), [], "{id}");
    }
    assert_eq!(app.counts().refused(), 17);
}

#[tokio::test]
async fn all_toys_are_refused_only_if_none_is_able() {
    let app = app().await;
    let all = |action: &str| json!({"command": "Function", "action": action, "timeSec": 0});
    assert_eq!(code(&app, &all("Pump:2")).await, 200);
    assert_eq!(code(&app, &all("Suction:2")).await, 403);
    for id in app.ids() {
        app.set_connected(&id, false).unwrap();
    }
    assert_eq!(code(&app, &all("Pump:2")).await, 402);
    for id in app.ids() {
        app.remove_toy(&id).unwrap();
    }
    assert_eq!(code(&app, &all("Pump:2")).await, 401);
}

#[tokio::test]
async fn a_stroke_alone_is_ignored_without_a_word() {
    let app = app().await;
    for ignored in ["Stroke:0-50", "Stroke:50", "Stroke:0-19"] {
        assert_eq!(code(&app, &function(SOLACE, ignored, 0.0)).await, 200);
    }
    assert_eq!(app.timeline(SOLACE).changes(), []);
    let both = function(SOLACE, "Stroke:10-60,Thrusting:7", 0.0);
    assert_eq!(code(&app, &both).await, 200);
    let level = |function| app.level(SOLACE, function);
    assert_eq!(
        (
            level(Function::StrokeMin),
            level(Function::StrokeMax),
            level(Function::Thrusting)
        ),
        (10, 60, 7)
    );
}

#[tokio::test]
async fn a_position_is_taken_and_is_not_a_level() {
    let app = app().await;
    let body = json!({"command": "Position", "value": "38", "toy": SOLACE, "apiVer": 1});
    assert_eq!(code(&app, &body).await, 200);
    assert_eq!(app.level(SOLACE, Function::Position), 38);
    let stop = function(SOLACE, "Stop", 0.0);
    assert_eq!(code(&app, &stop).await, 200);
    assert_eq!(app.level(SOLACE, Function::Position), 38);
    assert!(app.all_zero());
}

#[tokio::test]
async fn a_loop_runs_and_pauses_until_it_is_stopped() {
    let app = app().await;
    let mut body = function(EDGE, "Vibrate1:5", 0.0);
    body["loopRunningSec"] = json!(1);
    body["loopPauseSec"] = json!(1);
    assert_eq!(code(&app, &body).await, 200);
    let changes = |count| {
        move |app: &toy2mqtt::sim::lovense_app::AppHandle| {
            app.timeline(EDGE).changes().len() >= count
        }
    };
    wait(&app, "run, pause, run", changes(3)).await;
    assert_eq!(code(&app, &function(EDGE, "Stop", 0.0)).await, 200);
    let timeline = app.timeline(EDGE);
    let to: Vec<_> = timeline.changes().iter().map(|c| (c.to, c.cause)).collect();
    assert_eq!(
        to[..3],
        [
            (5, Cause::Command(1)),
            (0, Cause::Loop(1)),
            (5, Cause::Loop(1))
        ]
    );
    assert!(timeline.is_zero());
}

#[tokio::test]
async fn a_pattern_is_really_played() {
    let app = app().await;
    let body = json!({
        "command": "Pattern", "rule": "V:1;F:v,p;S:100#", "strength": "20;5;0", "timeSec": 2,
        "toy": MAX, "apiVer": 2,
    });
    assert_eq!(code(&app, &body).await, 200);
    wait(&app, "the start of the pattern", |app| {
        app.timeline(MAX).of(Function::Vibrate).count() >= 3
    })
    .await;
    wait(&app, "its end", |app| {
        let line = app.timeline(MAX);
        let over = line.now() >= Duration::from_secs(2);
        over && line.is_zero()
    })
    .await;
    let timeline = app.timeline(MAX);
    let mut last = None;
    for change in timeline.of(Function::Vibrate) {
        // A late timer may leave steps out, but never takes a wrong one.
        match change.cause {
            Cause::Pattern { request: 1, step } => {
                assert_eq!(change.to, [20, 5, 0][step as usize % 3], "{change:?}");
                assert!(last < Some(step));
                last = Some(step);
            }
            cause => assert_eq!(cause, Cause::Expired(1)),
        }
    }
    // The pump follows in its own range.
    assert_eq!(timeline.max(Function::Pump), 3);
}

#[tokio::test]
async fn a_preset_plays_until_stopped() {
    let app = app().await;
    let body = json!({"command": "Preset", "name": "wave", "timeSec": 0, "toy": EDGE, "apiVer": 1});
    assert_eq!(code(&app, &body).await, 200);
    wait(&app, "some steps", |app| {
        app.timeline(EDGE).changes().len() > 4
    })
    .await;
    assert_eq!(code(&app, &function(EDGE, "Stop", 0.0)).await, 200);
    let timeline = app.timeline(EDGE);
    assert!(timeline.is_zero());
    assert!(matches!(
        timeline.changes()[1].cause,
        Cause::Preset { request: 1, .. }
    ));
}

#[tokio::test]
async fn a_pattern_v2_moves_a_stroker() {
    let app = app().await;
    let actions = json!([{"ts": 0, "pos": 10}, {"ts": 100, "pos": 90}]);
    let play = json!({"command": "PatternV2", "type": "Play", "toy": SOLACE, "apiVer": 1});
    assert_eq!(code(&app, &play).await, 404, "nothing set up");
    let setup = json!({"command": "PatternV2", "type": "Setup", "actions": actions, "apiVer": 1});
    assert_eq!(code(&app, &setup).await, 200);
    assert_eq!(code(&app, &play).await, 200);
    wait(&app, "the last position", |app| {
        app.level(SOLACE, Function::Position) == 90
    })
    .await;
    let positions: Vec<_> = app
        .timeline(SOLACE)
        .changes()
        .iter()
        .map(|c| c.to)
        .collect();
    assert_eq!(positions, [10, 90]);
}

#[tokio::test]
async fn slow_requests_overtake_one_another_unless_they_are_serial() {
    for handling in [Handling::Parallel, Handling::SerialPerToy, Handling::Serial] {
        let app = app().await;
        app.change_faults(|faults| {
            faults.handling = handling;
            faults.effect_latency = Spread::ms(1_000, 1_000);
        });
        let slow = tokio::spawn({
            let app = app.clone();
            async move { code(&app, &function(EDGE, "Vibrate1:9", 0.0)).await }
        });
        wait(&app, "the first", |app| app.counts().total() == 1).await;
        app.change_faults(|faults| faults.effect_latency = Spread::default());
        assert_eq!(code(&app, &function(EDGE, "Vibrate1:4", 0.0)).await, 200);
        assert_eq!(slow.await.unwrap(), 200);
        let overtaken = handling == Handling::Parallel;
        let timeline = app.timeline(EDGE);
        assert_eq!(timeline.inversions(), u64::from(overtaken), "{handling:?}");
        let level = app.level(EDGE, Function::Vibrate1);
        assert_eq!(level, if overtaken { 9 } else { 4 }, "{handling:?}");
        let most = app.toy(EDGE).unwrap().most_in_flight;
        assert_eq!(most, 2);
    }
}

#[tokio::test]
async fn a_client_that_gives_up_does_not_take_its_command_back() {
    let app = app().await;
    app.change_faults(|faults| faults.effect_latency = Spread::ms(200, 200));
    let impatient = tokio::spawn({
        let request = client()
            .post(app.command_url())
            .json(&function(EDGE, "Vibrate:5", 0.0));
        request.send()
    });
    wait(&app, "receipt", |app| app.counts().total() == 1).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    wait(&app, "effect", |app| {
        app.level(EDGE, Function::Vibrate1) == 5
    })
    .await;
}

#[tokio::test]
async fn the_level_changes_between_both_latencies() {
    let app = app().await;
    app.change_faults(|faults| {
        faults.effect_latency = Spread::ms(50, 50);
        faults.answer_latency = Spread::ms(60_000, 60_000);
    });
    let request = client()
        .post(app.command_url())
        .header("X-platform", "tests")
        .json(&function(EDGE, "Vibrate:5", 0.0));
    let unanswered = tokio::spawn(request.send());
    wait(&app, "effect", |app| {
        app.level(EDGE, Function::Vibrate1) == 5
    })
    .await;
    assert!(!unanswered.is_finished());
    let record = app.requests().pop().unwrap();
    assert_eq!(record.platform.as_deref(), Some("tests"));
    assert_eq!(record.json()["action"], "Vibrate:5");
    let change = app.timeline(EDGE).changes()[0];
    assert!(change.at - record.at >= Duration::from_millis(50));
    unanswered.abort();
}

#[tokio::test]
async fn toys_have_stable_ids_and_can_be_any_model() {
    let ids = || async {
        let options = AppOptions {
            seed: 42,
            ..AppOptions::with_toys(ToySpec::assorted(12))
        };
        LovenseApp::start_local(options).await.unwrap().ids()
    };
    let first = ids().await;
    assert_eq!(first, ids().await);
    let bad = LovenseApp::start_local(AppOptions::with_toys([ToySpec::new("toaster")])).await;
    assert_eq!(
        bad.unwrap_err().to_string(),
        "simulated toy: \"toaster\" is no model that is known"
    );
    let twice = [
        ToySpec::new("Lush").with_id("a"),
        ToySpec::new("Lush").with_id("a"),
    ];
    assert!(
        LovenseApp::start_local(AppOptions::with_toys(twice))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn nothing_is_left_after_shutting_down() {
    let app = app().await;
    let mut changes = app.changes();
    assert_eq!(code(&app, &function(EDGE, "Vibrate1:5", 60.0)).await, 200);
    assert_eq!(changes.recv().await.unwrap().change.to, 5);
    tokio::time::timeout(DEADLINE, app.shut_down())
        .await
        .unwrap();
    assert!(
        tokio::net::TcpStream::connect(app.address()).await.is_err(),
        "the port is closed"
    );
    assert_eq!(app.timeline(EDGE).changes().len(), 1);
}
