//! Where toy servers are, and what they are called.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Host, Invalid};
use crate::config::kind::Kind;
use crate::config::value::Text;

/// Where a Buttplug server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// The host.
    pub host: Host,
    /// The port; 12345 where the URL names none.
    pub port: u16,
    /// What follows, from its `/` on.
    pub path: String,
}

impl ServerUrl {
    /// The port that servers listen on unless they are told otherwise.
    const PORT: u16 = 12_345;
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (port, path) = (self.port, &self.path);
        match self.host.ip() {
            Some(IpAddr::V6(ip)) => write!(f, "ws://[{ip}]:{port}{path}"),
            _ => write!(f, "ws://{}:{port}{path}", self.host),
        }
    }
}

impl FromStr for ServerUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let expected = "is not a server's URL: write ws://host:12345";
        if text.starts_with("wss://") {
            return Err(Invalid::new(
                text,
                "asks for TLS, which toy servers do not have: write ws://",
            ));
        }
        let rest = text
            .strip_prefix("ws://")
            .ok_or_else(|| Invalid::new(text, expected))?;
        let (place, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let visible = |c: char| c.is_ascii_graphic() && c != '#';
        if !path.chars().all(visible) {
            return Err(Invalid::new(text, "has a path that no URL can have"));
        }
        let (host, port) = match place.rsplit_once(':') {
            // The colons within an IPv6 address are no port's.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err(Invalid::new(text, "needs [ ] around the IPv6 address"));
        }
        let port = match port.map(str::parse) {
            None => Self::PORT,
            Some(Ok(0) | Err(_)) => {
                return Err(Invalid::new(text, "has a bad port: 1 to 65535"));
            }
            Some(Ok(port)) => port,
        };
        Ok(Self {
            host: host.parse()?,
            port,
            path: path.to_owned(),
        })
    }
}

impl Text for ServerUrl {
    fn kind() -> Kind {
        Kind::Text {
            what: "a URL: ws://host:port",
            pattern: Some("^ws://[^@#]+$"),
        }
    }
}

/// Where to listen: an address of this machine and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

impl ListenAddress {
    /// This port, for this machine alone.
    #[must_use]
    pub const fn local(port: u16) -> Self {
        Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    /// The address; port 0 for any free port.
    #[must_use]
    pub const fn get(self) -> SocketAddr {
        self.0
    }

    /// Whether only programs on this machine can reach it.
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0.ip().is_loopback()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ListenAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // A port alone listens on this machine alone.
        let local = text.strip_prefix("localhost:").unwrap_or(text).parse();
        let address = match local {
            Ok(port) => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
            Err(_) => text.parse(),
        };
        match address {
            Ok(address) => Ok(Self(address)),
            _ if text.parse::<Ipv6Addr>().is_ok() => {
                Err(Invalid::new(text, "needs [ ] around the IPv6 address"))
            }
            _ => Err(Invalid::new(
                text,
                "is not an address to listen at: write e.g. \"127.0.0.1:12346\"",
            )),
        }
    }
}

impl Text for ListenAddress {
    fn kind() -> Kind {
        Kind::Text {
            what: "an address and a port",
            pattern: Some(r"^([0-9A-Za-z.:\[\]%]+:)?[0-9]{1,5}$"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn server_urls() {
        let read = |text: &str| text.parse::<ServerUrl>().map(|url| url.to_string());
        let same = [
            ("ws://pc", "ws://pc:12345/"),
            ("ws://PC.lan:1/x?y=1", "ws://pc.lan:1/x?y=1"),
            ("ws://[::1]", "ws://[::1]:12345/"),
            ("ws://[fe80::1]:99/", "ws://[fe80::1]:99/"),
        ];
        for (text, url) in same {
            assert_eq!(read(text), Ok(url.to_owned()));
        }
        for bad in [
            "",
            "pc",
            "ws://",
            "wss://pc",
            "http://pc",
            "ws://pc:0",
            "ws://::1",
            "ws://a/b c",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_to_listen_at() {
        let read = |text: &str| {
            text.parse::<ListenAddress>()
                .map(|at| (at.to_string(), at.is_local()))
        };
        let same = [
            ("12346", "127.0.0.1:12346", true),
            ("localhost:1", "127.0.0.1:1", true),
            ("0.0.0.0:12346", "0.0.0.0:12346", false),
            ("[::1]:5", "[::1]:5", true),
            ("0", "127.0.0.1:0", true),
        ];
        for (text, address, local) in same {
            assert_eq!(read(text), Ok((address.to_owned(), local)));
        }
        for bad in ["", "127.0.0.1", "::1", ":1", "pc:1", "65536"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "(ws://)?\\PC*") {
            if let Ok(url) = text.parse::<ServerUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
            if let Ok(address) = text.parse::<ListenAddress>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
