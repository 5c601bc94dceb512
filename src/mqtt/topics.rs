//! What the topics are called: built and read in one place, so that both always agree.

use crate::domain::{Target, ToyId};

/// The segment that stands for the bridge where a toy's id would stand.
const BRIDGE: &str = "bridge";
/// The segment that stands for every toy.
const ALL: &str = "all";

/// All topics below one base topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    base: String,
}

/// A text that cannot be a base topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    /// Nothing, or nothing between two slashes.
    #[error("base topic {0:?} has an empty part: write it without a slash at start or end")]
    Empty(String),
    /// A character that is not allowed, wildcards and `$` among them.
    #[error("base topic {base:?} contains {found:?}: only letters, digits, _, - and / are allowed")]
    Character {
        /// What was given.
        base: String,
        /// The first character at fault.
        found: char,
    },
    /// More than [`Topics::MAX_BASE`] bytes.
    #[error("base topic is {0} characters long: at most {max} are allowed", max = Topics::MAX_BASE)]
    Length(usize),
}

/// A topic that is no command of this bridge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("topic {0:?} is not a command of this bridge")]
pub struct UnknownTopic(pub String);

/// What a received topic asks; the payload says the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Stop, whatever the payload.
    Stop(Target),
    /// Switch quiet on or off.
    Quiet,
    /// Switch scanning for toys on or off.
    Scan,
    /// A request by its verb, any text. Answered on [`Topics::bridge_response`].
    Request(String),
    /// Change outputs, as the JSON payload says.
    Set(Target),
    /// Change one thing by its name, any text.
    SetAttribute(Target, String),
    /// Make a toy noticeable.
    Identify(Target),
}

impl Topics {
    /// The most bytes of a base topic. A topic may have 65,535 (MQTT 3.1.1 §1.5.3), but it is
    /// repeated in every discovery payload.
    pub const MAX_BASE: usize = 128;

