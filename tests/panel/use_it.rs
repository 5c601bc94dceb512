//! What people do with the panel.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;

use crate::stage::{EDGE, LUSH, Stage, figure, now, slider};
use crate::support::toy;

/// Counts in the page what it asks of toys.
const COUNT: &str = "window.sets = 0; const real = window.fetch; \
    window.fetch = (path, options) => { window.sets += path.endsWith('/set'); return real(path, options); };";

/// Counts the moves of pointers, and keeps answers to what is asked of toys until `window.answer()`.
const HOLD: &str = "window.moves = 0; addEventListener('pointermove', () => { window.moves += 1; }, true); \
    const held = new Promise((free) => { window.answer = free; }); const counted = window.fetch; \
    window.fetch = async (path, options) => { const answer = await counted(path, options); \
    if (path.endsWith('/set')) await held; return answer; };";

#[tokio::test]
async fn a_dragged_slider_sends_little_and_ends_exactly_where_it_was_left() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    stage.slow(25, 55);
    for phone in [false, true] {
        let tab = stage.tab_with(phone, &format!("{COUNT}{HOLD}")).await;
        let knob = slider(LUSH, "vibrate");
        stage.rig.set(LUSH, json!({"vibrate": 0})).await;
        tab.until(&format!("document.querySelector({knob:?}).value === '0'"))
            .await;
        tab.drag(&knob, if phone { 0.35 } else { 0.85 }, phone)
            .await;
        let value = tab
            .eval(&format!("Number(document.querySelector({knob:?}).value)"))
            .await;
        let percent = value.as_f64().unwrap();
        let aimed = if phone { 35.0 } else { 85.0 };
        assert!(
            (percent - aimed).abs() <= 3.0,
            "phone {phone}: left at {percent}"
        );
        // However many moves there were: one request is under way, and the newest value waits.
        let moves = tab.eval("window.moves").await.as_u64().unwrap();
        assert!(moves > 10, "phone {phone}: {moves} moves");
        assert_eq!(tab.eval("window.sets").await, 1);
        tab.eval("window.answer()").await;
        let state = stage
            .rig
            .state_until(LUSH, |state| state["vibrate"] == value)
            .await;
        assert_eq!(state["state"], "ON");
        assert_eq!(
            f64::from(stage.rig.app.level(LUSH, Function::Vibrate)),
            (percent / 5.0).round()
        );
        // What is shown settles on the same value, and nothing is left to be sent.
        tab.until(&format!(
            "document.querySelector({knob:?}).value === '{percent}'"
        ))
        .await;
        tab.until(
            "document.querySelector('.level-head output').textContent.trim().indexOf('now') < 0",
        )
        .await;
        assert_eq!(tab.eval("window.sets").await, 2);
        assert_eq!(tab.complaints(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.tab(false).await;
    let knob = slider(EDGE, "vibrate_2");
    tab.eval(&format!("document.querySelector({knob:?}).focus()"))
        .await;
    for _ in 0..3 {
        tab.key("ArrowRight").await;
    }
    stage
        .rig
        .state_until(EDGE, |state| state["vibrate_2"] == 3)
        .await;
    tab.key("Escape").await;
    stage
        .rig
        .state_until(EDGE, |state| state["state"] == "OFF")
        .await;
    tab.until("document.querySelector('#stop-all').textContent.includes('Stopped')")
        .await;
}

#[tokio::test]
async fn escape_stops_everything_at_once_even_in_the_middle_of_a_drag() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.tab(false).await;
    stage.rig.set(LUSH, json!({"vibrate": 60})).await;
    tab.until(&format!(
        "document.querySelector({:?}).value === '60'",
        slider(LUSH, "vibrate")
    ))
    .await;
    let pressed = now();
    tab.key("Escape").await;
    stage
        .rig
        .app_until("the toy to stop", |app| {
            app.level(LUSH, Function::Vibrate) == 0
        })
        .await;
    figure("Esc → toy at 0", pressed.elapsed());
    // In a drag: what was on its way does not start it again.
    stage.rig.set_after_stop(LUSH, json!({"vibrate": 1})).await;
    stage.slow(25, 55);
    let knob = slider(LUSH, "vibrate");
    tab.drag(&knob, 0.9, false).await;
    tab.key("Escape").await;
    tab.until("document.querySelector('#stop-all').textContent.includes('Stopped')")
        .await;
    stage
        .rig
        .state_until(LUSH, |state| state["state"] == "OFF")
        .await;
    tab.until(&format!("document.querySelector({knob:?}).value === '0'"))
        .await;
    assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
}

#[tokio::test]
async fn a_drag_that_goes_on_after_a_stop_says_nothing_until_it_is_let_go() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.tab_with(false, COUNT).await;
    let knob = slider(LUSH, "vibrate");
    let (at, y) = tab.rail(&knob).await;
    tab.mouse("mousePressed", at(0.0), y).await;
    for step in 1..=5 {
        tab.mouse("mouseMoved", at(0.1 * f64::from(step)), y).await;
    }
    let running = |state: &Value| state["state"] == "ON";
    stage.rig.state_until(LUSH, running).await;
    tab.key("Escape").await;
    tab.until("document.querySelector('#stop-all').textContent.includes('Stopped')")
        .await;
    // Past the moment in which the bridge refuses every level.
    stage
        .rig
        .set_after_stop(EDGE, json!({"vibrate_1": 5}))
        .await;
    let sets = tab.eval("window.sets").await;
    for step in 6..=9 {
        tab.mouse("mouseMoved", at(0.1 * f64::from(step)), y).await;
    }
    assert_eq!(tab.eval("window.sets").await, sets);
    tab.until(&format!("document.querySelector({knob:?}).value === '0'"))
        .await;
    assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
    tab.mouse("mouseReleased", at(0.9), y).await;
    // Whoever takes hold of it again means it.
    tab.drag(&knob, 0.5, false).await;
    stage.rig.state_until(LUSH, running).await;
}

