//! A card says why its toy stands still, and what is really wrong.

use serde_json::{Value, json};
use toy2mqtt::sim::lovense_app::{AnswerFault, Wrong};

use crate::stage::{EDGE, LUSH, Stage};
use crate::support::{Setup, toy};

fn setup() -> Setup {
    Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .more("[safety]\nbroker_lost = \"1s\"\nstop_hold = \"0s\"\n")
}

fn card(name: &str, says: &str) -> String {
    format!(
        "document.querySelector('[aria-label=\"{name}\"].card')?.textContent.includes({says:?})"
    )
}

#[tokio::test]
async fn a_card_says_why_its_toy_was_stopped() {
    let Some(mut stage) = Stage::set_with(setup()).await else {
        return;
    };
    let tab = stage.browser.sized_tab(true, 360, 800).await;
    tab.open(&stage.address("")).await;
    tab.shows(".card input").await;
    let off = |state: &Value| state["state"] == "OFF";
    stage.rig.set(LUSH, json!({"vibrate": 40})).await;
    stage.rig.set(EDGE, json!({"vibrate_1": 40})).await;
    stage.rig.home.publish(&stage.rig.topic(LUSH, "stop"), "");
    tab.until(&card("Lush 3", "Stopped over MQTT, at ")).await;
    tab.tap_on("[aria-label='Stop Edge 2']").await;
    tab.until(&card("Edge 2", "Stopped over the panel, at "))
        .await;
    // Once it runs again, that is over.
    stage.rig.set(LUSH, json!({"vibrate": 40})).await;
    tab.until(&format!("!({})", card("Lush 3", "Stopped")))
        .await;
    tab.tap_on(".quiet-switch").await;
    tab.until(&card("Lush 3", "Stopped by Quiet, at ")).await;
    assert_eq!(
        tab.eval(&card("Edge 2", "by Quiet")).await,
        false,
        "it stood still"
    );
    stage.rig.state_until(LUSH, off).await;
    stage
        .rig
        .home
        .publish(&stage.rig.bridge_topic("quiet/set"), "OFF");
    tab.until("!document.body.textContent.includes('Quiet is on')")
        .await;
    stage.rig.set(LUSH, json!({"vibrate": 40})).await;
    stage.rig.broker.kill();
    tab.shows("#no-broker").await;
    tab.until(&card(
        "Lush 3",
        "Stopped for safety: the broker was away for too long, at ",
    ))
    .await;
}

#[tokio::test]
async fn a_toy_behind_an_app_that_does_not_answer_is_not_called_switched_off() {
    let Some(stage) = Stage::set_with(setup()).await else {
        return;
    };
    let tab = stage.browser.sized_tab(true, 360, 800).await;
    tab.open(&stage.address("")).await;
    tab.shows(".card input").await;
    // Switched off: the app says so.
    stage.rig.app.set_connected(EDGE, false).unwrap();
    tab.until(&card(
        "Edge 2",
        "Away: the toy is switched off or out of reach of the phone",
    ))
    .await;
    assert_eq!(tab.eval(&card("Edge 2", "Not reachable")).await, false);
    stage.rig.app.set_connected(EDGE, true).unwrap();
    tab.until(&format!("!({})", card("Edge 2", "Away"))).await;
    // Frozen: the toy may well be on, and its stop stays within reach.
    stage
        .rig
        .app
        .change_faults(|faults| faults.answer = Some(AnswerFault::new(Wrong::Hang)));
    stage.rig.ask(LUSH, "set", json!({"vibrate": 40})).await;
    for name in ["Lush 3", "Edge 2"] {
        tab.until(&card(name, "Not reachable: ")).await;
        tab.until(&card(
            name,
            "does not answer. What the toy does is not known.",
        ))
        .await;
        assert_eq!(tab.eval(&card(name, "switched on")).await, false);
        tab.shows(&format!("[aria-label='Stop {name}']:not(:disabled)"))
            .await;
    }
    tab.open(&stage.address(&format!("#/toy/{}", toy(LUSH))))
        .await;
    tab.until("document.querySelector('.toy .card')?.textContent.includes('Not reachable: ')")
        .await;
}

#[tokio::test]
async fn a_level_that_is_not_known_is_a_question_mark_and_can_be_stopped() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    // As the bridge says before a toy has confirmed anything.
    let unknown = "const real = EventSource.prototype.addEventListener; \
        EventSource.prototype.addEventListener = function (kind, take) { real.call(this, kind, (event) => { \
        if (kind !== 'all') return take(event); const all = JSON.parse(event.data); \
        for (const toy of all.toys) for (const { key } of toy.outputs) { toy.state[key] = null; toy.target[key] = null; } \
        return take({ data: JSON.stringify(all) }); }); };";
    let tab = stage.tab_with(true, unknown).await;
    let output = "document.querySelector('[aria-label=\"Lush 3\"] output').textContent";
    tab.until(&format!("{output} === '?'")).await;
    assert_eq!(
        tab.eval(
            "document.querySelector('[aria-label=\"Lush 3\"] input').getAttribute('aria-valuetext')"
        )
        .await,
        "not known"
    );
    assert_eq!(
        tab.eval("document.querySelector('[aria-label=\"Lush 3\"] input').value")
            .await,
        "0"
    );
    assert_eq!(
        tab.eval("document.querySelector('[aria-label=\"Lush 3\"] .dot').title")
            .await,
        "not known yet"
    );
    tab.tap_on("[aria-label='Stop Lush 3']:not(:disabled)")
        .await;
    stage.rig.bridge.logged("INFO stop").await;
}
