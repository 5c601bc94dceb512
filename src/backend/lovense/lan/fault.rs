//! Why the app cannot be reached, and what the user can do about it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use crate::backend::LinkError;
use crate::backend::lovense::tls::certificate_problem;
use crate::backend::lovense::wire::{Complaint, NotAnAnswer};
use crate::domain::OpError;

/// What went wrong on the way to the app or at it. Every text says at which place and, where it is
/// not plain, what helps. `place` is a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The host name is unknown.
    #[error(
        "the host name {host} cannot be resolved ({reason}): use the IP address that the app shows"
    )]
    NoSuchHost {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nothing listens there.
    #[error(
        "nothing listens at {place}: switch on Game Mode (\"Enable LAN\") in the app and compare host and port with what it shows"
    )]
    Refused {
        /// Where.
        place: String,
    },
    /// The network has no way there.
    #[error("{place} is out of reach ({reason}): are phone and bridge in the same network?")]
    Unreachable {
        /// Where.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// Silence.
    #[error(
        "{place} did not answer within {limit:?}: is the phone awake, in this network and the app open?"
    )]
    NoAnswer {
        /// Where.
        place: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The certificate is not accepted.
    #[error("the certificate of {place} is not accepted: {reason}")]
    Certificate {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// The connection ended in between.
    #[error("the connection to {place} broke: {reason}")]
    Broken {
        /// Where.
        place: String,
        /// How.
        reason: String,
    },
    /// Something else than the app answered.
    #[error("{place} answered with HTTP status {status}: this is not the app's Game Mode port")]
    Status {
        /// Where.
        place: String,
        /// The status.
        status: u16,
    },
    /// Something answered, but not as the app does.
    #[error("the answer of {place} is {problem}: this is not the app's Game Mode port")]
    NotTheApp {
        /// Where.
        place: String,
        /// What it is instead.
        problem: String,
    },
    /// The app answered with an error.
    #[error("{0}")]
    Said(Complaint),
    /// None of the ports that apps use is good. The most telling fault of them.
    #[error("the app was not found on any of the ports {ports:?}: {likeliest}")]
    Nowhere {
        /// The ports that were tried.
        ports: Vec<u16>,
        /// The fault that says most.
        likeliest: Box<Fault>,
    },
}

impl Fault {
    /// From an error of the HTTP client.
    pub(in crate::backend::lovense) fn of_http(
        place: &str,
        limit: Duration,
        error: &reqwest::Error,
    ) -> Self {
        let place = place.to_owned();
        if error.is_timeout() {
            return Self::NoAnswer { place, limit };
        }
        let mut reason = None;
        let mut source = error.source();
        let host = error
            .url()
            .and_then(|url| url.host_str())
            .map(str::to_owned);
        while let Some(cause) = source {
            if let (true, Some(host)) = (cause.to_string() == "dns error", &host) {
                return Self::NoSuchHost {
                    host: host.clone(),
                    reason: cause.source().map_or_else(String::new, ToString::to_string),
                };
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                return Self::of_io(&place, limit, io);
            }
            reason = Some(cause.to_string());
            source = cause.source();
        }
        let reason = reason.unwrap_or_else(|| error.to_string());
        if error.is_connect() {
            Self::Unreachable { place, reason }
        } else {
            Self::Broken { place, reason }
        }
    }

    /// From an error of the system or of TLS, which hides in one.
    pub(in crate::backend::lovense) fn of_io(
        place: &str,
        limit: Duration,
        error: &io::Error,
    ) -> Self {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
        let place = place.to_owned();
        let tls = tls_error(error);
        if let Some(tls) = tls {
            return match certificate_problem(tls) {
                Some(reason) => Self::Certificate { place, reason },
                None => Self::Broken {
                    place,
                    reason: tls.to_string(),
                },
            };
        }
        let reason = error.to_string();
        match error.kind() {
            ConnectionRefused => Self::Refused { place },
            HostUnreachable | NetworkUnreachable => Self::Unreachable { place, reason },
            TimedOut => Self::NoAnswer { place, limit },
            _ => Self::Broken { place, reason },
        }
    }

    /// From an answer that is none.
    pub(super) fn of_answer(place: &str, problem: NotAnAnswer) -> Self {
        match problem {
            NotAnAnswer::Complaint(complaint) => Self::Said(complaint),
            other => Self::NotTheApp {
                place: place.to_owned(),
                problem: other.to_string(),
            },
        }
    }

    /// The fault of having found no port, from the fault of each.
    pub(super) fn nowhere(mut faults: Vec<(u16, Self)>) -> Self {
        faults.sort_by_key(|(port, _)| *port);
        let ports: Vec<u16> = faults.iter().map(|(port, _)| *port).collect();
        let likeliest = faults.into_iter().map(|(_, fault)| fault);
        match likeliest.max_by_key(Self::weight) {
            Some(fault) if ports.len() == 1 => fault,
            Some(fault) => Self::Nowhere {
                ports,
                likeliest: Box::new(fault),
            },
            None => Self::Nowhere {
                ports,
                likeliest: Box::new(Self::Refused {
                    place: "the app".to_owned(),
                }),
            },
        }
    }

    /// How much it says: an app that complains says more than a closed port.
    const fn weight(&self) -> u8 {
        match self {
            Self::Said(_) => 6,
            Self::Certificate { .. } => 5,
            Self::Broken { .. } => 4,
            Self::NotTheApp { .. } | Self::Status { .. } => 3,
            Self::Refused { .. } => 2,
            _ => 1,
        }
    }

    /// Whether the connection ended although it had been made: worth a second try at once, since
    /// the app may have closed an idle connection just when it was to be used again.
    pub(super) const fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }

    /// Whether the app works and has said no: about the command or the toy.
    pub(super) const fn is_answer(&self) -> bool {
        matches!(self, Self::Said(complaint) if complaint.code < Complaint::GAME_MODE_OFF)
    }

    /// Whether the app does not know the command, or not for this toy: PatternV2 came late, and for
    /// one model first.
    pub(super) const fn is_unknown_command(&self) -> bool {
        match self {
            Self::Said(complaint) => matches!(complaint.code, 400 | 403 | 404),
            Self::Status { status, .. } => matches!(*status, 400 | 404 | 405 | 501),
            _ => false,
        }
    }
}

