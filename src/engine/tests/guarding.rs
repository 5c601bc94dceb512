//! What refuses, bounds and stops: quiet, limits, lost controllers.

use super::*;

#[test]
fn a_toy_that_cannot_be_vouched_for_is_stopped() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let mut op = sent(&bench.advance(2_500)).unwrap();
    let mut stop = None;
    for _ in 0..3 {
        let timeout = OpError::Timeout(Duration::from_secs(3));
        bench.now += 1_000;
        let effects = bench.end(&op, Err(timeout));
        let next = match sent(&effects) {
            Some(next) => next,
            None => sent(&bench.advance(600)).unwrap(),
        };
        if next.command == Command::Stop {
            stop = Some(next);
            break;
        }
        op = next;
    }
    let event = BridgeEvent::SafetyStop(bench.toy, SafetyReason::Unconfirmed);
    assert!(bench.effects.contains(&Effect::Event(event)));
    bench.done(&stop.unwrap());
    assert_eq!(bench.shown(V), Some(Level::ZERO));
}

#[test]
fn quiet_stops_and_refuses_and_outlives_the_process() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let effects = bench.input(Input::Quiet(true));
    let stop = sent(&effects).unwrap();
    assert!(effects.contains(&Effect::Save));
    bench.done(&stop);
    assert_eq!(code(&bench.set(V, 10)), ErrorCode::Quiet);
    assert_eq!(code(&bench.ask(Action::Identify)), ErrorCode::Quiet);
    assert!(outcomes(&bench.ask(Action::Stop)).is_empty());
    let memory = bench.engine.memory();
    let again = Engine::new(Settings::default(), &memory, LeftRunning::default());
    assert!(again.quiet());
}

#[test]
fn a_limit_that_falls_takes_the_level_along_and_does_not_give_it_back() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    bench.now += 200;
    let limited = |max| {
        Action::Limit(Limits {
            max: level(max),
            ..Limits::default()
        })
    };
    let op = sent(&bench.ask(limited(30))).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V, 6)]));
    bench.done(&op);
    assert_eq!(bench.shown(V), Some(level(30)));
    bench.now += 200;
    assert_eq!(sent(&bench.ask(limited(100))), None);
    assert_eq!(bench.shown(V), Some(level(30)));
}

#[test]
fn limits_bound_every_way_in() {
    let mut bench = Bench::new(&[(V1, 20), (V2, 20)]);
    bench.ask(Action::Limit(Limits {
        max: level(50),
        outputs: BTreeMap::from([(V2, level(10))]),
        slope: None,
    }));
    let op = sent(&bench.ask(Action::Set(SetCommand {
        brightness: Some(Level::FULL),
        ..SetCommand::default()
    })));
    let op = op.unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V1, 10), (V2, 2)]));
    let effects = bench.done(&op);
    let accepted = outcomes(&effects)[0].result.clone().unwrap();
    assert_eq!(accepted.clamped_by, Some(Clamp::Limit));
    bench.now += 100;
    let effects = bench.ask(Action::Set(SetCommand {
        effect: Some("wave".into()),
        brightness: Some(Level::FULL),
        ..SetCommand::default()
    }));
    let mut op = sent(&effects).unwrap();
    for _ in 0..40 {
        let steps = steps(&op);
        assert!(steps[&V1] <= 10 && steps[&V2] <= 2, "{steps:?}");
        let effects = bench.done(&op);
        op = match sent(&effects) {
            Some(op) => op,
            None => loop {
                if let Some(op) = sent(&bench.advance(50)) {
                    break op;
                }
            },
        };
    }
}

#[test]
fn a_lowered_limit_reaches_a_running_toy_at_once() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let effects = bench.ask(Action::Limit(Limits {
        max: level(30),
        ..Limits::default()
    }));
    assert_eq!(steps(&sent(&effects).unwrap())[&V], 6);
}

#[test]
fn a_limit_of_zero_refuses() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.ask(Action::Limit(Limits {
        max: Level::ZERO,
        ..Limits::default()
    }));
    assert_eq!(code(&bench.set(V, 10)), ErrorCode::Limit);
}

#[test]
fn a_slope_limit_holds_back_a_jump() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.ask(Action::Limit(Limits {
        slope: Some(500),
        ..Limits::default()
    }));
    bench.advance(10_000);
    let mut effects = bench.set(V, 100);
    assert_eq!(sent(&effects), None, "not from 0 to anything at once");
    let start = bench.now;
    let mut last = 0;
    while last < 20 {
        if let Some(op) = sent(&effects) {
            last = steps(&op)[&V];
            bench.done(&op);
        }
        effects = bench.advance(10);
        assert!(bench.now < start + 3_000);
    }
    assert!(
        bench.now >= start + 1_900,
        "full after {}",
        bench.now - start
    );
}

