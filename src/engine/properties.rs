//! The guarantees of the engine, over arbitrary sequences of inputs.
//!
//! A made-up world carries out what the engine sends: late, out of order where two operations of
//! one toy overlap, failing in every way, with or without effect.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use crate::domain::{
    Action, BackendId, Bound, Capabilities, Class, Command, HardwareId, Instant, Level, Limits, Op,
    OpError, Output, OutputKey, OutputKind, RouteId, SetCommand, Target, Ticket, ToyDescription,
    ToyId,
};

use super::{Effect, Engine, Input, Memory, Settings};

const TOYS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Set(usize, SetCommand),
    SetAll(SetCommand),
    Stop(usize),
    StopAll,
    Identify(usize),
    Limit(usize, i32, Option<u32>),
    Quiet(bool),
    Up(usize),
    Down(usize),
    /// The `n`th operation under way ends so; and whether an unknown effect took place.
    Finish(usize, Finish, bool),
    Advance(u64),
    Broker(bool),
    HomeAssistant(bool),
    Suspended,
}

#[derive(Clone, Copy, Debug)]
enum Finish {
    Done,
    Refused,
    Offline,
    Timeout,
}

fn outputs(toy: usize) -> Vec<Output> {
    let key = OutputKey::only;
    match toy {
        0 => vec![Output::new(key(OutputKind::Vibrate), 20)],
        1 => vec![
            Output::new(OutputKey::numbered(OutputKind::Vibrate, 1), 20),
            Output::new(OutputKey::numbered(OutputKind::Vibrate, 2), 20),
            Output {
                signed: true,
                ..Output::new(key(OutputKind::Rotate), 20)
            },
            Output::new(key(OutputKind::Constrict), 3),
        ],
        _ => vec![
            Output::new(key(OutputKind::Thrust), 20),
            Output::new(key(OutputKind::Depth), 3),
            Output::new(key(OutputKind::StrokeMin), 100),
            Output::new(key(OutputKind::StrokeMax), 100),
            Output::new(key(OutputKind::Position), 100),
        ],
    }
}

fn hardware(toy: usize) -> HardwareId {
    HardwareId::new(format!("00000000000{toy}"))
}

fn any_level() -> impl Strategy<Value = Level> {
    prop_oneof![
        2 => Just(Level::ZERO),
        6 => (1i32..=1_000).prop_map(Level::from_permille),
        1 => (-1_000i32..0).prop_map(Level::from_permille),
    ]
}

fn any_command() -> impl Strategy<Value = SetCommand> {
    let keys: Vec<OutputKey> = (0..TOYS)
        .flat_map(outputs)
        .map(|output| output.key)
        .collect();
    let duration = || prop::option::weighted(0.2, (1u64..4_000).prop_map(Duration::from_millis));
    let effect = prop_oneof![Just("Wave"), Just("Pulse"), Just("Off"), Just("nonsense")];
    (
        prop::collection::btree_map(prop::sample::select(keys), any_level(), 0..3),
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.3, (0i32..=1_000).prop_map(Level::from_permille)),
        prop::option::weighted(0.2, effect.prop_map(str::to_owned)),
        duration(),
        duration(),
        prop::option::weighted(0.1, 0u32..4),
        duration(),
    )
        .prop_map(
            |(levels, power, brightness, effect, transition, hold, repeat, pause)| SetCommand {
                levels,
                power,
                brightness,
                effect,
                transition,
                hold,
                repeat,
                pause,
            },
        )
}

fn any_step() -> impl Strategy<Value = Step> {
    let finish = prop_oneof![
        8 => Just(Finish::Done),
        1 => Just(Finish::Refused),
        1 => Just(Finish::Offline),
        2 => Just(Finish::Timeout),
    ];
    prop_oneof![
        12 => (0..TOYS, any_command()).prop_map(|(toy, command)| Step::Set(toy, command)),
        1 => any_command().prop_map(Step::SetAll),
        2 => (0..TOYS).prop_map(Step::Stop),
        1 => Just(Step::StopAll),
        1 => (0..TOYS).prop_map(Step::Identify),
        1 => (0..TOYS, 0i32..=1_000, prop::option::of(1u32..5_000))
            .prop_map(|(toy, max, slope)| Step::Limit(toy, max, slope)),
        1 => any::<bool>().prop_map(Step::Quiet),
        3 => (0..TOYS).prop_map(Step::Up),
        1 => (0..TOYS).prop_map(Step::Down),
        20 => (0usize..6, finish, any::<bool>()).prop_map(|(n, how, took)| Step::Finish(n, how, took)),
        10 => (1u64..6_000).prop_map(Step::Advance),
        1 => any::<bool>().prop_map(Step::Broker),
        1 => any::<bool>().prop_map(Step::HomeAssistant),
        1 => Just(Step::Suspended),
    ]
}

