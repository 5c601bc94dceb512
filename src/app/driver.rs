//! The driver: the only select loop, and the only place where the engine meets the world.
//!
//! It waits for whatever comes first, hands it to the engine with the time, and carries out the
//! effects in order. It decides nothing about toys. What may block (a backend, the disk) runs in a
//! task of its own and comes back as an event.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tracing::{debug, info, warn};

use crate::backend::Report;
use crate::domain::{
    BackendId, BackendState, BridgeEvent, Command, Op, OpError, OpId, Outcome, RouteId, ToyId,
};
use crate::engine::{Effect, Engine, Input};
use crate::mqtt::{Checker, Event as MqttEvent, Message, Verdict};
use crate::web::desk::{Call, Urgent};

use super::backends::Backends;
use super::barrier::Barrier;
use super::clock::Clock;
use super::company::Company;
use super::emergency::Emergency;
use super::first_run::Proposal;
use super::gate::Gate;
use super::health::Health;
use super::ops::Ops;
use super::outlet::Outlet;
use super::panel::Panel;
use super::saver::Saver;
use super::service::Service;
use super::tickets::{Asked, Reply, Tickets};

/// How often to look at what changes slowly: the clock, the run marker, old tickets.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// How long a shutdown waits for toys to confirm that they have stopped.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

pub use super::sources::{Ended, Sources};

/// The driver's state. Its methods are spread over `inbox` (messages), `admin` (requests to the
/// bridge) and this file.
pub struct Driver {
    pub(super) clock: Clock,
    pub(super) engine: Engine,
    pub(super) backends: Backends,
    pub(super) outlet: Outlet,
    pub(super) saver: Saver,
    pub(super) tickets: Tickets,
    pub(super) barrier: Barrier,
    pub(super) company: Company,
    pub(super) gate: Gate,
    pub(super) checker: Checker,
    pub(super) health: Health,
    pub(super) ops: Ops,
    pub(super) emergency: Emergency,
    /// `None` while the panel is off.
    pub(super) panel: Option<Panel>,
    pub(super) restart: bool,
    /// What was found while nothing is set up.
    pub(super) proposals: Vec<Proposal>,
    service: Service,
    /// Answers that are given when what they tell of has been saved.
    kept: Vec<(Outcome, Asked, Duration)>,
    ending: bool,
    halted: bool,
    pub(super) inbox: super::inbox::Settings,
    pub(super) admin: super::admin::Settings,
}

/// What woke the driver.
enum Wake {
    Shutdown,
    Stop(Message),
    Urgent(Urgent),
    Op(OpId, Result<(), OpError>),
    Report(BackendId, Report),
    Call(Call),
    Mqtt(MqttEvent),
    Verdict(Verdict),
    Timer,
    Housekeeping,
    Proposals(Vec<Proposal>),
}

impl Driver {
    /// Puts the parts together. Nothing happens before [`Self::run`].
    #[must_use]
    pub fn new(
        engine: Engine,
        backends: Backends,
        outlet: Outlet,
        saver: Saver,
        emergency: Emergency,
        inbox: super::inbox::Settings,
        admin: super::admin::Settings,
    ) -> Self {
        Self {
            clock: Clock::start(),
            engine,
            backends,
            outlet,
            saver,
            tickets: Tickets::default(),
            barrier: Barrier::default(),
            company: Company::new(
                inbox.instance.clone(),
                &inbox.process,
                &inbox.topics,
                inbox.data_dir.clone(),
            ),
            gate: Gate::default(),
            checker: inbox.checker.clone(),
            health: Health::default(),
            ops: Ops::default(),
            emergency,
            panel: None,
            restart: false,
            proposals: Vec::new(),
            service: Service::default(),
            kept: Vec::new(),
            ending: false,
            halted: false,
            inbox,
            admin,
        }
    }

    /// Leaves nothing of these toys behind: they turned out to be others. Only for toys that were known:
    /// Home Assistant warns about the removal of any other.
    #[must_use]
    pub fn without(mut self, toys: &[ToyId]) -> Self {
        for toy in toys {
            self.outlet.toy_forgotten(*toy);
            self.saver.memory_changed();
        }
        self
    }

