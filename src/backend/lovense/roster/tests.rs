#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::backend::lovense::wire::parse_toys;
use crate::domain::Bound;

const CAPABILITIES: Capabilities = Capabilities {
    pace: Duration::from_millis(25),
    bound: Bound::Lease(Duration::from_secs(5)),
    plays: false,
    travel: None,
};

fn roster() -> Roster {
    Roster::new(CAPABILITIES, true)
}

fn list(value: Value) -> ToyList {
    parse_toys(&value).unwrap()
}

fn edge(status: u8, battery: Option<u8>) -> Value {
    json!({ "id": "aaaaaaaaaaaa", "name": "edge", "status": status, "battery": battery,
            "shortFunctionNames": ["v", "v1", "v2"] })
}

fn nora(status: u8) -> Value {
    json!({ "id": "bbbbbbbbbbbb", "name": "nora", "status": status,
            "shortFunctionNames": ["v", "r"] })
}

fn id(letter: &str) -> HardwareId {
    HardwareId::new(letter.repeat(12))
}

/// `up aa`, `down bb`, `told aa`.
fn brief(reports: &[Report]) -> Vec<String> {
    let short = |hardware: &HardwareId| hardware.as_str()[..2].to_owned();
    reports
        .iter()
        .map(|report| match report {
            Report::Up(description, _) => format!("up {}", short(&description.hardware)),
            Report::Down(hardware, _) => format!("down {}", short(hardware)),
            Report::Told(hardware, _) => format!("told {}", short(hardware)),
            Report::Missed(hardware, _) => format!("missed {}", short(hardware)),
            Report::State(state) => format!("{state:?}"),
            Report::Alike(all) => format!("{all:?}"),
            Report::Problems(all) => all.concat(),
            Report::SearchEnded => "search ended".to_owned(),
        })
        .collect()
}

fn poll(roster: &mut Roster, toys: Value) -> Vec<String> {
    let asked = roster.epoch();
    brief(&roster.listed(list(toys), asked))
}

fn description(reports: &[Report]) -> &ToyDescription {
    reports
        .iter()
        .rev()
        .find_map(|report| match report {
            Report::Up(description, _) => Some(description),
            _ => None,
        })
        .unwrap()
}

#[test]
fn only_changes_are_reported() {
    let mut roster = roster();
    assert_eq!(
        poll(&mut roster, json!([edge(1, Some(60)), nora(0)])),
        ["up aa", "told aa"]
    );
    assert_eq!(
        poll(&mut roster, json!([edge(1, Some(60)), nora(0)])),
        [""; 0]
    );
    assert_eq!(
        poll(&mut roster, json!([edge(1, Some(59)), nora(1)])),
        ["told aa", "up bb"]
    );
    assert_eq!(
        poll(&mut roster, json!([edge(0, None), nora(1)])),
        ["down aa"]
    );
    assert_eq!(
        poll(&mut roster, json!([edge(1, Some(59))])),
        ["up aa", "told aa", "down bb"]
    );
    let mut renamed = edge(1, Some(59));
    renamed["nickName"] = json!("Alpha");
    assert_eq!(poll(&mut roster, json!([renamed])), ["up aa"]);
    assert_eq!(brief(&roster.lost("gone")), ["down aa"]);
    assert_eq!(
        poll(&mut roster, json!([edge(1, Some(59))])),
        ["up aa", "told aa"]
    );
}

#[test]
fn a_bad_entry_says_nothing_of_its_toy() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, None), nora(1)]));
    let mut odd = edge(1, None);
    odd["status"] = json!([]);
    assert_eq!(poll(&mut roster, json!([odd, nora(1)])), [""; 0]);
}

#[test]
fn events_bring_and_take_toys_at_once() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, None), nora(0)]));
    let gone = roster.status(&id("a"), false);
    assert_eq!(
        (brief(&gone.reports), gone.look),
        (vec!["down aa".to_owned()], false)
    );
    assert_eq!(roster.status(&id("a"), false), Heard::default());
    let came = roster.status(&id("b"), true);
    assert_eq!(
        (brief(&came.reports), came.look),
        (vec!["up bb".to_owned()], true)
    );
}

