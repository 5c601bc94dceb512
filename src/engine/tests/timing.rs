//! What happens by itself: renewals, pulses, ramps.

use super::*;

#[test]
fn a_running_toy_is_renewed_at_half_its_lease() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    assert_eq!(sent(&bench.advance(2_400)), None);
    let renewal = sent(&bench.advance(100)).unwrap();
    assert_eq!(steps(&renewal)[&V], 16);
    assert_eq!(renewal.lease, Some(LEASE));
}

#[test]
fn a_toy_at_rest_is_left_alone() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let off = sent(&bench.set(V, 0)).unwrap();
    assert_eq!(off.command, Command::Stop);
    bench.done(&off);
    bench.effects.clear();
    bench.advance(24 * 3_600_000);
    assert_eq!(bench.effects, []);
}

#[test]
fn three_pulses_end_by_themselves() {
    let mut bench = Bench::new(&[(V, 20)]);
    let mut effects = bench.ask(Action::Set(SetCommand {
        hold: Some(Duration::from_secs(2)),
        repeat: Some(3),
        pause: Some(Duration::from_millis(500)),
        ..SetCommand::output(V, level(30))
    }));
    let mut seen = Vec::new();
    for _ in 0..2_000 {
        if let Some(op) = sent(&effects) {
            let step = match &op.command {
                Command::Stop => 0,
                _ => steps(&op)[&V],
            };
            if seen.last() != Some(&step) {
                seen.push(step);
            }
            effects = bench.done(&op);
            if sent(&effects).is_some() {
                continue;
            }
        }
        effects = bench.advance(10);
    }
    assert_eq!(seen, [6, 0, 6, 0, 6, 0]);
    assert_eq!(bench.shown(V), Some(Level::ZERO));
    assert_eq!(bench.engine.next_deadline(), None);
}

#[test]
fn a_short_hold_carries_a_short_lease() {
    let mut bench = Bench::new(&[(V, 20)]);
    let effects = bench.ask(Action::Set(SetCommand {
        hold: Some(Duration::from_secs(2)),
        ..SetCommand::output(V, level(30))
    }));
    assert_eq!(sent(&effects).unwrap().lease, Some(Duration::from_secs(2)));
}

#[test]
fn a_ramp_sends_each_step_once_and_shows_its_end() {
    let mut bench = Bench::new(&[(V, 20)]);
    let mut effects = bench.ask(Action::Set(SetCommand {
        transition: Some(Duration::from_secs(2)),
        ..SetCommand::output(V, level(60))
    }));
    let mut seen = Vec::new();
    for _ in 0..300 {
        if let Some(op) = sent(&effects) {
            seen.push(steps(&op)[&V]);
            bench.done(&op);
            assert_eq!(bench.shown(V), Some(level(60)));
        }
        effects = bench.advance(10);
    }
    assert_eq!(seen, (1..=12).collect::<Vec<_>>());
}