/// What TLS said, however deep the layers between have wrapped it.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner
        .downcast_ref::<rustls::Error>()
        .or_else(|| tls_error(inner.downcast_ref::<io::Error>()?))
}

impl From<Fault> for OpError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoAnswer { limit, .. } => Self::Timeout(limit),
            Fault::Said(complaint) => complaint.into(),
            other => Self::Link(other.to_string()),
        }
    }
}

impl From<Fault> for LinkError {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string();
        match fault {
            // Takes the user or an update of the app, and a handshake costs the phone's battery.
            Fault::Certificate { .. } => Self::RetryAfter(text, Duration::from_secs(10)),
            _ => Self::Retry(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Fault {
        Fault::Refused {
            place: "http://192.0.2.1:20010".into(),
        }
    }

    #[test]
    fn of_several_ports_the_most_telling_fault_is_named() {
        let off = Fault::Said(Complaint {
            code: 500,
            message: None,
        });
        let fault = Fault::nowhere(vec![(34567, refused()), (20010, off), (20011, refused())]);
        assert_eq!(
            fault.to_string(),
            "the app was not found on any of the ports [20010, 20011, 34567]: \
             Game Mode is off: switch on \"Enable LAN\" in the app (code 500)"
        );
        assert_eq!(Fault::nowhere(vec![(1, refused())]), refused());
    }

    #[test]
    fn faults_become_the_errors_of_operations_and_links() {
        assert!(matches!(OpError::from(refused()), OpError::Link(_)));
        let limit = Duration::from_secs(3);
        let silent = Fault::NoAnswer {
            place: String::new(),
            limit,
        };
        assert_eq!(OpError::from(silent), OpError::Timeout(limit));
        assert!(matches!(LinkError::from(refused()), LinkError::Retry(_)));
        let certificate = Fault::Certificate {
            place: String::new(),
            reason: String::new(),
        };
        assert!(matches!(
            LinkError::from(certificate),
            LinkError::RetryAfter(..)
        ));
    }
}
