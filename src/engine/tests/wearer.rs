//! The toy is not the bridge's alone: levels changed by hand, limits, and what is no motor.

use super::*;

const SPRAY: OutputKey = OutputKey::only(OutputKind::Spray);
const HEAT: OutputKey = OutputKey::only(OutputKind::Temperature);
const PUMP: OutputKey = OutputKey::only(OutputKind::Constrict);

fn effect(name: &str) -> Action {
    Action::Set(SetCommand {
        effect: Some(name.into()),
        ..SetCommand::default()
    })
}

fn limit(percent: i8) -> Action {
    Action::Limit(Limits {
        max: level(percent),
        ..Limits::default()
    })
}

#[test]
fn a_level_that_is_turned_off_by_hand_stays_off() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 40);
    bench.advance(1_500);
    assert_eq!(sent(&bench.told(V, 0)), None);
    assert_eq!(bench.shown(V), Some(Level::ZERO));
    assert_eq!(sent(&bench.advance(60_000)), None, "nothing is renewed");
    assert!(bench.engine.may_run().is_empty());
    assert_eq!(
        steps(&sent(&bench.set(V, 50)).unwrap())[&V],
        10,
        "a new request is"
    );
}

#[test]
fn a_pattern_ends_on_the_output_that_is_turned_off_by_hand() {
    let mut bench = Bench::new(&[(V1, 20), (V2, 20)]);
    let op = sent(&bench.ask(effect("Wave"))).unwrap();
    bench.done(&op);
    bench.advance(50);
    bench.told(V1, 0);
    for _ in 0..50 {
        let Some(op) = sent(&bench.advance(100)) else {
            continue;
        };
        assert_eq!(steps(&op)[&V1], 0);
        assert!(steps(&op)[&V2] > 0);
        bench.done(&op);
    }
    bench.advance(1_000);
    bench.told(V2, 0);
    let view = bench.engine.toy(bench.toy).unwrap();
    assert_eq!(view.effect, None);
    assert_eq!(sent(&bench.advance(60_000)), None);
}

#[test]
fn a_level_that_is_turned_down_by_hand_is_the_new_level() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    bench.advance(1_500);
    assert_eq!(sent(&bench.told(V, 6)), None);
    assert_eq!(bench.shown(V), Some(level(30)));
    let renewal = sent(&bench.advance(2_500)).unwrap();
    assert_eq!(steps(&renewal)[&V], 6);
    bench.done(&renewal);
    assert_eq!(bench.shown(V), Some(level(30)));
}

#[test]
fn a_level_that_is_turned_up_by_hand_is_shown_and_not_kept_up() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 40);
    bench.advance(1_100);
    assert_eq!(sent(&bench.told(V, 15)), None);
    assert_eq!(bench.shown(V), Some(level(75)));
    let renewal = sent(&bench.advance(2_500)).unwrap();
    assert_eq!(steps(&renewal)[&V], 8);
    bench.done(&renewal);
    assert_eq!(bench.shown(V), Some(level(40)));
}

#[test]
fn what_is_begun_by_hand_is_shown_and_neither_renewed_nor_ended() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.told(V, 15);
    assert_eq!(bench.shown(V), Some(level(75)));
    assert_eq!(sent(&bench.advance(3_600_000)), None);
    assert_eq!(bench.input(Input::Shutdown), [Effect::Halted]);
}

#[test]
fn off_is_sent_whatever_the_toy_is_believed_to_do() {
    let off = SetCommand {
        power: Some(false),
        ..SetCommand::default()
    };
    let dark = SetCommand {
        brightness: Some(Level::ZERO),
        ..SetCommand::default()
    };
    for command in [SetCommand::output(V, Level::ZERO), off, dark] {
        let mut bench = Bench::new(&[(V, 20)]);
        for _ in 0..3 {
            let op = sent(&bench.ask(Action::Set(command.clone()))).unwrap();
            assert_eq!(op.command, Command::Stop, "{command:?}");
            bench.done(&op);
            assert_eq!(bench.shown(V), Some(Level::ZERO));
            bench.advance(25);
        }
    }
}

#[test]
fn reports_of_our_own_operations_change_nothing() {
    let mut bench = Bench::new(&[(V, 20)]);
    let mut last = sent(&bench.set(V, 10)).unwrap();
    for percent in [20, 30, 40, 50] {
        bench.done(&last);
        bench.advance(25);
        last = sent(&bench.set(V, percent)).unwrap();
    }
    bench.done(&last);
    // They come late, and some not at all.
    for step in [2, 4, 8, 10] {
        bench.advance(10);
        assert_eq!(sent(&bench.told(V, step)), None);
        assert_eq!(bench.shown(V), Some(level(50)));
    }
    let renewal = sent(&bench.advance(2_500)).unwrap();
    assert_eq!(steps(&renewal)[&V], 10);
}

