//! What can go wrong with an app, a phone or a network, to be switched on and off while it runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wire::RequestKind;
use crate::sim::rng::Rng;

/// Everything that is wrong with the app now. The default is an app in good order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// From when a request's turn comes to when the toy takes the new level: the time in which the
    /// app passes a command on over Bluetooth.
    pub effect_latency: Spread,
    /// From the effect to the answer.
    pub answer_latency: Spread,
    /// How many requests are under way at a time.
    pub handling: Handling,
    /// Wrong answers.
    pub answer: Option<AnswerFault>,
    /// Off: every request is answered with code 500; event sockets are told `event-closed` and
    /// closed, and new ones are accepted and closed at once.
    pub game_mode: bool,
    /// With a status: Toy Events does not exist, and `/v1` answers with it, as Lovense Connect and
    /// old versions of Remote do (404, 400, 501).
    pub no_events: Option<u16>,
    /// What the user of the phone says to "Allow … to access?".
    pub access: Access,
    /// The app sends pings and insists on the answer.
    pub ping_demand: Option<PingDemand>,
    /// Event sockets from which no text has come for this long, in milliseconds, are dropped. On by
    /// default, since the app does so; its own limit is not known.
    pub silence_ms: Option<u64>,
    /// The app tells every change of a level as `function-strength-changed`, whatever caused it: a
    /// command of any client, the end of its time, a step of a pattern. Off by default: only what
    /// the user changes is documented.
    pub echo_strength: bool,
    /// Share of event frames that are lost, percent.
    pub drop_events: u8,
    /// Share of event frames before which rubbish is sent, percent.
    pub garbage: u8,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            effect_latency: Spread::default(),
            answer_latency: Spread::default(),
            handling: Handling::default(),
            answer: None,
            game_mode: true,
            no_events: None,
            access: Access::default(),
            ping_demand: None,
            silence_ms: Some(15_000),
            echo_strength: false,
            drop_events: 0,
            garbage: 0,
        }
    }
}

/// A time drawn anew for each request, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spread {
    /// At least.
    pub min_ms: u64,
    /// At most; no less than `min_ms`.
    pub max_ms: u64,
}

impl Spread {
    /// Between these, in milliseconds.
    #[must_use]
    pub const fn ms(min_ms: u64, max_ms: u64) -> Self {
        Self { min_ms, max_ms }
    }

    pub(super) fn draw(self, rng: &Rng) -> Duration {
        Duration::from_millis(rng.within(self.min_ms..=self.max_ms.max(self.min_ms)))
    }
}

/// How many requests are under way at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Any number; with latency they may overtake one another.
    #[default]
    Parallel,
    /// One for each toy, in the order received.
    SerialPerToy,
    /// One, in the order received.
    Serial,
}

/// Requests that are answered wrongly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerFault {
    /// How.
    pub what: Wrong,
    /// Whether the command takes effect although its answer is wrong.
    #[serde(default)]
    pub applied: bool,
    /// Which requests; none means all.
    #[serde(default)]
    pub kinds: Vec<RequestKind>,
    /// How many of them; then the fault is over.
    #[serde(default)]
    pub times: Option<u32>,
}

impl AnswerFault {
    /// Every request, until switched off, with no effect on toys.
    #[must_use]
    pub const fn new(what: Wrong) -> Self {
        Self {
            what,
            applied: false,
            kinds: Vec::new(),
            times: None,
        }
    }

    /// Only requests of these kinds.
    #[must_use]
    pub fn only(mut self, kinds: &[RequestKind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// Only so many requests.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The command takes effect all the same.
    #[must_use]
    pub const fn applied(mut self) -> Self {
        self.applied = true;
        self
    }

    /// Draws the fault for one request, counting it.
    pub(super) fn draw(fault: &mut Option<Self>, kind: RequestKind) -> Option<(Wrong, bool)> {
        let this = fault.as_mut().filter(|fault| fault.concerns(kind))?;
        let drawn = (this.what, this.applied);
        match &mut this.times {
            Some(0) => return None,
            Some(left) => *left -= 1,
            None => {}
        }
        if this.times == Some(0) {
            *fault = None;
        }
        Some(drawn)
    }

    pub(super) fn concerns(&self, kind: RequestKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// How an answer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// HTTP 200 with this result code.
    Code(u16),
    /// This HTTP status and no JSON.
    Http(u16),
    /// None, while the connection stays open.
    Hang,
    /// A page of HTML, as a captive portal sends.
    Html,
    /// The first half of the JSON.
    Truncated,
    /// Bytes that are no text.
    Garbage,
    /// The connection is cut in the middle of the answer.
    Cut,
}

/// What the user of the phone says when a client asks for access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Yes.
    #[default]
    Granted,
    /// Nothing yet. Switching to [`Self::Granted`] grants what is pending.
    Pending,
    /// No. No frame is documented for that; the socket is closed without a word.
    Denied,
}

/// The app sends `{"type":"ping"}` and drops whoever does not answer with the bare text `Pong`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PingDemand {
    /// Time between two pings, milliseconds.
    pub every_ms: u64,
    /// Time for the answer, milliseconds.
    pub within_ms: u64,
}

/// What is wrong with one toy. It goes before what is wrong with the app.
///
/// A request for several toys takes these from the first of them that has any, for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToyFaults {
    /// As [`Faults::effect_latency`].
    pub effect_latency: Option<Spread>,
    /// As [`Faults::answer_latency`].
    pub answer_latency: Option<Spread>,
    /// As [`Faults::answer`].
    pub answer: Option<AnswerFault>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_drawn_as_often_as_it_says() {
        let mut fault = Some(
            AnswerFault::new(Wrong::Hang)
                .only(&[RequestKind::Stop])
                .times(2),
        );
        let mut draw = |kind| AnswerFault::draw(&mut fault, kind);
        assert_eq!(draw(RequestKind::Function), None);
        assert_eq!(draw(RequestKind::Stop), Some((Wrong::Hang, false)));
        assert_eq!(draw(RequestKind::Stop), Some((Wrong::Hang, false)));
        assert_eq!(draw(RequestKind::Stop), None);
        assert_eq!(fault, None);
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        let faults = Faults {
            answer: Some(AnswerFault::new(Wrong::Code(402)).applied()),
            handling: Handling::SerialPerToy,
            ping_demand: Some(PingDemand {
                every_ms: 5,
                within_ms: 6,
            }),
            ..Faults::default()
        };
        let json = serde_json::to_string(&faults).expect("plain data");
        assert_eq!(serde_json::from_str::<Faults>(&json).ok(), Some(faults));
        let short = r#"{"answer":{"what":"hang"},"effect_latency":{"min_ms":5}}"#;
        let read: Faults = serde_json::from_str(short).expect("defaults for the rest");
        assert_eq!(read.answer, Some(AnswerFault::new(Wrong::Hang)));
        assert!(read.game_mode);
        let spread = read.effect_latency.draw(&Rng::new(1));
        assert_eq!(
            spread,
            Duration::from_millis(5),
            "a reversed range is its start"
        );
        assert!(serde_json::from_str::<Faults>(r#"{"gamemode":false}"#).is_err());
    }
}
