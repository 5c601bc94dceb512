//! The maker's look-up of apps: which of them it has seen behind the same internet address.
//!
//! Asked only by whoever has switched it on, for the maker learns that somebody looks. Its answer is
//! somebody's word: what it names is proposed, never used.
//!
//! Source: Lovense Standard API, "Get the local URL" (`GET /api/lan/v2/app`). Tried against a
//! simulation only.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::{Url, redirect};
use rustls::ClientConfig;
use serde_json::Value;

use super::tls::{Trust, client_config};
use super::wire::{MAX_ANSWER, parse_envelope};

const PATH: &str = "/api/lan/v2/app";

/// The maker's names for addresses in a local network: `192-168-1-44.lovense.club`.
const DOMAIN: &str = ".lovense.club";

/// More apps than a household has.
const MAX_APPS: usize = 8;

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// It was not reached, or did not answer in time.
    #[error("the maker's server cannot be asked: {0}")]
    Network(String),
    /// It answered something else.
    #[error("the maker's server does not answer as it should")]
    Answer,
}

/// The apps behind this internet address, by where they are in the local network. `server`: without a
/// path. Takes no longer than `limit`.
///
/// # Errors
/// No answer, or none that makes sense.
pub async fn look_up(server: &str, limit: Duration) -> Result<BTreeSet<Ipv4Addr>, LookUpError> {
    let network = |error: reqwest::Error| LookUpError::Network(error.without_url().to_string());
    let url = Url::parse(server).and_then(|server| server.join(PATH));
    let url = url.map_err(|error| LookUpError::Network(error.to_string()))?;
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(&client_config(&Trust::Webpki)))
        .timeout(limit)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(network)?;
    let mut response = http.get(url).send().await.map_err(network)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(LookUpError::Answer);
        }
        bytes.extend_from_slice(&chunk);
    }
    parse(&bytes).ok_or(LookUpError::Answer)
}

fn parse(bytes: &[u8]) -> Option<BTreeSet<Ipv4Addr>> {
    let answer = parse_envelope(bytes, 0).ok()?;
    let apps = answer.data.as_array()?.iter();
    let apps = apps.filter(|app| app["online"] != Value::Bool(false));
    let addresses = apps.filter_map(|app| address(app["domain"].as_str()?));
    Some(addresses.take(MAX_APPS).collect())
}

/// Where a domain of the maker's is. Nowhere else than in a local network: nobody is to be sent away.
fn address(domain: &str) -> Option<Ipv4Addr> {
    let name = domain.strip_suffix(DOMAIN)?;
    let address: Ipv4Addr = name.replace('-', ".").parse().ok()?;
    (address.is_private() || address.is_link_local() || address.is_loopback()).then_some(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_apps_of_this_network_are_found() {
        let app =
            |domain: &str, online: bool| json!({"domain": domain, "online": online, "toyList": []});
        let answer = json!({"code": 0, "data": [
            app("192-168-1-44.lovense.club", true),
            app("192-168-1-45.lovense.club", false),
            app("8-8-8-8.lovense.club", true),
            app("192-168-1-46.example.com", true),
            app("192.168.1.47", true),
            {"domain": "10-0-0-9.lovense.club"},
            7,
        ]});
        let found = parse(answer.to_string().as_bytes()).expect("an answer");
        assert_eq!(
            found,
            BTreeSet::from([[10, 0, 0, 9], [192, 168, 1, 44]].map(Ipv4Addr::from))
        );
        for bad in [
            json!({"code": 501, "message": "no"}),
            json!({"code": 0, "data": {}}),
            json!([]),
        ] {
            assert_eq!(parse(bad.to_string().as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes: Vec<u8>, domain in "[0-9-]{0,15}.lovense.club|\\PC*") {
            let _ = parse(&bytes);
            if let Some(address) = address(&domain) {
                prop_assert_eq!(address.to_string().replace('.', "-") + DOMAIN, domain);
            }
        }
    }
}
