//! One HTTP endpoint of the app.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Url, redirect};
use rustls::ClientConfig;

use super::fault::Fault;
use super::options::{CLUB, Host, Options, OptionsError};
use crate::backend::lovense::tls::Trust;
use crate::backend::lovense::wire::{
    Answer, MAX_ANSWER, NotAnAnswer, Request, ToyList, parse_answer, parse_toys,
};

/// How many idle connections are kept, and for how long. As many as there may be commands to
/// several toys at once: to connect costs more than a command. Longer than the slowest look at the
/// toys, so that a stop finds one open.
const IDLE_CONNECTIONS: usize = 32;
const IDLE: Duration = Duration::from_secs(60);

/// Where the app is, as URLs have it, once names have been looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    encrypted: bool,
    /// The host in URLs, and what the certificate has to be issued to.
    authority: String,
    /// The address to dial instead of looking the host up.
    address: Option<IpAddr>,
}

impl Site {
    /// Finds out. Only a name whose certificate is to be checked has to be looked up here.
    pub(super) async fn locate(host: &Host, trust: &Trust) -> Result<Self, Fault> {
        let encrypted = trust.is_encrypted();
        let address = match host {
            Host::Address(address) => Some(*address),
            Host::Name(name) if *trust == Trust::Webpki && !name.ends_with(CLUB) => {
                Some(look_up(name).await?)
            }
            Host::Name(_) => None,
        };
        let authority = match address {
            Some(IpAddr::V4(address)) if encrypted => Host::club_name(address),
            Some(address) => Host::Address(address).to_string(),
            None => host.to_string(),
        };
        Ok(Self {
            encrypted,
            authority,
            address,
        })
    }

    /// `http://192.168.1.10:20010/command`; for websockets with `ws`.
    pub(super) fn url(&self, websocket: bool, port: u16, path: &str) -> String {
        self.write(&self.authority, websocket, port, path)
    }

    /// The URL for people: the address as the user knows it, and no brand in any log.
    pub(super) fn place(&self, websocket: bool, port: u16, path: &str) -> String {
        match self.address {
            Some(address) => {
                let host = Host::Address(address).to_string();
                self.write(&host, websocket, port, path)
            }
            None => self.url(websocket, port, path),
        }
    }

    fn write(&self, host: &str, websocket: bool, port: u16, path: &str) -> String {
        let scheme = match (websocket, self.encrypted) {
            (false, false) => "http",
            (false, true) => "https",
            (true, false) => "ws",
            (true, true) => "wss",
        };
        format!("{scheme}://{host}:{port}{path}")
    }

    /// What to dial for a connection that is not HTTP's.
    pub(super) fn dial(&self) -> String {
        match self.address {
            Some(address) => address.to_string(),
            None => self.authority.clone(),
        }
    }

    fn dashed(&self) -> Option<IpAddr> {
        self.address.filter(|_| self.authority.ends_with(CLUB))
    }
}

async fn look_up(name: &str) -> Result<IpAddr, Fault> {
    let fault = |reason: String| Fault::NoSuchHost {
        host: name.to_owned(),
        reason,
    };
    let mut found = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|error| fault(error.to_string()))?;
    found
        .find_map(|address| match address {
            SocketAddr::V4(address) => Some(IpAddr::V4(*address.ip())),
            SocketAddr::V6(_) => None,
        })
        .ok_or_else(|| fault("it has no IPv4 address".to_owned()))
}

/// Sends commands to one place. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Parsed once, not for each command.
    url: Url,
    place: Arc<str>,
}

