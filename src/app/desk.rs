//! What requests over the panel mean for the driver: the same as messages from the broker.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::info;

use crate::domain::{
    Action, BackendId, BackendState, ErrorCode, Limits, Outcome, Rejection, Target, ToyId,
};
use crate::hass::command::{self, Parsed};
use crate::hass::state;
use crate::web::desk::{Answer, Answers, Asker, Call, Command, Question as Ask, Urgent, What};
use crate::web::metrics::{Backend, Figures};

use super::driver::Driver;
use super::first_run::Proposal;
use super::panel::Panel;
use super::tickets::{Asked, Question, Reply};

impl Driver {
    /// Takes what goes before everything else.
    pub(super) fn urgent(&mut self, urgent: Urgent) {
        match urgent {
            // Whoever asks may have gone meanwhile.
            Urgent::Ping(sender) => drop(sender.send(())),
            Urgent::Quiet {
                payload,
                asker,
                answers,
            } => {
                let answer = command::quiet(&payload).inspect(|on| self.switch_quiet(*on));
                if let Some(panel) = &mut self.panel {
                    if let Ok(on) = &answer {
                        let event = json!({"event_type": "quiet", "on": on});
                        panel.happened("request", &asker.label(), None, event);
                    }
                    let answer = answer.map(|on| json!({ "quiet": on }));
                    panel.answer_later(answers, Answer::Done(answer));
                }
            }
            Urgent::Stop {
                targets,
                asker,
                answers,
            } => {
                info!("stop");
                // Before the first: some outcomes come at once, and whoever waits waits for all.
                let outcomes = targets
                    .iter()
                    .map(|to| self.engine.outcomes(to, true))
                    .sum();
                answers.send(Answer::Addressed(outcomes));
                for target in targets {
                    let event = json!({"event_type": "stop"});
                    self.happened("request", &asker.label(), toy_of(&target), event);
                    self.overtake(&target, true);
                    let question = question(&asker, answers.clone(), None, Value::Null);
                    self.put(target.clone(), Action::Stop, question);
                    self.note_stop(&target, "stop", &asker.label());
                }
            }
        }
    }

    /// Takes everything else.
    pub(super) fn call(&mut self, call: Call) {
        match call {
            Call::Command(command) => self.panel_command(command),
            Call::Question(ask) => self.answer_panel(ask),
        }
    }

    fn panel_command(&mut self, command: Command) {
        let Command {
            number,
            asker,
            what,
            answers,
        } = command;
        match what {
            What::Set {
                target,
                attribute,
                payload,
            } => {
                let toy = self.described(&target);
                let parsed = match attribute {
                    None => command::set(toy, &payload),
                    Some(attribute) => command::attribute(toy, &attribute, &payload),
                };
                self.panel_set(&asker, answers, target, parsed, number);
            }
            What::Scan(payload) => {
                // A toy that is found has one connection, which may be the other bridge's.
                let answer =
                    command::switch(&payload).and_then(|on| match self.company.refusal() {
                        Some(refusal) if on => Err(refusal),
                        _ => {
                            self.set_scanning(on);
                            Ok(on)
                        }
                    });
                answers.send(Answer::Done(answer.map(|on| json!({ "scanning": on }))));
            }
            What::Request { verb, toy, payload } => {
                let request = command::request_of(toy, verb, &payload).request;
                let refusal = match toy {
                    Some(toy) if verb == "identify" => self.refusal(&Target::Toy(toy), number),
                    _ => None,
                };
                let question = Question {
                    reply: Reply::PanelRequest(answers.clone()),
                    ..question(&asker, answers.clone(), None, Value::Null)
                };
                let answer = match (request, refusal) {
                    (Err(rejection), _) | (_, Some(rejection)) => Some(Err(rejection)),
                    (Ok(request), None) => {
                        let event = json!({ "event_type": verb });
                        self.happened("request", &asker.label(), toy, event);
                        self.admin(request, question)
                    }
                };
                if let Some(answer) = answer {
                    if let Err(rejection) = &answer {
                        self.health.rejected(rejection.code);
                    }
                    answers.send(Answer::Done(self.spoken(answer)));
                }
            }
        }
    }

