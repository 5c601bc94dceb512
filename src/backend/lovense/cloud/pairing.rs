//! How the user pairs an app with the account that the bridge uses.

use std::fmt;

/// What an app has to be told once. Whoever has it can pair an app of their own, so it is shown only
/// where somebody looks for it: never in the log.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    code: Option<String>,
    picture: Option<String>,
}

impl Pairing {
    /// From what the server sent: a code of some digits and the URL of a picture. `None` if neither
    /// can be used.
    #[must_use]
    pub fn new(code: Option<&str>, picture: Option<&str>) -> Option<Self> {
        let code = code.map(str::trim);
        let plain = |code: &&str| {
            (1..=12).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let picture = picture.map(str::trim);
        let a_url = |url: &&str| {
            let web = url.starts_with("https://") || url.starts_with("http://127.0.0.1");
            web && url.len() <= 160 && url.bytes().all(|b| b.is_ascii_graphic())
        };
        let code = code.filter(plain).map(str::to_owned);
        let picture = picture.filter(a_url).map(str::to_owned);
        (code.is_some() || picture.is_some()).then_some(Self { code, picture })
    }

    /// What to do, in words for the user, with the code and the picture.
    #[must_use]
    pub fn instructions(&self) -> String {
        let how = match (&self.code, &self.picture) {
            (Some(code), Some(picture)) => format!("enter the code {code} in it or scan {picture}"),
            (Some(code), None) => format!("enter the code {code} in it"),
            (None, Some(picture)) => format!("scan {picture} with it"),
            (None, None) => "wait for a code".to_owned(),
        };
        format!("no app is connected: {how} (4 h valid); if it is paired already, open it")
    }
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pairing(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_fit_a_state_and_say_the_code_first() {
        let picture = format!("https://apps.example/{}", "x".repeat(120));
        let pairing = Pairing::new(Some(" 395079 "), Some(&picture)).expect("a code");
        let text = pairing.instructions();
        assert!(text.chars().count() <= 255, "{}", text.len());
        assert!(text.find("395079") < text.find("https"), "{text}");
        assert_eq!(format!("{pairing:?}"), "Pairing(<redacted>)");
    }

    #[test]
    fn what_is_neither_code_nor_picture_is_left_out() {
        assert_eq!(Pairing::new(Some("1 2"), Some("javascript:x")), None);
        assert_eq!(Pairing::new(None, Some("https://a b")), None);
        let code = Pairing::new(Some("123456"), Some("x")).expect("a code");
        assert!(
            !code.instructions().contains("scan"),
            "{}",
            code.instructions()
        );
    }
}