#[test]
fn an_operation_under_way_when_the_level_is_turned_off_is_undone() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 40);
    bench.advance(1_500);
    let op = sent(&bench.set(V, 50)).unwrap();
    bench.told(V, 0);
    let effects = bench.done(&op);
    assert_eq!(
        sent(&effects)
            .or_else(|| sent(&bench.advance(25)))
            .unwrap()
            .command,
        Command::Stop
    );
}

#[test]
fn a_pattern_that_the_app_plays_is_not_renewed_once_it_rests_too_long() {
    let mut bench = Bench::new(&[]);
    let capabilities = Capabilities {
        plays: true,
        ..CAPABILITIES
    };
    bench.route_up_as(bench.route.clone(), &[(V, 20)], capabilities);
    let full = Action::Set(SetCommand {
        effect: Some("Pulse".into()),
        brightness: Some(Level::FULL),
        ..SetCommand::default()
    });
    let op = sent(&bench.ask(full)).unwrap();
    assert!(matches!(op.command, Command::Play(_)));
    bench.done(&op);
    bench.advance(2_400);
    for step in [20, 4, 0] {
        bench.told(V, step);
    }
    let stop = sent(&bench.advance(1_000)).unwrap();
    assert_eq!(stop.command, Command::Stop);
    bench.done(&stop);
    assert_eq!(sent(&bench.advance(60_000)), None);
}

#[test]
fn what_a_limit_cuts_away_does_not_come_back() {
    for (max, asked, shown) in [(30, 20, 0), (30, 100, 0), (50, 100, 333)] {
        let mut bench = Bench::new(&[(PUMP, 3)]);
        bench.ask(limit(max));
        let op = sent(&bench.set(PUMP, asked)).unwrap();
        let effects = bench.done(&op);
        let outcome = outcomes(&effects)[0].result.clone().unwrap();
        let shown = Level::from_permille(shown);
        assert_eq!(outcome.applied[&PUMP], shown, "{asked} within {max}");
        assert_eq!(outcome.clamped_by, Some(Clamp::Limit));
        assert_eq!(bench.shown(PUMP), Some(shown));
        bench.advance(100);
        assert_eq!(sent(&bench.ask(limit(100))), None);
        assert_eq!(bench.shown(PUMP), Some(shown));
    }
}

#[test]
fn a_pattern_does_not_rise_with_the_limit() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.ask(limit(30));
    let full = Action::Set(SetCommand {
        effect: Some("Wave".into()),
        brightness: Some(Level::FULL),
        ..SetCommand::default()
    });
    let op = sent(&bench.ask(full)).unwrap();
    bench.done(&op);
    assert_eq!(bench.shown(V), Some(level(30)));
    bench.ask(limit(100));
    for _ in 0..100 {
        if let Some(op) = sent(&bench.advance(50)) {
            assert!(steps(&op)[&V] <= 6);
            bench.done(&op);
        }
    }
}

#[test]
fn the_level_shown_is_that_of_the_step_taken() {
    let mut bench = Bench::new(&[(PUMP, 1)]);
    bench.running(PUMP, 1);
    assert_eq!(bench.shown(PUMP), Some(Level::FULL));
    let op = sent(&bench.ask(limit(60))).unwrap();
    assert_eq!(op.command, Command::Stop, "60 % is less than its only step");
}

#[test]
fn what_is_no_motor_acts_only_when_it_is_named_and_ends_with_every_stop() {
    let on = |brightness| {
        Action::Set(SetCommand {
            power: Some(true),
            brightness,
            ..SetCommand::default()
        })
    };
    let all = [
        on(None),
        on(Some(Level::FULL)),
        effect("Pulse"),
        Action::Identify,
    ];
    for action in all {
        let mut bench = Bench::new(&[(V, 20), (SPRAY, 1), (HEAT, 5)]);
        let op = sent(&bench.ask(action.clone())).unwrap();
        let steps = steps(&op);
        assert!(steps[&V] > 0, "{action:?}");
        assert_eq!((steps[&SPRAY], steps[&HEAT]), (0, 0), "{action:?}");
    }
    let mut bench = Bench::new(&[(V, 20), (HEAT, 5)]);
    bench.running(HEAT, 40);
    let op = sent(&bench.ask(on(Some(level(50))))).unwrap();
    assert_eq!(
        steps(&op),
        BTreeMap::from([(V, 10), (HEAT, 2)]),
        "it is left alone"
    );
    bench.done(&op);
    bench.advance(25);
    let off = Action::Set(SetCommand {
        power: Some(false),
        ..SetCommand::default()
    });
    assert_eq!(sent(&bench.ask(off)).unwrap().command, Command::Stop);
    let mut bench = Bench::new(&[(HEAT, 5)]);
    assert_eq!(code(&bench.ask(on(None))), ErrorCode::Invalid);
    assert_eq!(code(&bench.ask(effect("Pulse"))), ErrorCode::Unsupported);
}