    fn panel_set(
        &mut self,
        asker: &Asker,
        answers: Answers,
        target: Target,
        parsed: Parsed,
        number: u64,
    ) {
        let Parsed {
            id,
            requested,
            change,
        } = parsed;
        let change = match self.refusal(&target, number) {
            Some(rejection) => Err(rejection),
            None => change,
        };
        match change {
            Ok(change) => {
                let limits = match &target {
                    Target::Toy(toy) => self.engine.limits(*toy),
                    Target::Group(_) | Target::All => None,
                };
                let action = change.action(limits.unwrap_or(&Limits::default()));
                answers.send(Answer::Addressed(self.engine.outcomes(&target, false)));
                let question = question(asker, answers, id, requested);
                self.put(target, action, question);
            }
            Err(rejection) => {
                self.health.rejected(rejection.code);
                let code = Some(rejection.code);
                let toy = toy_of(&target);
                let result = self.result(&Err(rejection), id.as_deref(), &requested);
                self.note_outcome(toy, &asker.label(), &result);
                answers.send(Answer::Addressed(1));
                // As if there were no toy: it holds for all that were addressed.
                answers.send(Answer::Outcome {
                    toy: None,
                    result,
                    code,
                });
            }
        }
    }

    /// Why nothing may be set over the panel now, if nothing may.
    fn refusal(&self, target: &Target, number: u64) -> Option<Rejection> {
        let panel = self.panel.as_ref()?;
        if panel.is_overtaken(target, number) {
            let message = "it was sent before a stop";
            return Some(Rejection::new(ErrorCode::Stopped, message));
        }
        self.company.refusal()
    }

    fn result(
        &self,
        result: &Result<crate::domain::Accepted, Rejection>,
        id: Option<&str>,
        requested: &Value,
    ) -> Value {
        let privacy = self.outlet.privacy();
        state::result(result, id, requested, Duration::ZERO, privacy)
    }

    /// An answer as it may be read.
    fn spoken(&self, answer: Result<Value, Rejection>) -> Result<Value, Rejection> {
        let privacy = self.outlet.privacy();
        answer.map_err(|rejection| Rejection::new(rejection.code, privacy.text(&rejection.message)))
    }

    /// Tells whoever asked over the panel, and remembers it, whoever asked.
    pub(super) fn tell_panel(&mut self, outcome: &Outcome, asked: &Asked, latency: Duration) {
        let question = &asked.question;
        let by = match &question.reply {
            Reply::Result | Reply::Response { .. } => "mqtt",
            Reply::Panel(_) | Reply::PanelRequest(_) => &question.topic,
        };
        if self.panel.is_none() {
            return;
        }
        let privacy = self.outlet.privacy();
        let id = question.id.as_deref();
        let result = state::result(&outcome.result, id, &question.requested, latency, privacy);
        if !matches!(
            question.reply,
            Reply::PanelRequest(_) | Reply::Response { .. }
        ) {
            self.note_outcome(outcome.toy, by, &result);
        }
        match &question.reply {
            Reply::Result | Reply::Response { .. } => {}
            Reply::Panel(answers) => answers.send(Answer::Outcome {
                toy: outcome.toy,
                result,
                code: outcome.result.as_ref().err().map(|error| error.code),
            }),
            Reply::PanelRequest(answers) => {
                let answer = outcome.result.clone().map(|_| json!({}));
                answers.send(Answer::Done(self.spoken(answer)));
            }
        }
    }

    /// Remembers a request over MQTT that did not reach the engine.
    pub(super) fn note_refused(
        &mut self,
        target: &Target,
        id: Option<&str>,
        requested: &Value,
        rejection: &Rejection,
    ) {
        if self.panel.is_some() {
            let result = self.result(&Err(rejection.clone()), id, requested);
            self.note_outcome(toy_of(target), "mqtt", &result);
        }
    }

