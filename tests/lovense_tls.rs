//! Whom the bridge takes for the Lovense app when the connection is encrypted. Each case goes
//! through commands and through Toy Events, which share their TLS.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

mod lovense_support;

use std::sync::Arc;

use lovense_support::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use toy2mqtt::backend::Report;
use toy2mqtt::backend::lovense::lan::{EventsProbe, Fault, Options, ProbeError, probe};
use toy2mqtt::backend::lovense::tls::{Fingerprint, Trust};
use toy2mqtt::domain::{Gesture, HardwareId, ToyInput};

/// A certificate for the name of 127.0.0.1, from an authority that nobody knows.
fn certificate() -> (TlsAcceptor, Fingerprint) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let name = "127-0-0-1.lovense.club".to_owned();
    let leaf = CertificateParams::new(vec![name])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![leaf.der().clone(), authority.der().clone()];
    let fingerprint = Fingerprint::of(&chain[0]);
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), fingerprint)
}

async fn app() -> (App, Fingerprint) {
    let (acceptor, fingerprint) = certificate();
    (App::start_tls(acceptor).await, fingerprint)
}

fn trusting(app: &App, trust: Trust) -> Options {
    Options {
        trust,
        events: true,
        ..options(app.address)
    }
}

async fn works(app: &mut App, trust: Trust) {
    let rig = Rig::start(trusting(app, trust));
    let mut rig = rig.ready().await;
    rig.execute(A, vibrate(7)).await.unwrap();
    assert_eq!(app.command().await["action"], "Vibrate:7");
    let mut socket = app.socket().await;
    socket.grant().await;
    socket.send(json!({ "type": "shake", "toyId": A })).await;
    let shaken = |report| match report {
        Report::Told(toy, ToyInput::Gesture(Gesture::Shake)) => Some(toy),
        _ => None,
    };
    assert_eq!(rig.report("a shake", shaken).await, HardwareId::new(A));
    rig.stop().await;
}

async fn refused(app: &App, trust: Trust) -> String {
    let options = trusting(app, trust);
    match soon("a probe", probe(options, DEADLINE)).await {
        Err(ProbeError::Fault(Fault::Certificate { reason, .. })) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_pinned_certificate_is_accepted() {
    let (mut app, fingerprint) = app().await;
    works(
        &mut app,
        Trust::Pin(vec![Fingerprint::KNOWN_APP, fingerprint]),
    )
    .await;
}

#[tokio::test]
async fn any_certificate_is_accepted_if_told_so() {
    let (mut app, _) = app().await;
    works(&mut app, Trust::Insecure).await;
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_and_named() {
    let (mut app, fingerprint) = app().await;
    let reason = refused(&app, Trust::Pin(vec![Fingerprint::KNOWN_APP])).await;
    assert!(reason.contains(&fingerprint.to_string()), "{reason}");
    // Not one command got through.
    assert_eq!(app.count("GetToys", std::time::Duration::ZERO).await, 0);
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (app, _) = app().await;
    let reason = refused(&app, Trust::Webpki).await;
    assert!(reason.contains("UnknownIssuer"), "{reason}");
}

#[tokio::test]
async fn plain_http_to_an_encrypted_port_says_so() {
    let (app, _) = app().await;
    let error = soon("a probe", probe(trusting(&app, Trust::Plain), DEADLINE))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&app.address.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_that_does_not_fit_the_certificate_is_refused() {
    // An impostor who copied the app's certificate, which is public, but has no key for it.
    let (_, fingerprint) = certificate();
    let own = KeyPair::generate().unwrap();
    let copied = CertificateParams::new(vec!["127-0-0-1.lovense.club".to_owned()]).unwrap();
    let other = KeyPair::generate().unwrap();
    let copied = copied.self_signed(&other).unwrap();
    let pin = Fingerprint::of(copied.der());
    assert_ne!(pin, fingerprint);
    let key = ring::sign::any_supported_type(&PrivatePkcs8KeyDer::from(own.serialize_der()).into());
    let certified = rustls::sign::CertifiedKey::new(vec![copied.der().clone()], key.unwrap());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let app = App::start_tls(TlsAcceptor::from(Arc::new(config))).await;
    let reason = refused(&app, Trust::Pin(vec![pin])).await;
    assert!(reason.contains("ignature"), "{reason}");
}

#[tokio::test]
async fn a_probe_goes_through_tls_as_well() {
    let (mut app, fingerprint) = app().await;
    let options = trusting(&app, Trust::Pin(vec![fingerprint]));
    let probing = tokio::spawn(probe(options, DEADLINE));
    app.socket().await.grant().await;
    let report = soon("the probe", probing).await.unwrap().unwrap();
    assert_eq!(report.events, EventsProbe::Granted);
    assert!(
        report.place.starts_with("https://127.0.0.1:"),
        "{}",
        report.place
    );
}