impl Client {
    /// A client with connections of its own.
    pub(super) fn new(
        options: &Options,
        tls: &ClientConfig,
        site: &Site,
        port: u16,
    ) -> Result<Self, OptionsError> {
        let mut headers = HeaderMap::new();
        let name = HeaderValue::from_str(&options.app_name)
            .map_err(|_| OptionsError::AppName(options.app_name.clone()))?;
        // Shown by the app as the one who is connected.
        headers.insert(HeaderName::from_static("x-platform"), name);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .default_headers(headers)
            .connect_timeout(options.timing.connect)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS);
        if let Some(address) = site.dashed() {
            builder = builder.resolve(&site.authority, SocketAddr::new(address, port));
        }
        let http = builder
            .build()
            .map_err(|error| OptionsError::Client(error.to_string()))?;
        let url = site.url(false, port, "/command");
        Ok(Self {
            http,
            url: Url::parse(&url).map_err(|error| OptionsError::Client(error.to_string()))?,
            place: site.place(false, port, "/command").into(),
        })
    }

    /// Its URL, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Sends a command and waits for its answer, at most for `limit` in all.
    pub(super) async fn call(&self, request: &Request, limit: Duration) -> Result<Answer, Fault> {
        let silent = || Fault::NoAnswer {
            place: self.place.to_string(),
            limit,
        };
        let twice = async {
            match self.send(request, limit).await {
                // Every command sets things to what they are to be, so sending it again is safe.
                Err(fault) if fault.is_broken() => self.send(request, limit).await,
                result => result,
            }
        };
        tokio::time::timeout(limit, twice)
            .await
            .unwrap_or_else(|_| Err(silent()))
    }

    async fn send(&self, request: &Request, limit: Duration) -> Result<Answer, Fault> {
        let fault = |error: &reqwest::Error| Fault::of_http(&self.place, limit, error);
        let body = serde_json::to_vec(request).expect("texts and numbers can always be written");
        let sent = self.http.post(self.url.clone()).body(body).send().await;
        let mut response = sent.map_err(|error| fault(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(Fault::NotTheApp {
                    place: self.place.to_string(),
                    problem: format!("longer than {MAX_ANSWER} bytes"),
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        match parse_answer(&bytes) {
            Ok(answer) if status.is_success() => Ok(answer),
            Err(problem) if status.is_success() => Err(Fault::of_answer(&self.place, problem)),
            // The app says what is wrong in the body and answers with 200; something else might
            // do as HTTP has it.
            Err(problem @ NotAnAnswer::Complaint(_)) => Err(Fault::of_answer(&self.place, problem)),
            _ => Err(Fault::Status {
                place: self.place.to_string(),
                status: status.as_u16(),
            }),
        }
    }

    /// Asks for the toys.
    pub(super) async fn toys(&self, limit: Duration) -> Result<ToyList, Fault> {
        let answer = self.call(&Request::GetToys, limit).await?;
        parse_toys(&answer.data).map_err(|problem| Fault::NotTheApp {
            place: self.place.to_string(),
            problem,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    async fn url(host: &str, trust: Trust) -> String {
        let site = Site::locate(&host.parse().unwrap(), &trust).await.unwrap();
        site.url(false, 20010, "/command")
    }

    #[tokio::test]
    async fn urls_fit_the_host_and_the_trust() {
        let pin = || Trust::Pin(Vec::new());
        let cases = [
            (
                "192.168.1.10",
                Trust::Plain,
                "http://192.168.1.10:20010/command",
            ),
            (
                "192.168.1.10",
                Trust::Webpki,
                "https://192-168-1-10.lovense.club:20010/command",
            ),
            (
                "192-168-1-10.lovense.club",
                Trust::Plain,
                "http://192.168.1.10:20010/command",
            ),
            (
                "192.168.1.10",
                Trust::Insecure,
                "https://192-168-1-10.lovense.club:20010/command",
            ),
            ("::1", Trust::Plain, "http://[::1]:20010/command"),
            ("::1", pin(), "https://[::1]:20010/command"),
            ("phone.local", pin(), "https://phone.local:20010/command"),
            (
                "phone.local",
                Trust::Plain,
                "http://phone.local:20010/command",
            ),
        ];
        for (host, trust, expected) in cases {
            assert_eq!(url(host, trust).await, expected);
        }
    }

    #[tokio::test]
    async fn people_read_the_address_that_they_know() {
        let host = "192.168.1.10".parse().unwrap();
        let site = Site::locate(&host, &Trust::Webpki).await.unwrap();
        assert_eq!(
            site.place(true, 30010, "/v1"),
            "wss://192.168.1.10:30010/v1"
        );
    }

    #[tokio::test]
    async fn a_name_is_looked_up_only_to_check_its_certificate() {
        assert_eq!(
            url("localhost", Trust::Webpki).await,
            "https://127-0-0-1.lovense.club:20010/command"
        );
    }
}
