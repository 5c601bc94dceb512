//! Requests to the bridge itself: `bridge/request/<verb>`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::info;

use crate::domain::{Action, BackendId, ErrorCode, Instant, Rejection, Target, ToyId};
use crate::hass::command::{self, BridgeRequest};

use super::driver::Driver;
use super::tickets::{Question, Reply};

/// A scan ends by itself.
const SCAN: Duration = Duration::from_secs(15);

/// Changes the level of the log; an error in words if it cannot.
pub type SetLogLevel = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// What requests to the bridge need.
pub struct Settings {
    /// Changes the level of the log.
    pub set_log_level: SetLogLevel,
    /// When the scan under way ends.
    pub scanning_until: Option<Instant>,
    /// The backends that take part in it and have not ended theirs.
    searching: BTreeSet<BackendId>,
}

impl Settings {
    /// With a way to change the level of the log.
    #[must_use]
    pub fn new(set_log_level: SetLogLevel) -> Self {
        Self {
            set_log_level,
            scanning_until: None,
            searching: BTreeSet::new(),
        }
    }
}

impl Driver {
    /// Takes a request to the bridge, and answers it now or when the engine has.
    pub(super) fn bridge_request(&mut self, verb: &str, topic: &str, payload: &[u8]) {
        let command::Request {
            transaction,
            request,
        } = command::request(verb, payload);
        let question = Question {
            reply: Reply::Response {
                verb: verb.to_owned(),
                transaction: transaction.clone(),
            },
            id: None,
            requested: Value::Null,
            topic: topic.to_owned(),
        };
        let answer = match request {
            Ok(request) => self.admin(request, question),
            Err(rejection) => Some(Err(rejection)),
        };
        if let Some(answer) = answer {
            if let Err(rejection) = &answer {
                self.health.rejected(rejection.code);
            }
            self.outlet.response(verb, transaction.as_deref(), &answer);
        }
    }

    /// `None` if the engine answers.
    pub(super) fn admin(
        &mut self,
        request: BridgeRequest,
        question: Question,
    ) -> Option<Result<Value, Rejection>> {
        let (toy, action) = match request {
            BridgeRequest::Toys => {
                return Some(Ok(json!({ "toys": self.outlet.toys(&self.engine) })));
            }
            BridgeRequest::Refresh => {
                self.backends.refresh_all();
                return Some(Ok(json!({})));
            }
            BridgeRequest::Scan => {
                self.set_scanning(true);
                return Some(Ok(json!({ "seconds": SCAN.as_secs() })));
            }
            BridgeRequest::Republish => {
                self.outlet.republish();
                return Some(Ok(json!({})));
            }
            BridgeRequest::Restart => {
                info!("somebody asks for a restart");
                self.restart = true;
                return Some(Ok(json!({})));
            }
            BridgeRequest::LogLevel { level } => return Some(self.set_log_level(level)),
            BridgeRequest::Diagnostics => {
                let now = self.clock.now();
                return Some(Ok(self.outlet.diagnostics(
                    now,
                    &self.engine,
                    &self.backends,
                    &self.health,
                )));
            }
            BridgeRequest::Rename { toy, name } => (toy, Action::Rename(name)),
            BridgeRequest::Forget { toy } => (toy, Action::Forget),
            BridgeRequest::Identify { toy } => (toy, Action::Identify),
            BridgeRequest::Limits { toy, change } => match self.engine.limits(toy) {
                Some(limits) => (toy, Action::Limit(change.apply(limits))),
                None => return Some(Err(unknown(toy))),
            },
        };
        self.put(Target::Toy(toy), action, question);
        None
    }

    fn set_log_level(&mut self, level: &'static str) -> Result<Value, Rejection> {
        (self.admin.set_log_level)(level)
            .map_err(|error| Rejection::new(ErrorCode::Backend, error))?;
        self.outlet.set_log_level(level);
        Ok(json!({ "level": level }))
    }

    /// Starts or ends a scan for toys.
    pub(super) fn set_scanning(&mut self, on: bool) {
        let was_on = self.admin.scanning_until.is_some();
        self.admin.scanning_until = on.then(|| self.clock.now() + SCAN);
        if on || was_on {
            self.backends.scan_all(on);
        }
        self.admin.searching = if on {
            self.backends.searching().collect()
        } else {
            BTreeSet::new()
        };
        self.outlet.set_scanning(on);
    }

    /// A backend's search has ended by itself: with the last one the scan is over.
    pub(super) fn search_ended(&mut self, backend: &BackendId) {
        if self.admin.searching.remove(backend) && self.admin.searching.is_empty() {
            self.set_scanning(false);
        }
    }

    /// Tells what is wrong with the bridge itself, and what the user has to know although it works.
    pub(super) fn look_at_problems(&mut self, now: Instant) {
        let (copied, alike) = (self.company.problem(now), self.engine.alike_problems());
        let problems = self.saver.problems().chain(copied.as_deref());
        let problems = problems.chain(self.backends.problems());
        let problems = problems.chain(alike.iter().map(String::as_str));
        self.outlet.set_problems(problems);
    }

    /// Ends a scan whose time is over.
    pub(super) fn look_at_scan(&mut self) {
        let now = self.clock.now();
        if self.admin.scanning_until.is_some_and(|until| now >= until) {
            self.set_scanning(false);
        }
    }
}

fn unknown(toy: ToyId) -> Rejection {
    Rejection::new(ErrorCode::UnknownToy, format!("there is no toy {toy}"))
}
