//! The bridge goes, and comes back.

use serde_json::json;
use toy2mqtt::sim::Function;

use crate::stage::{LUSH, Stage, figure, now, slider};
use crate::support::Bridge;

/// Notes in the page when the banner comes and goes.
const WATCH: &str = "window.seen = []; new MutationObserver(() => { const lost = !!document.querySelector('#lost'); \
    const last = window.seen.at(-1); if (!last || last.lost !== lost) window.seen.push({ lost, at: Date.now() }); }) \
    .observe(document, { childList: true, subtree: true });";

fn millis() -> f64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_secs_f64() * 1_000.0
}

#[tokio::test]
async fn a_bridge_that_is_killed_is_noticed_and_found_again() {
    let Some(mut stage) = Stage::set().await else {
        return;
    };
    let tab = stage.browser.tab(false).await;
    tab.always(WATCH).await;
    tab.open(&stage.address("")).await;
    tab.shows(".card input").await;
    let seen = async |lost: bool| {
        let when = format!("(window.seen.at(-1)?.lost === {lost}) && window.seen.at(-1).at");
        tab.until(&when).await.as_f64().unwrap()
    };
    let killed = millis();
    stage.rig.bridge.kill().await;
    let banner = seen(true).await - killed;
    let config = stage.rig.config.clone();
    stage.rig.bridge = Bridge::start(&config);
    stage.rig.bridge.logged("panel: http://").await;
    let back = millis();
    let live = (seen(false).await - back).max(0.0);
    eprintln!("figure: killed → banner: {banner:.0} ms; back → live: {live:.0} ms");
    // It went once and came back once.
    let seen = tab.eval("window.seen.map((one) => one.lost)").await;
    assert_eq!(seen, json!([false, true, false]));
}

#[tokio::test]
async fn a_stop_on_stale_data_is_sent_as_soon_as_the_bridge_is_back() {
    let Some(mut stage) = Stage::set().await else {
        return;
    };
    let tab = stage.tab(true).await;
    stage.rig.set(LUSH, json!({"vibrate": 60})).await;
    tab.until(&format!(
        "document.querySelector({:?}).value === '60'",
        slider(LUSH, "vibrate")
    ))
    .await;
    stage.rig.bridge.kill().await;
    tab.shows("#lost").await;
    tab.click("#stop-all").await;
    tab.until("document.querySelector('#stop-all').textContent.includes('trying again')")
        .await;
    stage.rig.start_again().await;
    stage.rig.bridge.logged("INFO stop").await;
    tab.until("document.querySelector('#stop-all').textContent.includes('Stopped')")
        .await;
    tab.until("!document.querySelector('#lost')").await;
    assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
}

#[tokio::test]
async fn who_looks_away_gives_the_connection_back() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    // More tabs than a browser has connections for one place, opened and left one after another.
    let tab = stage.tab(false).await;
    for _ in 0..8 {
        tab.open("about:blank").await;
        tab.open(&stage.address("")).await;
        tab.shows(".card input").await;
    }
    let pressed = now();
    tab.click("#stop-all").await;
    tab.until("document.querySelector('#stop-all').textContent.includes('Stopped')")
        .await;
    figure("a stop after many visits", pressed.elapsed());
}
