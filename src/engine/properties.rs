//! The guarantees of the engine, over arbitrary sequences of inputs.
//!
//! A made-up world carries out what the engine sends: late, out of order where two operations of
//! one toy overlap, failing in every way, with or without effect.
#![expect(clippy::unwrap_used, reason = "tests")]

mod wearer;
mod world;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use self::world::World;
use crate::domain::{HardwareId, Level, Output, OutputKey, OutputKind, SetCommand};

use super::Input;

const TOYS: usize = 3;

/// Ways to reach each toy, the best first.
const WAYS: [&str; 2] = ["ble", "lan"];

/// The same 600 sequences each time, so that a change is what makes the test fail. With
/// `PROPTEST_CASES` it tries as many others: the benchmark asks for a million.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    match asked.and_then(|cases| cases.parse().ok()) {
        Some(cases) => ProptestConfig {
            cases,
            ..ProptestConfig::default()
        },
        None => ProptestConfig {
            cases: 600,
            rng_seed: RngSeed::Fixed(600),
            ..ProptestConfig::default()
        },
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(usize, SetCommand),
    SetAll(SetCommand),
    Stop(usize),
    StopAll,
    Identify(usize),
    Limit(usize, i32, Option<u32>),
    Quiet(bool),
    /// A toy can be reached, one way or another.
    Up(usize, usize),
    Down(usize, usize),
    /// The `n`th operation under way ends so; and whether an unknown effect took place.
    Finish(usize, Finish, bool),
    Advance(u64),
    Broker(bool),
    HomeAssistant(bool),
    Suspended,
    /// The wearer sets an intensity of a toy to this step.
    Hand(usize, usize, i32),
    /// The bridge is killed and starts again; whether what was under way took place.
    Restart(bool),
}

#[derive(Clone, Copy, Debug)]
enum Finish {
    Done,
    Refused,
    Offline,
    Timeout,
}

fn outputs(toy: usize) -> Vec<Output> {
    let key = OutputKey::only;
    match toy {
        0 => vec![Output::new(key(OutputKind::Vibrate), 20)],
        1 => vec![
            Output::new(OutputKey::numbered(OutputKind::Vibrate, 1), 20),
            Output::new(OutputKey::numbered(OutputKind::Vibrate, 2), 20),
            Output {
                signed: true,
                ..Output::new(key(OutputKind::Rotate), 20)
            },
            Output::new(key(OutputKind::Constrict), 3),
        ],
        _ => vec![
            Output::new(key(OutputKind::Thrust), 20),
            Output::new(key(OutputKind::Depth), 3),
            Output::new(key(OutputKind::StrokeMin), 100),
            Output::new(key(OutputKind::StrokeMax), 100),
            Output::new(key(OutputKind::Position), 100),
        ],
    }
}

fn hardware(toy: usize) -> HardwareId {
    HardwareId::new(format!("00000000000{toy}"))
}

fn any_level() -> impl Strategy<Value = Level> {
    prop_oneof![
        2 => Just(Level::ZERO),
        6 => (1i32..=1_000).prop_map(Level::from_permille),
        1 => (-1_000i32..0).prop_map(Level::from_permille),
    ]
}

fn any_command() -> impl Strategy<Value = SetCommand> {
    let keys: Vec<OutputKey> = (0..TOYS)
        .flat_map(outputs)
        .map(|output| output.key)
        .collect();
    let duration = || prop::option::weighted(0.2, (1u64..4_000).prop_map(Duration::from_millis));
    let effect = prop_oneof![Just("Wave"), Just("Pulse"), Just("Off"), Just("nonsense")];
    (
        prop::collection::btree_map(prop::sample::select(keys), any_level(), 0..3),
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.3, (0i32..=1_000).prop_map(Level::from_permille)),
        prop::option::weighted(0.2, effect.prop_map(str::to_owned)),
        duration(),
        duration(),
        prop::option::weighted(0.1, 0u32..4),
        duration(),
    )
        .prop_map(
            |(levels, power, brightness, effect, transition, hold, repeat, pause)| SetCommand {
                levels,
                power,
                brightness,
                effect,
                transition,
                hold,
                repeat,
                pause,
            },
        )
}

fn any_step() -> impl Strategy<Value = Step> {
    let finish = prop_oneof![
        8 => Just(Finish::Done),
        1 => Just(Finish::Refused),
        1 => Just(Finish::Offline),
        2 => Just(Finish::Timeout),
    ];
    prop_oneof![
        12 => (0..TOYS, any_command()).prop_map(|(toy, command)| Step::Set(toy, command)),
        1 => any_command().prop_map(Step::SetAll),
        2 => (0..TOYS).prop_map(Step::Stop),
        1 => Just(Step::StopAll),
        1 => (0..TOYS).prop_map(Step::Identify),
        1 => (0..TOYS, 0i32..=1_000, prop::option::of(1u32..5_000))
            .prop_map(|(toy, max, slope)| Step::Limit(toy, max, slope)),
        1 => any::<bool>().prop_map(Step::Quiet),
        3 => (0..TOYS, 0..WAYS.len()).prop_map(|(toy, way)| Step::Up(toy, way)),
        2 => (0..TOYS, 0..WAYS.len()).prop_map(|(toy, way)| Step::Down(toy, way)),
        20 => (0usize..6, finish, any::<bool>()).prop_map(|(n, how, took)| Step::Finish(n, how, took)),
        10 => (1u64..6_000).prop_map(Step::Advance),
        1 => any::<bool>().prop_map(Step::Broker),
        1 => any::<bool>().prop_map(Step::HomeAssistant),
        1 => Just(Step::Suspended),
        3 => (0..TOYS, 0usize..4, prop_oneof![Just(0), 1..=20]).prop_map(|(toy, output, step)| {
            Step::Hand(toy, output, step)
        }),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_guarantees_hold(
        steps in prop::collection::vec(any_step(), 1..80),
        plays: bool,
        echoes: bool,
    ) {
        let mut world = World::new(plays, echoes);
        for step in steps {
            world.step(step, plays);
        }
        // Ramps and pulses end; slow slopes get where they are going.
        for toy in 0..TOYS {
            world.step(Step::Limit(toy, 1_000, None), plays);
        }
        world.settle();
        world.advance(0);
        world.settle();
        world.settle();
        world.settle();
        world.check_settled();
    }

    #[test]
    fn a_shutdown_always_ends_with_everything_off(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut world = World::new(false, false);
        for step in steps {
            world.step(step, false);
        }
        world.silenced.extend((0..TOYS).map(World::id));
        world.input(Input::Shutdown);
        world.settle();
        prop_assert!(world.halted);
        for toy in 0..TOYS {
            let driven = world.driven(toy);
            prop_assert!(!world.is_up(World::id(toy)) || driven.is_empty(), "runs: {driven:?}");
        }
    }
}
