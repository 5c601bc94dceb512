//! Requests that change outputs.

use super::*;

#[test]
fn a_write_goes_out_at_once_and_is_shown_once_accepted() {
    let mut bench = Bench::new(&[(V, 20)]);
    let effects = bench.set(V, 40);
    let op = sent(&effects).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V, 8)]));
    assert_eq!(op.lease, Some(LEASE));
    assert_eq!(bench.shown(V), None, "unknown before anything is accepted");
    let effects = bench.done(&op);
    assert!(effects.contains(&Effect::Changed(bench.toy)));
    assert_eq!(bench.shown(V), Some(level(40)));
    let outcome = &outcomes(&effects)[0];
    let accepted = outcome.result.as_ref().unwrap();
    assert_eq!(accepted.applied, BTreeMap::from([(V, level(40))]));
    assert!(!accepted.superseded);
}

#[test]
fn writes_meanwhile_become_one_operation_with_the_last_value() {
    let mut bench = Bench::new(&[(V, 20)]);
    let first = sent(&bench.set(V, 10)).unwrap();
    for percent in 11..=90 {
        assert_eq!(sent(&bench.set(V, percent)), None, "one in flight");
    }
    bench.now += 30;
    let second = sent(&bench.done(&first)).unwrap();
    assert_eq!(steps(&second)[&V], 18);
    bench.now += 30;
    let effects = bench.done(&second);
    let outcomes = outcomes(&effects);
    assert_eq!(outcomes.len(), 80);
    let superseded = outcomes
        .iter()
        .filter(|o| o.result.as_ref().unwrap().superseded)
        .count();
    assert_eq!(superseded, 79);
}

#[test]
fn two_outputs_set_back_to_back_both_arrive() {
    let mut bench = Bench::new(&[(V1, 20), (V2, 20)]);
    let first = sent(&bench.set(V1, 50)).unwrap();
    assert_eq!(sent(&bench.set(V2, 25)), None);
    bench.now += 30;
    let second = sent(&bench.done(&first)).unwrap();
    assert_eq!(steps(&second), BTreeMap::from([(V1, 10), (V2, 5)]));
}

#[test]
fn the_pace_of_the_route_is_kept() {
    let mut bench = Bench::new(&[(V, 20)]);
    let op = sent(&bench.set(V, 10)).unwrap();
    bench.set(V, 20);
    bench.now += 1;
    assert_eq!(sent(&bench.done(&op)), None, "too soon");
    let op = sent(&bench.advance(24)).unwrap();
    assert_eq!(steps(&op)[&V], 4);
}

#[test]
fn a_stop_does_not_wait_for_the_pace_but_what_follows_it_does() {
    let settings = Settings {
        stop_hold: Duration::ZERO,
        ..Settings::default()
    };
    let mut bench = Bench::with(settings, &[(V, 20)]);
    bench.running(V, 80);
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    bench.done(&stop);
    assert_eq!(sent(&bench.set(V, 10)), None, "too soon");
    let op = sent(&bench.advance(25)).unwrap();
    assert_eq!(steps(&op)[&V], 2);
}

#[test]
fn a_refused_write_falls_back_to_what_was() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 40);
    let op = sent(&bench.set(V, 80)).unwrap();
    let effects = bench.end(&op, Err(OpError::Refused("code 404".into())));
    assert_eq!(code(&effects), ErrorCode::Backend);
    assert_eq!(bench.shown(V), Some(level(40)));
    let renewal = sent(&bench.advance(2_500)).unwrap();
    assert_eq!(steps(&renewal)[&V], 8);
}

#[test]
fn a_write_of_unknown_effect_is_undone() {
    let mut bench = Bench::new(&[(V, 20)]);
    let op = sent(&bench.set(V, 80)).unwrap();
    bench.now += 3_000;
    let effects = bench.end(&op, Err(OpError::Timeout(Duration::from_secs(3))));
    assert_eq!(code(&effects), ErrorCode::Timeout);
    let undo = sent(&bench.advance(200)).unwrap();
    assert_eq!(undo.command, Command::Stop);
}

#[test]
fn turning_down_is_not_undone_but_tried_again() {
    let refused = || Err(OpError::Refused("code 500".into()));
    let mut bench = Bench::new(&[(V1, 20), (V2, 20)]);
    bench.running(V1, 80);
    bench.running(V2, 40);
    let less = sent(&bench.set(V1, 30)).unwrap();
    assert_eq!(code(&bench.end(&less, refused())), ErrorCode::Backend);
    let again = sent(&bench.advance(250)).unwrap();
    assert_eq!(again.command, less.command);
    bench.done(&again);
    assert_eq!(bench.shown(V1), Some(level(30)));

    let off = SetCommand {
        power: Some(false),
        ..SetCommand::default()
    };
    let off = sent(&bench.ask(Action::Set(off))).unwrap();
    let stop = sent(&bench.end(&off, refused())).unwrap();
    assert_eq!(stop.command, Command::Stop);
    bench.end(&stop, refused());
    let stop = sent(&bench.advance(100)).unwrap();
    bench.done(&stop);
    assert_eq!(bench.shown(V2), Some(Level::ZERO));
}

