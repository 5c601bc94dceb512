//! Toys that nothing tells apart.

use super::*;

const SERVER: &str = "buttplug";

fn hush(index: u32) -> RouteId {
    RouteId {
        backend: BackendId::new(SERVER),
        hardware: HardwareId::new(format!("buttplug/S/{index}/Hush")),
    }
}

fn alike(indexes: &[u32]) -> Input {
    let set = indexes.iter().map(|index| hush(*index).hardware).collect();
    Input::Alike {
        backend: BackendId::new(SERVER),
        sets: vec![set],
    }
}

/// Two toys; the second one has this limit.
fn two(percent: i8) -> (Bench, [ToyId; 2]) {
    let mut bench = Bench::new(&[(V, 20)]);
    for index in 0..2 {
        bench.route_up_over(hush(index), &[(V, 20)]);
    }
    let toys = [0, 1].map(|index| ToyId::of(&hush(index).hardware));
    let limits = Limits {
        max: Level::from_whole_percent(percent),
        ..Limits::default()
    };
    bench.ask_of(Target::Toy(toys[1]), Action::Limit(limits));
    (bench, toys)
}

/// The step that the first toy is told, asked for this level.
fn step(bench: &mut Bench, toy: ToyId, percent: i8) -> i32 {
    let level = Level::from_whole_percent(percent);
    let effects = bench.ask_of(Target::Toy(toy), Action::Set(SetCommand::output(V, level)));
    last_step(&effects).expect("an operation")
}

fn last_step(effects: &[Effect]) -> Option<i32> {
    let mut steps = effects.iter().filter_map(|effect| match effect {
        Effect::Send(op) => match &op.command {
            Command::Drive(settings) => Some(settings[0].step),
            _ => Some(0),
        },
        _ => None,
    });
    steps.next_back()
}

#[test]
fn the_lowest_limit_holds_for_each_of_them() {
    let (mut bench, [mine, hers]) = two(20);
    assert!(bench.engine.alike_problems().is_empty());
    bench.input(alike(&[0, 1]));
    assert_eq!(step(&mut bench, mine, 100), 4);
    let shown = |bench: &Bench, toy| bench.engine.toy(toy).unwrap().limits.max;
    assert_eq!(shown(&bench, mine), Level::from_whole_percent(20));
    let [problem] = &bench.engine.alike_problems()[..] else {
        panic!("not one problem")
    };
    assert!(problem.contains(&mine.to_string()) && problem.contains(&hers.to_string()));
    // Each keeps its own, for when they can be told apart again.
    let own = bench.engine.memory().toys;
    assert_eq!(own[&mine].limits, None);
    assert_eq!(bench.engine.limits(mine).unwrap().max, Level::FULL);
    // A limit that is lowered later holds for both at once.
    let limits = Limits {
        max: Level::from_whole_percent(10),
        ..Limits::default()
    };
    bench.ask_of(Target::Toy(hers), Action::Limit(limits));
    assert_eq!(shown(&bench, mine), Level::from_whole_percent(10));
    // One that is forgotten binds no more.
    bench.input(Input::RouteDown {
        route: hush(1),
        reason: "gone".to_owned(),
    });
    bench.ask_of(Target::Toy(hers), Action::Forget);
    assert_eq!(shown(&bench, mine), Level::FULL);
    assert!(bench.engine.alike_problems().is_empty());
}

#[test]
fn a_toy_that_runs_is_lowered_and_does_not_rise_again() {
    let (mut bench, [mine, _]) = two(20);
    assert_eq!(step(&mut bench, mine, 100), 20);
    let sent = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Send(op) => Some(op.clone()),
        _ => None,
    });
    bench.done(&sent.unwrap());
    let mut effects = bench.input(alike(&[0, 1]));
    effects.extend(bench.advance(1_000));
    assert_eq!(last_step(&effects), Some(4));
    let sent = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Send(op) => Some(op.clone()),
        _ => None,
    });
    bench.done(&sent.unwrap());
    let mut effects = bench.input(alike(&[]));
    effects.extend(bench.advance(500));
    assert!(last_step(&effects).is_none_or(|step| step <= 4));
}
