//! What the engine spends on one input, as toys become more.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use toy2mqtt::domain::{
    Action, BackendId, Bound, Capabilities, HardwareId, Instant as Moment, Level, OpId, Output,
    OutputKey, OutputKind, RouteId, SetCommand, Target, Ticket, ToyDescription, ToyId,
};
use toy2mqtt::engine::{Effect, Engine, Input, LeftRunning, Memory, Settings};

use crate::table::Row;

/// Cycles of a request and its acknowledgement.
const CYCLES: usize = 100_000;

/// Each size is measured so often, in turn; the quickest counts, since nothing makes it too quick.
const TURNS: usize = 15;

const KEY: OutputKey = OutputKey::only(OutputKind::Vibrate);

pub(crate) fn measure() -> Vec<Row> {
    let sizes = [10, 1_000, 10_000];
    let mut best = [Duration::MAX; 3];
    for _ in 0..TURNS {
        for (best, toys) in best.iter_mut().zip(sizes) {
            *best = cycles(toys).min(*best);
        }
    }
    let nanos = best.map(|best| best.as_secs_f64() * 1e9 / (2 * CYCLES) as f64);
    let ratio = nanos[2] / nanos[0];
    vec![Row::new(
        "engine, per input, with 10 / 1,000 / 10,000 toys",
        format!("{:.0} / {:.0} / {:.0} ns", nanos[0], nanos[1], nanos[2]),
        "the first",
        format!("the last ≤ 1.5 × the first (is {ratio:.2} ×)"),
        ratio <= 1.5,
    )]
}

fn cycles(count: usize) -> Duration {
    let (mut engine, toys) = engine(count);
    let mut ticket = 0;
    let mut run = |cycles: usize| {
        let began = Instant::now();
        for cycle in 0..cycles {
            ticket += 1;
            // A round over all toys takes a millisecond, so that no lease has to be renewed.
            let now = Moment::from_millis(1_000 + (ticket as usize / count) as u64);
            // Another one in each round, so that each request leads to an operation.
            let level = Level::from_permille((1 + ticket as usize / count % 20) as i32 * 50);
            let request = Input::Request {
                ticket: Ticket(ticket),
                target: Target::Toy(toys[cycle % count]),
                action: Action::Set(SetCommand::output(KEY, level)),
            };
            let effects = engine.handle(now, request);
            let op = sent(&effects).expect("nothing is in flight");
            black_box(engine.handle(now, Input::OpDone { op, result: Ok(()) }));
        }
        began.elapsed()
    };
    run(20_000);
    run(CYCLES)
}

fn sent(effects: &[Effect]) -> Option<OpId> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(op) => Some(op.id),
        _ => None,
    })
}

fn engine(count: usize) -> (Engine, Vec<ToyId>) {
    let mut engine = Engine::new(
        Settings::default(),
        &Memory::default(),
        LeftRunning::default(),
    );
    let now = Moment::from_millis(1);
    engine.handle(now, Input::Broker(true));
    let mut toys = Vec::with_capacity(count);
    for index in 0..count {
        let description = ToyDescription {
            hardware: HardwareId::new(format!("{index:012x}")),
            manufacturer: "Lovense".to_owned(),
            model: "Lush 3".to_owned(),
            nickname: None,
            firmware: None,
            outputs: vec![Output::new(KEY, 20)],
            inputs: BTreeSet::new(),
        };
        toys.push(description.id());
        let route = RouteId {
            backend: BackendId::new("bench"),
            hardware: description.hardware.clone(),
        };
        let capabilities = Capabilities {
            pace: Duration::ZERO,
            bound: Bound::Lease(Duration::from_secs(5)),
            plays: false,
            travel: None,
        };
        engine.handle(
            now,
            Input::RouteUp {
                route,
                description,
                capabilities,
            },
        );
    }
    (engine, toys)
}
