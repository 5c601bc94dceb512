//! What the engine does in named situations, one by one.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{
    Action, BackendId, Bound, BridgeEvent, Capabilities, Clamp, Command, ErrorCode, Gesture,
    HardwareId, Instant, Level, Limits, Op, OpError, Outcome, Output, OutputKey, OutputKind,
    Reading, RouteId, SafetyReason, SetCommand, Target, Ticket, ToyDescription, ToyId, ToyInput,
};

use super::{Effect, Engine, Input, Memory, Settings};

const V: OutputKey = OutputKey::only(OutputKind::Vibrate);
const V1: OutputKey = OutputKey::numbered(OutputKind::Vibrate, 1);
const V2: OutputKey = OutputKey::numbered(OutputKind::Vibrate, 2);
const T: OutputKey = OutputKey::only(OutputKind::Thrust);
const D: OutputKey = OutputKey::only(OutputKind::Depth);
const P: OutputKey = OutputKey::only(OutputKind::Position);
const LEASE: Duration = Duration::from_secs(5);

/// An engine, a clock that is moved by hand, and what came out.
struct Bench {
    engine: Engine,
    now: u64,
    tickets: u64,
    effects: Vec<Effect>,
    route: RouteId,
    toy: ToyId,
}

impl Bench {
    fn new(outputs: &[(OutputKey, u16)]) -> Self {
        Self::with(Settings::default(), outputs)
    }

    fn with(settings: Settings, outputs: &[(OutputKey, u16)]) -> Self {
        Self::of(Engine::new(settings, &Memory::default(), false), outputs)
    }

    fn of(engine: Engine, outputs: &[(OutputKey, u16)]) -> Self {
        let hardware = HardwareId::new("f082c00246fa");
        let toy = ToyId::of(&hardware);
        let route = RouteId {
            backend: BackendId::new("lovense_lan"),
            hardware,
        };
        let mut bench = Self {
            engine,
            now: 1_000,
            tickets: 0,
            effects: Vec::new(),
            route,
            toy,
        };
        bench.route_up(outputs);
        bench
    }

    fn route_up(&mut self, outputs: &[(OutputKey, u16)]) -> Vec<Effect> {
        let description = ToyDescription {
            hardware: self.route.hardware.clone(),
            manufacturer: "Lovense".into(),
            model: "Edge".into(),
            nickname: None,
            firmware: None,
            outputs: outputs
                .iter()
                .map(|&(key, steps)| Output::new(key, steps))
                .collect(),
            inputs: BTreeSet::new(),
        };
        let capabilities = Capabilities {
            pace: Duration::from_millis(25),
            bound: Bound::Lease(LEASE),
            plays: false,
        };
        let route = self.route.clone();
        self.input(Input::RouteUp {
            route,
            description,
            capabilities,
        })
    }

    fn input(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.engine.handle(Instant::from_millis(self.now), input);
        self.effects.extend(effects.iter().cloned());
        effects
    }

    fn ask(&mut self, action: Action) -> Vec<Effect> {
        self.ask_of(Target::Toy(self.toy), action)
    }

    fn ask_of(&mut self, target: Target, action: Action) -> Vec<Effect> {
        self.tickets += 1;
        self.input(Input::Request {
            ticket: Ticket(self.tickets),
            target,
            action,
        })
    }

    fn set(&mut self, key: OutputKey, percent: i8) -> Vec<Effect> {
        let level = Level::from_whole_percent(percent);
        self.ask(Action::Set(SetCommand::output(key, level)))
    }

    fn done(&mut self, op: &Op) -> Vec<Effect> {
        self.end(op, Ok(()))
    }

    fn end(&mut self, op: &Op, result: Result<(), OpError>) -> Vec<Effect> {
        self.input(Input::OpDone { op: op.id, result })
    }

