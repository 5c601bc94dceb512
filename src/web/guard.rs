//! Who may do what. Decides; the router asks.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

use super::desk::Asker;
use super::limiter::Limiter;
use super::refusal::Refusal;
use super::session::{Lock, session_in};

/// Home Assistant's Supervisor, through which its ingress comes
/// (developers.home-assistant.io, "Ingress").
pub(super) const SUPERVISOR: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 30, 32, 2));

/// Has to be there with every POST. No form and no other site can send it: a browser asks us first
/// whether it may, and gets no answer.
pub(super) const CSRF_HEADER: &str = "x-toy2mqtt";

/// The most characters of a user's name that are kept.
const MAX_USER: usize = 64;

/// Whence a request comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From Home Assistant's ingress, which has asked who it is.
    Ingress,
    /// From anywhere else.
    Direct,
}

/// The rules.
#[derive(Debug)]
pub(super) struct Guard {
    lock: Option<Lock>,
    /// Whether Home Assistant's ingress is let in.
    ingress: bool,
    /// Whether everybody who gets here is let in: only this machine gets here.
    open: bool,
    /// Names under which we are known, lower case.
    hosts: Vec<String>,
    limiter: Mutex<Limiter>,
}

impl Guard {
    /// Without a lock, nobody but the Supervisor is let in, unless it is `open`.
    pub(super) fn new(lock: Option<Lock>, ingress: bool, open: bool, hosts: Vec<String>) -> Self {
        Self {
            open: open && lock.is_none(),
            lock,
            ingress,
            hosts,
            limiter: Mutex::default(),
        }
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        // Counters are whole whatever happened to whoever held the lock.
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whence a request from this address comes.
    pub(super) fn way(&self, peer: IpAddr) -> Way {
        if self.ingress && peer.to_canonical() == SUPERVISOR {
            Way::Ingress
        } else {
            Way::Direct
        }
    }

    /// Whether the request means us. A site whose name leads to our address (DNS rebinding) is told
    /// by its name; who writes an address means that address.
    pub(super) fn host(&self, way: Way, headers: &HeaderMap) -> Result<(), Refusal> {
        if way == Way::Ingress {
            return Ok(());
        }
        let mut given = headers.get_all(header::HOST).into_iter();
        let host = match (given.next().map(HeaderValue::to_str), given.next()) {
            (Some(Ok(host)), None) => host_name(host),
            _ => return Err(Refusal::invalid("one Host header is needed")),
        };
        let known = host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok()
            || self.hosts.contains(&host);
        if known {
            return Ok(());
        }
        let shown: String = host.chars().take(80).collect();
        Err(Refusal::forbidden(format!(
            "{shown:?} is not known as a name of this panel: add it to web.allowed_hosts"
        )))
    }

    /// Whether another site had the browser send this.
    pub(super) fn same_site(headers: &HeaderMap) -> Result<(), Refusal> {
        // https://www.w3.org/TR/fetch-metadata/; browsers send it where the way is trustworthy.
        match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(Refusal::forbidden("another site asks")),
        }
    }

    /// Whether a POST was meant.
    pub(super) fn meant(headers: &HeaderMap) -> Result<(), Refusal> {
        let given = headers.get(CSRF_HEADER);
        if given.is_some_and(|value| !value.is_empty()) {
            return Ok(());
        }
        let message = "every POST needs the header X-Toy2mqtt, with any value";
        Err(Refusal::forbidden(message))
    }

    /// Who asks, if they may.
    pub(super) fn admit(
        &self,
        way: Way,
        peer: IpAddr,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<Asker, Refusal> {
        let panel = headers.get(CSRF_HEADER).is_some_and(|v| v == "panel");
        let asker = |user| Asker {
            over: if panel { "panel" } else { "rest" },
            user,
        };
        if way == Way::Ingress {
            return Ok(asker(user(headers)));
        }
        if self.open {
            return Ok(asker(None));
        }
        let Some(lock) = &self.lock else {
            let message = "the panel is only there for Home Assistant's ingress";
            return Err(Refusal::forbidden(message));
        };
        let cookies = headers.get_all(header::COOKIE).into_iter();
        let mut sessions = cookies.filter_map(|cookie| session_in(cookie.to_str().ok()?));
        if sessions.any(|session| lock.knows(session)) {
            return Ok(asker(None));
        }
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match bearer {
            None => Err(Refusal::unauthorized()),
            Some((_, token)) => self.try_token(peer, token.trim(), now).map(|_| asker(None)),
        }
    }

    /// Looks at a token; returns the cookie of a session if it is the right one.
    pub(super) fn try_token(
        &self,
        peer: IpAddr,
        token: &str,
        now: Instant,
    ) -> Result<String, Refusal> {
        let Some(lock) = &self.lock else {
            return Err(Refusal::invalid("there is no token: none is needed"));
        };
        // Before the limiter: wrong tokens of another peer behind the same proxy, or of a script that
        // runs on with an old token, must not keep the owner's stop out.
        if lock.opens(token) {
            return Ok(lock.cookie());
        }
        if let Some(seconds) = self.limiter().wait(peer, now) {
            let message = format!("too many wrong tokens: wait {seconds} seconds");
            return Err(Refusal::too_many(message, seconds));
        }
        self.limiter().failed(peer, now);
        tracing::warn!(%peer, "a wrong token for the panel");
        Err(Refusal::unauthorized())
    }
}

/// The user whom Home Assistant's ingress names, for the list of who did what.
fn user(headers: &HeaderMap) -> Option<String> {
    let names = ["x-remote-user-display-name", "x-remote-user-name"];
    names.into_iter().find_map(|name| {
        // Home Assistant sends UTF-8.
        let name = String::from_utf8_lossy(headers.get(name)?.as_bytes());
        let name = name.chars().filter(|c| !c.is_control()).take(MAX_USER);
        let name = name.collect::<String>().trim().to_owned();
        (!name.is_empty()).then_some(name)
    })
}

/// The host without its port, lower case; an IPv6 address without its brackets.
fn host_name(host: &str) -> String {
    let host = host.trim();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
