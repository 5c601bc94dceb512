//! The LAN backend against the simulated Lovense app: real toys' levels instead of what was sent.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod lovense_support;

use std::sync::Arc;
use std::time::Duration;

use lovense_support::{DEADLINE, Rig, op, soon, timing};
use toy2mqtt::backend::lovense::catalog;
use toy2mqtt::backend::lovense::lan::{EventsProbe, Options, Timing, probe};
use toy2mqtt::backend::{Backend, LinkError, Report};
use toy2mqtt::domain::{
    BackendId, BackendState, Class, Command, Gesture, HardwareId, InputKind, Level, OpError,
    OutputKind, Pattern, Reading, Setting, ToyDescription, ToyInput,
};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{
    Access, AnswerFault, AppHandle, AppOptions, BatteryForm, Dialect, Flavour, LovenseApp,
    MotionSample, PingDemand, RequestKind, StatusForm, ToyEvent, ToySpec, ToysShape, Wrong,
};

const ID: &str = "f082c00246fa";

async fn app(model: &str) -> AppHandle {
    start(AppOptions::with_toys([ToySpec::new(model).with_id(ID)])).await
}

async fn start(options: AppOptions) -> AppHandle {
    LovenseApp::start_local(options).await.unwrap()
}

/// The defaults, at the address of `app`.
fn defaults(app: &AppHandle) -> Options {
    let host = app.address().ip().to_string().parse().unwrap();
    Options {
        port: Some(app.address().port()),
        ..Options::new(BackendId::new("lan"), host)
    }
}

fn quick(app: &AppHandle) -> Options {
    Options {
        timing: timing(),
        ..defaults(app)
    }
}

async fn description(rig: &mut Rig) -> ToyDescription {
    rig.report("a toy", |report| match report {
        Report::Up(description, _) => Some(description),
        _ => None,
    })
    .await
}

async fn told(rig: &mut Rig, wanted: ToyInput) {
    rig.report(&format!("{wanted:?}"), |report| match report {
        Report::Told(_, input) if input == wanted => Some(()),
        _ => None,
    })
    .await;
}

async fn until(app: &AppHandle, what: &str, condition: impl FnMut(&AppHandle) -> bool) {
    let waited = app.wait_until(DEADLINE, condition).await;
    waited.unwrap_or_else(|error| panic!("{what}: {error}"));
}

async fn granted(app: &AppHandle) {
    until(app, "access", |app| app.sockets().granted == 1).await;
}

fn drive(settings: &[(&str, i32)]) -> Command {
    let setting = |&(key, step): &(&str, i32)| Setting {
        key: str::parse(key).unwrap(),
        step,
    };
    Command::Drive(settings.iter().map(setting).collect())
}

#[tokio::test]
async fn every_model_is_driven_as_it_says_it_can_be() {
    for model in catalog::models() {
        let app = app(model.letters[0]).await;
        let mut rig = Rig::start(quick(&app));
        let toy = description(&mut rig).await;
        assert_eq!(toy.outputs.len(), model.outputs().len(), "{}", model.name);
        let full = |class: Class| {
            let outputs = toy.outputs.iter();
            outputs.filter_map(move |output| {
                let step = if output.class() == class {
                    i32::from(output.steps)
                } else {
                    0
                };
                (output.class() != Class::Position).then_some(Setting {
                    key: output.key,
                    step,
                })
            })
        };
        rig.execute(ID, Command::Drive(full(Class::Intensity).collect()))
            .await
            .unwrap();
        let levels = app.toy(ID).unwrap().levels;
        for &(function, level) in levels.iter().filter(|(function, _)| function.moves()) {
            assert_eq!(level, Function::max(function), "{} {function}", model.name);
        }
        rig.execute(ID, Command::Stop).await.unwrap();
        assert!(app.all_zero(), "{}", model.name);
        rig.stop().await;
    }
}

