//! Servers that say on the local network that they are there.
//!
//! Sources: RFC 6762 (multicast DNS) and RFC 6763 (its services); Intiface registers
//! `_intiface_engine._tcp` where its user has switched that on. One question is asked, from a port of
//! its own, and the answers come straight back to it (RFC 6762 §5.1, §5.4, §6.7): nothing listens for
//! longer than that, and nobody is connected to.
//!
//! Anybody can answer anything. What is taken is small, bounded and checked; the address is the one
//! that the answer came from, so that no name has to be resolved and nobody can point elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, TYPE};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// What the servers call themselves.
const SERVICE: &str = "_intiface_engine._tcp.local";

/// So many servers are told of at most.
const MOST: usize = 16;

/// So many answers are looked at.
const PACKETS: usize = 256;

/// No answer is larger (RFC 6762 §17).
const PACKET: usize = 9_000;

/// So many characters of a name are shown.
const NAME: usize = 40;

/// A server that says that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// What it calls itself: printable, and not long.
    pub name: String,
    /// Where it says that it listens, on the machine that said so.
    pub address: SocketAddr,
    /// The path of its URL.
    pub path: String,
}

impl fmt::Display for Announced {
    /// As a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}{}", self.address, self.path)
    }
}

/// Asks at `place` which servers there are, and gathers answers for `limit`.
///
/// # Errors
/// This machine has no network to ask in.
pub async fn announced(place: SocketAddr, limit: Duration) -> io::Result<Vec<Announced>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let question = question();
    let began = Instant::now();
    let mut found = BTreeMap::new();
    let mut packets = 0;
    let mut packet = vec![0; PACKET];
    // Once more halfway: either may get lost.
    for until in [began + limit / 2, began + limit] {
        socket.send_to(&question, place).await?;
        while let Ok(heard) = timeout_at(until, socket.recv_from(&mut packet)).await {
            packets += 1;
            if packets > PACKETS || found.len() >= MOST {
                break;
            }
            // An answer of somebody else's may be an error: that nobody listens there.
            let Ok((length, from)) = heard else { continue };
            for server in read(&packet[..length], from.ip()) {
                found.insert(server.address, server);
            }
        }
    }
    Ok(found.into_values().take(MOST).collect())
}

/// The question. Answers are to come to whoever asks.
fn question() -> Vec<u8> {
    let mut packet = Packet::new_query(0);
    let service = Name::new_unchecked(SERVICE);
    let (kind, class) = (QTYPE::TYPE(TYPE::PTR), QCLASS::CLASS(CLASS::IN));
    packet
        .questions
        .push(Question::new(service, kind, class, true));
    // A name that is valid can be written.
    packet.build_bytes_vec().unwrap_or_default()
}

/// The servers in an answer that came from `from`.
fn read(packet: &[u8], from: IpAddr) -> Vec<Announced> {
    let Ok(packet) = Packet::parse(packet) else {
        return Vec::new();
    };
    if !is_near(from) {
        return Vec::new();
    }
    let service = Name::new_unchecked(SERVICE);
    let records = || packet.answers.iter().chain(&packet.additional_records);
    let mut found = Vec::new();
    for record in records().take(PACKETS) {
        let RData::SRV(place) = &record.rdata else {
            continue;
        };
        let Some(label) = record.name.without(&service) else {
            continue;
        };
        if place.port == 0 {
            continue;
        }
        let path = records()
            .filter(|other| other.name == record.name)
            .find_map(|other| match &other.rdata {
                RData::TXT(text) => text.attributes().remove("path").flatten(),
                _ => None,
            });
        found.push(Announced {
            name: printable(&label.to_string()),
            address: SocketAddr::new(from, place.port),
            path: path.filter(|path| is_plain(path)).unwrap_or_default(),
        });
    }
    found
}

/// Whether an answer from there is one of the local network's (RFC 6762 §11).
const fn is_near(from: IpAddr) -> bool {
    match from {
        IpAddr::V4(from) => from.is_private() || from.is_link_local() || from.is_loopback(),
        IpAddr::V6(from) => {
            from.is_unique_local() || from.is_unicast_link_local() || from.is_loopback()
        }
    }
}

/// Whether this is a path of a URL that can be written into settings as it is.
fn is_plain(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    path.len() <= NAME && path.starts_with('/') && path.len() > 1 && path.chars().all(plain)
}

/// What can be shown of a name: no control characters, nothing that turns the direction of a line.
fn printable(name: &str) -> String {
    let shown = |c: &char| c.is_alphanumeric() || " -_.:()'".contains(*c);
    let shown: String = name.chars().filter(shown).take(NAME).collect();
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{SRV, TXT};

    use super::*;

    const NEAR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20));

    fn answer(instance: &str, port: u16, path: &str) -> Vec<u8> {
        let mut packet = Packet::new_reply(0);
        let name = Name::new(instance).unwrap();
        let target = Name::new("evil.example.com").unwrap();
        let place = SRV {
            priority: 0,
            weight: 0,
            port,
            target,
        };
        let path = format!("path={path}");
        let text = TXT::new().with_string(&path).unwrap();
        for data in [RData::SRV(place), RData::TXT(text)] {
            let record = ResourceRecord::new(name.clone(), CLASS::IN, 10, data);
            packet.additional_records.push(record);
        }
        packet.build_bytes_vec_compressed().unwrap()
    }

    #[test]
    fn a_server_is_where_its_answer_came_from_whatever_it_says() {
        let found = read(
            &answer("Intiface AbC._intiface_engine._tcp.local", 12_345, "/"),
            NEAR,
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "Intiface AbC");
        assert_eq!(found[0].to_string(), "ws://192.168.1.20:12345");
        let found = read(&answer("x._INTIFACE_engine._tcp.local", 1, "/a-b"), NEAR);
        assert_eq!(found[0].to_string(), "ws://192.168.1.20:1/a-b");
    }

    #[test]
    fn what_is_not_believed() {
        let far = IpAddr::from([8, 8, 8, 8]);
        let good = "x._intiface_engine._tcp.local";
        assert_eq!(read(&answer(good, 12_345, "/"), far), []);
        assert_eq!(read(&answer(good, 0, "/"), NEAR), []);
        assert_eq!(read(&answer("x._http._tcp.local", 80, "/"), NEAR), []);
        for path in ["/\"\n[mqtt]", "no-slash", "/a b", &"/x".repeat(50)] {
            assert_eq!(read(&answer(good, 1, path), NEAR)[0].path, "", "{path}");
        }
        let odd = "a\u{1b}[31m\u{202e}\u{7}b._intiface_engine._tcp.local";
        assert_eq!(read(&answer(odd, 1, "/"), NEAR)[0].name, "a31mb");
    }

    proptest! {
        #[test]
        fn no_packet_does_harm(packet in prop::collection::vec(any::<u8>(), 0..600)) {
            read(&packet, NEAR);
        }

        #[test]
        fn nor_does_one_that_is_nearly_right(at in 0..140_usize, byte: u8) {
            let mut packet = answer("x._intiface_engine._tcp.local", 12_345, "/");
            let at = at % packet.len();
            packet[at] = byte;
            let found = read(&packet, NEAR);
            prop_assert!(found.iter().all(|it| it.address.ip() == NEAR && it.name.len() <= 160));
        }
    }
}
