use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::*;
use crate::domain::{
    BackendId, Bound, Capabilities, HardwareId, Output, OutputKey, OutputKind, RouteId,
};
use crate::engine::{Engine, Input, LeftRunning, Memory, Settings as EngineSettings};
use crate::hass::Privacy;
use crate::mqtt::Topics;

const STALE: Duration = Duration::from_secs(60);

fn settings(base: &str) -> Settings {
    Settings {
        topics: Topics::new(base).expect("a base topic"),
        instance: "0".repeat(16),
        process: "5eedf00d".to_owned(),
        discovery_prefix: Some("homeassistant".into()),
        light: true,
        privacy: Privacy::Open,
        page: None,
        settings: Value::Null,
        log_level: "info".into(),
        stale_after: STALE,
    }
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn engine() -> Engine {
    Engine::new(
        EngineSettings::default(),
        &Memory::default(),
        LeftRunning::default(),
    )
}

/// A toy with these outputs.
fn nora(outputs: &[OutputKind]) -> ToyDescription {
    ToyDescription {
        hardware: HardwareId::new("f082c00246fa"),
        manufacturer: "Lovense".into(),
        model: "Nora".into(),
        nickname: None,
        firmware: None,
        outputs: outputs
            .iter()
            .map(|kind| Output {
                key: OutputKey::only(*kind),
                steps: 20,
                signed: false,
                label: None,
            })
            .collect(),
        inputs: BTreeSet::new(),
    }
}

/// A toy with these outputs is there.
fn plug(engine: &mut Engine, outputs: &[OutputKind]) -> ToyView {
    meet(engine, nora(outputs))
}

/// A toy is there.
fn meet(engine: &mut Engine, description: ToyDescription) -> ToyView {
    let id = description.id();
    let route = RouteId {
        backend: BackendId::new("lovense_lan"),
        hardware: description.hardware.clone(),
    };
    let capabilities = Capabilities {
        pace: Duration::from_millis(100),
        bound: Bound::None,
        plays: false,
        travel: None,
    };
    engine.handle(
        at(1),
        Input::RouteUp {
            route,
            description,
            capabilities,
        },
    );
    engine.toy(id).expect("it was plugged in")
}

/// What a bridge with this base topic announced of the toy, as the broker kept it.
fn kept(base: &str, outputs: &[OutputKind]) -> Message {
    let settings = settings(base);
    let view = plug(&mut engine(), outputs);
    let publication = discovery::toy(&view, None, &context(&settings));
    Message {
        payload: publication.text().into_bytes(),
        topic: publication.topic,
        retained: true,
        replayed: true,
    }
}

#[test]
fn what_nobody_has_seen_since_is_removed_in_the_end() {
    let (engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let message = kept("toy2mqtt", &[OutputKind::Vibrate]);
    for _ in 0..2 {
        let own = announcer.discovery_message(at(5), &message, &engine, &publisher);
        assert_eq!(own, Own::Seen);
    }
    assert_eq!(announcer.next_deadline(), Some(at(5) + STALE));
    announcer.due(at(64), &engine, &publisher);
    assert_eq!(publisher.take_due(), []);
    announcer.due(at(65), &engine, &publisher);
    let removed = publisher.take_due();
    let topics: Vec<&str> = removed.iter().map(|(topic, _)| topic.as_str()).collect();
    assert!(removed.iter().all(|(_, payload)| payload.is_empty()));
    let toy = "toy_d3ef8320";
    let mut expected = [
        message.topic,
        format!("toy2mqtt/{toy}/availability"),
        format!("toy2mqtt/{toy}/state"),
    ];
    expected.sort();
    assert_eq!(topics, expected);
    assert_eq!(announcer.next_deadline(), None);
}

#[test]
fn what_is_seen_in_time_stays() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let message = kept("toy2mqtt", &[OutputKind::Vibrate]);
    announcer.discovery_message(at(5), &message, &engine, &publisher);
    let view = plug(&mut engine, &[OutputKind::Vibrate]);
    announcer.toy(at(6), &view, &publisher);
    announcer.due(at(100), &engine, &publisher);
    let published = publisher.take_due();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].0, message.topic);
    assert_eq!(published[0].1.as_bytes(), message.payload);
}

