//! Toys that can be reached in several ways.

use super::*;
use crate::engine::{Memory, RouteOrder, ToyMemory};

fn over(backend: &str) -> RouteId {
    RouteId {
        backend: BackendId::new(backend),
        hardware: HardwareId::new("f082c00246fa"),
    }
}

fn settings() -> Settings {
    Settings {
        routes: RouteOrder {
            default: vec!["ble", "lovense_lan"],
            toys: BTreeMap::new(),
        },
        ..Settings::default()
    }
}

/// A toy that is reached over the app, and by Bluetooth as well.
fn bench() -> Bench {
    let mut bench = Bench::with(settings(), &[(V, 20)]);
    bench.route_up_over(over("ble"), &[(V, 20)]);
    bench
}

fn used(bench: &Bench) -> String {
    let route = bench.engine.toy(bench.toy).unwrap().route;
    route.unwrap().to_string()
}

fn down(bench: &mut Bench, route: &RouteId) -> Vec<Effect> {
    bench.input(Input::RouteDown {
        route: route.clone(),
        reason: "out of range".to_owned(),
    })
}

#[test]
fn the_preferred_route_is_used_and_nothing_is_sent_for_it() {
    let mut bench = bench();
    assert_eq!(used(&bench), "ble");
    assert_eq!(bench.engine.toys().count(), 1, "one toy, not two");
    let added = BridgeEvent::ToyAdded(bench.toy);
    let added = bench
        .effects
        .iter()
        .filter(|e| **e == Effect::Event(added.clone()));
    assert_eq!(added.count(), 1);
    assert_eq!(sent(&bench.effects), None);
    let op = sent(&bench.set(V, 50)).unwrap();
    assert_eq!(op.route, over("ble"));
}

#[test]
fn the_order_can_be_another_one_for_one_toy() {
    let mut settings = settings();
    let toy = ToyId::of(&over("ble").hardware);
    settings.routes.toys.insert(toy, vec!["lovense_lan"]);
    let mut bench = Bench::with(settings, &[(V, 20)]);
    bench.route_up_over(over("ble"), &[(V, 20)]);
    assert_eq!(used(&bench), "lovense_lan");
}

/// Whether it is said that the phone app holds the toy, after a report that `backend` misses it.
fn held(bench: &mut Bench, backend: &str, missed: bool) -> bool {
    let route = over(backend);
    bench.input(Input::Missed { route, missed });
    bench.engine.toy(bench.toy).unwrap().held_by_app
}

#[test]
fn that_the_app_holds_a_toy_is_said_while_a_better_route_misses_it() {
    let mut bench = bench();
    assert!(!held(&mut bench, "ble", true), "it is there");
    down(&mut bench, &over("ble"));
    assert!(!held(&mut bench, "buttplug", true), "the app is preferred");
    assert!(held(&mut bench, "ble", true));
    assert!(!held(&mut bench, "ble", false));
    assert!(held(&mut bench, "ble", true));
    bench.route_up_over(over("ble"), &[(V, 20)]);
    down(&mut bench, &over("ble"));
    assert!(
        !held(&mut bench, "buttplug", false),
        "it has been there since"
    );
    assert!(held(&mut bench, "ble", true));
    down(&mut bench, &over("lovense_lan"));
    assert!(!bench.engine.toy(bench.toy).unwrap().held_by_app);
}

#[test]
fn when_the_route_is_lost_the_next_one_stops_the_toy_first() {
    let mut bench = bench();
    bench.running(V, 80);
    let effects = down(&mut bench, &over("ble"));
    let stop = sent(&effects).unwrap();
    assert_eq!(
        (stop.route.clone(), stop.command.clone()),
        (over("lovense_lan"), Command::Stop)
    );
    let removed = Effect::Event(BridgeEvent::ToyRemoved(bench.toy));
    assert!(!effects.contains(&removed), "it is still there");
    assert_eq!(bench.shown(V), None, "unknown until it has stopped");
    bench.done(&stop);
    assert_eq!(bench.shown(V), Some(Level::ZERO));
    assert_eq!(sent(&bench.advance(60_000)), None, "nobody asked again");
    let op = sent(&bench.set(V, 30)).unwrap();
    assert_eq!(op.route, over("lovense_lan"));
}

#[test]
fn losing_a_route_that_is_not_used_changes_nothing() {
    let mut bench = bench();
    bench.running(V, 80);
    assert_eq!(sent(&down(&mut bench, &over("lovense_lan"))), None);
    assert_eq!(bench.shown(V), Some(level(80)));
}

#[test]
fn a_better_route_that_comes_back_waits_until_the_toy_is_at_rest() {
    let mut bench = bench();
    down(&mut bench, &over("ble"));
    bench.running(V, 80);
    let effects = bench.route_up_over(over("ble"), &[(V, 20)]);
    assert_eq!(sent(&effects), None);
    assert_eq!(
        used(&bench),
        "lovense_lan",
        "a running level is not interrupted"
    );
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    assert_eq!(stop.route, over("lovense_lan"));
    bench.done(&stop);
    assert_eq!(used(&bench), "ble");
}

#[test]
fn a_route_that_does_not_answer_is_left_for_another_one() {
    let mut bench = bench();
    let op = sent(&bench.set(V, 80)).unwrap();
    let effects = bench.end(&op, Err(OpError::Timeout(Duration::from_secs(3))));
    assert_eq!(code(&effects), ErrorCode::Timeout);
    assert!(effects.contains(&Effect::Check(over("ble"))));
    let stop = sent(&effects).unwrap();
    assert_eq!(
        (stop.route.clone(), stop.command.clone()),
        (over("lovense_lan"), Command::Stop)
    );
    bench.done(&stop);
    bench.advance(1_000);
    assert_eq!(used(&bench), "lovense_lan", "not back at once");
    bench.route_up_over(over("ble"), &[(V, 20)]);
    assert_eq!(used(&bench), "ble", "its backend has looked and found it");
}