    /// Tells this service manager how it is.
    #[must_use]
    pub fn told_to(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// Shows everything to this panel, too.
    #[must_use]
    pub fn show_to(mut self, panel: Option<Panel>) -> Self {
        self.panel = panel;
        self
    }

    /// Runs until told to end, and until every toy has stopped, or long enough has been waited.
    pub async fn run(mut self, mut sources: Sources) -> (Ended, Outlet) {
        let mut housekeeping = housekeeping();
        self.begin();
        self.service.ready();
        while !sources.shutdown.is_cancelled() && !self.restart {
            let wake = self.next(&mut sources, &mut housekeeping).await;
            self.handle(wake).await;
        }
        let ended = if self.restart {
            Ended::Restart
        } else {
            Ended::Shutdown
        };
        // Whoever hears of an end waits for it, and kills what goes on.
        if ended == Ended::Shutdown {
            self.service.stopping();
        }
        self.end(&mut sources, &mut housekeeping).await;
        (ended, self.outlet)
    }

    fn begin(&mut self) {
        for id in self.engine.toys().collect::<Vec<_>>() {
            self.outlet.toy_changed(id);
        }
        self.outlet.bridge_changed();
        self.flush();
    }

    /// Waits for whatever comes first; of several that are ready, for the most urgent.
    async fn next(&mut self, sources: &mut Sources, housekeeping: &mut Interval) -> Wake {
        let deadline = [
            self.engine.next_deadline(),
            self.outlet.next_deadline(),
            self.company.next_deadline(),
            self.gate.next_deadline(),
        ];
        let deadline = deadline.into_iter().flatten().min();
        let timer = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(self.clock.to_timer(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = sources.shutdown.cancelled(), if !self.ending => Wake::Shutdown,
            Some(message) = sources.stops.recv() => Wake::Stop(message),
            Some(urgent) = sources.desk.urgent.recv() => Wake::Urgent(urgent),
            (op, result) = self.ops.next() => Wake::Op(op, result),
            Some((backend, report)) = sources.reports.recv() => Wake::Report(backend, report),
            _ = housekeeping.tick() => Wake::Housekeeping,
            () = timer => Wake::Timer,
            Some(call) = sources.desk.calls.recv() => Wake::Call(call),
            Some(verdict) = sources.verdicts.recv() => Wake::Verdict(verdict),
            // In order: what comes after a command that waits waits, too.
            Some(event) = sources.mqtt.recv(), if !self.gate.is_holding() => Wake::Mqtt(event),
            Some(proposals) = sources.proposals.recv() => Wake::Proposals(proposals),
        }
    }

    async fn handle(&mut self, wake: Wake) {
        match wake {
            Wake::Shutdown => {}
            Wake::Stop(message) => self.message(&message, true),
            Wake::Urgent(urgent) => self.urgent(urgent),
            Wake::Call(call) => self.call(call),
            Wake::Op(op, result) => {
                self.health.op(&result);
                self.input(Input::OpDone { op, result });
            }
            Wake::Report(backend, report) => self.report(backend, report),
            Wake::Mqtt(event) => self.mqtt(event),
            Wake::Verdict(verdict) => self.verdict(&verdict),
            Wake::Timer => {
                self.input(Input::Tick);
                self.look_around();
                self.look_at_gate();
            }
            Wake::Housekeeping => self.housekeep().await,
            Wake::Proposals(proposals) => {
                self.proposals = proposals;
                self.outlet.bridge_changed();
            }
        }
        let now = self.clock.now();
        self.saver.save_urgent(now, &self.engine).await;
        for (outcome, asked, latency) in std::mem::take(&mut self.kept) {
            self.answer(&outcome, &asked, latency);
        }
        self.flush();
    }

    /// Hands the engine an input and does what it says.
    pub(super) fn input(&mut self, input: Input) {
        let now = self.clock.now();
        for effect in self.engine.handle(now, input) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send(op) => self.send(op),
            Effect::Outcome(outcome) => self.outcome(outcome),
            Effect::Changed(toy) => {
                self.outlet.toy_changed(toy);
                self.with_panel(|panel| panel.toy_changed(toy));
            }
            Effect::Forgotten(toy) => {
                self.outlet.toy_forgotten(toy);
                self.with_panel(|panel| panel.toy_forgotten(toy));
            }
            Effect::Gesture(toy, gesture) => {
                self.outlet.gesture(toy, gesture);
                self.with_panel(|panel| panel.gesture(toy, gesture));
            }
            Effect::Event(event) => self.event(&event),
            Effect::StopAll(backend) => {
                if let Some(backend) = self.backends.get(&backend) {
                    self.ops.stop_all(Arc::clone(backend));
                }
            }
            Effect::Check(RouteId { backend, .. }) => self.backends.refresh(&backend),
            Effect::Save => {
                self.saver.memory_changed();
                self.outlet.bridge_changed();
            }
            Effect::Halted => self.halted = true,
        }
    }

    fn send(&mut self, op: Op) {
        self.with_panel(|panel| panel.sent(&op));
        if !matches!(op.command, Command::Stop) {
            if let Some(toy) = self.engine.toy_of_op(op.id) {
                self.saver.mark_driven(toy);
            }
            self.emergency.note(&op);
        }
        match self.backends.get(&op.route.backend) {
            Some(backend) => self.ops.start(op, Arc::clone(backend)),
            None => debug!(backend = %op.route.backend, "operation for an unknown backend"),
        }
    }

    fn outcome(&mut self, outcome: Outcome) {
        let now = self.clock.now();
        match &outcome.result {
            Ok(_) => {}
            Err(rejection) => self.health.rejected(rejection.code),
        }
        let Some(asked) = self.tickets.answer(outcome.ticket) else {
            return;
        };
        let latency = now - asked.at;
        if outcome.result.is_ok() {
            self.health.accepted(latency);
        }
        // A name or a limit that was asked for of the bridge is kept before anybody hears of it. A
        // slider's limits may come too fast for that.
        let to_bridge = matches!(
            asked.question.reply,
            Reply::PanelRequest(_) | Reply::Response { .. }
        );
        if to_bridge && outcome.result.is_ok() && self.saver.has_changes() {
            self.saver.memory_changed_urgently();
            self.kept.push((outcome, asked, latency));
        } else {
            self.answer(&outcome, &asked, latency);
        }
    }

    /// Tells whoever asked.
    fn answer(&mut self, outcome: &Outcome, asked: &Asked, latency: Duration) {
        self.tell_panel(outcome, asked, latency);
        match &asked.question.reply {
            Reply::Panel(_) | Reply::PanelRequest(_) => {}
            Reply::Result => self.outlet.result(outcome, asked, latency),
            Reply::Response { verb, transaction } => {
                let answer = outcome.result.clone().map(|_| serde_json::json!({}));
                self.outlet.response(verb, transaction.as_deref(), &answer);
            }
        }
    }

    fn event(&mut self, event: &BridgeEvent) {
        match event {
            BridgeEvent::SafetyStop(_, reason) => {
                warn!(reason = reason.as_str(), "stopped a toy for safety");
            }
            other => debug!(?other, "event"),
        }
        self.outlet.event(event);
        self.with_panel(|panel| panel.event(event));
        self.outlet.bridge_changed();
    }

    fn report(&mut self, backend: BackendId, report: Report) {
        match report {
            Report::State(state) => self.backend_state(&backend, state),
            Report::Up(description, capabilities) => {
                let route = RouteId {
                    backend,
                    hardware: description.hardware.clone(),
                };
                self.with_panel(|panel| panel.found(&route));
                self.input(Input::RouteUp {
                    route,
                    description,
                    capabilities,
                });
            }
            Report::Down(hardware, reason) => {
                let route = RouteId { backend, hardware };
                self.with_panel(|panel| panel.lost(&route, &reason));
                self.input(Input::RouteDown { route, reason });
            }
            Report::Missed(hardware, missed) => {
                let route = RouteId { backend, hardware };
                self.input(Input::Missed { route, missed });
            }
            Report::Told(hardware, input) => {
                let route = RouteId { backend, hardware };
                self.input(Input::Told { route, input });
            }
            Report::Alike(sets) => self.input(Input::Alike { backend, sets }),
            Report::Problems(all) => self.backends.set_problems(&backend, all),
            Report::SearchEnded => self.search_ended(&backend),
        }
    }

    fn backend_state(&mut self, backend: &BackendId, state: BackendState) {
        let now = self.clock.now();
        if let Some(event) = self.backends.set_state(backend, state, now) {
            self.event(&event);
        }
        self.outlet.bridge_changed();
    }

    async fn housekeep(&mut self) {
        self.service.alive();
        let now = self.clock.now();
        if self.clock.was_suspended() {
            warn!("the machine was suspended: stopping all running toys");
            self.input(Input::Suspended);
        }
        self.tickets.expire(now);
        if self.barrier.look(now) {
            self.denied(&self.inbox.topics.barrier());
        }
        self.look_at_scan();
        self.ask_broker();
        self.saver.look().await;
        if self.saver.is_marked() {
            let may_run = self.engine.may_run();
            if may_run.is_empty() {
                self.emergency.all_clear();
            }
            self.saver.mark_running(may_run);
        }
        self.look_at_problems(now);
        self.outlet.health(now, &self.health);
    }

    /// Publishes and saves whatever has changed.
    fn flush(&mut self) {
        let now = self.clock.now();
        self.saver.flush(now, &self.engine);
        let bridge = self.outlet.flush(now, &self.engine, &self.backends);
        self.show_panel(bridge);
    }

    /// Stops all toys and waits until they have, or for long enough.
    async fn end(&mut self, sources: &mut Sources, housekeeping: &mut Interval) {
        info!("ending: stopping all running toys");
        self.ending = true;
        self.input(Input::Shutdown);
        self.flush();
        let stopping = async {
            while !self.halted {
                let wake = self.next(sources, housekeeping).await;
                self.handle(wake).await;
            }
        };
        if tokio::time::timeout(SHUTDOWN_PATIENCE, stopping)
            .await
            .is_err()
        {
            warn!("a toy did not confirm its stop in time; its lease ends it");
        }
        self.saver.mark_running(self.engine.may_run());
        self.outlet.all_offline(&self.engine);
        self.saver.finish(&self.engine).await;
    }
}

fn housekeeping() -> Interval {
    let mut interval = tokio::time::interval(HOUSEKEEPING);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
