//! Many commands at once: the newest wins, the toy is not flooded, and a stop overtakes everything.

use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, Handling, RequestKind, Spread, ToySpec};

use crate::support::{Home, Rig, Setup, soon};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

/// An app with ten toys that takes 25 to 55 ms for a command, as a phone does.
fn ten_toys() -> AppOptions {
    let toys = (0..10).map(|n| ToySpec::new("Lush 3").with_id(hardware(n)));
    let mut options = AppOptions::with_toys(toys);
    options.faults.effect_latency = Spread::ms(12, 27);
    options.faults.answer_latency = Spread::ms(13, 28);
    options.faults.handling = Handling::Parallel;
    options
}

fn hardware(n: usize) -> String {
    format!("f082c00247{n:02x}")
}

/// The most commands for one toy, stops aside, that came within a second.
fn most_per_second(app: &AppHandle, hardware: &str) -> usize {
    let times: Vec<Duration> = app
        .requests()
        .into_iter()
        .filter(|request| request.kind == RequestKind::Function)
        .filter(|request| request.json()["toy"] == hardware)
        .map(|request| request.at)
        .collect();
    let second = Duration::from_secs(1);
    let within = |(n, from): (usize, &Duration)| {
        let window = times[n..].iter();
        window.take_while(|at| **at < *from + second).count()
    };
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// At most one command was under way for each toy, stops aside.
fn one_at_a_time(app: &AppHandle) {
    for toy in app.toys() {
        assert!(toy.most_in_flight <= 1, "{}", toy.most_in_flight);
    }
}

/// The same, and without a stop, which may overtake, no request was overtaken.
fn in_order(app: &AppHandle) {
    one_at_a_time(app);
    for toy in app.toys() {
        assert_eq!(app.timeline(&toy.id).inversions(), 0);
    }
}

#[tokio::test]
async fn a_hundred_drags_of_a_slider_end_where_they_should() {
    let mut options = AppOptions::with_toys([ToySpec::new("Lush 3").with_id(LUSH)]);
    options.faults.effect_latency = Spread::ms(1, 15);
    options.faults.answer_latency = Spread::ms(1, 5);
    let rig = Setup::app(options).lan("pace = \"25ms\"").start().await;
    let topic = rig.topic(LUSH, "vibrate/set");
    for drag in 0_u64..100 {
        let end = 5 + (drag * 37) % 20 * 5;
        for step in 1..=12 {
            rig.home.publish(&topic, (end * step / 12).to_string());
        }
        rig.state_until(LUSH, |state| state["vibrate"] == end).await;
        assert_eq!(u64::from(rig.app.level(LUSH, Function::Vibrate)), end / 5);
    }
    in_order(&rig.app);
    assert!(most_per_second(&rig.app, LUSH) <= 41);
}

#[tokio::test]
async fn two_outputs_set_back_to_back_are_both_right() {
    let mut options = AppOptions::with_toys([ToySpec::new("Edge 2").with_id(EDGE)]);
    options.faults.effect_latency = Spread::ms(1, 10);
    let rig = Setup::app(options).lan("pace = \"25ms\"").start().await;
    for turn in 0_u16..100 {
        let (first, second) = (1 + turn * 7 % 20, 1 + turn * 11 % 20);
        rig.home
            .publish(&rig.topic(EDGE, "vibrate_1/set"), (first * 5).to_string());
        rig.home
            .publish(&rig.topic(EDGE, "vibrate_2/set"), (second * 5).to_string());
        rig.state_until(EDGE, |state| {
            state["vibrate_1"] == first * 5 && state["vibrate_2"] == second * 5
        })
        .await;
        let levels = [Function::Vibrate1, Function::Vibrate2].map(|f| rig.app.level(EDGE, f));
        assert_eq!(levels, [first, second], "turn {turn}");
    }
    in_order(&rig.app);
}

/// Sends levels above 0 to all ten toys, and waits until all run.
async fn flood(rig: &Rig) {
    for _ in 0..5 {
        write_to_all(rig, 1..=10);
    }
    rig.app_until("all toys running", |app| {
        app.toys().iter().all(|toy| toy.is_running())
    })
    .await;
    for _ in 0..10 {
        write_to_all(rig, 1..=10);
    }
}

fn write_to_all(rig: &Rig, levels: std::ops::RangeInclusive<u32>) {
    for level in levels {
        for n in 0..10 {
            let topic = rig.topic(&hardware(n), "vibrate/set");
            rig.home.publish(&topic, (level * 10).to_string());
        }
    }
}

/// Everything that was sent to this toy before has been dealt with, and its stop is over: until the
/// stop's marker has come back, what arrives may be older than the stop and is refused.
async fn settled(rig: &Rig, hardware: &str) {
    let asked = async {
        loop {
            let result = rig.ask(hardware, "set", json!({"vibrate": 0})).await;
            if result["ok"] == true {
                return;
            }
            assert_eq!(result["error"]["code"], "stopped", "{result}");
        }
    };
    soon("the end of the stop", asked).await;
}

/// The toy stopped within `bound` of `stop`, and did not move again.
fn stopped_for_good(app: &AppHandle, hardware: &str, stop: Duration, bound: Duration) {
    let runs = app.timeline(hardware).runs();
    let last = runs.last().expect("it ran");
    let end = last.until.expect("it was stopped");
    assert!(end < stop + bound, "stopped after {:?}", end - stop);
}

/// Far more than it takes, but far less than the flood would.
const BOUND: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn stop_all_overtakes_a_flood() {
    let rig = Setup::app(ten_toys()).lan("pace = \"25ms\"").start().await;
    let panic_button = Home::connect(rig.broker.addr).await;
    flood(&rig).await;
    let mark = rig.home.mark();
    let stop = rig.app.now();
    panic_button.publish("toy2mqtt/bridge/stop", "x");
    // The flood goes on: for two seconds nothing is taken.
    rig.app_until("all toys stopped", AppHandle::all_zero).await;
    for _ in 0..3 {
        write_to_all(&rig, 5..=10);
    }
    for n in 0..10 {
        settled(&rig, &hardware(n)).await;
        stopped_for_good(&rig.app, &hardware(n), stop, BOUND);
        assert!(most_per_second(&rig.app, &hardware(n)) <= 41);
    }
    one_at_a_time(&rig.app);
    let results = rig.home.after(mark).into_iter();
    let refused: Vec<_> = results
        .filter(|seen| seen.topic.ends_with("/result"))
        .map(|seen| seen.json())
        .filter(|result| result["ok"] == false)
        .collect();
    assert!(refused.len() >= 180, "{}", refused.len());
    assert!(
        refused
            .iter()
            .all(|result| result["error"]["code"] == "stopped")
    );
}

#[tokio::test]
async fn a_stop_by_any_name_stops_whom_it_names() {
    let rig = Setup::app(ten_toys()).lan("pace = \"25ms\"").start().await;
    flood(&rig).await;
    // On the same connection, so that the broker gets everything before the stop.
    let (first, others) = (hardware(0), hardware(1));
    let stop = rig.app.now();
    let stopped = rig.ask(&first, "stop", json!({})).await;
    assert_eq!(stopped["ok"], true, "{stopped}");
    settled(&rig, &first).await;
    stopped_for_good(&rig.app, &first, stop, BOUND);
    settled(&rig, &others).await;
    rig.set(&others, json!({"vibrate": 50})).await;
    assert_eq!(rig.app.level(&others, Function::Vibrate), 10);

    let mark = rig.home.mark();
    write_to_all(&rig, 3..=9);
    let stop = rig.app.now();
    rig.home.publish("toy2mqtt/all/stop", r#"{"id":"all"}"#);
    for n in 0..10 {
        let topic = rig.topic(&hardware(n), "result");
        let answer = rig
            .home
            .next(mark, &topic, |seen| seen.json()["id"] == "all");
        assert_eq!(answer.await.json()["ok"], true);
        settled(&rig, &hardware(n)).await;
        stopped_for_good(&rig.app, &hardware(n), stop, BOUND);
    }
    one_at_a_time(&rig.app);
}

#[tokio::test]
async fn a_backlog_in_the_broker_is_older_than_the_stop_that_overtook_it() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let mark = rig.home.mark();
    let topic = rig.topic(LUSH, "vibrate/set");
    for n in 0_u32..2_000 {
        rig.home.publish(&topic, (10 + n % 90).to_string());
    }
    let stop = rig.app.now();
    rig.home.publish(&rig.topic(LUSH, "stop"), "");
    settled(&rig, LUSH).await;
    assert!(rig.app.all_zero());
    let runs = rig.app.timeline(LUSH).runs();
    // While the backlog is on its way to the broker, the toy may run; not after the stop.
    let last = runs.last().and_then(|run| run.until).unwrap();
    assert!(last < stop + Duration::from_secs(5));
    let results: Vec<_> = rig
        .home
        .after(mark)
        .into_iter()
        .filter(|seen| seen.topic.ends_with("/result"))
        .map(|seen| seen.json())
        .collect();
    assert!(
        results.len() > 2_001,
        "every command is answered: {}",
        results.len()
    );
    let stopped = results
        .iter()
        .filter(|result| result["error"]["code"] == "stopped");
    assert!(stopped.count() > 0, "the stop overtook nothing");
    // A new request is obeyed.
    rig.set_after_stop(LUSH, json!({"vibrate": 25})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 5);
}

#[tokio::test]
async fn a_backlog_in_the_broker_is_older_than_the_quiet_that_overtook_it() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let mark = rig.home.mark();
    let topic = rig.topic(LUSH, "vibrate/set");
    for n in 0_u32..2_000 {
        rig.home.publish(&topic, (10 + n % 90).to_string());
    }
    // Over before the backlog is.
    for word in ["ON", "OFF"] {
        rig.home.publish(&rig.bridge_topic("quiet/set"), word);
    }
    settled(&rig, LUSH).await;
    assert!(rig.app.all_zero());
    let results = rig.home.after(mark).into_iter();
    let results = results.filter(|seen| seen.topic.ends_with("/result"));
    let held = results.filter(|seen| {
        let message = &seen.json()["error"]["message"];
        *message == "it was sent before a stop"
    });
    assert!(held.count() > 0, "quiet overtook nothing");
    rig.set(LUSH, json!({"vibrate": 25})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 5);
}
