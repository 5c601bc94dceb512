//! What the panel costs.

use std::time::Duration;

use serde_json::json;

use crate::stage::{Stage, figure};

/// As much as may travel before the first toy is shown, headers included.
const BYTES: u64 = 100 * 1_024;

/// As often as something may be asked for until then.
const REQUESTS: u64 = 16;

/// Notes when the first toy is shown, and what was fetched for it.
const FIRST: &str = "new MutationObserver((_, observer) => { if (document.querySelector('.card input')) { \
    requestAnimationFrame(() => setTimeout(() => { const all = [...performance.getEntriesByType('navigation'), \
    ...performance.getEntriesByType('resource')]; window.useful = { ms: performance.now(), requests: all.length, \
    bytes: all.reduce((sum, one) => sum + one.transferSize, 0) }; })); observer.disconnect(); } }) \
    .observe(document, { childList: true, subtree: true });";

#[tokio::test]
async fn the_first_toy_is_shown_after_few_requests_and_few_bytes() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.browser.tab(false).await;
    tab.ask("Network.setCacheDisabled", json!({"cacheDisabled": true}))
        .await;
    tab.always(FIRST).await;
    tab.open(&stage.address("")).await;
    let useful = tab.until("window.useful").await;
    let shown = Duration::from_secs_f64(useful["ms"].as_f64().unwrap() / 1_000.0);
    figure("first useful paint", shown);
    let number = |key: &str| useful[key].as_u64().unwrap();
    eprintln!("figure: {useful}");
    assert!((2..=REQUESTS).contains(&number("requests")), "{useful}");
    assert!((10_000..=BYTES).contains(&number("bytes")), "{useful}");
}
