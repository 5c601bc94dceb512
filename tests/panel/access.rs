//! For everybody: axe-core finds nothing serious on any screen.

use serde_json::{Value, json};

use crate::stage::{EDGE, LUSH, Stage};
use crate::support::toy;

const AXE: &str = include_str!("vendor/axe.min.js");

#[tokio::test]
async fn axe_finds_nothing_serious_on_any_screen() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    stage.rig.set(EDGE, json!({"vibrate_1": 40})).await;
    stage
        .rig
        .request("limits", json!({"toy": toy(EDGE), "max": 60}))
        .await;
    stage.rig.ask(LUSH, "set", json!({"wings": 1})).await;
    let toy = format!("#/toy/{}", toy(EDGE));
    let mut found = Vec::new();
    for (phone, theme) in [(false, "light"), (true, "dark"), (false, "dark")] {
        let tab = stage.browser.tab(phone).await;
        // It is axe that would break the rules of the page, not the page.
        tab.ask("Page.setBypassCSP", json!({"enabled": true})).await;
        let dark = json!({"features": [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        tab.ask("Emulation.setEmulatedMedia", dark).await;
        for screen in ["#/", &toy, "#/activity", "#/setup", "#/health", "reference"] {
            tab.open("about:blank").await;
            tab.open(&stage.address(screen)).await;
            tab.until(
                "document.querySelector('.card input, .feed li, .links li, .figures, details')",
            )
            .await;
            tab.eval(AXE).await;
            let report = tab.eval("axe.run().then((found) => found.violations.map((one) => ({ id: one.id, impact: one.impact, where: one.nodes.map((node) => node.target.join(' ') + ': ' + node.failureSummary) })))").await;
            for one in report.as_array().unwrap() {
                let serious =
                    matches!(&one["impact"], Value::String(i) if i == "serious" || i == "critical");
                if serious {
                    found.push(format!("{screen} ({theme}, phone {phone}): {one:#}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
