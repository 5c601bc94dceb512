//! A made-up world around the engine, which holds it to its guarantees.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{Finish, Step, TOYS, WAYS, hardware, outputs};
use crate::domain::{
    Action, BackendId, Bound, Capabilities, Class, Command, Instant, Level, Limits, Op, OpError,
    Outcome, Output, Rejection, RouteId, Target, Ticket, ToyDescription, ToyId,
};
use crate::engine::{Effect, Engine, Input, LeftRunning, Memory, Settings};

/// What the engine sends to, and what it must keep to.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: u64,
    pub(super) tickets: u64,
    /// Operations sent and not ended, in order; and whether their route has gone since.
    pub(super) flying: Vec<(Op, bool)>,
    /// What each toy really does: steps of its intensities.
    pub(super) levels: BTreeMap<ToyId, Vec<i32>>,
    pub(super) limits: BTreeMap<ToyId, Level>,
    /// Toys stopped since anybody last asked for a level.
    pub(super) silenced: BTreeSet<ToyId>,
    /// Outputs that the wearer has set since the toy was last told anything.
    pub(super) by_hand: BTreeSet<(ToyId, usize)>,
    /// The most that an output may be sent: what the wearer has turned it down to since anything was
    /// last asked of the toy, in steps.
    pub(super) ceilings: BTreeMap<(ToyId, usize), i32>,
    /// The lowest limit since anything was last asked of the toy.
    pub(super) lowest: BTreeMap<ToyId, Level>,
    /// Toys that were stopped refuse levels until then.
    pub(super) held: BTreeMap<ToyId, u64>,
    /// Steps that were sent, and when.
    pub(super) told: Vec<(ToyId, usize, i32, u64)>,
    /// What the data folder says of toys that may be running.
    pub(super) marker: BTreeSet<ToyId>,
    /// The toys report what the bridge sets, too.
    pub(super) echoes: bool,
    pub(super) settings: Settings,
    pub(super) up: BTreeSet<RouteId>,
    pub(super) outcomes: HashMap<(Ticket, Option<ToyId>), usize>,
    pub(super) asked: Vec<(Ticket, Target)>,
    pub(super) halted: bool,
}