#[tokio::test]
async fn every_dialect_is_understood() {
    use BatteryForm::{Null, Number as Int, Text as Quoted};
    use StatusForm::{Bool, Number, Text};
    use ToysShape::{Array, BareObject, JsonString, Object, ToysArray};
    let dialects = [
        (JsonString, Text, Int),
        (Object, Number, Quoted),
        (BareObject, Bool, Null),
        (Array, Text, Quoted),
        (ToysArray, Number, Int),
    ];
    for (shape, status, battery) in dialects {
        for function_lists in [true, false] {
            let mut options = AppOptions::with_toys([
                ToySpec::new("Edge 2").with_id(ID),
                ToySpec {
                    connected: false,
                    ..ToySpec::new("Nora")
                },
            ]);
            options.dialect = Dialect {
                shape,
                status,
                battery,
                function_lists,
                firmware: function_lists,
                lower_nickname: function_lists,
                extra_fields: true,
            };
            let app = start(options).await;
            let mut rig = Rig::start(Options {
                events: false,
                ..quick(&app)
            });
            let toy = description(&mut rig).await;
            assert_eq!(toy.hardware, HardwareId::new(ID), "{shape:?}");
            let kinds: Vec<_> = toy.outputs.iter().map(|output| output.key.kind).collect();
            assert_eq!(kinds, [OutputKind::Vibrate; 2], "{shape:?}");
            rig.stop().await;
        }
    }
}

#[tokio::test]
async fn a_lease_ends_by_itself() {
    let app = app("Lush 3").await;
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    let mut op = op(ID, drive(&[("vibrate", 20)]));
    op.lease = Some(Duration::from_secs(1));
    soon("an operation", Arc::clone(&rig.lan).execute(op))
        .await
        .unwrap();
    assert_eq!(app.level(ID, Function::Vibrate), 20);
    rig.stop().await;
    // As if the bridge had been killed.
    until(&app, "the end of the lease", AppHandle::all_zero).await;
}

#[tokio::test]
async fn two_motors_keep_what_they_were_told() {
    let app = app("Edge 2").await;
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    rig.execute(ID, drive(&[("vibrate_1", 10), ("vibrate_2", 0)]))
        .await
        .unwrap();
    rig.execute(ID, drive(&[("vibrate_1", 10), ("vibrate_2", 5)]))
        .await
        .unwrap();
    assert_eq!(app.level(ID, Function::Vibrate1), 10);
    assert_eq!(app.level(ID, Function::Vibrate2), 5);
}

#[tokio::test]
async fn a_stroker_takes_strokes_and_places() {
    let app = app("Solace Pro").await;
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    let strokes = [("thrust", 8), ("stroke_min", 45), ("stroke_max", 50)];
    rig.execute(ID, drive(&strokes)).await.unwrap();
    assert_eq!(app.level(ID, Function::Thrusting), 8);
    let ends = (
        app.level(ID, Function::StrokeMin),
        app.level(ID, Function::StrokeMax),
    );
    assert_eq!(ends, (38, 58));
    rig.execute(ID, drive(&[("thrust", 0), ("position", 70)]))
        .await
        .unwrap();
    assert_eq!(app.level(ID, Function::Thrusting), 0);
    assert_eq!(app.level(ID, Function::Position), 70);
}

#[tokio::test]
async fn the_app_plays_patterns_and_presets() {
    let app = app("Nora").await;
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    for pattern in Pattern::builtin() {
        rig.execute(ID, Command::Play(pattern)).await.unwrap();
    }
    let levels = [0, 12, 4].map(|step| Level::from_step(step, 20));
    let own = Pattern::new("Own", Duration::from_millis(150), levels.to_vec()).unwrap();
    rig.execute(ID, Command::Play(own)).await.unwrap();
    until(&app, "the pattern", |app| {
        app.level(ID, Function::Rotate) == 12
    })
    .await;
    assert_eq!(app.counts().of(RequestKind::Preset), 4);
    assert_eq!(app.counts().of(RequestKind::Pattern), 1);
    rig.execute(ID, Command::Stop).await.unwrap();
    assert!(app.all_zero());
}

