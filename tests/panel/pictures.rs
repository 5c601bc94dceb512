//! The pictures in docs/: `make pictures`.

use std::path::Path;

use serde_json::json;
use toy2mqtt::sim::lovense_app::{AppOptions, ToySpec};

use crate::stage::{EDGE, LUSH, Stage};
use crate::support::{Setup, toy};

const NORA: &str = "a01a2b3c4d5e";

#[tokio::test]
#[ignore = "writes docs/images; run by `make pictures`"]
async fn every_screen_in_both_themes() {
    let toys = [("Lush 3", LUSH), ("Edge 2", EDGE), ("Nora", NORA)];
    let specs = toys.map(|(model, id)| ToySpec::new(model).with_id(id));
    let setup = Setup::app(AppOptions::with_toys(specs));
    let Some(stage) = Stage::set_with(setup).await else {
        return;
    };
    let rig = &stage.rig;
    for (hardware, name) in [(LUSH, "Alpha"), (EDGE, "Beta"), (NORA, "Gamma")] {
        rig.request("rename", json!({"toy": toy(hardware), "name": name}))
            .await;
    }
    rig.request("limits", json!({"toy": toy(EDGE), "max": 70}))
        .await;
    rig.set(EDGE, json!({"vibrate_1": 40, "vibrate_2": 90}))
        .await;
    rig.set(LUSH, json!({"effect": "Wave"})).await;
    rig.ask(EDGE, "set", json!({"vibrate_3": 10})).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    std::fs::create_dir_all(&folder).unwrap();
    let toy = format!("#/toy/{}", toy(EDGE));
    for (phone, size) in [(false, "desktop"), (true, "phone")] {
        let tab = stage.browser.tab(phone).await;
        for theme in ["light", "dark"] {
            let media = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
            tab.ask("Emulation.setEmulatedMedia", media).await;
            for (name, screen) in [
                ("now", "#/"),
                ("toy", &toy),
                ("activity", "#/activity"),
                ("setup", "#/setup"),
                ("health", "#/health"),
            ] {
                tab.open("about:blank").await;
                tab.open(&stage.address(screen)).await;
                tab.until("document.querySelector('.toy .scroll td, .cards .card, .feed li, .links li, .figures')").await;
                let picture = tab.picture().await;
                let file = folder.join(format!("{name}-{size}-{theme}.webp"));
                std::fs::write(file, decoded(&picture)).unwrap();
            }
        }
    }
}

/// Base64 (RFC 4648 §4).
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: u8| -> u32 {
        match byte {
            b'A'..=b'Z' => u32::from(byte - b'A'),
            b'a'..=b'z' => u32::from(byte - b'a') + 26,
            b'0'..=b'9' => u32::from(byte - b'0') + 52,
            b'+' => 62,
            _ => 63,
        }
    };
    let digits: Vec<u32> = text
        .bytes()
        .filter(|byte| *byte != b'=')
        .map(digit)
        .collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let word = four.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - four.len()));
        bytes.extend_from_slice(&word.to_be_bytes()[1..four.len()]);
    }
    bytes
}
