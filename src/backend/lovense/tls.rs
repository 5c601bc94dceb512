//! Whom to believe to be the Lovense app when the connection is encrypted.
//!
//! The app serves a certificate for `*.lovense.club`, issued by a public authority, under a name
//! that spells its address: `192-168-1-10.lovense.club`. The check takes place inside the very
//! connection that is used: there is no moment between looking and trusting.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

/// How to tell the app from an impostor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// No encryption.
    Plain,
    /// The certificate is issued by a public authority to the name that spells the app's address.
    /// That name is never looked up: many routers refuse to.
    Webpki,
    /// The certificate is one of these. Survives that the app's certificate lapses, not that it is
    /// replaced.
    Pin(Vec<Fingerprint>),
    /// Any certificate: keeps listeners out, impostors not.
    Insecure,
}

impl Trust {
    /// Whether connections are encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        !matches!(self, Self::Plain)
    }
}

/// The SHA-256 of a certificate in DER form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl From<[u8; 32]> for Fingerprint {
    fn from(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }
}

impl Fingerprint {
    /// The certificate that apps were seen to serve until 2026. It will be replaced some day.
    pub const KNOWN_APP: Self = Self([
        0xEF, 0xA7, 0x4A, 0x20, 0x9B, 0xB8, 0xFC, 0xC2, 0xA8, 0x1C, 0x9F, 0x51, 0x51, 0xDC, 0x89,
        0x9A, 0xE0, 0xC5, 0xCD, 0x80, 0xC4, 0x93, 0xD2, 0x65, 0x69, 0x79, 0x8D, 0xCC, 0xF5, 0xA8,
        0x82, 0x42,
    ]);

    /// The fingerprint of this certificate.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
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

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256 fingerprint (64 hex digits, colons allowed)")]
pub struct NotAFingerprint(pub String);

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || NotAFingerprint(text.to_owned());
        let digits: Option<Vec<u8>> = text
            .trim()
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).map(|digit| digit as u8))
            .collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or_else(bad)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

/// The client side of TLS for this trust. With [`Trust::Plain`] it is never used to connect, but
/// the HTTP client wants one all the same.
#[must_use]
pub fn client_config(trust: &Trust) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(Arc::<CryptoProvider>::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3");
    let known = match trust {
        Trust::Plain | Trust::Webpki => {
            let roots = RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            let config = builder.with_root_certificates(roots).with_no_client_auth();
            return Arc::new(config);
        }
        Trust::Pin(fingerprints) => Some(fingerprints.clone()),
        Trust::Insecure => {
            tracing::warn!(
                "certificates are not checked: anybody in the network can pose as the app"
            );
            None
        }
    };
    let verifier = Arc::new(PinVerifier { known, algorithms });
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(config)
}

/// A certificate that is none of the pinned ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its fingerprint {0} is not among the pinned ones")]
pub struct WrongFingerprint(pub Fingerprint);

/// Accepts the certificates whose fingerprint is known, or all; that the far end owns the
/// certificate's key is checked in either case.
#[derive(Debug)]
struct PinVerifier {
    known: Option<Vec<Fingerprint>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        match &self.known {
            Some(known) if !known.contains(&found) => {
                let reason = OtherError(Arc::new(WrongFingerprint(found)));
                Err(CertificateError::Other(reason).into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why TLS refused a certificate, in words for the user; `None` if the error is about anything
/// else.
#[must_use]
pub fn certificate_problem(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            Some(other.0.to_string())
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some("it is issued to another address".to_owned()),
        rustls::Error::InvalidCertificate(reason) => Some(reason.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons() {
        let text = Fingerprint::KNOWN_APP.to_string();
        assert!(
            text.starts_with("EF:A7:4A:20") && text.ends_with("A8:82:42"),
            "{text}"
        );
        assert_eq!(text.parse(), Ok(Fingerprint::KNOWN_APP));
        let plain = text.replace(':', "").to_lowercase();
        assert_eq!(plain.parse(), Ok(Fingerprint::KNOWN_APP));
    }

    #[test]
    fn other_texts_are_no_fingerprints() {
        for bad in [
            "",
            "EF:A7",
            &"0".repeat(63),
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_hash_of_the_certificate() {
        // printf abc | sha256sum
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Fingerprint::of(b"abc"), text.parse().unwrap());
    }

    #[test]
    fn every_trust_makes_a_configuration() {
        for trust in [
            Trust::Plain,
            Trust::Webpki,
            Trust::Pin(vec![Fingerprint::KNOWN_APP]),
            Trust::Insecure,
        ] {
            let _ = client_config(&trust);
        }
    }
}