#[test]
fn an_older_answer_does_not_undo_an_event() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, None), nora(1)]));
    let asked = roster.epoch();
    roster.status(&id("a"), false);
    assert_eq!(
        brief(&roster.listed(list(json!([edge(1, None)])), asked)),
        ["down bb"]
    );
    // The next one is newer than the event.
    assert_eq!(
        poll(&mut roster, json!([edge(1, None), nora(1)])),
        ["up aa", "up bb"]
    );
    let asked = roster.epoch();
    roster.status(&id("b"), false);
    roster.status(&id("b"), true);
    assert_eq!(
        brief(&roster.listed(list(json!([edge(1, None)])), asked)),
        [""; 0]
    );
}

#[test]
fn toy_lists_never_change_what_a_toy_can_do() {
    let mut roster = roster();
    let first = roster.listed(list(json!([edge(1, None)])), Epoch::default());
    let outputs = description(&first).outputs.clone();
    let heard = roster.toy_list(list(json!([
        { "id": "aaaaaaaaaaaa", "name": "Edge 2", "type": "edge", "fVersion": 240,
          "connected": true, "battery": 70 },
        { "id": "bbbbbbbbbbbb", "name": "Nora", "connected": true },
    ])));
    assert_eq!(brief(&heard.reports), ["up aa", "told aa"]);
    assert!(heard.look, "the second toy is unknown");
    let refined = description(&heard.reports);
    assert_eq!(
        (refined.model.as_str(), refined.firmware.as_deref()),
        ("Edge 2", Some("240"))
    );
    assert_eq!(refined.outputs, outputs);
    // GetToys does not take it back.
    assert_eq!(poll(&mut roster, json!([edge(1, Some(70))])), [""; 0]);
    // A list that contradicts GetToys is not believed.
    let wrong = roster.toy_list(list(json!([{ "id": "aaaaaaaaaaaa", "name": "Nora" }])));
    assert_eq!(description(&wrong.reports).model, "Edge");
    assert_eq!(description(&wrong.reports).outputs, outputs);
}

#[test]
fn the_generation_is_known_at_once_where_get_toys_tells_the_firmware() {
    let model_of = |version: Value| {
        let lush = json!({ "id": "aaaaaaaaaaaa", "name": "lush", "version": version });
        let reports = roster().listed(list(json!([lush])), Epoch::default());
        let description = description(&reports);
        (description.model.clone(), description.firmware.clone())
    };
    let lush_3 = ("Lush 3".to_owned(), Some("140".to_owned()));
    assert_eq!(model_of(json!("140")), lush_3);
    assert_eq!(model_of(json!(140)), lush_3);
    assert_eq!(model_of(json!("")), ("Lush".to_owned(), None));
}

#[test]
fn toy_lists_take_toys_that_are_not_connected() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, None), nora(1)]));
    let row = |id: &str, connected| json!({ "id": id.repeat(12), "connected": connected });
    let heard = roster.toy_list(list(json!([row("a", false), row("b", true)])));
    assert_eq!(
        (brief(&heard.reports), heard.look),
        (vec!["down aa".to_owned()], false)
    );
    // A toy that is left out is for GetToys to judge.
    let heard = roster.toy_list(list(json!([row("a", false)])));
    assert_eq!((brief(&heard.reports), heard.look), (vec![], true));
}

#[test]
fn strangers_are_looked_for_once() {
    let mut roster = roster();
    poll(&mut roster, json!([]));
    let shake = [ToyInput::Gesture(Gesture::Shake)];
    let heard = roster.told(&id("c"), &shake);
    assert!(heard.look && heard.reports.is_empty());
    assert!(!roster.told(&id("c"), &shake).look);
    for number in 0..1_000 {
        roster.told(&HardwareId::new(format!("toy{number}")), &shake);
    }
    assert!(roster.strangers.len() <= MAX_STRANGERS);
}

#[test]
fn inputs_are_learned_from_what_is_heard() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, None)]));
    let press = [ToyInput::Gesture(Gesture::ButtonPressed(0))];
    let heard = roster.told(&id("a"), &press);
    assert_eq!(brief(&heard.reports), ["up aa", "told aa"]);
    assert!(
        description(&heard.reports)
            .inputs
            .contains(&InputKind::Button)
    );
    assert_eq!(brief(&roster.told(&id("a"), &press).reports), ["told aa"]);
    assert_eq!(poll(&mut roster, json!([edge(1, None)])), [""; 0]);
}

