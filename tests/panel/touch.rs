//! Fingers on sliders: scrolling, taps and touches that are taken away move no toy.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppOptions, ToySpec};

use crate::browser::Tab;
use crate::stage::{EDGE, LUSH, Stage, slider};
use crate::support::Setup;

const WIDTHS: [u32; 3] = [320, 360, 390];

/// Keeps what the page asks of toys.
const ASKED: &str = "window.asked = []; const real = window.fetch; window.fetch = (path, options) => { \
    if (path.endsWith('/set')) window.asked.push(JSON.parse(options.body)); return real(path, options); };";

/// More toys than a screen shows, so that there is something to scroll.
fn many() -> Setup {
    let more = |model: &str, prefix: &str| {
        let specs = (0..3).map(|n| ToySpec::new(model).with_id(format!("{prefix}1a2b3c4d0{n}")));
        specs.collect::<Vec<_>>()
    };
    let lush = ToySpec::new("Lush 3").with_id(LUSH);
    let toys = [more("Edge 2", "e0"), vec![lush], more("Nora", "a0")];
    Setup::app(AppOptions::with_toys(toys.concat()))
}

async fn phone(stage: &Stage, width: u32) -> Tab {
    let tab = stage.browser.sized_tab(true, width, 844).await;
    tab.always(ASKED).await;
    tab.open(&stage.address("")).await;
    tab.shows(&slider(LUSH, "vibrate")).await;
    tab
}

async fn shown(tab: &Tab) -> Value {
    let knob = slider(LUSH, "vibrate");
    tab.eval(&format!("Number(document.querySelector({knob:?}).value)"))
        .await
}

/// Waits until the page has told the bridge everything, and returns what that was.
async fn asked(tab: &Tab) -> Value {
    // A frame later, whatever a touch led to has been handed to the network.
    tab.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        .await;
    tab.eval("window.asked").await
}

#[tokio::test]
async fn scrolling_over_a_slider_and_tapping_on_it_ask_nothing() {
    let Some(stage) = Stage::set_with(many()).await else {
        return;
    };
    for width in WIDTHS {
        let tab = phone(&stage, width).await;
        let mut scrolled = 0.0;
        for (share, aside) in [(0.9, 0.0), (0.5, 6.0), (0.9, -30.0), (0.7, 40.0)] {
            let (at, y) = tab.rail(&slider(LUSH, "vibrate")).await;
            let before = tab.eval("scrollY").await.as_f64().unwrap();
            tab.slide((at(share), y), (at(share) + aside, y - 150.0), 12)
                .await;
            tab.finger("touchEnd", None).await;
            assert_eq!(
                asked(&tab).await,
                json!([]),
                "{width}: {share}, {aside} aside"
            );
            scrolled += (tab.eval("scrollY").await.as_f64().unwrap() - before).abs();
        }
        assert!(scrolled > 100.0, "{width}: the page scrolled by {scrolled}");
        for share in [0.9, 0.3, 1.0] {
            let (at, y) = tab.rail(&slider(LUSH, "vibrate")).await;
            tab.tap((at(share), y)).await;
            assert_eq!(asked(&tab).await, json!([]), "{width}: a tap at {share}");
        }
        assert_eq!(shown(&tab).await, 0);
        // Sideways it is a slider, from where the level was and not from where the finger is.
        let (at, y) = tab.rail(&slider(LUSH, "vibrate")).await;
        tab.slide((at(0.6), y), (at(0.9), y), 12).await;
        tab.finger("touchEnd", None).await;
        let level = shown(&tab).await.as_f64().unwrap();
        assert!((level - 30.0).abs() <= 2.0, "{width}: {level}");
        let state = stage
            .rig
            .state_until(LUSH, |state| state["vibrate"] == level);
        assert_eq!(state.await["state"], "ON");
        assert_eq!(tab.complaints(), Vec::<String>::new());
        stage.rig.set(LUSH, json!({"vibrate": 0})).await;
    }
    assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
}

