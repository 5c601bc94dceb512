use std::collections::BTreeSet;

use super::*;
use crate::domain::{HardwareId, ToyId};
use crate::mqtt::Topics;

const BASE: &str = "home/toys";

fn filled(topic: &str, toy: ToyId) -> String {
    topic
        .replace("<base>", BASE)
        .replace("<toy>", &toy.to_string())
        .replace("<group>", "duo")
        .replace("<attribute>", "vibrate")
        .replace("<verb>", "toys")
}

fn setting() -> (Topics, ToyId) {
    let topics = Topics::new(BASE).expect("a good base");
    (topics, ToyId::of(&HardwareId::new("x")))
}

/// Those below the base topic that go this way.
fn ours(direction: Direction) -> impl Iterator<Item = &'static Topic> {
    TOPICS
        .iter()
        .filter(move |topic| topic.direction == direction && topic.topic.starts_with("<base>/"))
}

#[test]
fn every_command_in_the_table_is_one() {
    let (topics, toy) = setting();
    for command in ours(Direction::In) {
        let topic = filled(command.topic, toy);
        assert!(topics.parse(&topic).is_ok(), "{topic}");
        assert!(!command.retained, "{topic}");
    }
}

#[test]
fn every_command_that_can_be_built_is_in_the_table() {
    use crate::domain::Target;
    let (topics, toy) = setting();
    let mut built = vec![
        topics.bridge_stop(),
        topics.quiet_set(),
        topics.scan_set(),
        topics.bridge_request("toys"),
        topics.identify(toy),
    ];
    for target in [Target::Toy(toy), Target::Group("duo".into()), Target::All] {
        built.push(topics.set(&target));
        built.push(topics.attribute_set(&target, "vibrate"));
        built.push(topics.stop(&target));
    }
    let listed = ours(Direction::In).map(|command| filled(command.topic, toy));
    let listed: BTreeSet<String> = listed.collect();
    assert_eq!(listed, built.into_iter().collect());
}

#[test]
fn every_published_topic_is_in_the_table_and_no_other() {
    let (topics, toy) = setting();
    let built = BTreeSet::from([
        topics.bridge_state(),
        topics.bridge_info(),
        topics.bridge_health(),
        topics.bridge_event(),
        topics.quiet_state(),
        topics.scan_state(),
        topics.bridge_response("toys"),
        topics.toy_availability(toy),
        topics.toy_state(toy),
        topics.toy_event(toy),
        topics.toy_result(toy),
        topics.barrier(),
    ]);
    let listed = ours(Direction::Out).chain(ours(Direction::Both));
    let listed: BTreeSet<String> = listed.map(|topic| filled(topic.topic, toy)).collect();
    assert_eq!(listed, built);
    for topic in &listed {
        assert!(topics.parse(topic).is_err(), "{topic}");
    }
}

#[test]
fn examples_are_json_where_payloads_are() {
    for topic in TOPICS {
        if topic.payload.starts_with("JSON") || topic.example.starts_with('{') {
            let read = serde_json::from_str::<serde_json::Value>(topic.example);
            assert!(read.is_ok_and(|json| json.is_object()), "{}", topic.topic);
        }
    }
    for request in REQUESTS {
        let read = serde_json::from_str::<serde_json::Value>(request.example);
        assert!(read.is_ok_and(|json| json.is_object()), "{}", request.verb);
    }
}

#[test]
fn tables_are_whole() {
    let page = markdown();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with('|'), "{line}");
        let columns = |line: &str| line.matches('|').count();
        assert!((3..=7).contains(&columns(line)), "{line}");
    }
    assert!(page.lines().all(|line| line == line.trim_end()));
}
