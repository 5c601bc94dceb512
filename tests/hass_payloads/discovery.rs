//! What is published for toys of every shape, and how it is removed.

use crate::toys::{bridge, context, shape, shapes, topics};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::hass::Privacy;
use toy2mqtt::hass::discovery::{
    self, Components, Context, Ours, components, forget, tombstone, whose,
};
use toy2mqtt::mqtt::topics::Topics;

#[test]
fn toys_of_every_shape() {
    let topics = topics();
    for (name, view) in shapes() {
        let published = discovery::toy(&view, None, &context(&topics));
        assert_json_snapshot!(format!("toy_{name}"), published.payload);
    }
}

#[test]
fn a_bridge() {
    let topics = topics();
    let published = discovery::bridge(&bridge(), None, &context(&topics));
    assert_eq!(
        published.topic,
        "homeassistant/device/toy2mqtt_bridge/config"
    );
    assert_json_snapshot!(published.payload);
}

#[test]
fn discreet_devices() {
    let topics = topics();
    let context = Context {
        privacy: Privacy::Discreet,
        ..context(&topics)
    };
    let mut view = shape("thrust");
    view.name = view.description.default_name().to_owned();
    assert_json_snapshot!(
        "discreet_toy",
        discovery::toy(&view, None, &context).payload
    );
    assert_json_snapshot!(
        "discreet_bridge",
        discovery::bridge(&bridge(), None, &context).payload
    );
}

#[test]
fn without_a_light() {
    let topics = topics();
    let context = Context {
        light: false,
        ..context(&topics)
    };
    let published = discovery::toy(&shape("single"), None, &context);
    assert_json_snapshot!(published.payload);
}

#[test]
fn a_name_of_the_users_own_is_kept_when_discreet() {
    let topics = topics();
    let context = Context {
        privacy: Privacy::Discreet,
        ..context(&topics)
    };
    let published = discovery::toy(&shape("single"), None, &context);
    assert_eq!(published.payload["device"]["name"], "Alpha");
}

#[test]
fn renaming_changes_no_unique_id() {
    let topics = topics();
    let mut view = shape("dual");
    let ids = |payload: &Value| -> Vec<Value> {
        let components = payload["components"].as_object().expect("components");
        components
            .values()
            .map(|c| c["unique_id"].clone())
            .collect()
    };
    let before = discovery::toy(&view, None, &context(&topics));
    view.name = "Жёлтый".to_owned();
    let after = discovery::toy(&view, None, &context(&topics));
    assert_eq!(before.topic, after.topic);
    assert_eq!(ids(&before.payload), ids(&after.payload));
    let light = &after.payload["components"]["light"];
    assert_eq!(light["default_entity_id"], format!("light.{}", view.id));
}

#[test]
fn bridges_with_different_bases_share_nothing() {
    let other = Topics::new("home/toys").expect("a good base");
    let topics = topics();
    let view = shape("single");
    let (ours, theirs) = (context(&topics), context(&other));
    assert_ne!(ours.toy_topic(view.id), theirs.toy_topic(view.id));
    assert_ne!(ours.bridge_topic(), theirs.bridge_topic());
    let ours = discovery::bridge(&bridge(), None, &ours).payload;
    let theirs = discovery::bridge(&bridge(), None, &theirs).payload;
    assert_ne!(
        ours["device"]["identifiers"],
        theirs["device"]["identifiers"]
    );
    assert_eq!(theirs["device"]["name"], "toy2mqtt home/toys");
}

#[test]
fn vanished_components_are_reduced_to_their_platform() {
    let topics = topics();
    let context = context(&topics);
    let before = discovery::toy(&shape("rotate"), None, &context);
    let mut after = discovery::toy(&shape("single"), None, &context);
    after.topic.clone_from(&before.topic);

    let between = tombstone(&components(&before.payload), &after).expect("something vanished");
    assert_eq!(between.topic, after.topic);
    let between = between.payload["components"]
        .as_object()
        .expect("components");
    assert_eq!(between["rotate"], json!({"platform": "number"}));
    assert_eq!(
        between["trigger_shake"],
        json!({"platform": "device_automation"})
    );
    assert_eq!(between["vibrate"], after.payload["components"]["vibrate"]);
    let before = components(&before.payload);
    assert!(before.keys().all(|key| between.contains_key(key)));
    assert_eq!(tombstone(&components(&after.payload), &after), None);
}

#[test]
fn a_component_that_changed_its_platform_is_removed_first() {
    let topics = topics();
    let new = discovery::toy(&shape("single"), None, &context(&topics));
    let previous = Components::from([("vibrate".to_owned(), "fan".to_owned())]);
    let between = tombstone(&previous, &new).expect("it changed");
    assert_eq!(
        between.payload["components"]["vibrate"],
        json!({"platform": "fan"})
    );
}

#[test]
fn forgetting_is_an_empty_payload() {
    let topics = topics();
    let published = forget(context(&topics).bridge_topic());
    assert_eq!(published.text(), "");
}

#[test]
fn our_own_payloads_are_recognised() {
    let topics = topics();
    for privacy in [Privacy::Open, Privacy::Discreet] {
        let context = Context {
            privacy,
            discovery_prefix: "ha/discovery",
            ..context(&topics)
        };
        for (_, view) in shapes() {
            let published = discovery::toy(&view, None, &context);
            let found = whose(&published.topic, &published.payload, &context);
            assert_eq!(found, Some(Ours::Toy(view.id)));
            let between = tombstone(&Components::from([("x".into(), "fan".into())]), &published)
                .expect("something vanished");
            let found = whose(&between.topic, &between.payload, &context);
            assert_eq!(found, Some(Ours::Toy(view.id)));
        }
        let published = discovery::bridge(&bridge(), None, &context);
        let found = whose(&published.topic, &published.payload, &context);
        assert_eq!(found, Some(Ours::Bridge));
    }
}

#[test]
fn nobody_elses_payload_is_ours() {
    let (topics, other) = (topics(), Topics::new("other").expect("a good base"));
    let (ours, theirs) = (context(&topics), context(&other));
    let published = discovery::toy(&shape("single"), None, &ours);
    let text = published.text();
    let mine = |topic: &str, text: &str| {
        let payload = serde_json::from_str(text).unwrap_or_default();
        whose(topic, &payload, &ours)
    };
    assert!(mine(&published.topic, &text).is_some());

    // Another bridge, another topic, another prefix.
    assert_eq!(whose(&published.topic, &published.payload, &theirs), None);
    let elsewhere = ours.toy_topic(ToyId::of(&HardwareId::new("another")));
    assert_eq!(mine(&elsewhere, &text), None);
    assert_eq!(mine(&format!("x{}", published.topic), &text), None);
    assert_eq!(
        mine("homeassistant/light/toy2mqtt_bridge/config", &text),
        None
    );
    let foreign = discovery::toy(&shape("single"), None, &theirs);
    assert_eq!(mine(&foreign.topic, &foreign.text()), None);

    // Our topic, but not our payload.
    assert_eq!(mine(&published.topic, ""), None);
    assert_eq!(mine(&published.topic, "{}"), None);
    assert_eq!(mine(&published.topic, "not JSON"), None);
    for (pointer, value) in [
        ("/origin/name", "zigbee2mqtt"),
        ("/device/identifiers/0", "toy2mqtt_bridge"),
        ("/availability/0/topic", "other/bridge/state"),
    ] {
        let mut payload = published.payload.clone();
        *payload.pointer_mut(pointer).expect("it is there") = value.into();
        assert_eq!(
            mine(&published.topic, &payload.to_string()),
            None,
            "{pointer}"
        );
    }
}
