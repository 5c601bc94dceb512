//! The maker's server, and who uses it.

use std::fmt;
use std::str::FromStr;

use super::{Host, Invalid};
use crate::config::kind::Kind;
use crate::config::value::Text;

/// Where a server in the internet is: `https://host`, or `http://host` on this machine, for trying
/// things out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudUrl {
    encrypted: bool,
    host: Host,
    port: Option<u16>,
}

impl CloudUrl {
    /// A server whose URL is known to be one.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub(in crate::config) fn known(url: &'static str) -> Self {
        url.parse().expect("a URL")
    }
}

impl fmt::Display for CloudUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        match self.host.ip() {
            Some(std::net::IpAddr::V6(ip)) => write!(f, "{scheme}://[{ip}]")?,
            _ => write!(f, "{scheme}://{}", self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for CloudUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || Invalid::new(text, "is not a server's URL: write https://host");
        // It may hold a password, which is not to be quoted.
        if text.contains('@') {
            return Err(Invalid(
                "a URL with a user in it: write https://host".to_owned(),
            ));
        }
        let (scheme, place) = text.split_once("://").ok_or_else(bad)?;
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            // The colons within an IPv6 address are no port's.
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (host, Some(port.ok_or_else(bad)?))
            }
            _ => (place, None),
        };
        let bracketed = host.starts_with('[') == host.contains(':');
        let host: Host = host.parse().map_err(|_| bad())?;
        let here = host.as_str() == "localhost" || host.ip().is_some_and(|ip| ip.is_loopback());
        match scheme {
            _ if !bracketed => Err(bad()),
            "http" if !here => Err(Invalid::new(
                text,
                "would show the token to everybody on the way: write https://",
            )),
            "https" | "http" => Ok(Self {
                encrypted: scheme == "https",
                host,
                port,
            }),
            _ => Err(bad()),
        }
    }
}

impl Text for CloudUrl {
    fn kind() -> Kind {
        Kind::Text {
            what: "a URL: https://host",
            pattern: Some("^https?://[^@/#?]+/?$"),
        }
    }
}

/// What a user is called to a server: one word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // A comma would make several users of it.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                text,
                "is not 1 to 64 letters, digits and - . _",
            ))
        }
    }
}

impl Text for UserId {
    fn kind() -> Kind {
        Kind::Text {
            what: "1 to 64 letters, digits and - . _",
            pattern: Some("^[A-Za-z0-9._-]{1,64}$"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn server_urls() {
        let read = |text: &str| text.parse::<CloudUrl>().map(|url| url.to_string());
        for (text, url) in [
            ("https://api.example/", "https://api.example"),
            ("https://API.example:8443", "https://api.example:8443"),
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
            ("http://[::1]:99", "http://[::1]:99"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(read(text), Ok(url.to_owned()));
        }
        for bad in [
            "",
            "api.example",
            "http://api.example",
            "http://192.168.1.5",
            "ftp://x",
            "https://x/y",
            "https://x?y",
            "https://x:0",
            "https://::1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let error = read("https://user:0815@x").expect_err("a password");
        assert!(!error.to_string().contains("0815"), "{error}");
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "(https?://)?\\PC*") {
            if let Ok(url) = text.parse::<CloudUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
            if let Ok(user) = text.parse::<UserId>() {
                prop_assert_eq!(user.to_string(), text);
            }
        }
    }
}