#[test]
fn a_lost_broker_stops_toys_after_its_time_and_not_before() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    bench.advance(50);
    bench.input(Input::Broker(false));
    let mut stopped_after = None;
    for tenth in 1..=110 {
        for effect in bench.advance(100) {
            let Effect::Send(op) = effect else { continue };
            if op.command == Command::Stop {
                stopped_after.get_or_insert(tenth);
            }
            bench.done(&op);
        }
    }
    assert_eq!(stopped_after, Some(100));
    let event = BridgeEvent::SafetyStop(bench.toy, SafetyReason::BrokerLost);
    assert!(bench.effects.contains(&Effect::Event(event)));
}

#[test]
fn a_broker_that_returns_in_time_stops_nothing() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    bench.input(Input::Broker(false));
    bench.advance(2_000);
    bench.input(Input::Broker(true));
    let op = sent(&bench.advance(1_000)).unwrap();
    bench.done(&op);
    assert_eq!(steps(&op)[&V], 16);
    bench.advance(1_000);
    assert_eq!(bench.shown(V), Some(level(80)));
}

/// Runs a toy for 40 s beside a controller that comes and goes as `present` says of each tenth of a
/// second, and returns the tenths in which the toy was stopped. The toy is set again whenever it is at
/// rest while the controller is there.
fn stops_with(input: impl Fn(bool) -> Input, present: impl Fn(u64) -> bool) -> Vec<u64> {
    let settings = Settings {
        home_assistant_lost: Some(Duration::from_secs(10)),
        ..Settings::default()
    };
    let mut bench = Bench::with(settings, &[(V, 20)]);
    bench.running(V, 80);
    let mut stops = Vec::new();
    let mut was_there = true;
    for tenth in 0..400 {
        let is_there = present(tenth);
        let mut effects = Vec::new();
        if std::mem::replace(&mut was_there, is_there) != is_there {
            effects.extend(bench.input(input(is_there)));
        }
        effects.extend(bench.advance(100));
        while let Some(op) = sent(&effects) {
            if op.command == Command::Stop {
                stops.push(tenth);
            }
            effects = bench.done(&op);
        }
        if is_there && bench.shown(V) == Some(Level::ZERO) {
            while let Some(op) = sent(&bench.set(V, 80)) {
                bench.done(&op);
            }
        }
    }
    stops
}

#[test]
fn a_controller_that_comes_and_goes_counts_as_lost() {
    let inputs: [fn(bool) -> Input; 2] = [Input::Broker, Input::HomeAssistant];
    for input in inputs {
        // Lost at 1 s, and back for one second of every three: never for long enough.
        let stops = stops_with(input, |tenth| tenth < 10 || tenth % 30 >= 20);
        let first = stops.first().copied();
        assert!(matches!(first, Some(109..=111)), "{stops:?}");
        // What was set running in a short success ends with it.
        let again = stops.iter().filter(|tenth| **tenth > 112);
        assert!(again.clone().count() >= 8, "{stops:?}");
        assert!(again.clone().all(|tenth| tenth % 30 <= 1), "{stops:?}");
        // Back once and in time, for good: nothing is stopped.
        let stops = stops_with(input, |tenth| !(10..105).contains(&tenth));
        assert!(stops.is_empty(), "{stops:?}");
        // Good for six seconds of every seven: each loss is one of its own.
        let stops = stops_with(input, |tenth| tenth % 70 >= 10);
        assert!(stops.is_empty(), "{stops:?}");
    }
}

#[test]
fn a_toy_nobody_asks_of_is_stopped_in_the_end() {
    let settings = Settings {
        idle: Some(Duration::from_secs(60)),
        ..Settings::default()
    };
    let mut bench = Bench::with(settings, &[(V, 20)]);
    bench.running(V, 80);
    let mut stopped_after = None;
    for second in 1..=70 {
        if let Some(op) = sent(&bench.advance(1_000)) {
            if op.command == Command::Stop {
                stopped_after.get_or_insert(second);
            }
            bench.done(&op);
        }
    }
    assert!(matches!(stopped_after, Some(59..=61)), "{stopped_after:?}");
    let event = BridgeEvent::SafetyStop(bench.toy, SafetyReason::Idle);
    assert!(bench.effects.contains(&Effect::Event(event)));
}

#[test]
fn what_the_slope_limit_holds_back_does_not_rise_while_it_fades_out() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.ask(Action::Limit(Limits {
        slope: Some(50),
        ..Limits::default()
    }));
    bench.set(V, 100);
    let off = SetCommand {
        power: Some(false),
        transition: Some(Duration::from_secs(60)),
        ..SetCommand::default()
    };
    bench.ask(Action::Set(off));
    for _ in 0..100 {
        if let Some(op) = sent(&bench.advance(500)) {
            assert_eq!(op.command, Command::Stop);
            bench.done(&op);
        }
    }
}
