//! Asks Home Assistant's Supervisor where the broker is.

use std::time::Duration;

use reqwest::redirect;
use tracing::debug;

use crate::config::{Secret, Supervisor};
use crate::hass::supervisor_api::{MQTT_SERVICE, mqtt_service};
use crate::mqtt::tls::{TlsError, TlsOptions};
use crate::mqtt::{Access, Guide, guide};

/// How long the Supervisor has to answer. It is on the same machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the Supervisor cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum GuideError {
    /// No client for HTTP.
    #[error("{0}")]
    Client(#[from] reqwest::Error),
    /// No certificates to compare with.
    #[error("{0}")]
    Tls(#[from] TlsError),
}

/// Asks the Supervisor where the broker is.
pub struct BrokerGuide {
    http: reqwest::Client,
    url: String,
    token: Secret,
    tls: TlsOptions,
    /// What the user wants to log in as, if not as the Supervisor says.
    credentials: Option<(String, String)>,
}

impl BrokerGuide {
    /// Asks this Supervisor.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(
        supervisor: &Supervisor,
        tls: TlsOptions,
        credentials: Option<(String, String)>,
    ) -> Result<Self, GuideError> {
        let http = reqwest::Client::builder()
            // It is plain HTTP, but the client wants to know all the same.
            .tls_backend_preconfigured(tls.client_config()?.as_ref().clone())
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            url: format!("http://{}{MQTT_SERVICE}", supervisor.host),
            token: supervisor.token.clone(),
            tls,
            credentials,
        })
    }

    async fn ask(&self) -> Result<Access, String> {
        let request = self.http.get(&self.url).bearer_auth(self.token.reveal());
        let answered = async {
            let response = request.send().await?;
            Ok((response.status().as_u16(), response.bytes().await?))
        };
        let (status, body) = answered.await.map_err(|error: reqwest::Error| {
            debug!(?error, "the Supervisor cannot be reached");
            "the Supervisor does not answer: is this an app of Home Assistant? Else set mqtt.url"
                .to_owned()
        })?;
        let broker = mqtt_service(status, &body).map_err(|error| error.to_string())?;
        let tls = broker.tls.then(|| self.tls.client_config()).transpose();
        Ok(Access {
            host: broker.host,
            port: broker.port,
            tls: tls.map_err(|error| error.to_string())?,
            credentials: self.credentials.clone().or(broker.credentials),
        })
    }
}

impl Guide for BrokerGuide {
    fn access(&self) -> guide::Answer<'_> {
        Box::pin(self.ask())
    }
}
