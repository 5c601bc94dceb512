//! What the engine does in named situations, one by one.
#![expect(clippy::unwrap_used, reason = "tests")]

mod guarding;
mod meeting;
mod routing;
mod stopping;
mod timing;
mod twins;
mod wearer;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{
    Action, BackendId, Bound, BridgeEvent, Capabilities, Clamp, Command, ErrorCode, Gesture,
    HardwareId, InputKind, Instant, Level, LevelReport, Limits, Op, OpError, Outcome, Output,
    OutputKey, OutputKind, Reading, RouteId, SafetyReason, SetCommand, Target, Ticket,
    ToyDescription, ToyId, ToyInput,
};

use super::{Effect, Engine, Input, LeftRunning, Memory, Settings};

const V: OutputKey = OutputKey::only(OutputKind::Vibrate);
const V1: OutputKey = OutputKey::numbered(OutputKind::Vibrate, 1);
const V2: OutputKey = OutputKey::numbered(OutputKind::Vibrate, 2);
const T: OutputKey = OutputKey::only(OutputKind::Thrust);
const D: OutputKey = OutputKey::only(OutputKind::Depth);
const P: OutputKey = OutputKey::only(OutputKind::Position);
const LEASE: Duration = Duration::from_secs(5);
const CAPABILITIES: Capabilities = Capabilities {
    pace: Duration::from_millis(25),
    bound: Bound::Lease(LEASE),
    plays: false,
    travel: None,
};

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
        Self::of(
            Engine::new(settings, &Memory::default(), LeftRunning::default()),
            outputs,
        )
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
        self.route_up_over(self.route.clone(), outputs)
    }

    fn route_up_over(&mut self, route: RouteId, outputs: &[(OutputKey, u16)]) -> Vec<Effect> {
        self.route_up_as(route, outputs, CAPABILITIES)
    }

    /// The same route, but for how long a movement takes.
    fn route_up_with(&mut self, outputs: &[(OutputKey, u16)], travel: Option<Duration>) {
        let capabilities = Capabilities {
            travel,
            ..CAPABILITIES
        };
        self.route_up_as(self.route.clone(), outputs, capabilities);
    }

    fn route_up_as(
        &mut self,
        route: RouteId,
        outputs: &[(OutputKey, u16)],
        capabilities: Capabilities,
    ) -> Vec<Effect> {
        let description = ToyDescription {
            hardware: route.hardware.clone(),
            manufacturer: "Lovense".into(),
            model: "Edge".into(),
            nickname: None,
            firmware: None,
            outputs: outputs
                .iter()
                .map(|&(key, steps)| Output {
                    signed: key.kind == OutputKind::Rotate,
                    ..Output::new(key, steps)
                })
                .collect(),
            inputs: BTreeSet::new(),
        };
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

    /// Stops the toy, and lets the hold that follows pass.
    fn stopped(&mut self) {
        let stop = sent(&self.ask(Action::Stop)).unwrap();
        self.done(&stop);
        self.advance(2_000);
    }

    /// The toy reports what an output does.
    fn told(&mut self, output: OutputKey, step: i32) -> Vec<Effect> {
        let route = self.route.clone();
        let input = ToyInput::Level(LevelReport { output, step });
        self.input(Input::Told { route, input })
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
