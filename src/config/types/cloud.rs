//! The maker's server.

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
        }
    }
}
