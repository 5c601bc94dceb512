//! Hosts, addresses of brokers, and fingerprints of certificates.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::Invalid;
use crate::config::kind::Kind;
use crate::config::value::Text;

/// A host name, or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(String);

impl Host {
    /// As it is written; an IPv6 address without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Host {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if bare.parse::<Ipv6Addr>().is_ok() || text.parse::<Ipv4Addr>().is_ok() {
            return Ok(Self(bare.to_owned()));
        }
        if text.contains("://") {
            return Err(Invalid::new(text, "is a URL: write only the host"));
        }
        if text.contains(':') {
            return Err(Invalid::new(
                text,
                "is not a host: the port has a key of its own",
            ));
        }
        // RFC 1123 §2.1, and the underscore that container names use.
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let name = text.strip_suffix('.').unwrap_or(text);
        let last = name.rsplit('.').next().unwrap_or_default();
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(Invalid::new(text, "is not a host name or an IP address"));
        }
        // No top-level domain is a number; this is an IPv4 address gone wrong.
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Invalid::new(text, "is not an IP address"));
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

impl Text for Host {
    fn kind() -> Kind {
        Kind::Text {
            what: "a host name or IP address",
            pattern: Some(r"^[A-Za-z0-9._:\[\]-]+$"),
        }
    }
}

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerUrl {
    /// Whether to use TLS (`mqtts://`).
    pub tls: bool,
    /// The host.
    pub host: Host,
    /// The port; 1883, or 8883 with TLS, where the URL names none.
    pub port: u16,
}

impl Default for BrokerUrl {
    fn default() -> Self {
        Self {
            tls: false,
            host: Host("localhost".to_owned()),
            port: Self::PORT,
        }
    }
}

impl BrokerUrl {
    const PORT: u16 = 1_883;
    const TLS_PORT: u16 = 8_883;
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        match self.host.ip() {
            Some(IpAddr::V6(ip)) => write!(f, "{scheme}://[{ip}]:{}", self.port),
            _ => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for BrokerUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // Before anything that quotes the text: it may hold a password.
        if text.contains('@') {
            return Err(Invalid(
                "user name and password do not belong in the URL: use mqtt.username and \
                 mqtt.password or mqtt.password_file"
                    .to_owned(),
            ));
        }
        let expected =
            "is not a broker's URL: write mqtt://host:1883, or mqtts://host:8883 for TLS";
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| Invalid::new(text, expected))?;
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" => true,
            _ => return Err(Invalid::new(text, expected)),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // The colons within an IPv6 address are no port's.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err(Invalid::new(text, "needs [ ] around the IPv6 address"));
        }
        let port = match port {
            None if tls => Self::TLS_PORT,
            None => Self::PORT,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(Invalid::new(text, "has a bad port: 1 to 65535")),
                Ok(port) => port,
            },
        };
        Ok(Self {
            tls,
            host: host.parse()?,
            port,
        })
    }
}

impl Text for BrokerUrl {
    fn kind() -> Kind {
        Kind::Text {
            what: "a URL: mqtt://host:port or mqtts://host:port",
            pattern: Some("^(mqtts?|tcp|ssl)://[^@]+$"),
        }
    }
}

/// The SHA-256 of a certificate, as openssl prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The hash.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new(text, "is not a SHA-256 fingerprint (64 hex digits)");
        let digits: String = text.chars().filter(|c| !" :".contains(*c)).collect();
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = &digits[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl Text for Fingerprint {
    fn kind() -> Kind {
        Kind::Text {
            what: "a SHA-256 fingerprint in hex",
            pattern: Some("^([0-9A-Fa-f]{2}[: ]?){32}$"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broker_urls() {
        let read = |text: &str| text.parse::<BrokerUrl>().map(|url| url.to_string());
        let same = [
            ("mqtt://broker.lan", "mqtt://broker.lan:1883"),
            ("mqtts://Broker/", "mqtts://broker:8883"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtts://[fe80::1]:99", "mqtts://[fe80::1]:99"),
            ("tcp://10.0.0.1:1", "mqtt://10.0.0.1:1"),
        ];
        for (text, url) in same {
            assert_eq!(read(text), Ok(url.to_owned()));
        }
        for bad in [
            "",
            "broker",
            "mqtt://",
            "http://broker",
            "mqtt://broker:0",
            "mqtt://broker:65536",
            "mqtt://broker:x",
            "mqtt://::1",
            "mqtt://a b",
            "mqtt://a/b",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_quoted() {
        let error = "mqtt://me:hunter2@broker".parse::<BrokerUrl>();
        let error = error.expect_err("refused").to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn hosts() {
        for good in ["a", "a_b", "x-1.lan", "10.0.0.1", "::1", "[::1]", "a.b."] {
            assert!(good.parse::<Host>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a..b",
            "10.0.0.256",
            "1.2.3",
            "a:80",
            "http://a",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "\\PC*") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.to_string().parse(), Ok(host));
            }
            if let Ok(url) = text.parse::<BrokerUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
            let _ = text.parse::<Fingerprint>();
        }

        #[test]
        fn a_broker_url_survives_being_written_and_read(
            tls: bool, host in "[a-z][a-z0-9]{0,8}", port in 1u16..
        ) {
            let url = BrokerUrl { tls, host: Host(host), port };
            prop_assert_eq!(url.to_string().parse(), Ok(url));
        }

        #[test]
        fn a_fingerprint_survives_being_written_and_read(bytes: [u8; 32]) {
            let print = Fingerprint(bytes);
            prop_assert_eq!(print.to_string().parse(), Ok(print));
        }
    }
}