impl World {
    pub(super) fn new(plays: bool, echoes: bool) -> Self {
        let mut settings = Settings::default();
        settings.routes.default = WAYS.into();
        let engine = Engine::new(settings.clone(), &Memory::default(), LeftRunning::default());
        let mut world = Self {
            engine,
            now: 1,
            tickets: 0,
            flying: Vec::new(),
            levels: BTreeMap::new(),
            limits: BTreeMap::new(),
            silenced: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            ceilings: BTreeMap::new(),
            lowest: BTreeMap::new(),
            held: BTreeMap::new(),
            told: Vec::new(),
            marker: BTreeSet::new(),
            echoes,
            settings,
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

    pub(super) fn route(toy: usize, way: usize) -> RouteId {
        RouteId {
            backend: BackendId::new(WAYS[way]),
            hardware: hardware(toy),
        }
    }

    /// Whether the toy can be reached at all.
    pub(super) fn is_up(&self, id: ToyId) -> bool {
        self.up.iter().any(|route| ToyId::of(&route.hardware) == id)
    }

    pub(super) fn up(&mut self, toy: usize, way: usize, plays: bool) {
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
                travel: None,
            },
        });
    }

    fn ask(&mut self, target: Target, action: Action) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.asked.push((ticket, target.clone()));
        let toys: Vec<ToyId> = match &target {
            Target::Toy(id) => vec![*id],
            _ => (0..TOYS).map(Self::id).collect(),
        };
        match &action {
            Action::Set(_) | Action::Identify => {
                for id in &toys {
                    self.asked_of(*id);
                }
            }
            Action::Stop => {
                let until = self.now + self.settings.stop_hold.as_millis() as u64;
                self.silenced.extend(&toys);
                self.held.extend(toys.iter().map(|id| (*id, until)));
            }
            _ => {}
        }
        self.input(Input::Request {
            ticket,
            target,
            action,
        });
    }

    /// A level was asked for, so it may run from now on, unless it was stopped just now.
    fn asked_of(&mut self, id: ToyId) {
        if self.held.get(&id).is_some_and(|until| self.now < *until) {
            return;
        }
        self.silenced.remove(&id);
        self.ceilings.retain(|(toy, _), _| *toy != id);
        let limit = self.limits.get(&id).copied().unwrap_or(Level::FULL);
        self.lowest.insert(id, limit);
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
                    self.hold_on(&outcome);
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

    /// What is refused because of a stop prolongs it.
    fn hold_on(&mut self, outcome: &Outcome) {
        // Others were overtaken by a stop.
        let refused = |rejection: &Rejection| rejection.message.contains("send nothing");
        if let (Some(toy), Err(rejection)) = (outcome.toy, &outcome.result)
            && refused(rejection)
            && let Some(until) = self.held.get_mut(&toy)
            && self.now < *until
        {
            *until = self.now + self.settings.stop_hold.as_millis() as u64;
        }
    }

    fn sent(&mut self, op: Op) {
        let id = ToyId::of(&op.route.hardware);
        let steps = self.steps(&op);
        for (index, step) in steps.iter().enumerate() {
            self.told.push((id, index, step.abs(), self.now));
        }
        if op.command != Command::Stop {
            self.marker.insert(id);
        }
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
                let limit = self
                    .lowest
                    .get(&id)
                    .map_or(limit, |lowest| limit.min(*lowest));
                for setting in settings {
                    let index = outputs.iter().position(|o| o.key == setting.key).unwrap();
                    let output = &outputs[index];
                    let ceiling = self.ceilings.get(&(id, index)).copied().unwrap_or(i32::MAX);
                    assert!(
                        setting.step.abs() <= ceiling,
                        "{setting:?} above the wearer's {ceiling}"
                    );
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

    pub(super) fn outputs(&self, id: ToyId) -> Vec<Output> {
        (0..TOYS)
            .find(|toy| Self::id(*toy) == id)
            .map(outputs)
            .unwrap()
    }

    /// What an operation makes of each output that is an intensity.
    pub(super) fn steps(&self, op: &Op) -> Vec<i32> {
        let outputs = self.outputs(ToyId::of(&op.route.hardware));
        let steps = outputs.iter().map(|output| match &op.command {
            Command::Drive(settings) if output.class() == Class::Intensity => settings
                .iter()
                .find(|setting| setting.key == output.key)
                .map_or(0, |setting| setting.step),
            Command::Play(_) => 20,
            _ => 0,
        });
        steps.collect()
    }

    /// The toy really does it.
    fn carry_out(&mut self, op: &Op) {
        let id = ToyId::of(&op.route.hardware);
        let levels = self.steps(op);
        let before = self.levels.insert(id, levels.clone()).unwrap_or_default();
        self.by_hand.retain(|(toy, _)| *toy != id);
        if self.echoes && self.up.contains(&op.route) {
            for (index, step) in levels.iter().enumerate() {
                if before.get(index) != Some(step) {
                    self.report(&op.route, index, *step);
                }
            }
        }
    }

    /// The outputs of a toy that run, and not by hand.
    pub(super) fn driven(&self, toy: usize) -> Vec<usize> {
        let id = Self::id(toy);
        let levels = self.levels.get(&id).into_iter().flatten().enumerate();
        let driven =
            levels.filter(|(index, step)| **step != 0 && !self.by_hand.contains(&(id, *index)));
        driven.map(|(index, _)| index).collect()
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

    /// A toy that is gone runs on, for all that is known.
    fn lost(&mut self, route: &RouteId) {
        self.up.remove(route);
    }

    /// The route in use is not used any more. What was sent over it may still arrive.
    fn left(&mut self, id: ToyId) {
        self.silenced.insert(id);
        for (op, stray) in &mut self.flying {
            *stray |= ToyId::of(&op.route.hardware) == id;
        }
    }

    pub(super) fn advance(&mut self, millis: u64) {
        self.marker = self.engine.may_run();
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
                let lowest = self.lowest.entry(Self::id(toy)).or_insert(max);
                *lowest = max.min(*lowest);
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
            Step::Hand(toy, output, step) => self.hand(toy, output, step),
            Step::Restart(took_place) => self.restart(took_place, plays),
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
            let driven = self.driven(toy);
            if self.silenced.contains(&id) && self.is_up(id) {
                assert!(
                    driven.is_empty(),
                    "{id} runs at {levels:?} though it was stopped"
                );
            }
            let view = self.engine.toy(id).unwrap();
            if view.effect.is_some() || !view.available {
                continue;
            }
            for (index, output) in outputs(toy).iter().enumerate() {
                let shown = view.levels.get(&output.key);
                if let (Class::Intensity, Some(shown)) = (output.class(), shown) {
                    let real = levels.get(index).copied().unwrap_or(0);
                    assert_eq!(real, shown.to_step(output.steps), "{} of {id}", output.key);
                }
            }
        }
    }
}