#[test]
fn known_inputs_are_there_from_the_start_where_events_can_come() {
    let inputs = |events: bool, app: &str| {
        let mut roster = Roster::new(CAPABILITIES, events);
        let data = json!({ "toys": [nora(1)], "appType": app });
        let reports = roster.listed(list(data), Epoch::default());
        description(&reports).inputs.len()
    };
    assert!(inputs(true, "remote") > 1);
    assert_eq!(inputs(false, "remote"), 1);
    assert_eq!(inputs(true, "connect"), 1);
}

#[test]
fn a_strength_is_told_as_a_reading_and_as_the_level_of_an_output() {
    let change = |function: &str, motor, value| StrengthChange {
        function: function.to_owned(),
        motor: Some(motor),
        value,
    };
    let levels = |heard: &Heard| {
        let told = heard.reports.iter().filter_map(|report| match report {
            Report::Told(_, ToyInput::Level(level)) => Some(*level),
            _ => None,
        });
        told.map(|level| (level.output.to_string(), level.step))
            .collect::<Vec<_>>()
    };
    let of = |output: &str, step| (output.to_owned(), step);
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, None), nora(1)]));
    roster.ran(&id("a"), false);
    let second = change("vibration", 1, 7.0);
    let heard = roster.strength(&id("a"), &second);
    let reading = Report::Told(id("a"), ToyInput::Reading(Reading::Strength(7.0)));
    assert!(heard.reports.contains(&reading));
    assert_eq!(levels(&heard), [of("vibrate_2", 7)]);
    // A position that comes next has to end it first.
    assert!(roster.address(&id("a")).unwrap().may_run);
    // Each is told, even if it says the same as before.
    for _ in 0..2 {
        let heard = roster.strength(&id("a"), &change("vibration", 1, 0.0));
        assert_eq!(levels(&heard), [of("vibrate_2", 0)]);
    }
    // One percentage tells how the app counts, for all of its toys, until another one may answer.
    let heard = roster.strength(&id("b"), &change("rotation", 0, 50.0));
    assert_eq!(levels(&heard), [of("rotate", 10)]);
    assert_eq!(
        levels(&roster.strength(&id("a"), &second)),
        [of("vibrate_2", 2)]
    );
    roster.lost("gone");
    poll(&mut roster, json!([edge(1, None)]));
    assert_eq!(
        levels(&roster.strength(&id("a"), &second)),
        [of("vibrate_2", 7)]
    );
    // A toy that is not known is looked for.
    let heard = roster.strength(&id("c"), &second);
    assert!(heard.look && heard.reports.is_empty());
}

#[test]
fn a_toy_that_speaks_is_there() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(0, None)]));
    let heard = roster.told(&id("a"), &[ToyInput::Gesture(Gesture::ButtonDown(0))]);
    assert_eq!(brief(&heard.reports), ["up aa", "up aa", "told aa"]);
    // But not if it could not be stopped.
    roster.lost("gone");
    let heard = roster.told(&id("a"), &[ToyInput::Gesture(Gesture::ButtonDown(0))]);
    assert_eq!(heard.reports, []);
}

#[test]
fn batteries_are_told_when_they_change() {
    let mut roster = roster();
    poll(&mut roster, json!([edge(1, Some(50))]));
    let battery = |charge| [ToyInput::Reading(Reading::Battery(charge))];
    assert_eq!(brief(&roster.told(&id("a"), &battery(50)).reports), [""; 0]);
    assert_eq!(
        brief(&roster.told(&id("a"), &battery(49)).reports),
        ["told aa"]
    );
}

#[test]
fn an_address_is_kept_while_the_toy_is_away() {
    let mut roster = roster();
    assert_eq!(roster.address(&id("a")), None);
    poll(
        &mut roster,
        json!([{ "id": "AA:AA:AA:AA:AA:AA", "name": "edge" }]),
    );
    roster.ran(&id("a"), false);
    let address = roster.address(&id("a")).unwrap();
    assert_eq!(address.app_id.as_str(), "AA:AA:AA:AA:AA:AA");
    assert_eq!(address.outputs.len(), 2);
    assert!(!address.may_run);
    roster.lost("gone");
    assert!(roster.address(&id("a")).unwrap().may_run);
}