    /// The topics below `base`: parts of letters, digits, `_` and `-`, with `/` between them.
    ///
    /// # Errors
    /// Anything else, wildcards and empty parts among it.
    pub fn new(base: &str) -> Result<Self, BadBase> {
        if base.len() > Self::MAX_BASE {
            return Err(BadBase::Length(base.len()));
        }
        if base.split('/').any(str::is_empty) {
            return Err(BadBase::Empty(base.to_owned()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
        if let Some(found) = base.chars().find(|&c| !allowed(c)) {
            let base = base.to_owned();
            return Err(BadBase::Character { base, found });
        }
        Ok(Self {
            base: base.to_owned(),
        })
    }

    /// Whether a group may be called this: `[a-z0-9_-]+`, not a word with a meaning of its own and
    /// not the id of a toy.
    #[must_use]
    pub fn is_group_name(name: &str) -> bool {
        matches!(read_target(name), Some(Target::Group(_)))
    }

    /// The base topic.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    // Published.

    /// `online`, `stopped` or `offline`; retained, and the will.
    #[must_use]
    pub fn bridge_state(&self) -> String {
        self.bridge("state")
    }

    /// What the bridge is and what it sees; retained.
    #[must_use]
    pub fn bridge_info(&self) -> String {
        self.bridge("info")
    }

    /// Counters and latencies; retained.
    #[must_use]
    pub fn bridge_health(&self) -> String {
        self.bridge("health")
    }

    /// What happened to the bridge; never retained.
    #[must_use]
    pub fn bridge_event(&self) -> String {
        self.bridge("event")
    }

    /// The marker that the bridge sends to itself behind every stop; never retained.
    #[must_use]
    pub fn barrier(&self) -> String {
        self.bridge("barrier")
    }

    /// Whether quiet is on; retained.
    #[must_use]
    pub fn quiet_state(&self) -> String {
        self.bridge("quiet/state")
    }

    /// Whether a scan is under way; retained.
    #[must_use]
    pub fn scan_state(&self) -> String {
        self.bridge("scan/state")
    }

    /// Answers to the request `verb`; never retained.
    #[must_use]
    pub fn bridge_response(&self, verb: &str) -> String {
        format!("{}/{BRIDGE}/response/{verb}", self.base)
    }

    /// `online` or `offline`; retained.
    #[must_use]
    pub fn toy_availability(&self, toy: ToyId) -> String {
        format!("{}/{toy}/availability", self.base)
    }

    /// Everything there is to show of a toy; retained.
    #[must_use]
    pub fn toy_state(&self, toy: ToyId) -> String {
        format!("{}/{toy}/state", self.base)
    }

    /// A toy's buttons and gestures; never retained.
    #[must_use]
    pub fn toy_event(&self, toy: ToyId) -> String {
        format!("{}/{toy}/event", self.base)
    }

    /// What became of each request; never retained.
    #[must_use]
    pub fn toy_result(&self, toy: ToyId) -> String {
        format!("{}/{toy}/result", self.base)
    }

    // Obeyed.

    /// Stops all toys.
    #[must_use]
    pub fn bridge_stop(&self) -> String {
        self.bridge("stop")
    }

    /// Switches quiet.
    #[must_use]
    pub fn quiet_set(&self) -> String {
        self.bridge("quiet/set")
    }

    /// Switches scanning.
    #[must_use]
    pub fn scan_set(&self) -> String {
        self.bridge("scan/set")
    }

    /// Takes the request `verb`.
    #[must_use]
    pub fn bridge_request(&self, verb: &str) -> String {
        format!("{}/{BRIDGE}/request/{verb}", self.base)
    }

    /// Changes outputs.
    #[must_use]
    pub fn set(&self, target: &Target) -> String {
        self.of(target, "set")
    }

    /// Changes one thing.
    #[must_use]
    pub fn attribute_set(&self, target: &Target, attribute: &str) -> String {
        self.of(target, &format!("{attribute}/set"))
    }

    /// Stops.
    #[must_use]
    pub fn stop(&self, target: &Target) -> String {
        self.of(target, "stop")
    }

    /// Makes a toy noticeable.
    #[must_use]
    pub fn identify(&self, toy: ToyId) -> String {
        format!("{}/{toy}/identify", self.base)
    }

    /// What to subscribe to for commands, without stops. [`Self::stop_filters`] overlap them in the
    /// topic that switches quiet.
    #[must_use]
    pub fn command_filters(&self) -> Vec<String> {
        ["+/set", "+/+/set", "+/identify", "bridge/request/+"]
            .map(|below| format!("{}/{below}", self.base))
            .to_vec()
    }

    /// What to subscribe to for stops: of one, of all, and quiet.
    #[must_use]
    pub fn stop_filters(&self) -> Vec<String> {
        vec![format!("{}/+/stop", self.base), self.quiet_set()]
    }

    /// What a received topic asks.
    ///
    /// Verbs and attributes are taken as they are, so that whoever reads the payload can answer
    /// with a reason; targets have to be well-formed, because the answer's topic contains them.
    ///
    /// # Errors
    /// Everything that is no command, what the bridge itself publishes included.
    pub fn parse(&self, topic: &str) -> Result<Incoming, UnknownTopic> {
        self.read(topic)
            .ok_or_else(|| UnknownTopic(topic.to_owned()))
    }

    fn read(&self, topic: &str) -> Option<Incoming> {
        let below = topic.strip_prefix(&self.base)?.strip_prefix('/')?;
        let mut parts = below.split('/');
        let parts = (parts.next()?, parts.next()?, parts.next(), parts.next());
        match parts {
            (BRIDGE, "stop", None, _) => Some(Incoming::Stop(Target::All)),
            (BRIDGE, "quiet", Some("set"), None) => Some(Incoming::Quiet),
            (BRIDGE, "scan", Some("set"), None) => Some(Incoming::Scan),
            (BRIDGE, "request", Some(verb), None) if !verb.is_empty() => {
                Some(Incoming::Request(verb.to_owned()))
            }
            (BRIDGE, ..) => None,
            (target, "stop", None, _) => read_target(target).map(Incoming::Stop),
            (target, "set", None, _) => read_target(target).map(Incoming::Set),
            (target, "identify", None, _) => read_target(target).map(Incoming::Identify),
            (target, attribute, Some("set"), None) if !attribute.is_empty() => {
                let target = read_target(target)?;
                Some(Incoming::SetAttribute(target, attribute.to_owned()))
            }
            _ => None,
        }
    }

    fn bridge(&self, what: &str) -> String {
        format!("{}/{BRIDGE}/{what}", self.base)
    }

    fn of(&self, target: &Target, what: &str) -> String {
        match target {
            Target::Toy(toy) => format!("{}/{toy}/{what}", self.base),
            Target::Group(group) => format!("{}/{group}/{what}", self.base),
            Target::All => format!("{}/{ALL}/{what}", self.base),
        }
    }
}

fn read_target(segment: &str) -> Option<Target> {
    if let Ok(toy) = segment.parse() {
        return Some(Target::Toy(toy));
    }
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    match segment {
        "" | BRIDGE => None,
        ALL => Some(Target::All),
        name if name.bytes().all(allowed) => Some(Target::Group(name.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::HardwareId;

    fn topics() -> Topics {
        Topics::new("toy2mqtt").expect("a good base")
    }

    fn any_target() -> impl Strategy<Value = Target> {
        prop_oneof![
            "\\PC*".prop_map(|id| Target::Toy(ToyId::of(&HardwareId::new(id)))),
            "[a-z0-9_-]{1,12}"
                .prop_filter("reserved", |name| Topics::is_group_name(name))
                .prop_map(Target::Group),
            Just(Target::All),
        ]
    }

    /// MQTT 3.1.1 §4.7: whether a filter matches a topic.
    fn matches(filter: &str, topic: &str) -> bool {
        let (filter, topic): (Vec<_>, Vec<_>) =
            (filter.split('/').collect(), topic.split('/').collect());
        filter.len() == topic.len()
            && filter
                .iter()
                .zip(&topic)
                .all(|(wanted, found)| wanted == found || *wanted == "+")
    }

    #[test]
    fn bases_are_checked() {
        for good in ["toy2mqtt", "a", "home/upstairs/toys", "A-b_9"] {
            assert!(Topics::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "a/+", "#", "$SYS", "a b", "ä", "a\0",
        ] {
            assert!(Topics::new(bad).is_err(), "{bad:?}");
        }
        assert!(Topics::new(&"a".repeat(Topics::MAX_BASE)).is_ok());
        let long = Topics::new(&"a".repeat(Topics::MAX_BASE + 1));
        assert_eq!(long, Err(BadBase::Length(Topics::MAX_BASE + 1)));
    }

    #[test]
    fn both_ways_to_stop_all_are_one() {
        let topics = topics();
        for topic in [topics.bridge_stop(), topics.stop(&Target::All)] {
            assert_eq!(topics.parse(&topic), Ok(Incoming::Stop(Target::All)));
        }
    }

    #[test]
    fn what_the_bridge_publishes_is_no_command() {
        let topics = topics();
        let toy = ToyId::of(&HardwareId::new("x"));
        for topic in [
            topics.bridge_state(),
            topics.bridge_info(),
            topics.bridge_health(),
            topics.bridge_event(),
            topics.quiet_state(),
            topics.scan_state(),
            topics.bridge_response("toys"),
            topics.toy_availability(toy),
            topics.toy_state(toy),
            topics.toy_event(toy),
            topics.toy_result(toy),
        ] {
            assert_eq!(topics.parse(&topic), Err(UnknownTopic(topic.clone())));
            let mut filters = topics.command_filters();
            filters.extend(topics.stop_filters());
            assert!(!filters.iter().any(|f| matches(f, &topic)), "{topic}");
        }
    }

    #[test]
    fn reserved_words_and_bad_targets_are_refused() {
        let topics = topics();
        for bad in [
            "toy2mqtt/bridge/set",
            "toy2mqtt/bridge/vibrate/set",
            "toy2mqtt/bridge/identify",
            "toy2mqtt/bridge/request",
            "toy2mqtt/bridge/request/",
            "toy2mqtt/bridge/request/a/b",
            "toy2mqtt/bridge/stop/now",
            "toy2mqtt//set",
            "toy2mqtt/duo//set",
            "toy2mqtt/Duo/set",
            "toy2mqtt/duo/set/",
            "toy2mqtt/duo/a/b/set",
            "toy2mqttx/duo/set",
            "toy2mqtt",
            "toy2mqtt/",
            "",
        ] {
            assert!(topics.parse(bad).is_err(), "{bad:?}");
        }
        assert!(!Topics::is_group_name("bridge"));
        assert!(!Topics::is_group_name("all"));
        assert!(!Topics::is_group_name("toy_1a2b3c4d"));
        assert!(Topics::is_group_name("toy_box"));
    }

    proptest! {
        #[test]
        fn commands_survive_the_way_there_and_back(
            base in "[A-Za-z0-9_-]{1,6}(/[A-Za-z0-9_-]{1,6}){0,2}",
            target in any_target(),
            word in "[^/]{1,12}",
        ) {
            let topics = Topics::new(&base).expect("a good base");
            let commands = [
                (topics.quiet_set(), Incoming::Quiet),
                (topics.scan_set(), Incoming::Scan),
                (topics.bridge_request(&word), Incoming::Request(word.clone())),
                (topics.set(&target), Incoming::Set(target.clone())),
                (
                    topics.attribute_set(&target, &word),
                    Incoming::SetAttribute(target.clone(), word.clone()),
                ),
                (topics.stop(&target), Incoming::Stop(target.clone())),
            ];
            for (topic, wanted) in commands {
                let is_stop = matches!(wanted, Incoming::Stop(_) | Incoming::Quiet);
                prop_assert_eq!(topics.parse(&topic), Ok(wanted));
                let filters = if is_stop { topics.stop_filters() } else { topics.command_filters() };
                prop_assert!(filters.iter().any(|f| matches(f, &topic)), "{}", topic);
            }
            if let Target::Toy(toy) = target {
                let topic = topics.identify(toy);
                prop_assert_eq!(topics.parse(&topic), Ok(Incoming::Identify(target)));
                prop_assert!(topics.command_filters().iter().any(|f| matches(f, &topic)));
            }
        }

        #[test]
        fn any_topic_is_read_or_refused(topic in "\\PC*") {
            prop_assert!(topics().parse(&topic).is_err());
        }

        #[test]
        fn what_is_read_is_what_is_written(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("bridge".to_owned()), Just("all".to_owned()), Just("set".to_owned()),
                    Just("stop".to_owned()), Just("quiet".to_owned()), Just("scan".to_owned()),
                    Just("request".to_owned()), Just("toy_1a2b3c4d".to_owned()), "[^/]{0,5}",
                ],
                0..5,
            ),
        ) {
            let topics = topics();
            let topic = format!("toy2mqtt/{}", parts.join("/"));
            let written = match topics.parse(&topic) {
                Err(UnknownTopic(named)) => named,
                // The one command with two names.
                Ok(Incoming::Stop(Target::All)) if topic == topics.bridge_stop() => topic.clone(),
                Ok(Incoming::Stop(target)) => topics.stop(&target),
                Ok(Incoming::Quiet) => topics.quiet_set(),
                Ok(Incoming::Scan) => topics.scan_set(),
                Ok(Incoming::Request(verb)) => topics.bridge_request(&verb),
                Ok(Incoming::Set(target)) => topics.set(&target),
                Ok(Incoming::SetAttribute(target, name)) => topics.attribute_set(&target, &name),
                Ok(Incoming::Identify(target)) => topics.of(&target, "identify"),
            };
            prop_assert_eq!(written, topic);
        }
    }
}
