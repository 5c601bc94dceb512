//! Who may connect, and to what: passwords, certificates, access lists.

use std::path::PathBuf;

use tempfile::TempDir;
use toy2mqtt::mqtt::tls::TlsOptions;
use toy2mqtt::mqtt::{Event, Options};

use crate::bridge::{Bridge, SET, STOP, fresh, options};
use crate::support::certificates::Authority;
use crate::support::mosquitto::{Mosquitto, Setup};

#[tokio::test]
async fn a_denied_subscription_is_told_and_everything_else_works() {
    let denied = "toy2mqtt/+/+/set";
    let setup = Setup {
        denied: vec![denied.into()],
        ..Setup::default()
    };
    let broker = Mosquitto::start(&setup).await;
    let mut bridge = Bridge::start(&options(broker.addr));
    let filter = denied.to_owned();
    assert_eq!(bridge.event().await, Event::Denied { filter });
    assert_eq!(bridge.event().await, Event::Up);
    let mut user = broker.client("user").await;
    user.publish("toy2mqtt/toy_1a2b3c4d/vibrate/set", "5", false)
        .await;
    user.publish(STOP, "", false).await;
    user.publish(SET, "{}", false).await;
    assert_eq!(bridge.message().await, fresh(SET, "{}"));
    assert_eq!(bridge.stop().await, fresh(STOP, ""));
    bridge.close().await;
}

#[tokio::test]
async fn a_denied_stop_is_told() {
    let denied = "toy2mqtt/+/stop";
    let setup = Setup {
        denied: vec![denied.into()],
        ..Setup::default()
    };
    let broker = Mosquitto::start(&setup).await;
    let mut bridge = Bridge::start(&options(broker.addr));
    let filter = denied.to_owned();
    assert_eq!(bridge.event().await, Event::Denied { filter });
    bridge.wait_up().await;
    bridge.close().await;
}

#[tokio::test]
async fn an_access_list_as_documented_lets_the_bridge_work() {
    let user = |name: &str| (name.to_owned(), "secret".to_owned());
    let setup = Setup {
        users: vec![user("toys"), user("home_assistant")],
        acl: Some(
            "user toys\ntopic readwrite toy2mqtt/#\ntopic readwrite homeassistant/device/+/config\n\
             topic read homeassistant/status\nuser home_assistant\ntopic readwrite #\n"
                .into(),
        ),
        ..Setup::default()
    };
    let broker = Mosquitto::start(&setup).await;
    let mut options = options(broker.addr);
    options.access.credentials = Some(user("toys"));
    let mut bridge = Bridge::up(&options).await;
    let mut user = broker.client_as("ha", "home_assistant", "secret").await;
    user.publish(STOP, "", false).await;
    assert_eq!(bridge.stop().await, fresh(STOP, ""));
    assert!(user.subscribe("#").await);
    bridge.publisher.emit("toy2mqtt/bridge/event", b"{}");
    user.wait_for("toy2mqtt/bridge/event", |_| true).await;
    bridge.close().await;
}

#[tokio::test]
async fn a_wrong_password_is_told_and_the_right_one_works() {
    let setup = Setup {
        users: vec![("toys".into(), "right".into())],
        ..Setup::default()
    };
    let broker = Mosquitto::start(&setup).await;
    for wrong in [None, Some(("toys".into(), "wrong".into()))] {
        let mut options = options(broker.addr);
        options.access.credentials = wrong;
        let mut bridge = Bridge::start(&options);
        let reason = bridge.wait_down("").await;
        assert!(reason.contains("mqtt.password"), "{reason}");
        bridge.close().await;
    }
    let mut options = options(broker.addr);
    options.access.credentials = Some(("toys".into(), "right".into()));
    Bridge::up(&options).await.close().await;
}

struct Secured {
    _folder: TempDir,
    broker: Mosquitto,
    right: Authority,
    wrong: Authority,
}

/// A broker with a certificate of its own authority for `host`.
async fn secured(host: &str, client_certificates: bool) -> Secured {
    let folder = tempfile::tempdir().unwrap();
    let right = Authority::new(folder.path(), "right");
    let wrong = Authority::new(folder.path(), "wrong");
    let setup = Setup {
        tls: Some(right.issue(host)),
        client_ca: client_certificates.then(|| right.file.clone()),
        ..Setup::default()
    };
    let broker = Mosquitto::start(&setup).await;
    Secured {
        _folder: folder,
        broker,
        right,
        wrong,
    }
}

fn with_tls(
    broker: &Mosquitto,
    ca: Option<&Authority>,
    client: Option<(PathBuf, PathBuf)>,
) -> Options {
    let tls = TlsOptions {
        ca_file: ca.map(|ca| ca.file.clone()),
        client,
    };
    let mut options = options(broker.addr);
    options.access.tls = Some(tls.client_config().unwrap());
    options
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_it_is_the_right_one() {
    let Secured {
        broker,
        right,
        wrong,
        ..
    } = &secured("127.0.0.1", false).await;
    Bridge::up(&with_tls(broker, Some(right), None))
        .await
        .close()
        .await;
    for other in [None, Some(wrong)] {
        let mut bridge = Bridge::start(&with_tls(broker, other, None));
        let reason = bridge.wait_down("").await;
        assert!(reason.contains("not signed by"), "{reason}");
        assert!(reason.contains("mqtt.ca_file"), "{reason}");
        bridge.close().await;
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let Secured { broker, right, .. } = &secured("elsewhere.example", false).await;
    let mut bridge = Bridge::start(&with_tls(broker, Some(right), None));
    let reason = bridge.wait_down("").await;
    assert!(reason.contains("another host"), "{reason}");
    assert!(reason.contains("mqtt.url"), "{reason}");
    bridge.close().await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_broker_wants_one() {
    let Secured { broker, right, .. } = &secured("127.0.0.1", true).await;
    let client = right.issue("bridge");
    Bridge::up(&with_tls(broker, Some(right), Some(client)))
        .await
        .close()
        .await;
    let mut bridge = Bridge::start(&with_tls(broker, Some(right), None));
    let reason = bridge.wait_down("").await;
    assert!(reason.contains("mqtt.client_cert"), "{reason}");
    bridge.close().await;
}

#[tokio::test]
async fn plain_and_secured_ports_are_told_apart() {
    let Secured { broker, right, .. } = &secured("127.0.0.1", false).await;
    let mut bridge = Bridge::start(&options(broker.addr));
    let reason = bridge.wait_down("").await;
    assert!(reason.contains("mqtts://"), "{reason}");
    bridge.close().await;

    let plain = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::start(&with_tls(&plain, Some(right), None));
    let reason = bridge.wait_down("").await;
    assert!(reason.contains("mqtt.url"), "{reason}");
    bridge.close().await;
}
