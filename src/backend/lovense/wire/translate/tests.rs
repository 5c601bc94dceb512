#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json, to_value};

use super::*;
use crate::backend::lovense::catalog;
use crate::domain::Level;

const LEASE: Option<Duration> = Some(Duration::from_secs(5));

fn toy() -> AppToyId {
    AppToyId::new("f082c00246fa").unwrap()
}

fn outputs(short: &[&str]) -> Vec<Output> {
    catalog::outputs(short, &[], None)
}

fn settings(list: &[(&str, i32)]) -> Vec<Setting> {
    list.iter()
        .map(|(key, step)| Setting {
            key: key.parse().unwrap(),
            step: *step,
        })
        .collect()
}

fn sent(functions: &[&str], list: &[(&str, i32)], may_run: bool) -> Vec<Value> {
    let command = Command::Drive(settings(list));
    requests(&command, LEASE, &toy(), &outputs(functions), may_run)
        .unwrap()
        .iter()
        .map(|request| to_value(request).unwrap())
        .collect()
}

fn action(functions: &[&str], list: &[(&str, i32)]) -> String {
    let sent = sent(functions, list, true);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["command"], "Function");
    assert_eq!(sent[0]["stopPrevious"], 1);
    assert_eq!(sent[0]["timeSec"], 5);
    assert_eq!(sent[0]["toy"], "f082c00246fa");
    sent[0]["action"].as_str().unwrap().to_owned()
}

#[test]
fn the_whole_vector_is_one_request() {
    let edge = ["v", "v1", "v2"];
    let both = action(&edge, &[("vibrate_1", 9), ("vibrate_2", 0)]);
    assert_eq!(both, "Vibrate1:9,Vibrate2:0");
    let nora = action(&["v", "r"], &[("vibrate", 3), ("rotate", -7)]);
    assert_eq!(nora, "Vibrate:3,Rotate:7");
    let max = action(&["v", "p"], &[("vibrate", 20), ("constrict", 3)]);
    assert_eq!(max, "Vibrate:20,Pump:3");
}

#[test]
fn depth_and_stroke_go_with_thrusting_only() {
    let solace = action(&["t", "d"], &[("thrust", 10), ("depth", 3)]);
    assert_eq!(solace, "Depth:3,Thrusting:10");
    let functions = ["v", "t", "st"];
    let strokes = [("stroke_min", 10), ("stroke_max", 60)];
    let with = [&[("vibrate", 1), ("thrust", 5)], &strokes[..]].concat();
    assert_eq!(
        action(&functions, &with),
        "Stroke:10-60,Vibrate:1,Thrusting:5"
    );
    let without = [&[("vibrate", 1), ("thrust", 0)], &strokes[..]].concat();
    assert_eq!(action(&functions, &without), "Vibrate:1,Thrusting:0");
}

#[test]
fn a_short_stroke_is_widened() {
    assert_eq!(stroke(0, 100), (0, 100));
    assert_eq!(stroke(70, 30), (30, 70));
    assert_eq!(stroke(50, 50), (40, 60));
    assert_eq!(stroke(0, 5), (0, 20));
    assert_eq!(stroke(95, 100), (80, 100));
}

#[test]
fn a_position_stands_alone_or_follows() {
    let pro = ["t", "pos"];
    let position =
        json!({"command": "Position", "value": "38", "toy": "f082c00246fa", "apiVer": 1});
    let still = [("thrust", 0), ("position", 38)];
    assert_eq!(sent(&pro, &still, false), std::slice::from_ref(&position));

    // What an earlier command started has to end.
    let after_run = sent(&pro, &still, true);
    assert_eq!(after_run[0]["action"], "Stop");
    assert_eq!(after_run[1], position);

    let moving = sent(&pro, &[("thrust", 4), ("position", 38)], true);
    assert_eq!(moving[0]["action"], "Thrusting:4");
    assert_eq!(moving[1], position);
}

#[test]
fn without_a_lease_it_lasts_until_stopped() {
    let command = Command::Drive(settings(&[("vibrate", 1)]));
    let sent = requests(&command, None, &toy(), &outputs(&["v"]), false).unwrap();
    assert_eq!(to_value(&sent[0]).unwrap()["timeSec"], 0);
}

#[test]
fn a_stop_ends_functions_and_a_pattern_of_another_client() {
    for may_run in [true, false] {
        let sent = requests(&Command::Stop, LEASE, &toy(), &[], may_run).unwrap();
        let pattern = Request::end_pattern_v2(Some(toy()));
        assert_eq!(sent, [Request::stop(toy()), pattern]);
    }
    for request in stop_of_all() {
        assert_eq!(to_value(&request).unwrap().get("toy"), None);
    }
}

#[test]
fn what_the_toy_has_not_is_refused() {
    for list in [&[("rotate", 1)], &[("vibrate_2", 1)], &[("led", 1)]] {
        let command = Command::Drive(settings(list));
        let result = requests(&command, LEASE, &toy(), &outputs(&["v"]), false);
        assert!(matches!(result, Err(OpError::Unsupported(_))), "{list:?}");
    }
}