#[test]
fn a_bare_on_is_gentle_unless_the_user_wants_the_last_level() {
    let on = || {
        Action::Set(SetCommand {
            power: Some(true),
            ..SetCommand::default()
        })
    };
    for (on_as_last, expected) in [(false, 6), (true, 14)] {
        let settings = Settings {
            on_as_last,
            ..Settings::default()
        };
        let mut bench = Bench::with(settings, &[(V, 20)]);
        let op = sent(&bench.ask(on())).unwrap();
        assert_eq!(steps(&op)[&V], 6);
        bench.done(&op);
        bench.advance(100);
        bench.running(V, 70);
        bench.stopped();
        assert_eq!(steps(&sent(&bench.ask(on())).unwrap())[&V], expected);
    }
}

#[test]
fn what_means_off_is_obeyed_whatever_else_is_said() {
    let nonsense = SetCommand {
        effect: Some("Wave".into()),
        repeat: Some(0),
        ..SetCommand::output(V, level(100))
    };
    let off = SetCommand {
        power: Some(false),
        ..nonsense.clone()
    };
    let dark = SetCommand {
        brightness: Some(Level::ZERO),
        levels: BTreeMap::new(),
        ..nonsense
    };
    for command in [off, dark] {
        let mut bench = Bench::new(&[(V, 20)]);
        let stop = sent(&bench.input(Input::Quiet(true))).unwrap();
        bench.done(&stop);
        bench.advance(25);
        let op = sent(&bench.ask(Action::Set(command.clone()))).unwrap();
        assert_eq!(op.command, Command::Stop, "{command:?}");
        assert!(outcomes(&bench.done(&op))[0].result.is_ok());
    }
}

#[test]
fn off_with_a_transition_fades_out() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let off = Action::Set(SetCommand {
        power: Some(false),
        transition: Some(Duration::from_secs(1)),
        ..SetCommand::default()
    });
    let mut last = sent(&bench.ask(off));
    let mut seen = Vec::new();
    for _ in 0..60 {
        if let Some(op) = last {
            seen.push(match op.command {
                Command::Stop => 0,
                _ => steps(&op)[&V],
            });
            bench.done(&op);
        }
        last = sent(&bench.advance(25));
    }
    assert!(seen.windows(2).all(|two| two[0] >= two[1]), "{seen:?}");
    assert!(seen.len() > 10 && seen.last() == Some(&0), "{seen:?}");
}

#[test]
fn brightness_keeps_the_ratio() {
    let mut bench = Bench::new(&[(V1, 20), (V2, 20)]);
    bench.running(V1, 100);
    bench.running(V2, 50);
    let op = sent(&bench.ask(Action::Set(SetCommand {
        brightness: Some(level(40)),
        ..SetCommand::default()
    })));
    assert_eq!(steps(&op.unwrap()), BTreeMap::from([(V1, 8), (V2, 4)]));
}

#[test]
fn choosing_no_effect_never_starts_a_toy() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 70);
    bench.stopped();
    let effects = bench.ask(Action::Set(SetCommand {
        power: Some(true),
        effect: Some("Off".into()),
        ..SetCommand::default()
    }));
    assert_eq!(sent(&effects), None);
}

#[test]
fn depth_travels_with_thrust_and_never_alone() {
    let mut bench = Bench::new(&[(T, 20), (D, 3)]);
    assert_eq!(sent(&bench.set(D, 67)), None);
    assert_eq!(bench.shown(D), Some(level(67)));
    let op = sent(&bench.set(T, 50)).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(T, 10), (D, 2)]));
}

#[test]
fn a_position_is_gone_to_once_and_ends_thrusting() {
    let mut bench = Bench::new(&[(T, 20), (P, 100)]);
    bench.running(T, 50);
    let op = sent(&bench.set(P, 38)).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(T, 0), (P, 38)]));
    bench.done(&op);
    assert_eq!(bench.shown(T), Some(Level::ZERO));
    assert_eq!(bench.shown(P), Some(level(38)));
    assert_eq!(sent(&bench.advance(60_000)), None, "nothing to renew");
    let op = sent(&bench.set(P, 38)).unwrap();
    assert_eq!(steps(&op)[&P], 38, "asked again, gone to again");
}

#[test]
fn what_makes_no_sense_for_the_toy_is_refused_in_words() {
    let mut bench = Bench::new(&[(V, 20)]);
    let cases = [
        (SetCommand::output(T, level(10)), ErrorCode::Unsupported),
        (SetCommand::output(V, level(-10)), ErrorCode::Invalid),
        (SetCommand::default(), ErrorCode::Invalid),
        (
            SetCommand {
                effect: Some("No such".into()),
                ..SetCommand::default()
            },
            ErrorCode::Unsupported,
        ),
        (
            SetCommand {
                repeat: Some(2),
                ..SetCommand::output(V, level(10))
            },
            ErrorCode::Invalid,
        ),
    ];
    for (command, expected) in cases {
        let effects = bench.ask(Action::Set(command.clone()));
        assert_eq!(code(&effects), expected, "{command:?}");
        assert_eq!(sent(&effects), None);
    }
}

#[test]
fn a_zero_reaches_outputs_that_are_joined_or_parted_otherwise() {
    for (outputs, asked) in [(vec![V1, V2], V), (vec![V], V2)] {
        let described: Vec<_> = outputs.iter().map(|key| (*key, 20)).collect();
        let mut bench = Bench::new(&described);
        for key in &outputs {
            bench.running(*key, 40);
        }
        let op = sent(&bench.set(asked, 0)).unwrap();
        assert_eq!(op.command, Command::Stop);
        bench.done(&op);
        assert_eq!(code(&bench.set(asked, 1)), ErrorCode::Unsupported);
        let pump = OutputKey::only(OutputKind::Constrict);
        assert_eq!(code(&bench.set(pump, 0)), ErrorCode::Unsupported);
    }
}