    /// Lets time pass, ticking at each deadline.
    fn advance(&mut self, millis: u64) -> Vec<Effect> {
        let end = self.now + millis;
        let mut effects = Vec::new();
        while let Some(deadline) = self.engine.next_deadline() {
            let at = deadline.since_start().as_micros().div_ceil(1_000) as u64;
            if at > end {
                break;
            }
            self.now = at.max(self.now);
            effects.extend(self.input(Input::Tick));
        }
        self.now = end;
        effects
    }

    /// Sets an output and acknowledges it, and lets the pace pass.
    fn running(&mut self, key: OutputKey, percent: i8) {
        let op = sent(&self.set(key, percent)).unwrap();
        self.done(&op);
        self.advance(25);
    }

    fn shown(&self, key: OutputKey) -> Option<Level> {
        self.engine.toy(self.toy).unwrap().levels.get(&key).copied()
    }
}

/// The only operation among effects.
fn sent(effects: &[Effect]) -> Option<Op> {
    let mut ops = effects.iter().filter_map(|effect| match effect {
        Effect::Send(op) => Some(op.clone()),
        _ => None,
    });
    let op = ops.next();
    assert!(ops.next().is_none(), "more than one operation: {effects:?}");
    op
}

fn steps(op: &Op) -> BTreeMap<OutputKey, i32> {
    match &op.command {
        Command::Drive(settings) => settings.iter().map(|s| (s.key, s.step)).collect(),
        other => panic!("not a drive: {other:?}"),
    }
}

fn outcomes(effects: &[Effect]) -> Vec<Outcome> {
    let outcome = |effect: &Effect| match effect {
        Effect::Outcome(outcome) => Some(outcome.clone()),
        _ => None,
    };
    effects.iter().filter_map(outcome).collect()
}

fn code(effects: &[Effect]) -> ErrorCode {
    let outcomes = outcomes(effects);
    assert_eq!(outcomes.len(), 1, "{effects:?}");
    outcomes[0].result.clone().unwrap_err().code
}

fn level(percent: i8) -> Level {
    Level::from_whole_percent(percent)
}

#[test]
fn a_write_goes_out_at_once_and_is_shown_once_accepted() {
    let mut bench = Bench::new(&[(V, 20)]);
    let effects = bench.set(V, 40);
    let op = sent(&effects).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V, 8)]));
    assert_eq!(op.lease, Some(LEASE));
    assert_eq!(bench.shown(V), Some(Level::ZERO), "not accepted yet");
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
fn a_lost_toy_is_off_when_it_comes_back() {
    let mut bench = Bench::new(&[(V, 20)]);
    bench.running(V, 80);
    let route = bench.route.clone();
    let reason = "unplugged".to_owned();
    bench.input(Input::RouteDown { route, reason });
    assert_eq!(bench.shown(V), Some(Level::ZERO));
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
    let engine = Engine::new(Settings::default(), &Memory::default(), true);
    let bench = Bench::of(engine, &[(V, 20)]);
    let stop = sent(&bench.effects).unwrap();
    assert_eq!(stop.command, Command::Stop);
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
    let again = Engine::new(Settings::default(), &memory, false);
    assert!(again.quiet());
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
fn a_bare_on_is_gentle_and_then_remembers() {
    let on = || {
        Action::Set(SetCommand {
            power: Some(true),
            ..SetCommand::default()
        })
    };
    let mut bench = Bench::new(&[(V, 20)]);
    let op = sent(&bench.ask(on())).unwrap();
    assert_eq!(steps(&op)[&V], 6);
    bench.done(&op);
    bench.advance(100);
    bench.running(V, 70);
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    bench.done(&stop);
    bench.advance(100);
    assert_eq!(steps(&sent(&bench.ask(on())).unwrap())[&V], 14);
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
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    bench.done(&stop);
    bench.advance(100);
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
    let engine = Engine::new(Settings::default(), &bench.engine.memory(), false);
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
        (
            SetCommand {
                power: Some(false),
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
