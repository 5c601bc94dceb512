//! What the panel costs.

use std::time::Duration;

use serde_json::json;

use crate::stage::{Stage, within};

/// Notes when the first toy is shown.
const FIRST: &str = "new MutationObserver((_, observer) => { if (document.querySelector('.card input')) { \
    requestAnimationFrame(() => setTimeout(() => { window.useful = performance.now(); })); observer.disconnect(); } }) \
    .observe(document, { childList: true, subtree: true });";

#[tokio::test]
async fn the_first_toy_is_shown_in_no_time() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.browser.tab(false).await;
    tab.ask("Network.setCacheDisabled", json!({"cacheDisabled": true}))
        .await;
    tab.always(FIRST).await;
    within(
        "first useful paint",
        Duration::from_millis(300),
        async || {
            tab.open("about:blank").await;
            tab.open(&stage.address("")).await;
            let shown = tab.until("window.useful").await.as_f64().unwrap();
            Duration::from_secs_f64(shown / 1_000.0)
        },
    )
    .await;
}
