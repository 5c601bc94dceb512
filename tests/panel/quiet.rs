//! Quiet comes with one touch and goes with two.

use serde_json::Value;

use crate::stage::Stage;

const ON: &str = "document.querySelector('.quiet-switch').getAttribute('aria-checked') === 'true'";
const READY: &str = "document.querySelector('#end-quiet .danger:not(:disabled)') !== null";

#[tokio::test]
async fn ending_quiet_takes_a_second_deliberate_touch() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let topic = stage.rig.bridge_topic("quiet/state");
    for width in [320, 360, 390] {
        let tab = stage.browser.sized_tab(true, width, 844).await;
        tab.open(&stage.address("")).await;
        tab.shows(".card input").await;
        // A word beside the moon, which can be read.
        let word = "(() => { const word = document.querySelector('.quiet-switch span'); const box = word.getBoundingClientRect(); \
            return box.width > 20 && box.right <= innerWidth && word.textContent; })()";
        assert_eq!(tab.eval(word).await, "Quiet");
        tab.tap_on(".quiet-switch").await;
        stage.rig.home.says(&topic, "ON").await;
        tab.until(ON).await;
        assert_eq!(tab.eval(word).await, "Quiet is on");
        let mark = stage.rig.home.mark();
        // Neither one touch nor a double tap ends it, in any of the places that offer to.
        for button in [".quiet-switch", ".banner.calm button"] {
            let (x, y, _) = tab.place(button).await;
            tab.tap((x, y)).await;
            tab.shows("#end-quiet").await;
            tab.tap((x, y)).await;
            // If the second tap has not closed the question, its own button does.
            tab.until("!document.querySelector('#end-quiet') || (document.querySelector('#end-quiet button').click(), false)")
                .await;
        }
        // Nor does a touch that comes before a finger could have read the question.
        tab.tap_on(".quiet-switch").await;
        tab.tap_on("#end-quiet .danger").await;
        tab.shows("#end-quiet").await;
        stage.rig.home.synced().await;
        let off = |seen: &Value| *seen == "OFF";
        let told = stage.rig.home.after(mark);
        assert!(
            !told
                .iter()
                .any(|seen| seen.topic == topic && off(&seen.text().into()))
        );
        assert_eq!(tab.eval(ON).await, true);
        tab.until(READY).await;
        tab.tap_on("#end-quiet .danger").await;
        stage.rig.home.says(&topic, "OFF").await;
        tab.until(
            "document.querySelector('.quiet-switch').getAttribute('aria-checked') === 'false'",
        )
        .await;
        assert_eq!(tab.complaints(), Vec::<String>::new());
    }
}
