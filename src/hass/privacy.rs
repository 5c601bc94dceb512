//! What a bystander may read: names and words, plain or neutral.

use crate::domain::{BackendId, ToyId, ToyView};

/// The most characters of a state in Home Assistant; longer ones are replaced by "unknown" and
/// logged.
const MAX_STATE: usize = 255;

/// The most characters of a device's name. Entity ids are made of it, and they may have 255.
const MAX_NAME: usize = 100;

/// Takes the place of what is not to be read.
const REDACTED: &str = "…";

/// Words that give a toy away wherever they stand.
const BRANDS: [&str; 5] = ["lovense", "buttplug", "intiface", "game mode", "toy events"];

/// How much is said about what a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// Maker, model and nickname, as they are.
    #[default]
    Open,
    /// Nothing of the kind: neutral names, no maker, no model, no telling icons.
    Discreet,
}

impl From<bool> for Privacy {
    /// From the setting `privacy.discreet`.
    fn from(discreet: bool) -> Self {
        if discreet { Self::Discreet } else { Self::Open }
    }
}

/// How a kind of backend is called.
struct BackendWords {
    kind: &'static str,
    label: &'static str,
    neutral: &'static str,
    neutral_label: &'static str,
}

const BACKENDS: [BackendWords; 6] = [
    BackendWords {
        kind: "lovense_lan",
        label: "Lovense app",
        neutral: "phone",
        neutral_label: "Phone",
    },
    BackendWords {
        kind: "lovense_cloud",
        label: "Lovense cloud",
        neutral: "cloud",
        neutral_label: "Cloud",
    },
    BackendWords {
        kind: "ble",
        label: "Bluetooth",
        neutral: "bluetooth",
        neutral_label: "Bluetooth",
    },
    BackendWords {
        kind: "buttplug",
        label: "Buttplug server",
        neutral: "server",
        neutral_label: "Server",
    },
    BackendWords {
        kind: "wsdm",
        label: "Device websocket",
        neutral: "websocket",
        neutral_label: "Websocket",
    },
    BackendWords {
        kind: "simulated",
        label: "Simulation",
        neutral: "simulation",
        neutral_label: "Simulation",
    },
];

impl Privacy {
    /// Whether nothing may give the toy away.
    #[must_use]
    pub fn is_discreet(self) -> bool {
        self == Self::Discreet
    }

    /// What the toy's device is called. A discreet one has the name that the user gave it here, and
    /// none of the maker's.
    #[must_use]
    pub fn toy_name(self, toy: &ToyView) -> String {
        let name = single_line(&toy.name, MAX_NAME);
        if name.is_empty() || (self.is_discreet() && toy.has_own_name()) {
            neutral_name(toy.id)
        } else {
            name
        }
    }

    /// The word for a backend, in JSON keys and states.
    #[must_use]
    pub fn backend(self, id: &BackendId) -> String {
        match self {
            Self::Open => id.as_str().to_owned(),
            Self::Discreet => {
                let (words, number) = backend_words(id);
                let word = words.map_or("backend", |words| words.neutral);
                number.map_or_else(|| word.to_owned(), |number| format!("{word}_{number}"))
            }
        }
    }

    /// What a backend is called.
    #[must_use]
    pub fn backend_label(self, id: &BackendId) -> String {
        let (words, number) = backend_words(id);
        let label = match (self, words) {
            (Self::Open, Some(words)) => words.label,
            (Self::Open, None) => return single_line(id.as_str(), MAX_NAME),
            (Self::Discreet, Some(words)) => words.neutral_label,
            (Self::Discreet, None) => "Backend",
        };
        number.map_or_else(|| label.to_owned(), |number| format!("{label} {number}"))
    }

    /// A text for people about the bridge: one line that fits a state.
    #[must_use]
    pub fn text(self, text: &str) -> String {
        let mut text = text.to_owned();
        if self.is_discreet() {
            for brand in BRANDS {
                text = replace(&text, brand, anywhere);
            }
        }
        single_line(&text, MAX_STATE)
    }

