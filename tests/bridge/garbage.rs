//! Whatever anybody publishes: nothing happens to the toy, the sender is told, the bridge lives.

use serde_json::json;
use toy2mqtt::sim::lovense_app::RequestKind;

use crate::support::{Seen, Setup};

const LUSH: &str = "f082c00246fa";

/// What makes no sense on any of the topics below.
fn garbage() -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = [
        "NaN",
        "Infinity",
        "-1e999",
        "101",
        "-1",
        "\"forty\"",
        "null",
        "[]",
        "{",
        "{\"level\": NaN}",
        "{\"level\": 1e999}",
        "{\"vibrate\": \"high\"}",
        "{\"vibrato\": 10}",
        "{\"level\": 10, \"for\": \"soon\"}",
        "{\"level\": {\"level\": {}}}",
        "\u{0}\u{1}",
        "ONN",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    payloads.push(vec![0xff, 0xfe, 0x80]);
    payloads.push(vec![b'7'; 5 * 1024]);
    payloads.push("[".repeat(4_000).into_bytes());
    payloads.push("{\"a\":".repeat(800).into_bytes());
    payloads.push(vec![b' '; 300 * 1024]);
    payloads.push((0..=255).collect());
    payloads
}

fn is_answer(seen: &Seen) -> bool {
    let value = seen.json();
    let result = seen.topic.ends_with("/result") && value["ok"] == false;
    let rejected =
        seen.topic.ends_with("/bridge/event") && value["event_type"] == "command_rejected";
    let response = seen.topic.contains("/bridge/response/") && value["status"] == "error";
    result || rejected || response
}

#[tokio::test]
async fn garbage_is_refused_whatever_it_is_and_wherever_it_comes() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    let below = [
        "set",
        "vibrate/set",
        "rotate/set",
        "brightness/set",
        "effect/set",
        "state/set",
        "limit/set",
        "nonsense/set",
    ];
    let mut topics: Vec<String> = below.map(|below| rig.topic(LUSH, below)).into();
    topics.extend(
        [
            "all/set",
            "all/vibrate/set",
            "nobody/set",
            "toy_00000000/set",
            "bridge/quiet/set",
            "bridge/scan/set",
            "bridge/request/rename",
            "bridge/request/forget",
            "bridge/request/limits",
            "bridge/request/log_level",
            "bridge/request/nonsense",
        ]
        .map(|below| format!("toy2mqtt/{below}")),
    );
    for topic in &topics {
        for payload in garbage() {
            let mark = rig.home.mark();
            rig.home.publish(topic, &payload);
            let shown: String = String::from_utf8_lossy(&payload).chars().take(40).collect();
            let what = format!("an answer to {shown:?} on {topic}");
            let answer = rig.home.wait(&what, |seen| {
                seen[mark..].iter().find(|seen| is_answer(seen)).cloned()
            });
            let answer = answer.await;
            assert!(
                answer.payload.len() < 16 * 1024,
                "the answer is no echo of megabytes"
            );
        }
    }
    assert!(rig.bridge.is_running());
    assert_eq!(rig.app.counts().of(RequestKind::Function), 0);
    // Only what is rate-limited was logged.
    let log = rig.bridge.log();
    assert!(log.lines().count() < 40, "{log}");
    rig.set(LUSH, json!({"vibrate": 40})).await;
}
