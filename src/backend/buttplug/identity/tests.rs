use serde_json::json;

use super::super::options::{Options, Place};
use super::super::wire::{self, Message};
use super::*;
use crate::domain::BackendId;

fn id(number: u32) -> HardwareId {
    HardwareId::new(format!("buttplug/S/{number}/Hush"))
}

fn toy(index: u32, name: Option<&str>) -> Toy {
    let device = json!([{"DeviceAdded": {"DeviceIndex": index, "DeviceName": "Hush",
        "DeviceDisplayName": name, "DeviceFeatures": {
            "0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 20]}}}}}}]);
    let frame = wire::parse(&device.to_string()).expect("a frame");
    let [Message::DeviceAdded(device)] = &frame.messages[..] else {
        panic!("{frame:?}")
    };
    let place = Place::Dial {
        host: "x".to_owned(),
        port: 1,
        path: "/".to_owned(),
    };
    let options = Options::new(BackendId::new("buttplug"), place);
    Toy::of(device.clone(), "S", &options)
}

/// A connection in which these devices are listed: their ids, and what is alike from now on.
fn connect(
    all: &mut Identities,
    devices: &[(u32, Option<&str>)],
) -> (Vec<HardwareId>, Option<Vec<BTreeSet<HardwareId>>>) {
    let mut toys: Vec<Toy> = devices.iter().map(|(i, name)| toy(*i, *name)).collect();
    all.identify(&mut toys, &BTreeMap::new());
    let alike = all.note(toys.iter());
    let ids = toys.into_iter().map(|toy| toy.description.hardware);
    (ids.collect(), alike)
}

#[test]
fn where_display_names_moved_the_toys_moved() {
    let mut all = Identities::default();
    let (ids, alike) = connect(&mut all, &[(0, Some("Alpha")), (1, Some("Beta"))]);
    assert_eq!((ids, alike), (vec![id(0), id(1)], None));
    let (ids, alike) = connect(&mut all, &[(0, Some("Beta")), (1, Some("Alpha"))]);
    assert_eq!((ids, alike), (vec![id(1), id(0)], None));
    // One that moved leaves its number to no other toy.
    let (ids, _) = connect(&mut all, &[(0, None), (1, Some("Alpha"))]);
    assert_eq!(ids, [id(2), id(0)]);
    // After a restart of the bridge as well.
    let kept = [
        (id(0), Some("Alpha".to_owned())),
        (id(1), Some("Beta".to_owned())),
    ];
    let mut all = Identities::new(kept, false);
    assert_eq!(connect(&mut all, &[(4, Some("Beta"))]).0, [id(1)]);
    // A new name at an old number is a toy that was renamed.
    assert_eq!(connect(&mut all, &[(0, Some("Gamma"))]).0, [id(0)]);
}

#[test]
fn toys_of_one_model_without_names_are_alike() {
    let both = Some(vec![BTreeSet::from([id(0), id(1)])]);
    let mut all = Identities::default();
    assert_eq!(connect(&mut all, &[(0, None)]).1, None, "one is itself");
    assert_eq!(connect(&mut all, &[(0, None), (1, None)]).1, both);
    // Said once, and not taken back while they are away.
    assert_eq!(connect(&mut all, &[(0, None)]).1, None);
    assert_eq!(connect(&mut all, &[]).1, None);
    // Names tell them apart; one name of two does not tell the other from one that is away.
    let (_, alike) = connect(&mut all, &[(0, Some("Alpha")), (1, Some("Beta"))]);
    assert_eq!(alike, Some(Vec::new()));
    assert_eq!(connect(&mut all, &[(0, Some("Alpha")), (1, None)]).1, None);
    // Names that were lost, or are the same, tell nothing.
    assert_eq!(connect(&mut all, &[(0, None)]).1, both);
    let (_, alike) = connect(&mut all, &[(0, Some("Alpha")), (1, Some("Alpha"))]);
    assert_eq!(alike, None);
}

#[test]
fn a_server_that_keeps_its_indexes_is_believed() {
    let mut all = Identities::new([], true);
    assert_eq!(connect(&mut all, &[(0, None), (1, None)]).1, None);
}

#[test]
fn within_one_connection_an_index_is_a_toy() {
    let mut all = Identities::default();
    let here = BTreeMap::from([(0, id(7)), (1, HardwareId::new("buttplug/S/1/Lush"))]);
    let mut toys = [toy(0, Some("Alpha")), toy(1, None)];
    all.identify(&mut toys, &here);
    let ids = toys.map(|toy| toy.description.hardware);
    assert_eq!(ids, [id(7), id(1)]);
}