#[tokio::test]
async fn what_toys_report_arrives() {
    let app = app("Mission 2").await;
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    granted(&app).await;
    let gesture = ToyInput::Gesture;
    let reading = ToyInput::Reading;
    let motion = MotionSample {
        direction: 0,
        speed: 40.0,
        position: Some(66.0),
    };
    let dropout = MotionSample {
        position: None,
        ..motion
    };
    let cases = [
        (ToyEvent::ButtonDown(0), gesture(Gesture::ButtonDown(0))),
        (ToyEvent::ButtonUp(0), gesture(Gesture::ButtonUp(0))),
        (
            ToyEvent::ButtonPressed(2),
            gesture(Gesture::ButtonPressed(2)),
        ),
        (ToyEvent::Shake, gesture(Gesture::Shake)),
        (
            ToyEvent::ShakeFrequency(3.0),
            reading(Reading::ShakeFrequency(3.0)),
        ),
        (
            ToyEvent::Depth(12.0),
            reading(Reading::InsertionDepth(12.0)),
        ),
        (
            ToyEvent::Motion(vec![motion, dropout]),
            reading(Reading::MotionPosition(66.0)),
        ),
    ];
    for (event, expected) in cases {
        app.emit(ID, &event).unwrap();
        told(&mut rig, expected).await;
    }
    app.set_battery(ID, 41).unwrap();
    told(&mut rig, reading(Reading::Battery(41))).await;
    app.set_by_user(ID, Function::Vibrate, 9).unwrap();
    told(&mut rig, reading(Reading::Strength(9.0))).await;
    app.set_connected(ID, false).unwrap();
    rig.down(ID).await;
    app.set_connected(ID, true).unwrap();
    rig.up(ID).await;
    let new = app.add_toy(&ToySpec::new("Nora")).unwrap();
    rig.up(&new).await;
    app.remove_toy(&new).unwrap();
    rig.down(&new).await;
}