/// Leaves the first request to each of these paths of the page without an answer.
const HANG: &str = "window.hang = []; const real = window.fetch; \
    window.fetch = (path, options) => { const at = window.hang.indexOf(path); \
    return at < 0 ? real(path, options) : (window.hang.splice(at, 1), new Promise(() => {})); };";

#[tokio::test]
async fn every_press_of_stop_all_is_a_stop_whatever_became_of_the_one_before() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.tab_with(false, HANG).await;
    let start = async || {
        // After a stop of all toys, levels are refused for a moment.
        stage.rig.set_after_stop(LUSH, json!({"vibrate": 60})).await;
    };
    let stopped = async || {
        stage
            .rig
            .state_until(LUSH, |state| state["state"] == "OFF")
            .await;
        assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
    };
    // The first one is lost on a dead connection.
    start().await;
    tab.eval("window.hang = ['api/stop']").await;
    tab.key("Escape").await;
    tab.until("window.hang.length === 0").await;
    tab.key("Escape").await;
    stopped().await;
    let says = "document.querySelector('#stop-all').textContent.includes('Stopped')";
    tab.until(says).await;
    // The first one is confirmed, but something that was asked before it is still on its way.
    let path = format!("api/toys/{}/vibrate_1/set", toy(EDGE));
    tab.eval(&format!("window.hang = [{path:?}]")).await;
    tab.eval(&format!(
        "document.querySelector({:?}).focus()",
        slider(EDGE, "vibrate_1")
    ))
    .await;
    tab.key("ArrowRight").await;
    tab.until("window.hang.length === 0").await;
    for _ in 0..2 {
        start().await;
        tab.key("Escape").await;
        stopped().await;
    }
}