    /// A line of the log: without brands, and with neutral words for backends.
    #[must_use]
    pub fn log_line(self, line: &str) -> String {
        let mut line = line.to_owned();
        if self.is_discreet() {
            for words in BACKENDS {
                if BRANDS.iter().any(|brand| words.kind.contains(brand)) {
                    line = line.replace(words.kind, words.neutral);
                }
            }
            for brand in BRANDS {
                line = replace(&line, brand, anywhere);
            }
        }
        line
    }

    /// A text for people about a toy.
    #[must_use]
    pub fn toy_text(self, toy: &ToyView, text: &str) -> String {
        if !self.is_discreet() {
            return self.text(text);
        }
        let description = &toy.description;
        let nickname = description.nickname.as_deref().unwrap_or_default();
        let mut telling = [
            description.hardware.as_str(),
            &description.manufacturer,
            &description.model,
            nickname,
        ];
        // The longest first: a model may contain the maker.
        telling.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut text = text.to_owned();
        for word in telling.into_iter().filter(|word| !word.is_empty()) {
            // A model may be called "Max", and "maximum" is no secret.
            let short = word.chars().count() < 5;
            text = replace(&text, word, if short { stands_alone } else { anywhere });
        }
        self.text(&text)
    }
}

/// What a toy is called that is not to be told from others.
pub(super) fn neutral_name(id: ToyId) -> String {
    let id = id.to_string();
    format!("Device {}", &id[4..8])
}

fn backend_words(id: &BackendId) -> (Option<&'static BackendWords>, Option<&str>) {
    let id = id.as_str();
    let exact = |kind: &str| BACKENDS.iter().find(|words| words.kind == kind);
    if let Some((kind, number)) = id.rsplit_once('_')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return (exact(kind), Some(number));
    }
    (exact(id), None)
}

/// One line of at most `max` characters.
fn single_line(text: &str, max: usize) -> String {
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Redacts `word`, upper or lower case, wherever `which` agrees with what stands before and after.
fn replace(text: &str, word: &str, which: fn(&str, &str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = rest
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word));
        let before = &text[..text.len() - rest.len()];
        if found && which(before, &rest[word.len()..]) {
            out.push_str(REDACTED);
            rest = &rest[word.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn anywhere(_: &str, _: &str) -> bool {
    true
}

fn stands_alone(before: &str, after: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !joins(before.chars().next_back()) && !joins(after.chars().next())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn brands_are_redacted_in_any_case() {
        let text = Privacy::Discreet.text("the LOVENSE app (Lovense Remote) said no");
        assert_eq!(text, "the … app (… Remote) said no");
        assert_eq!(Privacy::Open.text("Lovense"), "Lovense");
    }

    #[test]
    fn lines_of_the_log_name_no_brand() {
        let line = "WARN no answer from Intiface link=\"lovense_lan_2\"\n";
        let neutral = "WARN no answer from … link=\"phone_2\"\n";
        assert_eq!(Privacy::Discreet.log_line(line), neutral);
        assert_eq!(Privacy::Open.log_line(line), line);
    }

    #[test]
    fn a_model_is_redacted_only_where_it_stands_alone() {
        let redacted = replace("Max cannot exceed the maximum, max", "Max", stands_alone);
        assert_eq!(redacted, "… cannot exceed the maximum, …");
    }

    #[test]
    fn backends_have_neutral_words() {
        let word = |id: &str| {
            let id = BackendId::new(id);
            let privacy = Privacy::Discreet;
            (privacy.backend(&id), privacy.backend_label(&id))
        };
        assert_eq!(word("lovense_lan"), ("phone".into(), "Phone".into()));
        assert_eq!(word("lovense_lan_2"), ("phone_2".into(), "Phone 2".into()));
        assert_eq!(word("brand_new"), ("backend".into(), "Backend".into()));
        assert_eq!(
            Privacy::Open.backend_label(&BackendId::new("lovense_lan_2")),
            "Lovense app 2"
        );
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line_that_fits(text in "(?s).*", long in 0usize..400) {
            let text = text.repeat(1 + long / 100) + &"x".repeat(long);
            for privacy in [Privacy::Open, Privacy::Discreet] {
                let line = privacy.text(&text);
                prop_assert!(line.chars().count() <= MAX_STATE);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
