//! What Home Assistant's Supervisor says of the broker to the apps that it runs.
//!
//! Source: developers.home-assistant.io, "Supervisor API", `/services/mqtt`; the codes of refusals
//! as in `supervisor/api/services.py`.

use serde::Deserialize;
use serde_json::Value;

/// Where to ask, with the app's token as bearer.
pub const MQTT_SERVICE: &str = "/services/mqtt";

/// A broker that an app offers.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it wants TLS.
    pub tls: bool,
    /// User and password.
    pub credentials: Option<(String, String)>,
}

/// Why the Supervisor names no broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBroker {
    /// No app offers one (yet).
    #[error(
        "Home Assistant knows no broker: install and start the app \"Mosquitto broker\", or set \
         mqtt.url to one of your own"
    )]
    None,
    /// It does not let us ask.
    #[error(
        "the Supervisor does not tell this app about the broker (status {0}): reinstall the app, \
         or set mqtt.url"
    )]
    Forbidden(u16),
    /// Something else.
    #[error("the Supervisor does not answer as expected (status {0}): restart it, or set mqtt.url")]
    Unexpected(u16),
}

#[derive(Deserialize)]
struct Answer {
    data: Service,
}

#[derive(Deserialize)]
struct Service {
    host: String,
    /// A number in the code, text in the documentation.
    port: Value,
    #[serde(default)]
    ssl: bool,
    username: Option<String>,
    password: Option<String>,
}

/// Reads the answer to a question for [`MQTT_SERVICE`].
///
/// # Errors
/// When it names no broker.
pub fn mqtt_service(status: u16, body: &[u8]) -> Result<Broker, NoBroker> {
    match status {
        200 => {}
        // "Service not enabled".
        400 => return Err(NoBroker::None),
        401 | 403 => return Err(NoBroker::Forbidden(status)),
        status => return Err(NoBroker::Unexpected(status)),
    }
    let unexpected = NoBroker::Unexpected(status);
    let Answer { data } = serde_json::from_slice(body).map_err(|_| unexpected)?;
    let port = match &data.port {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|port| port.try_into().ok()),
    };
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let user = filled(data.username);
    Ok(Broker {
        host: data.host,
        port: port.filter(|port| *port > 0).ok_or(unexpected)?,
        tls: data.ssl,
        credentials: user.map(|user| (user, data.password.unwrap_or_default())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<(String, bool, Option<String>), NoBroker> {
        let broker = mqtt_service(status, body.as_bytes())?;
        let user = broker
            .credentials
            .map(|(user, password)| user + "/" + &password);
        Ok((format!("{}:{}", broker.host, broker.port), broker.tls, user))
    }

    #[test]
    fn brokers_are_read_in_both_spellings() {
        let body = r#"{"result":"ok","data":{"addon":"core_mosquitto","host":"core-mosquitto",
            "port":1883,"ssl":false,"username":"addons","password":"0815","protocol":"3.1.1"}}"#;
        let plain = (
            "core-mosquitto:1883".to_owned(),
            false,
            Some("addons/0815".to_owned()),
        );
        assert_eq!(read(200, body), Ok(plain));
        let body = r#"{"data":{"app":"x","host":"x","port":"8883","ssl":true,"username":""}}"#;
        assert_eq!(read(200, body), Ok(("x:8883".to_owned(), true, None)));
    }

    #[test]
    fn refusals_and_nonsense_are_told_apart() {
        assert_eq!(read(400, r#"{"result":"error"}"#), Err(NoBroker::None));
        assert_eq!(read(403, ""), Err(NoBroker::Forbidden(403)));
        assert_eq!(read(502, "<html>"), Err(NoBroker::Unexpected(502)));
        for body in [
            "",
            "[]",
            r#"{"data":{"host":"x","port":0}}"#,
            r#"{"data":{"port":1}}"#,
        ] {
            assert_eq!(read(200, body), Err(NoBroker::Unexpected(200)), "{body}");
        }
    }
}