#[test]
fn a_zero_of_outputs_that_another_way_joins_is_not_lost() {
    let mut bench = Bench::new(&[(V1, 20), (V2, 20)]);
    bench.running(V1, 40);
    bench.running(V2, 40);
    bench.advance(1_500);
    bench.told(V, 0);
    assert_eq!(sent(&bench.advance(60_000)), None);
    assert_eq!(bench.shown(V1), Some(Level::ZERO));
    assert_eq!(bench.shown(V2), Some(Level::ZERO));
}

#[test]
fn an_operation_that_lands_beside_two_changes_by_hand_is_undone() {
    let mut bench = Bench::new(&[(V, 20)]);
    let op = sent(&bench.set(V, 30)).unwrap();
    bench.now += 2_500;
    bench.told(V, 0);
    bench.told(V, 7);
    let stop = sent(&bench.done(&op)).unwrap();
    assert_eq!(stop.command, Command::Stop);
}

#[test]
fn a_zero_that_looks_like_our_own_is_shown_all_the_same() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 40);
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    bench.done(&stop);
    bench.told(V, 3);
    assert_eq!(bench.shown(V), Some(level(15)));
    bench.told(V, 0);
    assert_eq!(bench.shown(V), Some(Level::ZERO));
}

#[test]
fn a_level_that_fades_out_and_is_turned_off_by_hand_does_not_come_back() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    bench.advance(1_100);
    let off = SetCommand {
        power: Some(false),
        transition: Some(Duration::from_secs(2)),
        ..SetCommand::default()
    };
    let op = sent(&bench.ask(Action::Set(off))).unwrap();
    bench.done(&op);
    bench.told(V, 0);
    for _ in 0..100 {
        if let Some(op) = sent(&bench.advance(25)) {
            assert_eq!(op.command, Command::Stop);
            bench.done(&op);
        }
    }
}

#[test]
fn a_report_that_only_a_refused_operation_explained_counts_all_the_same() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.told(V, 1);
    let off = sent(&bench.set(V, 0)).unwrap();
    bench.told(V, 0);
    bench.end(&off, Err(OpError::Refused("no".into())));
    assert_eq!(bench.shown(V), Some(Level::ZERO));

    bench.advance(1_000);
    bench.running(V, 40);
    bench.advance(1_100);
    let less = sent(&bench.set(V, 20)).unwrap();
    bench.told(V, 4);
    bench.end(&less, Err(OpError::Refused("no".into())));
    assert_eq!(bench.shown(V), Some(level(20)));
    let renewed = sent(&bench.advance(10_000)).unwrap();
    assert_eq!(steps(&renewed)[&V], 4, "and it does not rise again");
}

#[test]
fn a_level_that_is_turned_off_by_hand_before_its_operation_is_acknowledged_stays_off() {
    let mut bench = Bench::new(&[(V, 20)]);
    let op = sent(&bench.set(V, 40)).unwrap();
    bench.told(V, 8);
    bench.now += 500;
    bench.told(V, 0);
    let stop = sent(&bench.done(&op)).unwrap();
    assert_eq!(stop.command, Command::Stop);
    bench.done(&stop);
    assert_eq!(bench.shown(V), Some(Level::ZERO));
    assert_eq!(sent(&bench.advance(60_000)), None);
}

#[test]
fn a_level_that_sinks_and_is_turned_down_by_hand_does_not_rise() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    bench.advance(1_100);
    let less = SetCommand {
        levels: [(V, level(10))].into(),
        transition: Some(Duration::from_secs(2)),
        ..SetCommand::default()
    };
    bench.ask(Action::Set(less));
    let op = sent(&bench.advance(200)).unwrap();
    bench.done(&op);
    bench.told(V, 5);
    for _ in 0..100 {
        if let Some(op) = sent(&bench.advance(25)) {
            assert_eq!(steps(&op)[&V], 2);
            bench.done(&op);
        }
    }
}

#[test]
fn a_level_turned_down_by_hand_keeps_its_direction() {
    const R: OutputKey = OutputKey::only(OutputKind::Rotate);
    let mut bench = Bench::new(&[(R, 20)]);
    let back = SetCommand {
        levels: [(R, level(-80))].into(),
        ..SetCommand::default()
    };
    let op = sent(&bench.ask(Action::Set(back))).unwrap();
    bench.done(&op);
    bench.advance(1_100);
    bench.told(R, 4);
    let renewed = sent(&bench.advance(10_000)).unwrap();
    assert_eq!(steps(&renewed)[&R], -4);
}
