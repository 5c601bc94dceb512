//! Who asked what: leads the outcome of a request back to where it came from.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::domain::{Instant, Target, Ticket};
use crate::web::desk::Answers;

/// Where an outcome is to go.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To the result topic of the toy, or to the bridge's events if there is no such toy.
    Result,
    /// To the response topic of this verb.
    Response {
        /// The verb.
        verb: String,
        /// What the asker wants repeated.
        transaction: Option<String>,
    },
    /// To whoever asked over the panel.
    Panel(Answers),
    /// To whoever asked the bridge for it over the panel.
    PanelRequest(Answers),
}

/// What was asked, and how.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where the outcome goes.
    pub reply: Reply,
    /// The asker's own id for the request.
    pub id: Option<String>,
    /// What was asked, as it came.
    pub requested: Value,
    /// The topic it came on; over the panel, who asks.
    pub topic: String,
}

/// A request under way.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What was asked, and how.
    pub question: Question,
    /// When it came.
    pub at: Instant,
    /// Whether several toys were addressed, each with an outcome of its own.
    several: bool,
}

/// Outcomes of requests to several toys are waited for no longer than this. (A ramp is accepted
/// when it begins, so this is far more than any takes.)
const KEPT: Duration = Duration::from_secs(60);

/// The requests under way.
#[derive(Debug, Default)]
pub struct Tickets {
    next: u64,
    asked: HashMap<Ticket, Asked>,
}

impl Tickets {
    /// Notes a request.
    pub fn issue(&mut self, target: &Target, question: Question, at: Instant) -> Ticket {
        self.next += 1;
        let ticket = Ticket(self.next);
        let asked = Asked {
            question,
            at,
            several: !matches!(target, Target::Toy(_)),
        };
        self.asked.insert(ticket, asked);
        ticket
    }

    /// Who asked, when an outcome has come.
    pub fn answer(&mut self, ticket: Ticket) -> Option<Asked> {
        if self.asked.get(&ticket)?.several {
            self.asked.get(&ticket).cloned()
        } else {
            self.asked.remove(&ticket)
        }
    }

    /// Forgets requests to several toys that must be answered by now.
    pub fn expire(&mut self, now: Instant) {
        self.asked
            .retain(|_, asked| !asked.several || now - asked.at < KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HardwareId, ToyId};

    #[test]
    fn one_toy_answers_once_and_several_each() {
        let mut tickets = Tickets::default();
        let toy = Target::Toy(ToyId::of(&HardwareId::new("x")));
        let now = Instant::from_millis(1);
        let question = Question {
            reply: Reply::Result,
            id: None,
            requested: Value::Null,
            topic: String::new(),
        };
        let one = tickets.issue(&toy, question.clone(), now);
        let all = tickets.issue(&Target::All, question, now);
        assert!(tickets.answer(one).is_some());
        assert!(tickets.answer(one).is_none());
        assert!(tickets.answer(all).is_some());
        assert!(tickets.answer(all).is_some());
        tickets.expire(now + KEPT);
        assert!(tickets.answer(all).is_none());
    }
}