/// What the engine sends to, and what it must keep to.
struct World {
    engine: Engine,
    now: u64,
    tickets: u64,
    /// Operations sent and not ended, in order; and whether their route has gone since.
    flying: Vec<(Op, bool)>,
    /// What each toy really does: steps of its intensities.
    levels: BTreeMap<ToyId, Vec<i32>>,
    limits: BTreeMap<ToyId, Level>,
    /// Toys stopped since anybody last asked for a level.
    silenced: BTreeSet<ToyId>,
    up: BTreeSet<ToyId>,
    outcomes: HashMap<(Ticket, Option<ToyId>), usize>,
    asked: Vec<(Ticket, Target)>,
    halted: bool,
}

impl World {
    fn new(plays: bool) -> Self {
        let mut world = Self {
            engine: Engine::new(Settings::default(), &Memory::default(), false),
            now: 1,
            tickets: 0,
            flying: Vec::new(),
            levels: BTreeMap::new(),
            limits: BTreeMap::new(),
            silenced: BTreeSet::new(),
            up: BTreeSet::new(),
            outcomes: HashMap::new(),
            asked: Vec::new(),
            halted: false,
        };
        for toy in 0..TOYS {
            world.up(toy, plays);
        }
        world
    }

    fn id(toy: usize) -> ToyId {
        ToyId::of(&hardware(toy))
    }

    fn route(toy: usize) -> RouteId {
        RouteId {
            backend: BackendId::new("test"),
            hardware: hardware(toy),
        }
    }

    fn up(&mut self, toy: usize, plays: bool) {
        self.up.insert(Self::id(toy));
        self.input(Input::RouteUp {
            route: Self::route(toy),
            description: ToyDescription {
                hardware: hardware(toy),
                manufacturer: String::new(),
                model: String::new(),
                nickname: None,
                firmware: None,
                outputs: outputs(toy),
                inputs: BTreeSet::new(),
            },
            capabilities: Capabilities {
                pace: Duration::from_millis(25),
                bound: Bound::Lease(Duration::from_secs(5)),
                plays: plays && toy == 1,
            },
        });
    }