#[tokio::test]
async fn two_tabs_agree_and_both_agree_with_the_broker() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let (one, other) = (stage.tab(false).await, stage.tab(true).await);
    let knob = slider(LUSH, "vibrate");
    let reads = |value: &str| format!("document.querySelector({knob:?}).value === '{value}'");
    one.drag(&knob, 0.5, false).await;
    let value = one
        .eval(&format!("document.querySelector({knob:?}).value"))
        .await;
    other.until(&reads(value.as_str().unwrap())).await;
    stage.rig.set(LUSH, json!({"vibrate": 15})).await;
    for tab in [&one, &other] {
        tab.until(&reads("15")).await;
    }
    other.click("#stop-all").await;
    one.until(&reads("0")).await;
    one.click(".quiet-switch").await;
    other
        .until("document.body.textContent.includes('Quiet is on')")
        .await;
    stage
        .rig
        .home
        .says(&stage.rig.bridge_topic("quiet/state"), "ON")
        .await;
    for tab in [one, other] {
        assert_eq!(tab.complaints(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_screen_works_without_a_complaint() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let rig = &stage.rig;
    let tab = stage.tab(false).await;
    // Pattern, from its chip.
    tab.click("[aria-label='Edge 2'] .chips button:nth-child(3)")
        .await;
    rig.state_until(EDGE, |state| state["effect"] == "Wave")
        .await;
    tab.click("[aria-label='Stop Edge 2']").await;
    rig.state_until(EDGE, |state| state["state"] == "OFF").await;

    // A toy: limits, name, copies, outcomes, discovery.
    tab.open(&stage.address(&format!("#/toy/{}", toy(EDGE))))
        .await;
    tab.shows(".toy .scroll tr").await;
    tab.eval("(() => { const e = document.getElementById('limit-All outputs'); e.value = '50'; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); })()").await;
    rig.state_until(EDGE, |state| state["limit"] == 50).await;
    tab.shows(".track .limit").await;
    tab.eval("(() => { const e = document.getElementById('name'); e.value = 'Beta'; e.dispatchEvent(new Event('input', {bubbles: true})); })()").await;
    tab.click("form.field button").await;
    tab.until("document.querySelector('.toy h2').textContent === 'Beta'")
        .await;
    tab.click("[aria-label='Copy Vibrate 1']").await;
    tab.until("document.querySelector('.menu').textContent.includes('Home Assistant')")
        .await;
    tab.key("Escape").await;
    tab.until("[...document.querySelectorAll('summary')].some((one) => one.textContent.includes('Discovery'))").await;

    // Activity: what was done is there; filters take it away.
    tab.open(&stage.address("#/activity")).await;
    tab.until("[...document.querySelectorAll('.feed li')].some((one) => one.textContent.includes('Beta') && one.textContent.includes('rename'))").await;
    tab.until(
        "[...document.querySelectorAll('.feed .kind')].some((one) => one.textContent === 'info')",
    )
    .await;
    tab.click(".toolbar .chip:nth-child(5)").await;
    tab.until(
        "![...document.querySelectorAll('.feed .kind')].some((one) => one.textContent === 'info')",
    )
    .await;

    // Set-up: the doctor finds everything well.
    tab.open(&stage.address("#/setup")).await;
    tab.click("button.primary").await;
    tab.shows(".findings li").await;
    tab.until("document.querySelector('.findings').textContent.includes('lets us in')")
        .await;

    tab.open(&stage.address("#/health")).await;
    tab.until("document.querySelector('.figures dd').textContent.includes('ms')")
        .await;

    tab.open(&stage.address("reference")).await;
    tab.until("document.querySelectorAll('details').length > 25")
        .await;
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_there_is_said_kindly() {
    let Some(stage) = Stage::set_with(crate::support::Setup::toys(&[])).await else {
        return;
    };
    let tab = stage.browser.tab(true).await;
    tab.open(&stage.address("")).await;
    tab.until("document.querySelector('.empty h2').textContent === 'No toys yet'")
        .await;
    tab.click(".empty button").await;
    stage
        .rig
        .home
        .says(&stage.rig.bridge_topic("scan/state"), "ON")
        .await;
    tab.until("document.querySelector('.empty button').textContent.includes('Looking')")
        .await;
}