#[test]
fn a_stop_that_fails_goes_over_the_other_route_and_answers_its_asker() {
    let mut bench = bench();
    bench.running(V, 80);
    let stop = sent(&bench.ask(Action::Stop)).unwrap();
    let effects = bench.end(&stop, Err(OpError::Link("gone".into())));
    assert_eq!(outcomes(&effects), []);
    let again = sent(&effects).unwrap();
    assert_eq!(again.route, over("lovense_lan"));
    let answers = outcomes(&bench.done(&again));
    assert_eq!(answers.len(), 1);
    assert!(answers[0].result.is_ok());
}

#[test]
fn what_lands_late_over_the_old_route_is_undone() {
    let mut bench = bench();
    let op = sent(&bench.set(V, 80)).unwrap();
    let stop = sent(&down(&mut bench, &over("ble"))).unwrap();
    bench.done(&stop);
    bench.advance(25);
    let undone = sent(&bench.done(&op)).unwrap();
    assert_eq!(
        (undone.route, undone.command),
        (over("lovense_lan"), Command::Stop)
    );
}

#[test]
fn each_route_says_what_the_toy_can_do_over_it() {
    let mut bench = Bench::with(settings(), &[(V, 20)]);
    bench.route_up_over(over("ble"), &[(V1, 20), (V2, 20)]);
    let op = sent(&bench.set(V2, 50)).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V1, 0), (V2, 10)]));
    bench.done(&op);
    let stop = sent(&down(&mut bench, &over("ble"))).unwrap();
    bench.done(&stop);
    bench.advance(25);
    assert_eq!(code(&bench.set(V2, 50)), ErrorCode::Unsupported);
    assert!(sent(&bench.set(V, 50)).is_some());
}

#[test]
fn a_limit_of_one_output_holds_for_what_another_route_joins_it_with() {
    let mut bench = Bench::with(settings(), &[(V, 20)]);
    bench.route_up_over(over("ble"), &[(V1, 20), (V2, 20)]);
    let limit = |percent| Level::from_permille(percent * 10);
    let limits = Limits {
        outputs: BTreeMap::from([(V1, limit(40)), (V2, limit(60))]),
        ..Limits::default()
    };
    bench.ask(Action::Limit(limits));
    let op = sent(&bench.set(V2, 100)).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V1, 0), (V2, 12)]));
    bench.done(&op);
    let stop = sent(&down(&mut bench, &over("ble"))).unwrap();
    bench.done(&stop);
    bench.advance(25);
    let op = sent(&bench.set(V, 100)).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V, 8)]));
    bench.done(&op);
    // A limit of its own does not give leave to exceed that of a motor in it.
    let limits = Limits {
        outputs: BTreeMap::from([(V, limit(80)), (V1, limit(30))]),
        ..Limits::default()
    };
    bench.now += 100;
    let op = sent(&bench.ask(Action::Limit(limits))).unwrap();
    assert_eq!(steps(&op), BTreeMap::from([(V, 6)]));
}

#[test]
fn what_was_set_for_a_toy_under_two_ids_holds_together() {
    let [own, other] = ["f082c00246fa", "buttplug/den/0/Edge"];
    let [own, other] = [own, other].map(|hardware| ToyId::of(&HardwareId::new(hardware)));
    let mut settings = settings();
    settings.same.insert(other, own);
    settings.default_limits.max = Level::from_permille(500);
    let known = |name: Option<&str>, limits: Option<Limits>| ToyMemory {
        name: name.map(str::to_owned),
        limits,
        description: None,
    };
    let limits = Limits {
        max: Level::from_permille(800),
        outputs: BTreeMap::from([(V1, Level::from_permille(300))]),
        slope: Some(100),
    };
    let toys = BTreeMap::from([
        (own, known(None, None)),
        (other, known(Some("Edge"), Some(limits))),
    ]);
    let mut memory = Memory { quiet: false, toys };
    assert_eq!(memory.join(&settings), [other]);
    let [(id, toy)] = memory.toys.iter().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((*id, toy.name.as_deref()), (own, Some("Edge")));
    let limits = toy.limits.clone().unwrap();
    assert_eq!((limits.max.permille(), limits.slope), (500, Some(100)));
    assert_eq!(
        (limits.of(V1).permille(), limits.of(V2).permille()),
        (300, 500)
    );
    assert!(memory.join(&settings).is_empty());
}

#[test]
fn a_toy_that_a_server_knows_by_another_id_is_the_same_toy() {
    let mut settings = settings();
    let hardware = HardwareId::new("buttplug/den/0/Edge");
    let toy = ToyId::of(&over("ble").hardware);
    settings.same.insert(ToyId::of(&hardware), toy);
    let mut bench = Bench::with(settings, &[(V, 20)]);
    let backend = BackendId::new("buttplug");
    let there = RouteId { backend, hardware };
    bench.route_up_over(there.clone(), &[(V, 20)]);
    assert_eq!(bench.engine.toys().count(), 1);
    let stop = down(&mut bench, &over("lovense_lan"));
    assert_eq!(sent(&stop), None, "it was at rest");
    let op = sent(&bench.set(V, 30)).unwrap();
    assert_eq!(op.route, there);
    assert_eq!(outcomes(&bench.done(&op)).len(), 1);
}