#[tokio::test]
async fn a_touch_that_is_taken_away_takes_back_what_it_sent() {
    let Some(stage) = Stage::set_with(many()).await else {
        return;
    };
    for width in WIDTHS {
        let tab = phone(&stage, width).await;
        let knob = slider(LUSH, "vibrate");
        // (before, to, after): what was raised is taken back, what was lowered stays lowered.
        for (before, to, after) in [(0, 0.6, 0), (40, 0.8, 40), (40, 0.1, 10)] {
            stage.rig.set(LUSH, json!({"vibrate": before})).await;
            tab.until(&format!(
                "document.querySelector({knob:?}).value === '{before}'"
            ))
            .await;
            tab.eval("window.asked.length = 0").await;
            let (at, y) = tab.rail(&knob).await;
            let from = f64::from(before) / 100.0;
            tab.slide((at(from), y), (at(to), y), 12).await;
            let reached = to * 100.0;
            let near = |level: &Value| (level.as_f64().unwrap() - reached).abs() <= 2.0;
            let moved = |state: &Value| near(&state["vibrate"]);
            stage.rig.state_until(LUSH, moved).await;
            tab.finger("touchCancel", None).await;
            let kept = |state: &Value| {
                let level = state["vibrate"].as_f64().unwrap();
                (level - f64::from(after)).abs() <= if to < from { 2.0 } else { 0.0 }
            };
            stage.rig.state_until(LUSH, kept).await;
            let asked = asked(&tab).await;
            let last = asked.as_array().unwrap().last().unwrap().as_f64().unwrap();
            assert!((last - f64::from(after)).abs() <= 2.0, "{width}: {asked}");
        }
        stage.rig.set(LUSH, json!({"vibrate": 0})).await;
    }
}

#[tokio::test]
async fn a_touch_that_is_taken_away_after_a_stop_asks_nothing_more() {
    let Some(stage) = Stage::set_with(many()).await else {
        return;
    };
    let tab = phone(&stage, 390).await;
    let knob = slider(LUSH, "vibrate");
    stage.rig.set(LUSH, json!({"vibrate": 40})).await;
    tab.until(&format!("document.querySelector({knob:?}).value === '40'"))
        .await;
    let (at, y) = tab.rail(&knob).await;
    tab.slide((at(0.4), y), (at(0.7), y), 12).await;
    tab.key("Escape").await;
    tab.until("document.querySelector('#stop-all').textContent.includes('Stopped')")
        .await;
    let before = asked(&tab).await;
    assert_ne!(before, json!([]));
    tab.finger("touchMove", Some((at(0.9), y))).await;
    tab.finger("touchCancel", None).await;
    assert_eq!(asked(&tab).await, before);
    stage
        .rig
        .state_until(LUSH, |state| state["state"] == "OFF")
        .await;
    assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
}

#[tokio::test]
async fn a_stop_from_elsewhere_ends_the_drag_under_the_finger() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = phone(&stage, 360).await;
    let (at, y) = tab.rail(&slider(LUSH, "vibrate")).await;
    tab.slide((at(0.0), y), (at(0.5), y), 12).await;
    stage
        .rig
        .state_until(LUSH, |state| state["state"] == "ON")
        .await;
    stage.rig.home.publish("toy2mqtt/all/stop", "");
    stage
        .rig
        .state_until(LUSH, |state| state["state"] == "OFF")
        .await;
    // The finger, which cannot know, goes on: its first request is refused.
    tab.finger("touchMove", Some((at(0.7), y))).await;
    tab.shows(".toasts .bad").await;
    // Past the hold after a stop, which every level that is refused prolongs: so not too often.
    stage
        .rig
        .set_after_stop(EDGE, json!({"vibrate_1": 5}))
        .await;
    let before = asked(&tab).await;
    tab.slide_on((at(0.7), y), (at(1.0), y), 6).await;
    tab.finger("touchEnd", None).await;
    assert_eq!(asked(&tab).await, before);
    assert_eq!(stage.rig.app.level(LUSH, Function::Vibrate), 0);
}

#[tokio::test]
async fn a_click_and_the_end_key_rise_gently_and_fall_at_once() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let tab = stage.tab_with(false, ASKED).await;
    let knob = slider(LUSH, "vibrate");
    let reads = |value: u32| format!("document.querySelector({knob:?}).value === '{value}'");
    let click = async |share: f64| {
        let (at, y) = tab.rail(&knob).await;
        tab.mouse("mousePressed", at(share), y).await;
        tab.mouse("mouseReleased", at(share), y).await;
    };
    click(0.9).await;
    stage
        .rig
        .state_until(LUSH, |state| state["vibrate"] == 90)
        .await;
    tab.until(&reads(90)).await;
    click(0.2).await;
    stage
        .rig
        .state_until(LUSH, |state| state["vibrate"] == 20)
        .await;
    tab.until(&reads(20)).await;
    tab.key("End").await;
    stage
        .rig
        .state_until(LUSH, |state| state["vibrate"] == 100)
        .await;
    let asked = asked(&tab).await;
    let gentle = |level: u32| json!({"level": level, "transition": 1});
    assert_eq!(asked, json!([gentle(90), 20, gentle(100)]));
}