#[test]
fn what_others_announced_is_never_touched() {
    let (engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let neighbour = kept("neighbour", &[OutputKind::Vibrate]);
    let mut disguised = kept("toy2mqtt", &[OutputKind::Vibrate]);
    disguised.payload = br#"{"origin":{"name":"toy2mqtt"}}"#.to_vec();
    let mut lamp = disguised.clone();
    lamp.topic = "homeassistant/device/lamp/config".into();
    for message in [neighbour, disguised, lamp] {
        announcer.discovery_message(at(5), &message, &engine, &publisher);
    }
    assert_eq!(announcer.next_deadline(), None);
    announcer.due(at(1_000), &engine, &publisher);
    assert_eq!(publisher.take_due(), []);
}

#[test]
fn a_component_that_has_gone_since_the_last_run_is_removed_in_two_steps() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let view = plug(&mut engine, &[OutputKind::Vibrate]);
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    announcer.toy(at(2), &view, &publisher);
    publisher.take_due();
    let message = kept("toy2mqtt", &[OutputKind::Vibrate, OutputKind::Rotate]);
    announcer.discovery_message(at(5), &message, &engine, &publisher);
    let mut published = publisher.take_due();
    let mut last = None;
    while let Some(now) = announcer.next_deadline() {
        assert!(last.is_none_or(|last| now >= last + SETTLE), "not too fast");
        last = Some(now);
        announcer.due(now, &engine, &publisher);
        published.extend(publisher.take_due());
    }
    let rotate: Vec<Value> = published
        .iter()
        .map(|(_, payload)| serde_json::from_str::<Value>(payload).expect("JSON"))
        .map(|payload| payload["components"]["rotate"].clone())
        .collect();
    let remains = serde_json::json!({"platform": "number"});
    assert_eq!(rotate, [remains, Value::Null]);
}

#[test]
fn what_was_announced_only_in_the_first_of_two_steps_goes_as_well() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let shapes = [
        OutputKind::Vibrate,
        OutputKind::Constrict,
        // Before the second step of the change to the one before.
        OutputKind::Vibrate,
    ];
    let mut seen = Vec::new();
    for (second, kind) in (10..).zip(shapes) {
        let view = plug(&mut engine, &[kind]);
        announcer.toy(at(second), &view, &publisher);
        seen.extend(publisher.take_due());
    }
    announcer.due(at(20), &engine, &publisher);
    seen.extend(publisher.take_due());
    let numbers: Vec<(usize, usize)> = seen
        .iter()
        .map(|(_, payload)| {
            let payload: Value = serde_json::from_str(payload).expect("JSON");
            let keys = |key: &str| payload["components"][key].as_object().map_or(0, Map::len);
            // A component that is to be removed has nothing but its platform.
            (keys("vibrate").min(2), keys("constrict").min(2))
        })
        .collect();
    assert_eq!(numbers, [(2, 0), (1, 2), (2, 1), (2, 0)]);
}

