//! Stops, and the end.

use super::*;

#[test]
fn a_stop_overtakes_and_is_sent_again_when_the_other_returns() {
    let mut bench = Bench::new(&[(V, 20)]);
    let drive = sent(&bench.set(V, 80)).unwrap();
    let effects = bench.ask(Action::Stop);
    let stop = sent(&effects).unwrap();
    assert_eq!(stop.command, Command::Stop);
    assert_eq!(code(&effects), ErrorCode::Stopped, "the write is discarded");
    assert_eq!(sent(&bench.done(&stop)), None, "the drive may still land");
    let again = sent(&bench.done(&drive)).unwrap();
    assert_eq!(again.command, Command::Stop);
    let effects = bench.done(&again);
    assert!(outcomes(&effects)[0].result.is_ok());
    assert_eq!(bench.shown(V), Some(Level::ZERO));
    assert_eq!(sent(&bench.advance(60_000)), None);
}

#[test]
fn a_failed_stop_is_retried_until_acknowledged() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let mut stop = sent(&bench.ask(Action::Stop)).unwrap();
    for _ in 0..20 {
        let timeout = OpError::Timeout(Duration::from_secs(1));
        assert_eq!(outcomes(&bench.end(&stop, Err(timeout))), []);
        stop = sent(&bench.advance(1_000)).unwrap();
        assert_eq!(stop.command, Command::Stop);
    }
    assert_eq!(outcomes(&bench.done(&stop)).len(), 1);
}

#[test]
fn a_stop_of_all_refuses_levels_for_a_while() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let stop = sent(&bench.ask_of(Target::All, Action::Stop)).unwrap();
    bench.done(&stop);
    assert_eq!(code(&bench.set(V, 10)), ErrorCode::Stopped);
    bench.advance(25);
    let off = sent(&bench.set(V, 0)).unwrap();
    assert!(outcomes(&bench.done(&off))[0].result.is_ok());
    bench.advance(2_000);
    assert!(sent(&bench.set(V, 10)).is_some());
}

#[test]
fn a_stop_of_all_ends_what_other_clients_play_first() {
    let mut bench = Bench::new(&[(V, 20)]);
    let all = Effect::StopAll(bench.route.backend.clone());
    let effects = bench.ask_of(Target::All, Action::Stop);
    assert_eq!(effects[0], all);
    assert!(matches!(effects[1], Effect::Send(_)), "{effects:?}");
    assert!(bench.input(Input::Quiet(true)).contains(&all));
    assert!(!bench.input(Input::Shutdown).contains(&all));
}

#[test]
fn a_stop_of_one_toy_lasts_for_as_long_as_levels_keep_coming() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    bench.done(&stop);
    // A slider that is dragged, then a script that repeats.
    for pause in [50; 100].into_iter().chain([1_900; 5]) {
        bench.advance(pause);
        let effects = bench.set(V, 20);
        assert_eq!(code(&effects), ErrorCode::Stopped);
        assert_eq!(sent(&effects), None);
    }
    bench.advance(2_000);
    assert!(sent(&bench.set(V, 20)).is_some());
}

#[test]
fn a_stop_of_one_toy_holds_no_other() {
    let mut bench = Bench::new(&[(V, 20)]);
    let hardware = HardwareId::new("0000000000b2");
    let route = RouteId {
        backend: bench.route.backend.clone(),
        hardware,
    };
    bench.route_up_over(route.clone(), &[(V, 20)]);
    bench.ask(Action::Stop);
    let other = Target::Toy(ToyId::of(&route.hardware));
    let set = Action::Set(SetCommand::output(V, level(20)));
    assert!(sent(&bench.ask_of(other, set)).is_some());
}

#[test]
fn a_toy_out_of_reach_may_run_until_it_has_confirmed_a_stop() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let reason = "gone".to_owned();
    let route = bench.route.clone();
    bench.input(Input::RouteDown { route, reason });
    bench.input(Input::Shutdown);
    let may_run = bench.engine.may_run();
    assert_eq!(may_run, BTreeSet::from([bench.toy]));
    // The next process does not find it either, the one after that does.
    let memory = bench.engine.memory();
    let left = LeftRunning::Toys(may_run.clone());
    let engine = Engine::new(Settings::default(), &memory, left.clone());
    assert_eq!(engine.may_run(), may_run);
    // Not even what it is need be known.
    let nothing = Engine::new(Settings::default(), &Memory::default(), left.clone());
    assert_eq!(nothing.may_run(), may_run);
    let mut bench = Bench::of(engine, &[(V, 20)]);
    let stop = sent(&bench.effects).unwrap();
    assert_eq!(stop.command, Command::Stop);
    assert_eq!(bench.engine.may_run(), may_run);
    bench.done(&stop);
    assert!(bench.engine.may_run().is_empty());
}

#[test]
fn a_movement_that_is_not_over_counts_as_running_and_is_told_on() {
    let mut bench = Bench::new(&[]);
    let travel = Some(Duration::from_secs(12));
    bench.route_up_with(&[(P, 100)], travel);
    let op = sent(&bench.set(P, 100)).unwrap();
    bench.done(&op);
    for _ in 0..4 {
        let part = sent(&bench.advance(2_500)).unwrap();
        assert_eq!(steps(&part)[&P], 100);
        bench.done(&part);
        assert_eq!(bench.engine.may_run(), BTreeSet::from([bench.toy]));
    }
    assert_eq!(sent(&bench.advance(60_000)), None, "it is there");
    assert!(bench.engine.may_run().is_empty());
    let op = sent(&bench.set(P, 0)).unwrap();
    bench.done(&op);
    let stop = sent(&bench.input(Input::Shutdown)).unwrap();
    assert_eq!(stop.command, Command::Stop);
    bench.done(&stop);
    assert_eq!(sent(&bench.advance(60_000)), None, "it does not go on");
}

#[test]
fn shutdown_halts_once_every_running_toy_has_stopped() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let effects = bench.input(Input::Shutdown);
    let stop = sent(&effects).unwrap();
    assert!(!effects.contains(&Effect::Halted));
    assert_eq!(code(&bench.set(V, 10)), ErrorCode::Stopped);
    assert!(bench.done(&stop).contains(&Effect::Halted));
}

#[test]
fn shutdown_of_toys_at_rest_halts_at_once() {
    let mut bench = Bench::new(&[(V, 20)]);
    assert_eq!(bench.input(Input::Shutdown), [Effect::Halted]);
}

#[test]
fn an_operation_that_lands_after_its_route_was_lost_is_undone() {
    let mut bench = Bench::new(&[(V, 20)]);
    let late = sent(&bench.set(V, 80)).unwrap();
    let route = bench.route.clone();
    let reason = "no answer".to_owned();
    bench.input(Input::RouteDown { route, reason });
    let stop = sent(&bench.route_up(&[(V, 20)])).unwrap();
    bench.done(&stop);
    bench.advance(100);
    let undo = sent(&bench.done(&late)).unwrap();
    assert_eq!(undo.command, Command::Stop);
}