fn play(pattern: &Pattern, functions: &[&str]) -> Value {
    let command = Command::Play(pattern.clone());
    let sent = requests(&command, LEASE, &toy(), &outputs(functions), false).unwrap();
    assert_eq!(sent.len(), 1);
    to_value(&sent[0]).unwrap()
}

#[test]
fn the_apps_own_patterns_are_presets() {
    for pattern in Pattern::builtin() {
        let sent = play(&pattern, &["v"]);
        assert_eq!(sent["command"], "Preset");
        assert_eq!(sent["name"], pattern.name().to_lowercase());
        assert_eq!(sent["timeSec"], 5);
        assert_eq!(sent["apiVer"], 1);
    }
}

#[test]
fn a_weakened_preset_is_sent_as_it_is() {
    let half = vec![Level::from_permille(500), Level::from_permille(100)];
    let pattern = Pattern::new("Pulse", Duration::from_millis(400), half).unwrap();
    let sent = play(&pattern, &["v"]);
    assert_eq!(sent["command"], "Pattern");
    assert_eq!(sent["strength"], "10;2");
}

#[test]
fn other_patterns_are_sent_in_full() {
    let levels = [0, 5, 10, 20].map(|step| Level::from_step(step, 20));
    let pattern = Pattern::new("Mine", Duration::from_millis(250), levels.to_vec()).unwrap();
    let expected = json!({
        "command": "Pattern", "rule": "V:1;F:v,r;S:250#", "strength": "0;5;10;20",
        "timeSec": 5, "toy": "f082c00246fa", "apiVer": 2,
    });
    assert_eq!(play(&pattern, &["v", "r"]), expected);
    // Single motors and shapes are no letters of their own.
    let rule = |functions: &[&str]| play(&pattern, functions)["rule"].clone();
    assert_eq!(rule(&["v", "v1", "v2"]), "V:1;F:v;S:250#");
    assert_eq!(rule(&["t", "d", "st", "pos"]), "V:1;F:t;S:250#");
}

#[test]
fn a_toy_that_cannot_follow_a_pattern_is_left_alone() {
    let command = Command::Play(Pattern::builtin().remove(0).clone());
    assert!(
        requests(&command, LEASE, &toy(), &[], false).is_ok(),
        "presets need no letters"
    );
    let own = Pattern::new("Mine", Duration::from_secs(1), vec![Level::FULL]).unwrap();
    let result = requests(
        &Command::Play(own),
        LEASE,
        &toy(),
        &outputs(&["pos"]),
        false,
    );
    assert!(matches!(result, Err(OpError::Unsupported(_))));
}

#[test]
fn slow_steps_are_repeated() {
    let levels = vec![Level::ZERO, Level::FULL];
    let pattern = Pattern::new("Slow", Duration::from_millis(2_500), levels).unwrap();
    let (strengths, step) = resample(&pattern);
    assert_eq!(strengths, [0, 0, 0, 20, 20, 20]);
    assert_eq!(step, Duration::from_millis(833));
}

proptest! {
    #[test]
    fn a_resampled_pattern_fits(
        step in 100u64..=60_000,
        levels in proptest::collection::vec(0i32..=1000, 1..=400),
    ) {
        let levels: Vec<_> = levels.into_iter().map(Level::from_permille).collect();
        let loudest = levels.iter().max().copied().unwrap();
        let pattern = Pattern::new("x", Duration::from_millis(step), levels).unwrap();
        let (strengths, step) = resample(&pattern);
        prop_assert!((1..=MAX_PATTERN_STRENGTHS).contains(&strengths.len()));
        prop_assert!(PATTERN_STEP.contains(&step));
        prop_assert!(strengths.iter().all(|s| (0..=loudest.to_step(20)).contains(s)));
    }

    #[test]
    fn a_stroke_is_never_one_that_is_ignored(one in 0i32..=100, other in 0i32..=100) {
        let (min, max) = stroke(one, other);
        prop_assert!(0 <= min && max <= 100 && max - min >= LEAST_STROKE);
        prop_assert!(min <= one.min(other) || one.min(other) > 100 - LEAST_STROKE);
    }

    #[test]
    fn any_steps_stay_in_range(a in any::<i32>(), b in any::<i32>(), place in any::<i32>()) {
        let command = Command::Drive(settings(&[("vibrate", a), ("constrict", b), ("position", place)]));
        for request in requests(&command, LEASE, &toy(), &outputs(&["v", "p", "pos"]), true).unwrap() {
            let sent = to_value(&request).unwrap();
            if let Some(value) = sent["value"].as_str() {
                prop_assert!((0..=100).contains(&value.parse::<i32>().unwrap()));
            }
            if let Some(action) = sent["action"].as_str().filter(|action| *action != "Stop") {
                let levels: Vec<i32> = action
                    .split(',')
                    .map(|part| part.split_once(':').unwrap().1.parse().unwrap())
                    .collect();
                prop_assert!((0..=20).contains(&levels[0]) && (0..=3).contains(&levels[1]));
            }
        }
    }
}