    fn ask(&mut self, target: Target, action: Action) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.asked.push((ticket, target.clone()));
        match (&action, &target) {
            (Action::Set(_) | Action::Identify, Target::Toy(id)) => {
                self.silenced.remove(id);
            }
            (Action::Set(_), _) => self.silenced.clear(),
            (Action::Stop, Target::Toy(id)) => {
                self.silenced.insert(*id);
            }
            (Action::Stop, _) => self.silenced.extend((0..TOYS).map(Self::id)),
            _ => {}
        }
        self.input(Input::Request {
            ticket,
            target,
            action,
        });
    }

    fn input(&mut self, input: Input) {
        let effects = self.engine.handle(Instant::from_millis(self.now), input);
        for effect in effects {
            match effect {
                Effect::Send(op) => self.sent(op),
                Effect::Outcome(outcome) => {
                    *self
                        .outcomes
                        .entry((outcome.ticket, outcome.toy))
                        .or_default() += 1;
                }
                Effect::Event(crate::domain::BridgeEvent::SafetyStop(id, _)) => {
                    self.silenced.insert(id);
                }
                Effect::Halted => self.halted = true,
                _ => {}
            }
        }
    }

    fn sent(&mut self, op: Op) {
        let id = ToyId::of(&op.route.hardware);
        let is_stop = |op: &Op| op.command == Command::Stop;
        let others = self.flying.iter();
        let others = others.filter(|(other, stray)| other.route == op.route && !stray);
        let others: Vec<_> = others.collect();
        assert!(self.up.contains(&id), "sent to an absent toy");
        if is_stop(&op) {
            assert!(others.len() < 2, "too many under way: {others:?}");
        } else {
            assert!(others.is_empty(), "{op:?} beside {others:?}");
            assert!(!self.engine.quiet(), "driven while quiet");
        }
        let limit = self.limits.get(&id).copied().unwrap_or(Level::FULL);
        match &op.command {
            Command::Drive(settings) => {
                let outputs = self.outputs(id);
                for setting in settings {
                    let output = outputs.iter().find(|o| o.key == setting.key).unwrap();
                    if output.class() == Class::Intensity {
                        let most = limit.floor_step(output.steps);
                        assert!(setting.step.abs() <= most, "{setting:?} above {limit}");
                        let silent = setting.step == 0 || !self.silenced.contains(&id);
                        assert!(silent, "{setting:?} after a stop");
                    }
                }
                assert!(
                    op.lease
                        .is_some_and(|lease| lease >= Duration::from_secs(1))
                );
            }
            Command::Play(_) => {
                assert!(!self.silenced.contains(&id), "plays after a stop");
                assert_eq!(limit, Level::FULL);
            }
            Command::Stop => {}
        }
        self.flying.push((op, false));
    }

    fn outputs(&self, id: ToyId) -> Vec<Output> {
        (0..TOYS)
            .find(|toy| Self::id(*toy) == id)
            .map(outputs)
            .unwrap()
    }

    /// The toy really does it.
    fn carry_out(&mut self, op: &Op) {
        let id = ToyId::of(&op.route.hardware);
        let outputs = self.outputs(id);
        let levels = outputs.iter().map(|output| match &op.command {
            Command::Drive(settings) if output.class() == Class::Intensity => settings
                .iter()
                .find(|setting| setting.key == output.key)
                .map_or(0, |setting| setting.step),
            Command::Play(_) => 20,
            _ => 0,
        });
        let levels = levels.collect();
        self.levels.insert(id, levels);
    }

    fn finish(&mut self, index: usize, how: Finish, took_place: bool) {
        if self.flying.is_empty() {
            return;
        }
        let (op, stray) = self.flying.remove(index % self.flying.len());
        let id = ToyId::of(&op.route.hardware);
        let result = match how {
            Finish::Done => Ok(()),
            Finish::Refused => Err(OpError::Refused("no".into())),
            Finish::Offline => Err(OpError::Offline("gone".into())),
            Finish::Timeout => Err(OpError::Timeout(Duration::from_secs(3))),
        };
        if result.is_ok() || (matches!(how, Finish::Timeout) && took_place) {
            self.carry_out(&op);
        }
        if matches!(how, Finish::Offline) && !stray {
            self.lost(id);
        }
        self.input(Input::OpDone { op: op.id, result });
    }

    fn down(&mut self, toy: usize) {
        self.lost(Self::id(toy));
        let route = Self::route(toy);
        let reason = "gone".to_owned();
        self.input(Input::RouteDown { route, reason });
    }

    /// A toy that is gone stops at the end of its lease. What was sent to it may still arrive.
    fn lost(&mut self, id: ToyId) {
        self.up.remove(&id);
        self.silenced.insert(id);
        for (op, stray) in &mut self.flying {
            *stray |= ToyId::of(&op.route.hardware) == id;
        }
        self.levels.remove(&id);
    }

    fn advance(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(deadline) = self.engine.next_deadline() {
            let at = deadline.since_start().as_micros().div_ceil(1_000) as u64;
            if at > end {
                break;
            }
            let before = self.now;
            self.now = at.max(self.now);
            self.input(Input::Tick);
            let next = self.engine.next_deadline();
            let stuck = next == Some(deadline) && self.now == before;
            assert!(!stuck, "a deadline that does not pass: {deadline:?}");
        }
        self.now = end;
    }

    fn step(&mut self, step: Step, plays: bool) {
        match step {
            Step::Set(toy, command) => {
                self.ask(Target::Toy(Self::id(toy)), Action::Set(command));
            }
            Step::SetAll(command) => self.ask(Target::All, Action::Set(command)),
            Step::Stop(toy) => self.ask(Target::Toy(Self::id(toy)), Action::Stop),
            Step::StopAll => self.ask(Target::All, Action::Stop),
            Step::Identify(toy) => self.ask(Target::Toy(Self::id(toy)), Action::Identify),
            Step::Limit(toy, max, slope) => {
                let max = Level::from_permille(max);
                self.limits.insert(Self::id(toy), max);
                let limits = Limits {
                    max,
                    outputs: BTreeMap::new(),
                    slope,
                };
                self.ask(Target::Toy(Self::id(toy)), Action::Limit(limits));
            }
            Step::Quiet(on) => {
                if on {
                    self.silenced.extend((0..TOYS).map(Self::id));
                }
                self.input(Input::Quiet(on));
            }
            Step::Up(toy) => self.up(toy, plays),
            Step::Down(toy) => self.down(toy),
            Step::Finish(index, how, took_place) => self.finish(index, how, took_place),
            Step::Advance(millis) => self.advance(millis),
            Step::Broker(present) => self.input(Input::Broker(present)),
            Step::HomeAssistant(present) => self.input(Input::HomeAssistant(present)),
            Step::Suspended => self.input(Input::Suspended),
        }
    }

    /// Everything works from now on, until nothing is under way.
    fn settle(&mut self) {
        for _ in 0..200 {
            while !self.flying.is_empty() {
                self.finish(0, Finish::Done, true);
            }
            self.advance(25);
        }
        // A guard may have run out just now.
        while !self.flying.is_empty() {
            self.finish(0, Finish::Done, true);
        }
    }

    fn check_settled(&self) {
        for (ticket, target) in &self.asked {
            let answers = self.outcomes.iter().filter(|((t, _), _)| t == ticket);
            let answers: Vec<_> = answers.collect();
            assert!(!answers.is_empty(), "{ticket:?} has no outcome");
            if let Target::Toy(_) = target {
                assert_eq!(answers.len(), 1, "{answers:?}");
            }
            for (which, count) in answers {
                assert_eq!(*count, 1, "outcomes of {which:?}");
            }
        }
        for toy in 0..TOYS {
            let id = Self::id(toy);
            let levels = self.levels.get(&id).cloned().unwrap_or_default();
            let still = levels.iter().all(|step| *step == 0);
            if self.silenced.contains(&id) && self.up.contains(&id) {
                assert!(still, "{id} runs at {levels:?} though it was stopped");
            }
            let view = self.engine.toy(id).unwrap();
            if view.effect.is_some() || !view.available {
                continue;
            }
            let limit = self.limits.get(&id).copied().unwrap_or(Level::FULL);
            for (index, output) in outputs(toy).iter().enumerate() {
                if output.class() != Class::Intensity {
                    continue;
                }
                let most = limit.floor_step(output.steps);
                let shown = view.levels[&output.key].limited_to(limit);
                let wanted = shown.to_step(output.steps).clamp(-most, most);
                let real = levels.get(index).copied().unwrap_or(0);
                assert_eq!(real, wanted, "{} of {id}", output.key);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_guarantees_hold(steps in prop::collection::vec(any_step(), 1..80), plays: bool) {
        let mut world = World::new(plays);
        for step in steps {
            world.step(step, plays);
        }
        // Ramps and pulses end; slow slopes get where they are going.
        for toy in 0..TOYS {
            world.step(Step::Limit(toy, 1_000, None), plays);
        }
        world.settle();
        world.advance(0);
        world.settle();
        world.settle();
        world.settle();
        world.check_settled();
    }

    #[test]
    fn a_shutdown_always_ends_with_everything_off(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut world = World::new(false);
        for step in steps {
            world.step(step, false);
        }
        world.silenced.extend((0..TOYS).map(World::id));
        world.input(Input::Shutdown);
        world.settle();
        prop_assert!(world.halted);
        for (id, levels) in world.levels.iter().filter(|(id, _)| world.up.contains(id)) {
            prop_assert!(levels.iter().all(|step| *step == 0), "{id} runs at {levels:?}");
        }
    }
}
