//! A made-up world around the engine, which holds it to its guarantees.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{Finish, Step, TOYS, WAYS, hardware, outputs};
use crate::domain::{
    Action, BackendId, Bound, Capabilities, Class, Command, Instant, Level, Limits, Op, OpError,
    Output, RouteId, Target, Ticket, ToyDescription, ToyId,
};
use crate::engine::{Effect, Engine, Input, Memory, Settings};

/// What the engine sends to, and what it must keep to.
pub(super) struct World {
    engine: Engine,
    now: u64,
    tickets: u64,
    /// Operations sent and not ended, in order; and whether their route has gone since.
    flying: Vec<(Op, bool)>,
    /// What each toy really does: steps of its intensities.
    pub(super) levels: BTreeMap<ToyId, Vec<i32>>,
    limits: BTreeMap<ToyId, Level>,
    /// Toys stopped since anybody last asked for a level.
    pub(super) silenced: BTreeSet<ToyId>,
    up: BTreeSet<RouteId>,
    outcomes: HashMap<(Ticket, Option<ToyId>), usize>,
    asked: Vec<(Ticket, Target)>,
    pub(super) halted: bool,
}

impl World {
    pub(super) fn new(plays: bool) -> Self {
        let mut settings = Settings::default();
        settings.routes.default = WAYS.into();
        let mut world = Self {
            engine: Engine::new(settings, &Memory::default(), false),
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
            world.up(toy, WAYS.len() - 1, plays);
        }
        world
    }

    pub(super) fn id(toy: usize) -> ToyId {
        ToyId::of(&hardware(toy))
    }

    fn route(toy: usize, way: usize) -> RouteId {
        RouteId {
            backend: BackendId::new(WAYS[way]),
            hardware: hardware(toy),
        }
    }

    /// Whether the toy can be reached at all.
    pub(super) fn is_up(&self, id: ToyId) -> bool {
        self.up.iter().any(|route| ToyId::of(&route.hardware) == id)
    }

    fn up(&mut self, toy: usize, way: usize, plays: bool) {
        let route = Self::route(toy, way);
        self.up.insert(route.clone());
        self.input(Input::RouteUp {
            route,
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

    pub(super) fn input(&mut self, input: Input) {
        let routes = |engine: &Engine| -> Vec<_> {
            let route = |toy| engine.toy(Self::id(toy)).and_then(|view| view.route);
            (0..TOYS).map(route).collect()
        };
        let before = routes(&self.engine);
        let effects = self.engine.handle(Instant::from_millis(self.now), input);
        for (toy, (before, after)) in before.iter().zip(routes(&self.engine)).enumerate() {
            // Whoever asked for a level did not ask for it to go on after a break.
            if before.is_some() && *before != after {
                self.left(Self::id(toy));
            }
        }
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
        let others =
            others.filter(|(other, stray)| ToyId::of(&other.route.hardware) == id && !stray);
        let others: Vec<_> = others.collect();
        assert!(self.up.contains(&op.route), "sent to an absent toy");
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
            self.lost(&op.route);
        }
        self.input(Input::OpDone { op: op.id, result });
    }

    fn down(&mut self, toy: usize, way: usize) {
        let route = Self::route(toy, way);
        self.lost(&route);
        let reason = "gone".to_owned();
        self.input(Input::RouteDown { route, reason });
    }

    /// A toy that is gone stops at the end of its lease.
    fn lost(&mut self, route: &RouteId) {
        self.up.remove(route);
        let id = ToyId::of(&route.hardware);
        if !self.is_up(id) {
            self.levels.remove(&id);
        }
    }

    /// The route in use is not used any more. What was sent over it may still arrive.
    fn left(&mut self, id: ToyId) {
        self.silenced.insert(id);
        for (op, stray) in &mut self.flying {
            *stray |= ToyId::of(&op.route.hardware) == id;
        }
    }

    pub(super) fn advance(&mut self, millis: u64) {
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

    pub(super) fn step(&mut self, step: Step, plays: bool) {
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
            Step::Up(toy, way) => self.up(toy, way, plays),
            Step::Down(toy, way) => self.down(toy, way),
            Step::Finish(index, how, took_place) => self.finish(index, how, took_place),
            Step::Advance(millis) => self.advance(millis),
            Step::Broker(present) => self.input(Input::Broker(present)),
            Step::HomeAssistant(present) => self.input(Input::HomeAssistant(present)),
            Step::Suspended => self.input(Input::Suspended),
        }
    }

    /// Everything works from now on, until nothing is under way.
    pub(super) fn settle(&mut self) {
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

    pub(super) fn check_settled(&self) {
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
            if self.silenced.contains(&id) && self.is_up(id) {
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