/// What is published of the light: its id, and what the device is called.
fn lights(publisher: &Publisher) -> Vec<(String, String)> {
    let payloads = publisher.take_due().into_iter();
    let payloads = payloads.map(|(_, text)| serde_json::from_str::<Value>(&text).expect("JSON"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    payloads
        .map(|payload| {
            let id = &payload["components"]["light"]["default_entity_id"];
            (text(id), text(&payload["device"]["name"]))
        })
        .collect()
}

#[test]
fn entity_ids_stay_when_a_toys_own_name_is_told_better() {
    let lush = |model: &str| ToyDescription {
        model: model.to_owned(),
        ..nora(&[OutputKind::Vibrate])
    };
    let light = |id: &str, name: &str| vec![(id.to_owned(), name.to_owned())];
    let (mut engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let view = meet(&mut engine, lush("Lush"));
    announcer.toy(at(2), &view, &publisher);
    assert_eq!(lights(&publisher), light("light.lush", "Lush"));
    let view = meet(&mut engine, lush("Lush 3"));
    announcer.toy(at(5), &view, &publisher);
    let kept = announcer.payload(&view).expect("it is announced");
    assert_eq!(lights(&publisher), light("light.lush", "Lush 3"));

    // The next run knows it better from the start, and hears what this one announced.
    let mut next = Announcer::new(&settings("toy2mqtt"));
    next.toy(at(8), &view, &publisher);
    assert_eq!(lights(&publisher), light("light.lush_3", "Lush 3"));
    let kept = Message {
        payload: kept.text().into_bytes(),
        topic: kept.topic,
        retained: true,
        replayed: true,
    };
    next.discovery_message(at(8), &kept, &engine, &publisher);
    next.due(at(10), &engine, &publisher);
    assert_eq!(lights(&publisher), light("light.lush", "Lush 3"));

    // Home Assistant keeps the ids that it made first, whatever the user calls the toy later.
    let named = ToyView {
        name: "Alpha".into(),
        ..view.clone()
    };
    next.toy(at(15), &named, &publisher);
    assert_eq!(lights(&publisher), light("light.lush", "Alpha"));
    next.toy(at(20), &view, &publisher);
    assert_eq!(lights(&publisher), light("light.lush", "Lush 3"));

    next.forget(view.id, &publisher);
    publisher.take_due();
    next.toy(at(25), &view, &publisher);
    assert_eq!(lights(&publisher), light("light.lush_3", "Lush 3"));
}

#[test]
fn births_close_together_are_one() {
    let (engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    announcer.born(at(5));
    let first = announcer.next_deadline().expect("soon");
    assert!(first >= at(5) + BIRTH_DELAY && first <= at(8));
    announcer.born(at(5));
    assert_eq!(announcer.next_deadline(), Some(first));
    announcer.due(first, &engine, &publisher);
    assert_eq!(announcer.next_deadline(), None);
}

/// What the broker has kept of a publication.
fn retained(publication: &Publication) -> Message {
    Message {
        payload: publication.text().into_bytes(),
        topic: publication.topic.clone(),
        retained: true,
        replayed: true,
    }
}

/// One of several toys of a model.
fn hush(address: &str) -> ToyDescription {
    ToyDescription {
        hardware: HardwareId::new(address),
        model: "Hush".into(),
        ..nora(&[OutputKind::Vibrate])
    }
}

fn ids(publications: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    let payloads = publications.into_iter();
    let payloads = payloads.map(|(_, text)| serde_json::from_str::<Value>(&text).expect("JSON"));
    let ids = payloads.map(|payload| discovery::entity_ids_of(&payload).map(str::to_owned));
    let mut ids: Vec<String> = ids.flatten().collect();
    ids.sort();
    ids
}

#[test]
fn two_toys_of_one_model_have_ids_of_their_own_from_the_start() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let first = meet(&mut engine, hush("f082c0020001"));
    let second = meet(&mut engine, hush("f082c0020002"));
    announcer.toy(at(2), &first, &publisher);
    announcer.toy(at(2), &second, &publisher);
    let digits = second.id.to_string()[4..8].to_owned();
    let expected = ["hush".to_owned(), format!("hush_{digits}")];
    assert_eq!(ids(publisher.take_due()), expected);
    let kept = [&first, &second].map(|view| announcer.payload(view).expect("announced"));
    assert!(
        discovery::entity_ids(&kept[0].payload)
            .is_disjoint(&discovery::entity_ids(&kept[1].payload))
    );

    // Cores that make ids of the name alone make the same of it.
    let name = &kept[1].payload["device"]["name"];
    assert_eq!(*name, format!("Hush {digits}"));

    // The next run meets them the other way round, before and after it hears what was kept.
    let mut next = Announcer::new(&settings("toy2mqtt"));
    next.toy(at(8), &second, &publisher);
    next.toy(at(8), &first, &publisher);
    for message in kept.iter().map(retained) {
        next.discovery_message(at(8), &message, &engine, &publisher);
    }
    publisher.take_due();
    next.due(at(10), &engine, &publisher);
    let payloads = [&first, &second].map(|view| next.payload(view).expect("announced").payload);
    assert_eq!(payloads.each_ref(), [&kept[0].payload, &kept[1].payload]);
}

#[test]
fn a_new_toy_gives_way_to_one_that_the_broker_had_kept() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let known = meet(&mut engine, hush("f082c0020001"));
    let kept = discovery::toy(&known, None, &context(&settings("toy2mqtt")));
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    let new = meet(&mut engine, hush("f082c0020002"));
    announcer.toy(at(2), &new, &publisher);
    announcer.discovery_message(at(2), &retained(&kept), &engine, &publisher);
    let digits = &new.id.to_string()[4..8];
    assert_eq!(ids(publisher.take_due()), [format!("hush_{digits}")]);
}

#[test]
fn ids_of_another_base_topic_are_left_to_it() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let view = plug(&mut engine, &[OutputKind::Vibrate]);
    let before = kept("toy2mqtt", &[OutputKind::Vibrate]);
    let mut announcer = Announcer::new(&settings("toys"));
    // Whichever comes first.
    announcer.toy(at(2), &view, &publisher);
    announcer.discovery_message(at(2), &before, &engine, &publisher);
    let digits = &view.id.to_string()[4..8];
    let expected = [format!("nora_{digits}")];
    assert_eq!(ids(publisher.take_due()), expected);
    let publisher = Publisher::default();
    let mut next = Announcer::new(&settings("toys"));
    next.discovery_message(at(2), &before, &engine, &publisher);
    next.toy(at(2), &view, &publisher);
    assert_eq!(ids(publisher.take_due()), expected);
}

#[test]
fn what_was_announced_openly_is_not_told_when_discreet_and_is_said_to_differ() {
    let (mut engine, publisher) = (engine(), Publisher::default());
    let view = plug(&mut engine, &[OutputKind::Vibrate]);
    let open = discovery::toy(&view, None, &context(&settings("toy2mqtt")));
    let discreet = Settings {
        privacy: Privacy::Discreet,
        ..settings("toy2mqtt")
    };
    let mut kept = open.clone();
    // It is remembered, run after run.
    for _ in 0..2 {
        let mut announcer = Announcer::new(&discreet);
        announcer.discovery_message(at(2), &retained(&kept), &engine, &publisher);
        announcer.toy(at(4), &view, &publisher);
        kept = announcer.payload(&view).expect("announced");
        assert!(discovery::differ_from_proposed(&kept.payload));
        assert!(!kept.text().to_lowercase().contains("nora"));
    }
    // One that was discreet from the start has the ids that it proposes, also when it is none any more.
    let first = discovery::toy(&view, None, &context(&discreet));
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    announcer.discovery_message(at(2), &retained(&first), &engine, &publisher);
    announcer.toy(at(4), &view, &publisher);
    let later = announcer.payload(&view).expect("announced").payload;
    assert!(!discovery::differ_from_proposed(&later));
    assert_eq!(
        discovery::entity_ids(&later),
        discovery::entity_ids(&first.payload)
    );
}

#[test]
fn the_bridge_keeps_its_ids_and_loses_its_old_quiet_switch_in_two_steps() {
    let (engine, publisher) = (engine(), Publisher::default());
    let view = BridgeView::default();
    let discreet = Settings {
        privacy: Privacy::Discreet,
        ..settings("toy2mqtt")
    };
    let mut before = discovery::bridge(&view, None, &context(&discreet));
    before.payload["components"]["quiet"] = serde_json::json!({
        "platform": "switch",
        "unique_id": "toy2mqtt_bridge_quiet",
        "command_topic": "toy2mqtt/bridge/quiet/set",
    });
    let mut announcer = Announcer::new(&settings("toy2mqtt"));
    announcer.bridge(&view, &publisher);
    announcer.discovery_message(at(2), &retained(&before), &engine, &publisher);
    let mut published = publisher.take_due();
    while let Some(now) = announcer.next_deadline() {
        announcer.due(now, &engine, &publisher);
        published.extend(publisher.take_due());
    }
    assert!(ids(published.clone()).iter().all(|ids| ids == "bridge"));
    let quiet: Vec<Value> = published
        .iter()
        .map(|(_, payload)| serde_json::from_str::<Value>(payload).expect("JSON"))
        .map(|payload| payload["components"]["quiet"].clone())
        .collect();
    let gone = serde_json::json!({"platform": "switch"});
    assert_eq!(quiet, [Value::Null, gone, Value::Null]);
}
