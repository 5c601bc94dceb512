//! Requests: whom they address, and what each asks of a toy.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Accepted, Action, BackendId, ErrorCode, Level, Outcome, Rejection, SetCommand, Target, Ticket,
    ToyId,
};

use super::vocabulary::Effect;
use super::{Engine, Toy, Turn};

/// How strong the pulses are that identify a toy.
const IDENTIFY_LEVEL: Level = Level::from_whole_percent(20);
const IDENTIFY_PULSE: Duration = Duration::from_millis(400);

impl Engine {
    pub(super) fn request(
        &mut self,
        turn: &mut Turn,
        ticket: Ticket,
        target: &Target,
        action: Action,
    ) {
        let stops = action == Action::Stop;
        if stops && *target == Target::All {
            self.guards.hold.extend(turn.now, &self.settings);
            self.stop_backends(turn);
        }
        let addressed = match self.addressed(target, stops) {
            Ok(toys) if toys.is_empty() => {
                let result = if stops {
                    Ok(Accepted::default())
                } else {
                    let message = "no toy can be reached";
                    Err(Rejection::new(ErrorCode::Offline, message))
                };
                turn.out.push(outcome(ticket, None, result));
                return;
            }
            Ok(toys) => toys,
            Err(rejection) => {
                turn.out.push(outcome(ticket, None, Err(rejection)));
                return;
            }
        };
        for id in addressed {
            self.ask(turn, id, ticket, &action);
        }
    }

    /// How many outcomes a request to this target gets now.
    #[must_use]
    pub fn outcomes(&self, target: &Target, stops: bool) -> usize {
        // One without a toy if it addresses none.
        self.addressed(target, stops)
            .map_or(1, |toys| toys.len().max(1))
    }

    /// The toys that a target names. Of several toys only those that are there are addressed, save
    /// that nothing is left out of a stop that could need it.
    fn addressed(&self, target: &Target, stops: bool) -> Result<Vec<ToyId>, Rejection> {
        let unknown = |what: String| Rejection::new(ErrorCode::UnknownToy, what);
        let reachable = |id: &ToyId| {
            let toy = self.toys.get(id);
            toy.is_some_and(|toy| toy.available() || (stops && toy.wanted()))
        };
        match target {
            Target::Toy(id) if self.toys.contains_key(id) => Ok(vec![*id]),
            Target::Toy(id) => Err(unknown(format!("there is no toy {id}"))),
            Target::All => Ok(self.toys().filter(reachable).collect()),
            Target::Group(name) => {
                let members = self
                    .settings
                    .groups
                    .get(name)
                    .ok_or_else(|| unknown(format!("there is no toy or group {name:?}")))?;
                Ok(members.iter().copied().filter(reachable).collect())
            }
        }
    }

    fn ask(&mut self, turn: &mut Turn, id: ToyId, ticket: Ticket, action: &Action) {
        let result = match action {
            Action::Stop => self.ask_stop(turn, id, ticket),
            Action::Set(command) => self.ask_set(turn, id, ticket, command),
            Action::Identify => {
                let busy = self.toys.get(&id).is_some_and(|toy| toy.wanted());
                if busy {
                    let message = "the toy is in use, which identifies it well enough";
                    Err(Rejection::new(ErrorCode::Busy, message))
                } else {
                    let pulses = SetCommand {
                        brightness: Some(IDENTIFY_LEVEL),
                        hold: Some(IDENTIFY_PULSE),
                        repeat: Some(2),
                        pause: Some(IDENTIFY_PULSE),
                        ..SetCommand::default()
                    };
                    self.ask_set(turn, id, ticket, &pulses)
                }
            }
            Action::Rename(name) => self.change_memory(turn, id, ticket, |toy| {
                toy.name.clone_from(name);
            }),
            Action::Limit(limits) => self.change_memory(turn, id, ticket, |toy| {
                toy.limit(limits.clone());
            }),
            Action::Forget => self.forget(turn, id, ticket),
        };
        if let Err(rejection) = result {
            turn.out.push(outcome(ticket, Some(id), Err(rejection)));
        }
    }

    fn ask_stop(&mut self, turn: &mut Turn, id: ToyId, ticket: Ticket) -> Result<(), Rejection> {
        self.with_toy(turn, id, |toy, cx| {
            toy.hold.extend(cx.now, cx.settings);
            if toy.available() {
                toy.stop(Some(ticket), cx);
                Ok(())
            } else {
                Err(offline())
            }
        })
        .unwrap_or(Ok(()))
    }

    /// Ends at once whatever plays on any toy of any backend, by whichever client. Stops of single
    /// toys follow.
    pub(super) fn stop_backends(&mut self, turn: &mut Turn) {
        let routes = self.toys.values().flat_map(|toy| &toy.routes);
        let backends: BTreeSet<&BackendId> = routes.map(|route| &route.id.backend).collect();
        let stops = backends.into_iter().cloned().map(Effect::StopAll);
        turn.out.extend(stops);
    }

    fn ask_set(
        &mut self,
        turn: &mut Turn,
        id: ToyId,
        ticket: Ticket,
        command: &SetCommand,
    ) -> Result<(), Rejection> {
        let refuse = self.guards.refusal(turn.now, &self.settings);
        let patterns = Arc::clone(&self.patterns);
        let result = self.with_toy(turn, id, |toy, cx| {
            if toy.available() {
                toy.set(ticket, command, &patterns, refuse, cx)
            } else {
                Err(offline())
            }
        });
        let result = result.unwrap_or(Ok(()));
        if self.guards.hold.is_on(turn.now)
            && let Err(rejection) = &result
            && rejection.code == ErrorCode::Stopped
        {
            self.guards.hold.extend(turn.now, &self.settings);
        }
        result
    }

    fn change_memory(
        &mut self,
        turn: &mut Turn,
        id: ToyId,
        ticket: Ticket,

        change: impl FnOnce(&mut Toy),
    ) -> Result<(), Rejection> {
        self.with_toy(turn, id, |toy, cx| {
            change(toy);
            cx.out.push(Effect::Save);
            cx.out.push(Effect::Changed(id));
            cx.out
                .push(outcome(ticket, Some(id), Ok(Accepted::default())));
        });
        Ok(())
    }

    fn forget(&mut self, turn: &mut Turn, id: ToyId, ticket: Ticket) -> Result<(), Rejection> {
        if self.toys.get(&id).is_some_and(|toy| toy.available()) {
            let message = "the toy is connected; switch it off first, or it would come back";
            return Err(Rejection::new(ErrorCode::Busy, message));
        }
        self.toys.shift_remove(&id);
        self.left_running.remove(&id);
        self.agenda.set(id, None);
        turn.out.push(Effect::Forgotten(id));
        turn.out.push(Effect::Save);
        turn.out
            .push(outcome(ticket, Some(id), Ok(Accepted::default())));
        Ok(())
    }
}

fn offline() -> Rejection {
    Rejection::new(ErrorCode::Offline, "the toy is not connected")
}

fn outcome(ticket: Ticket, toy: Option<ToyId>, result: Result<Accepted, Rejection>) -> Effect {
    Effect::Outcome(Outcome {
        ticket,
        toy,
        result,
    })
}
