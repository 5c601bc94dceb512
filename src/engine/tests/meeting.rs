//! Toys that come, go, report and are remembered.

use super::*;

#[test]
fn a_lost_toy_is_off_when_it_comes_back() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let route = bench.route.clone();
    let reason = "unplugged".to_owned();
    bench.input(Input::RouteDown { route, reason });
    assert_eq!(bench.shown(V), None);
    assert_eq!(code(&bench.set(V, 50)), ErrorCode::Offline);
    bench.now += 60_000;
    let stop = sent(&bench.route_up(&[(V, 20)])).unwrap();
    assert_eq!(stop.command, Command::Stop, "it may still be running");
    bench.done(&stop);
    assert_eq!(sent(&bench.advance(60_000)), None);
}

#[test]
fn a_toy_that_comes_is_not_touched() {
    let mut bench = Bench::new(&[(V, 20)]);
    assert!(!bench.effects.iter().any(|e| matches!(e, Effect::Send(_))));
    assert_eq!(sent(&bench.advance(60_000)), None);
}

#[test]
fn a_toy_left_running_by_a_crash_is_stopped_first() {
    let engine = Engine::new(Settings::default(), &Memory::default(), LeftRunning::Any);
    let bench = Bench::of(engine, &[(V, 20)]);
    let stop = sent(&bench.effects).unwrap();
    assert_eq!(stop.command, Command::Stop);
}

#[test]
fn gestures_pass_at_once_and_readings_are_thinned_out() {
    let mut bench = Bench::new(&[(V, 20)]);
    let told = |bench: &mut Bench, input| {
        let route = bench.route.clone();
        bench.input(Input::Told { route, input })
    };
    let pressed = Gesture::ButtonPressed(0);
    let effects = told(&mut bench, ToyInput::Gesture(pressed));
    assert_eq!(effects, [Effect::Gesture(bench.toy, pressed)]);
    let mut changes = 0;
    for depth in 0..100 {
        let reading = Reading::InsertionDepth(f64::from(depth));
        changes += told(&mut bench, ToyInput::Reading(reading)).len();
        changes += bench.advance(10).len();
    }
    changes += bench.advance(1_000).len();
    assert!((5..=6).contains(&changes), "{changes} in a second");
    let view = bench.engine.toy(bench.toy).unwrap();
    let newest = view.readings["insertion_depth"];
    assert_eq!(newest, Reading::InsertionDepth(99.0), "never lost");
}

#[test]
fn the_toy_is_known_again_after_a_restart_under_its_name() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.ask(Action::Rename(Some("Alpha".into())));
    let engine = Engine::new(
        Settings::default(),
        &bench.engine.memory(),
        LeftRunning::default(),
    );
    let view = engine.toy(bench.toy).unwrap();
    assert_eq!(view.name, "Alpha");
    assert!(!view.available);
}

#[test]
fn only_an_absent_toy_can_be_forgotten() {
    let mut bench = Bench::new(&[(V, 20)]);
    assert_eq!(code(&bench.ask(Action::Forget)), ErrorCode::Busy);
    let route = bench.route.clone();
    let reason = "gone".to_owned();
    bench.input(Input::RouteDown { route, reason });
    let effects = bench.ask(Action::Forget);
    assert!(effects.contains(&Effect::Forgotten(bench.toy)));
    assert_eq!(bench.engine.toys().count(), 0);
    assert_eq!(code(&bench.set(V, 10)), ErrorCode::UnknownToy);
}

#[test]
fn a_sensor_that_was_heard_once_stays() {
    let mut bench = Bench::new(&[(V, 20)]);
    let up = |inputs: &[InputKind], bench: &Bench| Input::RouteUp {
        route: bench.route.clone(),
        description: ToyDescription {
            inputs: inputs.iter().copied().collect(),
            ..bench.engine.description(bench.toy).unwrap().clone()
        },
        capabilities: Capabilities {
            pace: Duration::ZERO,
            bound: Bound::None,
            plays: false,
            travel: None,
        },
    };
    let learned = up(&[InputKind::Battery, InputKind::Shake], &bench);
    assert!(bench.input(learned).contains(&Effect::Changed(bench.toy)));
    let again = up(&[InputKind::Battery], &bench);
    assert_eq!(bench.input(again), [], "nothing has gone");
    let inputs = &bench.engine.description(bench.toy).unwrap().inputs;
    assert!(inputs.contains(&InputKind::Shake));
}
