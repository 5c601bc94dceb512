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
    assert!(outcomes(&bench.set(V, 0))[0].result.is_ok());
    bench.advance(2_000);
    assert!(sent(&bench.set(V, 10)).is_some());
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
