//! Every screen as a picture, in both themes and sizes. `make pictures` keeps them for docs/.

use std::path::PathBuf;

use serde_json::json;
use toy2mqtt::sim::lovense_app::{AppOptions, ToySpec};

use crate::stage::{EDGE, LUSH, Stage};
use crate::support::{Setup, toy};

const NORA: &str = "a01a2b3c4d5e";

/// Names the folder to keep the pictures in.
const FOLDER: &str = "TOY2MQTT_PICTURES";

/// An empty screen in one colour takes about 2 KB.
const LEAST: usize = 4_000;

#[tokio::test]
async fn every_screen_in_both_themes_and_sizes() {
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
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    let toy = format!("#/toy/{}", toy(EDGE));
    for (phone, size) in [(false, "desktop"), (true, "phone")] {
        let tab = stage.browser.tab(phone).await;
        let mut light = Vec::new();
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
                let shows = format!("{name} {size} {theme}");
                assert!(picture.len() > LEAST, "{shows}: {} bytes", picture.len());
                assert!(
                    !light.contains(&picture),
                    "{shows}: the theme changes nothing"
                );
                if let Some(folder) = &folder {
                    let file = folder.join(format!("{name}-{size}-{theme}.webp"));
                    std::fs::write(file, &picture).unwrap();
                }
                light.push(picture);
            }
        }
    }
}
