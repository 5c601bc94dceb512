//! Liveness, readiness, metrics.

use serde_json::json;

use crate::client::{Client, WithPanel as _};
use crate::shared::mosquitto::free_port;
use crate::support::{Setup, toy};

const LUSH: &str = "f082c00246fa";

#[tokio::test]
async fn a_bridge_without_broker_lives_and_is_not_ready() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    assert_eq!(client.get("/healthz").await.text(), "ok\n");
    assert_eq!(client.get("/readyz").await.status, 200);
    rig.broker.kill();
    rig.bridge.logged("no connection to the broker").await;
    rig.app.go().await.unwrap();
    let ready = client.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json()["missing"],
        json!(["no connection to the broker"])
    );
    assert_eq!(client.get("/healthz").await.status, 200);
    let info = client.get("/api/info").await.json();
    assert_eq!(info["broker"]["connected"], false);
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    rig.set(LUSH, json!({"vibrate": 40})).await;
    client
        .post(
            &format!("/api/toys/{}/set", toy(LUSH)),
            r#"{"vibrate": 101}"#,
        )
        .await;
    let answer = client.get("/metrics").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for line in [
        "toy2mqtt_requests_accepted_total 1",
        "toy2mqtt_requests_rejected_total{reason=\"invalid\"} 1",
        "toy2mqtt_request_duration_seconds_count 1",
        "toy2mqtt_backend_up{backend=\"lovense_lan\"} 1",
        "toy2mqtt_toys_available{route=\"lovense_lan\"} 1",
        "toy2mqtt_mqtt_up 1",
        "toy2mqtt_mqtt_connects_total 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    let ops = text
        .lines()
        .find(|line| line.starts_with("toy2mqtt_ops_total{result=\"ok\"}"));
    assert!(ops.is_some(), "{text}");
    // Every line is a comment or a name with a number.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("toy2mqtt_") && value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
    let dashboard = include_str!("../../docs/grafana.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let known: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            let named = expression.split(|c: char| !c.is_alphanumeric() && c != '_');
            for name in named.filter(|word| word.starts_with("toy2mqtt_")) {
                let base = name.trim_end_matches("_bucket");
                assert!(known.contains(&base), "the dashboard asks for {name}");
            }
        }
    }
}

#[tokio::test]
async fn diagnostics_hold_no_secret_and_health_tells_links() {
    let rig = Setup::toys(&[("Lush 3", LUSH)])
        .panel("token = \"a long and random text\"\n")
        .start()
        .await;
    let client = Client::of(&rig).await;
    let headers = [
        ("host", "localhost"),
        ("authorization", "Bearer a long and random text"),
    ];
    let all = client.send("GET", "/api/diagnostics", &headers, b"").await;
    assert_eq!(all.status, 200);
    assert!(!all.text().contains("a long and random text"));
    assert!(all.json()["info"]["settings"]["web"]["token"] == "<redacted>");
    let health = client
        .send("GET", "/api/health", &headers, b"")
        .await
        .json();
    assert_eq!(health["info"]["backends"]["lovense_lan"]["state"], "up");
}

#[tokio::test]
async fn the_panels_doctor_knows_its_own_bridge_without_a_broker() {
    for discreet in [false, true] {
        let port = free_port();
        let more = format!(
            "[privacy]\ndiscreet = {discreet}\n[wsdm]\nenabled = true\nlisten = \"127.0.0.1:{port}\"\n"
        );
        let setup = Setup::toys(&[("Lush 3", LUSH)]).panel("").more(&more);
        let mut rig = setup.start().await;
        let client = Client::of(&rig).await;
        rig.broker.kill();
        let findings = client.done("/api/doctor", json!(null)).await["findings"].clone();
        let findings = findings.as_array().unwrap();
        assert_eq!(findings[0]["hop"], "broker");
        assert_eq!(findings[0]["ok"], false);
        let waits = format!("the bridge waits for toys at ws://127.0.0.1:{port}");
        assert!(
            findings.iter().any(|one| one["text"] == waits),
            "{findings:?}"
        );
    }
}