    fn note_outcome(&mut self, toy: Option<ToyId>, by: &str, result: &Value) {
        let known = toy.filter(|toy| self.engine.description(*toy).is_some());
        match (&mut self.panel, known) {
            (Some(panel), Some(toy)) => panel.outcome(toy, by, result),
            (Some(panel), None) => panel.happened("outcome", by, None, result.clone()),
            (None, _) => {}
        }
    }

    /// Remembers for the panel why the toys of `target` that run are stopped. After the stop itself,
    /// which must not wait for it: a toy is shown as running until it has confirmed its stop.
    pub(super) fn note_stop(&mut self, target: &Target, why: &'static str, by: &str) {
        let Some(panel) = &mut self.panel else { return };
        for toy in self.engine.toys() {
            let runs = || self.engine.toy(toy).is_some_and(|view| view.is_on());
            if panel.concerns(target, toy) && runs() {
                panel.toy_stopped(toy, why, by);
            }
        }
    }

    /// Remembers something for the panel, if there is one.
    pub(super) fn happened(&mut self, kind: &str, by: &str, toy: Option<ToyId>, event: Value) {
        if let Some(panel) = &mut self.panel {
            panel.happened(kind, by, toy, event);
        }
    }

    /// Does something with the panel, if there is one.
    pub(super) fn with_panel(&mut self, tell: impl FnOnce(&mut Panel)) {
        if let Some(panel) = &mut self.panel {
            tell(panel);
        }
    }

    /// Shows what has changed to whoever watches. `bridge`: so has the bridge.
    pub(super) fn show_panel(&mut self, bridge: bool) {
        let Some(panel) = &mut self.panel else { return };
        panel.answer_now();
        let changed = panel.take_changed();
        let feed = panel.feed.clone();
        if !feed.is_watched() {
            return;
        }
        for toy in changed {
            if let Some(toy) = self.panel_toy(toy) {
                feed.tell("toy", &toy);
            }
        }
        if bridge {
            feed.tell("bridge", &self.panel_info());
        }
    }

    fn answer_panel(&self, ask: Ask) {
        let now = self.clock.now();
        // Whoever asks may have gone meanwhile.
        match ask {
            Ask::Toys(sender) => drop(sender.send(json!({ "toys": self.panel_toys() }))),
            Ask::Toy(toy, sender) => drop(sender.send(self.panel_toy_in_full(toy))),
            Ask::Info(sender) => drop(sender.send(self.panel_info())),
            Ask::Health(sender) => {
                let mut health = self.outlet.health_json(now, &self.health);
                health["info"] = self.panel_info();
                drop(sender.send(health));
            }
            Ask::Diagnostics(sender) => {
                let (engine, backends) = (&self.engine, &self.backends);
                let all = self.outlet.diagnostics(now, engine, backends, &self.health);
                drop(sender.send(all));
            }
            Ask::Figures(sender) => drop(sender.send(self.figures())),
            Ask::Ready(sender) => drop(sender.send(self.missing())),
            Ask::Watch(sender) => {
                let Some(panel) = &self.panel else { return };
                let all = json!({
                    "info": self.panel_info(),
                    "toys": self.panel_toys(),
                    "activity": panel.activity(),
                });
                drop(sender.send((all, panel.feed.watch())));
            }
        }
    }

    fn panel_toys(&self) -> Value {
        let toys = self.engine.toys();
        toys.filter_map(|toy| self.panel_toy(toy)).collect()
    }

    fn panel_toy(&self, toy: ToyId) -> Option<Value> {
        let view = self.engine.toy(toy)?;
        let (levels, effect) = self.engine.target(toy)?;
        let mut shown = state::details(&view, self.outlet.privacy());
        let mut target: serde_json::Map<String, Value> = levels
            .into_iter()
            .map(|(key, level)| (key.to_string(), state::percent(level)))
            .collect();
        target.insert("effect".to_owned(), effect.into());
        shown["target"] = target.into();
        shown["effects"] = json!(*view.effects);
        if let Some(panel) = &self.panel {
            panel.reasons.show(toy, self.outlet.privacy(), &mut shown);
        }
        Some(shown)
    }

