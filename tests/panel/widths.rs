//! Stop all is on the screen, however narrow that is and whatever toys are called.

use serde_json::json;

use crate::stage::{EDGE, LUSH, Stage};
use crate::support::toy;

/// Phones, tablets and windows, at and beside the widths at which the layout changes.
const WIDTHS: [u32; 12] = [320, 340, 360, 390, 430, 640, 641, 700, 860, 900, 901, 1280];

/// Where Stop all is not as it should be; empty if all is well.
const AMISS: &str = "(() => { const view = visualViewport; const stop = document.querySelector('#stop-all'); \
    if (!stop) return 'there is none'; const box = stop.getBoundingClientRect(); \
    if (view.scale !== 1 || Math.round(view.width) > innerWidth || innerWidth !== WIDTH) \
        return `the page is ${innerWidth} wide, at ${view.scale}`; \
    if (document.documentElement.scrollWidth > innerWidth) return `${document.documentElement.scrollWidth} wide`; \
    if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight) \
        return `it is at ${JSON.stringify(box)}`; \
    const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2); \
    if (!stop.contains(found)) return `${found?.outerHTML.slice(0, 80)} covers it`; \
    const clipped = [...document.querySelectorAll('main button, main input, main select, nav a, .always button')] \
        .filter((one) => one.getClientRects().length && !one.closest('.scroll, details:not([open]) > :not(summary)')) \
        .find((one) => { const own = one.getBoundingClientRect(); return own.right > innerWidth + 14 || own.left < -14; }); \
    return clipped ? `${clipped.outerHTML.slice(0, 120)} is cut off` : ''; })()";

#[tokio::test]
async fn stop_all_is_on_the_screen_at_every_width_with_names_of_64_characters() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let unbroken = "W".repeat(64);
    let broken = "Wm Wm wide ".repeat(6)[..64].to_owned();
    for (hardware, name) in [(LUSH, unbroken.trim()), (EDGE, broken.trim())] {
        let answer = stage
            .rig
            .request("rename", json!({"toy": toy(hardware), "name": name}))
            .await;
        assert_eq!(answer["status"], "ok", "{answer}");
        // So that Activity and the list of requests have something to show.
        stage
            .rig
            .ask(hardware, "set", json!({"wings": "W".repeat(40)}))
            .await;
    }
    let tab = stage.browser.sized_tab(true, 320, 640).await;
    let mut amiss = Vec::new();
    let toys = [LUSH, EDGE].map(|hardware| format!("#/toy/{}", toy(hardware)));
    for screen in [
        "#/",
        &toys[0],
        &toys[1],
        "#/activity",
        "#/setup",
        "#/health",
        "reference",
    ] {
        tab.open("about:blank").await;
        tab.open(&stage.address(screen)).await;
        tab.until("document.querySelector('.toy .scroll td, .cards .card, .feed li, .links li, .figures, details')")
            .await;
        for width in WIDTHS {
            tab.resize(width <= 430, width, 640).await;
            tab.until(&format!(
                "innerWidth === {width} || visualViewport.scale !== 1"
            ))
            .await;
            let found = tab.eval(&AMISS.replace("WIDTH", &width.to_string())).await;
            if found != "" {
                amiss.push(format!("{screen} at {width}: {found}"));
            }
        }
    }
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}
