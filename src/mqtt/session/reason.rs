//! Why there is no connection, in words for the user, and what to do about it.

use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};
use rustls::{AlertDescription, CertificateError, Error as RustlsError};

/// Explains `error`. `connected`: the broker had let us in before.
pub(super) fn explain(error: &ConnectionError, connected: bool) -> String {
    use mqttbytes::Error::Io as PacketIo;
    match error {
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::NetworkTimeout
        | ConnectionError::FlushTimeout
        | ConnectionError::MqttState(StateError::AwaitPingResp | StateError::CollisionTimeout) => {
            "the broker does not answer: check mqtt.url, and whether it is overloaded".to_owned()
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => hung_up(connected),
        ConnectionError::Io(cause)
        | ConnectionError::Tls(TlsError::Io(cause))
        | ConnectionError::MqttState(
            StateError::Io(cause) | StateError::Deserialization(PacketIo(cause)),
        ) => io(cause, connected),
        ConnectionError::MqttState(StateError::Deserialization(cause)) => {
            format!("what answers there does not speak MQTT ({cause}): check mqtt.url")
        }
        ConnectionError::Tls(cause) => {
            format!("no secure connection: {cause}; check mqtt.url and mqtt.ca_file")
        }
        other => format!("the connection failed: {other}"),
    }
}

/// Whether the broker ended the connection, as far as can be told.
pub(super) fn is_hang_up(error: &ConnectionError) -> bool {
    use mqttbytes::Error::Io as PacketIo;
    match error {
        ConnectionError::MqttState(StateError::ConnectionAborted) => true,
        ConnectionError::Io(cause)
        | ConnectionError::Tls(TlsError::Io(cause))
        | ConnectionError::MqttState(
            StateError::Io(cause) | StateError::Deserialization(PacketIo(cause)),
        ) => hangs_up(cause.kind()),
        _ => false,
    }
}

fn hangs_up(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

fn refused(code: ConnectReturnCode) -> String {
    match code {
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
            "the broker refuses user or password: check mqtt.username and mqtt.password".to_owned()
        }
        code => format!("the broker refuses the connection: {code:?}"),
    }
}

fn hung_up(connected: bool) -> String {
    if connected {
        "the broker closed the connection".to_owned()
    } else {
        "the broker hung up at once: check the port in mqtt.url, and whether it has to begin with \
         mqtts://"
            .to_owned()
    }
}

fn io(cause: &io::Error, connected: bool) -> String {
    let inner = cause.get_ref();
    if let Some(cause) = inner.and_then(|inner| inner.downcast_ref::<RustlsError>()) {
        return tls(cause);
    }
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nothing listens there: check mqtt.url, and whether the broker is running".to_owned()
        }
        kind if hangs_up(kind) => hung_up(connected),
        _ if connected => format!("the connection failed: {cause}"),
        _ => format!("the broker cannot be reached: {cause}; check mqtt.url"),
    }
}

fn tls(cause: &RustlsError) -> String {
    match cause {
        RustlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the broker's certificate is for another host: check the host in mqtt.url".to_owned(),
        RustlsError::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "the broker's certificate is not signed by an authority that we trust: check \
              mqtt.ca_file"
            .to_owned(),
        RustlsError::InvalidCertificate(cause) => {
            format!("the broker's certificate cannot be trusted: {cause}")
        }
        RustlsError::InvalidMessage(_) => {
            "what answers there does not speak TLS: check the port in mqtt.url, and whether it has \
             to begin with mqtt://"
                .to_owned()
        }
        // TLS 1.3 refuses a client only after the handshake (RFC 8446 §4.4.2.4), and not every
        // broker says it in the same way.
        RustlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied,
        ) => format!(
            "the broker wants another client certificate, or one at all ({cause}): check \
             mqtt.client_cert and mqtt.client_key"
        ),
        cause => format!("no secure connection: {cause}"),
    }
}
