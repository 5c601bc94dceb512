//! From the server's answer to the URL of its socket. Pure.

use std::fmt;

use reqwest::Url;
use serde_json::Value;

use super::fault::Fault;
use super::options::Secret;

/// Where the socket is, and what lets us in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Door {
    /// For the handshake; it holds a token.
    pub(super) url: String,
    /// What to dial.
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door(<redacted>)")
    }
}

impl Door {
    /// From the answer to getSocketUrl: `socketIoUrl`, whose query has a token of its own, and
    /// `socketIoPath`. `encrypted` says that nothing may travel in the clear, `auth` lets us in
    /// where the URL has no token.
    pub(super) fn read(data: &Value, auth: &Secret, encrypted: bool) -> Result<Self, Fault> {
        let odd = |what: &str| Fault::NotTheServer(format!("an answer without {what}"));
        let text = |key: &str| data[key].as_str().map(str::trim);
        let given = text("socketIoUrl").ok_or_else(|| odd("a socket's URL"))?;
        let path = text("socketIoPath").unwrap_or_default().trim_matches('/');
        let url = Url::parse(given).map_err(|_| odd("a socket's URL that is one"))?;
        let scheme = match url.scheme() {
            "https" | "wss" => "wss",
            "http" | "ws" if encrypted => return Err(Fault::Unencrypted),
            "http" | "ws" => "ws",
            _ => return Err(odd("a socket's URL of a kind that is known")),
        };
        let host = url.host_str().ok_or_else(|| odd("a socket's host"))?;
        let port = url.port().unwrap_or(if scheme == "wss" { 443 } else { 80 });
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        if path.is_empty() || !path.chars().all(plain) {
            return Err(odd("a socket's path"));
        }
        // As it was written: the URL's own reading would make blanks of the pluses in a token.
        let query = given.split_once('?').map_or("", |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let mut pairs: Vec<String> = query.split('&').filter_map(pair).collect();
        if !pairs.iter().any(|pair| pair.starts_with("ntoken=")) {
            pairs.push(format!("ntoken={}", escaped(auth.reveal())));
        }
        let query = pairs.join("&");
        Ok(Self {
            url: format!("{scheme}://{host}:{port}/{path}/?{query}&EIO=3&transport=websocket"),
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        })
    }
}

fn pair(pair: &str) -> Option<String> {
    let (key, value) = pair.split_once('=')?;
    let ours = ["EIO", "transport", "sid"].contains(&key);
    (!key.is_empty() && !ours).then(|| format!("{}={}", escaped(key), escaped(value)))
}

/// With everything escaped that has a meaning in a query (RFC 3986 §2), save what is escaped
/// already.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn door(url: &str, path: &str, encrypted: bool) -> Result<Door, Fault> {
        let data = json!({"socketIoUrl": url, "socketIoPath": path});
        Door::read(&data, &Secret::new("a+b="), encrypted)
    }

    #[test]
    fn the_url_is_what_a_client_of_this_kind_dials() {
        let tail = "&EIO=3&transport=websocket";
        for (url, path, expected) in [
            (
                "https://io.example?ntoken=x+y/z==",
                "/developer.io",
                "wss://io.example:443/developer.io/?ntoken=x%2By%2Fz%3D%3D",
            ),
            (
                "https://io.example/?ntoken=x%2By&v=2#top",
                "/a/b/",
                "wss://io.example:443/a/b/?ntoken=x%2By&v=2",
            ),
            (
                "wss://io.example:8443",
                "io",
                "wss://io.example:8443/io/?ntoken=a%2Bb%3D",
            ),
        ] {
            let door = door(url, path, true).map(|door| door.url);
            assert_eq!(door, Ok(format!("{expected}{tail}")));
        }
        let local = door("http://[::1]:99?ntoken=t", "/io", false).expect("a door");
        assert_eq!((local.host.as_str(), local.port), ("::1", 99));
        assert!(!format!("{local:?}").contains("ntoken"));
    }

    #[test]
    fn a_token_never_travels_in_the_clear() {
        let refused = door("http://io.example?ntoken=t", "/io", true);
        assert_eq!(refused, Err(Fault::Unencrypted));
        for (url, path) in [
            ("", "/io"),
            ("nonsense", "/io"),
            ("ftp://x", "/io"),
            ("https://x", ""),
            ("https://x", "/a b"),
            ("https://x", "/a?b"),
        ] {
            assert!(
                matches!(door(url, path, true), Err(Fault::NotTheServer(_))),
                "{url} {path}"
            );
        }
        assert!(Door::read(&Value::Null, &Secret::new("t"), true).is_err());
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(url in "(https?://)?\\PC*", path in "\\PC*") {
            if let Ok(door) = door(&url, &path, true) {
                prop_assert!(door.url.starts_with("wss://"), "{}", door.url);
                prop_assert!(door.url.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