#[tokio::test]
async fn the_toy_list_names_the_generation() {
    let mut options = AppOptions::with_toys([ToySpec::new("Edge 2").with_id(ID)]);
    options.dialect.firmware = false;
    let app = start(options).await;
    let mut rig = Rig::start(quick(&app));
    rig.report("the generation", |report| match report {
        Report::Up(toy, _) if toy.model == "Edge 2" => {
            assert!(toy.inputs.contains(&InputKind::Battery));
            Some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn rubbish_between_frames_does_no_harm() {
    let app = app("Nora").await;
    app.change_faults(|faults| {
        faults.garbage = 100;
        faults.ping_demand = Some(PingDemand {
            every_ms: 50,
            within_ms: 10_000,
        });
    });
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    granted(&app).await;
    for index in 0..100 {
        app.emit(ID, &ToyEvent::ButtonPressed(index)).unwrap();
        told(&mut rig, ToyInput::Gesture(Gesture::ButtonPressed(index))).await;
    }
    assert!(rig.lan.malformed_frames() > 0);
    let sockets = app.sockets();
    assert_eq!(
        (sockets.opened, sockets.dropped),
        (1, 0),
        "one connection is enough"
    );
}

#[tokio::test]
async fn with_the_defaults_a_phone_that_leaves_and_returns_is_noticed() {
    let app = app("Lush 3").await;
    let mut rig = Rig::start(defaults(&app));
    description(&mut rig).await;
    granted(&app).await;
    for _ in 0..2 {
        app.go().await.unwrap();
        rig.down(ID).await;
        app.come_back().await.unwrap();
        rig.up(ID).await;
        granted(&app).await;
    }
}

#[tokio::test]
async fn with_the_defaults_an_app_that_hangs_is_noticed() {
    let app = app("Lush 3").await;
    let mut rig = Rig::start(Options {
        events: false,
        ..defaults(&app)
    });
    description(&mut rig).await;
    app.change_faults(|faults| faults.answer = Some(AnswerFault::new(Wrong::Hang)));
    let reason = rig.down(ID).await;
    assert!(reason.contains("did not answer"), "{reason}");
    app.change_faults(|faults| faults.answer = None);
    rig.up(ID).await;
}

#[tokio::test]
async fn game_mode_may_be_switched_off_and_on() {
    let app = app("Lush 3").await;
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    granted(&app).await;
    app.change_faults(|faults| faults.game_mode = false);
    let reason = rig.down(ID).await;
    assert!(reason.contains("Game Mode is off"), "{reason}");
    let error = soon("a probe", probe(quick(&app), DEADLINE))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Game Mode is off"), "{error}");
    app.change_faults(|faults| faults.game_mode = true);
    rig.up(ID).await;
    granted(&app).await;
}

#[tokio::test]
async fn access_may_be_granted_late_or_never() {
    let app = app("Lush 3").await;
    app.change_faults(|faults| faults.access = Access::Pending);
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    until(&app, "the request", |app| app.sockets().open == 1).await;
    // Toys can be driven meanwhile.
    rig.execute(ID, drive(&[("vibrate", 3)])).await.unwrap();
    app.change_faults(|faults| faults.access = Access::Granted);
    granted(&app).await;
    assert_eq!(app.sockets().names, ["toy2mqtt"]);
    rig.stop().await;

    app.change_faults(|faults| faults.access = Access::Denied);
    let report = soon("a probe", probe(quick(&app), DEADLINE)).await.unwrap();
    assert_eq!(report.events, EventsProbe::Closed);
    let mut rig = Rig::start(quick(&app));
    description(&mut rig).await;
    let opened = app.sockets().opened;
    until(&app, "new requests", |app| {
        app.sockets().opened > opened + 2
    })
    .await;
    let error = rig.links[1].last_error();
    assert!(
        matches!(error, Some(LinkError::RetryAfter(..))),
        "{error:?}"
    );
}

#[tokio::test]
async fn connect_is_driven_without_events() {
    let app = start(AppOptions {
        flavour: Flavour::Connect,
        ..AppOptions::with_toys([ToySpec::new("Nora").with_id(ID)])
    })
    .await;
    let mut rig = Rig::start(quick(&app));
    let toy = description(&mut rig).await;
    assert_eq!(toy.inputs.len(), 1, "only the battery can be told");
    rig.execute(ID, drive(&[("vibrate", 3), ("rotate", 4)]))
        .await
        .unwrap();
    assert_eq!(app.level(ID, Function::Rotate), 4);
    let report = soon("a probe", probe(quick(&app), DEADLINE)).await.unwrap();
    assert_eq!(report.app_type.as_deref(), Some("connect"));
    assert!(matches!(report.events, EventsProbe::Unsupported(_)));
}

#[tokio::test]
async fn wrong_answers_are_the_operations_failure_alone() {
    let app = app("Lush 3").await;
    let mut rig = Rig::start(Options {
        timing: Timing {
            command: Duration::from_millis(300),
            ..timing()
        },
        ..quick(&app)
    });
    description(&mut rig).await;
    type Check = fn(&OpError) -> bool;
    let cases: [(Wrong, Check); 7] = [
        (Wrong::Code(402), |e| matches!(e, OpError::Offline(_))),
        (
            Wrong::Http(503),
            |e| matches!(e, OpError::Link(t) if t.contains("503")),
        ),
        (
            Wrong::Html,
            |e| matches!(e, OpError::Link(t) if t.contains("not JSON")),
        ),
        (Wrong::Truncated, |e| matches!(e, OpError::Link(_))),
        (Wrong::Garbage, |e| matches!(e, OpError::Link(_))),
        (
            Wrong::Cut,
            |e| matches!(e, OpError::Link(t) if t.contains("broke")),
        ),
        (Wrong::Hang, |e| matches!(e, OpError::Timeout(_))),
    ];
    for (wrong, check) in cases {
        let fault = AnswerFault::new(wrong).only(&[RequestKind::Function]);
        app.change_faults(|faults| faults.answer = Some(fault));
        let error = rig.execute(ID, drive(&[("vibrate", 3)])).await.unwrap_err();
        assert!(check(&error), "{wrong:?}: {error:?}");
        rig.execute(ID, Command::Stop).await.unwrap();
    }
    // Through all of this the app was there.
    let went = |report| match report {
        Report::State(BackendState::Down(reason)) | Report::Down(_, reason) => Some(reason),
        Report::Told(_, ToyInput::Reading(Reading::Battery(7))) => Some("nothing".to_owned()),
        _ => None,
    };
    app.set_battery(ID, 7).unwrap();
    assert_eq!(rig.report("the battery", went).await, "nothing");
}