    fn panel_toy_in_full(&self, toy: ToyId) -> Option<Value> {
        let mut shown = self.panel_toy(toy)?;
        let view = self.engine.toy(toy)?;
        shown["discovery"] = self.outlet.discovery(&view);
        let panel = self.panel.as_ref()?;
        shown["outcomes"] = panel.outcomes_of(toy).into();
        Some(shown)
    }

    fn panel_info(&self) -> Value {
        let now = self.clock.now();
        let privacy = self.outlet.privacy();
        let mut info = self.outlet.info(now, &self.backends);
        for view in self.backends.views(now) {
            let backend = &mut info["backends"][privacy.backend(&view.id)];
            backend["label"] = privacy.backend_label(&view.id).into();
            let advice = self.advice(&view.id, &view.state);
            backend["advice"] = advice.map(|advice| privacy.text(advice)).into();
        }
        info["quiet"] = self.engine.quiet().into();
        info["scanning"] = self.admin.scanning_until.is_some().into();
        let proposals = self.proposals.iter().map(Proposal::to_json);
        info["proposals"] = proposals.collect();
        info["broker"] = json!({"connected": self.outlet.is_connected()});
        if let Some(panel) = &self.panel {
            info["base_topic"] = panel.settings.base_topic.clone().into();
            info["discovery"] = panel.settings.discovery.into();
        }
        info
    }

    /// What the user can do about a backend that does not answer.
    fn advice(&self, backend: &BackendId, state: &BackendState) -> Option<&'static str> {
        match state {
            BackendState::Up | BackendState::Connecting => None,
            BackendState::Down(_) | BackendState::Unpaired(_) => {
                let panel = self.panel.as_ref()?;
                panel.settings.cures.get(backend).copied()
            }
        }
    }

    fn missing(&self) -> Vec<&'static str> {
        if !self.outlet.is_connected() {
            vec!["no connection to the broker"]
        } else if self.company.keeps_out() {
            vec!["another bridge uses the same base topic"]
        } else if !self.company.is_alone() {
            vec!["whether another bridge is there is not known yet"]
        } else {
            Vec::new()
        }
    }

    fn figures(&self) -> Figures {
        let now = self.clock.now();
        let privacy = self.outlet.privacy();
        let views = self.backends.views(now);
        let connects = self.backends.connects();
        let backends = views
            .iter()
            .zip(connects)
            .map(|(view, (id, connects))| Backend {
                name: privacy.backend(id),
                up: view.state == BackendState::Up,
                connects,
                attempts: view.attempts,
            });
        let mut routes: Vec<(String, usize)> = views
            .iter()
            .map(|view| (privacy.backend(&view.id), 0))
            .collect();
        for toy in self.engine.toys().filter_map(|toy| self.engine.toy(toy)) {
            let Some(route) = toy.route else { continue };
            let route = privacy.backend(&route);
            if let Some((_, count)) = routes.iter_mut().find(|(known, _)| *known == route) {
                *count += 1;
            }
        }
        let (published, dropped) = self.outlet.counts();
        Figures {
            published,
            dropped,
            broker_up: self.outlet.is_connected(),
            backends: backends.collect(),
            toys_by_route: routes,
            toys_known: self.engine.toys().count(),
            quiet: self.engine.quiet(),
            ..self.health.figures(now)
        }
    }
}

fn toy_of(target: &Target) -> Option<ToyId> {
    match target {
        Target::Toy(toy) => Some(*toy),
        Target::Group(_) | Target::All => None,
    }
}

fn question(asker: &Asker, answers: Answers, id: Option<String>, requested: Value) -> Question {
    Question {
        reply: Reply::Panel(answers),
        id,
        requested,
        topic: asker.label(),
    }
}
