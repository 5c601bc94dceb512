//! Toys of every shape, made by hand and made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use toy2mqtt::domain::{
    BackendId, BackendState, BackendView, BridgeView, HardwareId, InputKind, Level, Limits, Output,
    OutputKey, OutputKind, Pattern, Reading, ToyDescription, ToyView,
};
use toy2mqtt::hass::Privacy;
use toy2mqtt::hass::discovery::Context;
use toy2mqtt::mqtt::topics::Topics;

/// The default topics.
pub(crate) fn topics() -> Topics {
    Topics::new("toy2mqtt").expect("a good base")
}

/// A context with everything as it is by default.
pub(crate) fn context(topics: &Topics) -> Context<'_> {
    Context {
        discovery_prefix: "homeassistant",
        topics,
        version: "0.1.0",
        privacy: Privacy::Open,
        light: true,
        support_url: "https://example.invalid/toy2mqtt",
        configuration_url: Some("http://127.0.0.1:8099/"),
    }
}

/// The only output of a kind.
pub(crate) fn only(kind: OutputKind, steps: u16) -> Output {
    Output::new(OutputKey::only(kind), steps)
}

/// One of several outputs of a kind.
pub(crate) fn numbered(kind: OutputKind, number: u8, steps: u16) -> Output {
    Output::new(OutputKey::numbered(kind, number), steps)
}

/// A toy called Alpha that is there and does nothing.
pub(crate) fn toy(model: &str, outputs: Vec<Output>, inputs: &[InputKind]) -> ToyView {
    let description = ToyDescription {
        hardware: HardwareId::new(format!("f082c00246fa-{model}")),
        manufacturer: "Lovense".to_owned(),
        model: model.to_owned(),
        nickname: None,
        firmware: Some("241".to_owned()),
        outputs,
        inputs: inputs.iter().copied().collect(),
    };
    let intensities = description.outputs.iter().map(|output| output.key);
    let levels = intensities
        .filter(|key| key.kind != OutputKind::Position)
        .map(|key| (key, key.kind.default_level()))
        .collect();
    ToyView {
        id: description.id(),
        name: "Alpha".to_owned(),
        description: Arc::new(description),
        available: true,
        route: Some(BackendId::new("lovense_lan")),
        levels,
        effect: None,
        effects: patterns(),
        limits: Limits::default(),
        readings: BTreeMap::new(),
        held_by_app: false,
        last_error: None,
    }
}

/// The names of the built-in patterns.
pub(crate) fn patterns() -> Arc<[String]> {
    let builtin = Pattern::builtin();
    builtin.iter().map(|p| p.name().to_owned()).collect()
}

const BATTERY: InputKind = InputKind::Battery;

/// One toy of each shape, with a word for the shape.
pub(crate) fn shapes() -> Vec<(&'static str, ToyView)> {
    use OutputKind as Kind;
    let vibrate = |number| numbered(Kind::Vibrate, number, 20);
    let lapis = [(1, "Tip Vibe"), (2, "Internal Vibe"), (3, "External Vibe")]
        .map(|(number, label)| Output {
            label: Some(label.to_owned()),
            ..vibrate(number)
        })
        .to_vec();
    let rotate = Output {
        signed: true,
        ..only(Kind::Rotate, 20)
    };
    let moved = [BATTERY, InputKind::Button, InputKind::Shake];
    let thrust = vec![
        only(Kind::Thrust, 20),
        only(Kind::Depth, 3),
        only(Kind::StrokeMin, 100),
        only(Kind::StrokeMax, 100),
    ];
    let position = vec![only(Kind::Thrust, 20), only(Kind::Position, 100)];
    let stroker = [
        BATTERY,
        InputKind::Rssi,
        InputKind::Button,
        InputKind::Depth,
        InputKind::Motion,
        InputKind::Strength,
    ];
    vec![
        (
            "single",
            toy("Lush 3", vec![only(Kind::Vibrate, 20)], &[BATTERY]),
        ),
        (
            "dual",
            toy("Edge 2", vec![vibrate(1), vibrate(2)], &[BATTERY]),
        ),
        ("three_motors", toy("Lapis", lapis, &[BATTERY])),
        (
            "rotate",
            toy("Nora", vec![only(Kind::Vibrate, 20), rotate], &moved),
        ),
        (
            "pump",
            toy(
                "Max 2",
                vec![only(Kind::Vibrate, 20), only(Kind::Constrict, 3)],
                &moved,
            ),
        ),
        ("thrust", toy("Solace", thrust, &stroker)),
        ("position", toy("Solace Pro", position, &stroker)),
        (
            "sensors",
            toy(
                "Sensor",
                Vec::new(),
                &[InputKind::Pressure, InputKind::Rssi],
            ),
        ),
    ]
}

/// The toy of a shape.
pub(crate) fn shape(name: &str) -> ToyView {
    let mut shapes = shapes().into_iter();
    let found = shapes.find(|(shape, _)| *shape == name);
    found.expect("there is such a shape").1
}

/// The toy of a shape while it runs and measures.
pub(crate) fn running(name: &str) -> ToyView {
    let mut view = shape(name);
    let outputs = view.description.outputs.clone();
    for (number, output) in (4..).zip(outputs) {
        let permille = number * 125;
        let permille = if output.signed { -permille } else { permille };
        view.levels
            .insert(output.key, Level::from_permille(permille));
    }
    let readings = [
        (InputKind::Battery, Reading::Battery(77)),
        (InputKind::Rssi, Reading::Rssi(-61)),
        (InputKind::Pressure, Reading::Pressure(1013.25)),
        (InputKind::Depth, Reading::InsertionDepth(12.0)),
        (InputKind::Motion, Reading::MotionPosition(33.5)),
        (InputKind::Motion, Reading::MotionSpeed(-20.0)),
        (InputKind::Shake, Reading::ShakeFrequency(3.0)),
        (InputKind::Strength, Reading::Strength(20.0)),
    ];
    for (kind, reading) in readings {
        if view.description.inputs.contains(&kind) {
            view.readings.insert(reading.key(), reading);
        }
    }
    view
}

/// A bridge with two backends, one of them down.
pub(crate) fn bridge() -> BridgeView {
    let backend = |name: &str, state| BackendView {
        id: BackendId::new(name),
        state,
        since: Duration::from_secs(90),
        attempts: 0,
    };
    let refused = "connection refused: is Game Mode of Lovense Remote on?";
    BridgeView {
        backends: vec![
            backend("lovense_lan", BackendState::Up),
            BackendView {
                attempts: 3,
                ..backend("lovense_lan_2", BackendState::Down(refused.to_owned()))
            },
        ],
        log_level: "info".to_owned(),
        ..BridgeView::default()
    }
}

/// Words that no discreet payload may contain.
pub(crate) const TELLING: [&str; 5] = [
    "Lovense",
    "Velvetine",
    "c0ffee00cafe",
    "Tickler",
    "Honeypie",
];

fn any_output() -> impl Strategy<Value = (OutputKind, u16, bool, Option<String>)> {
    (
        (0..OutputKind::ALL.len()).prop_map(|index| OutputKind::ALL[index]),
        1u16..=1000,
        any::<bool>(),
        option::of(prop_oneof![Just("Tickler".to_owned()), "\\PC{0,80}"]),
    )
}

/// Outputs with the keys that a backend would give them: numbered where there are several.
fn any_outputs() -> impl Strategy<Value = Vec<Output>> {
    vec(any_output(), 0..6).prop_map(|drawn| {
        let kinds: Vec<_> = drawn.iter().map(|(kind, ..)| *kind).collect();
        let count = |kind, upto: usize| kinds[..upto].iter().filter(|k| **k == kind).count() as u8;
        let outputs = drawn.into_iter().enumerate();
        outputs
            .map(|(index, (kind, steps, signed, label))| {
                let key = match count(kind, kinds.len()) {
                    1 => OutputKey::only(kind),
                    _ => OutputKey::numbered(kind, count(kind, index) + 1),
                };
                let signed = signed && kind == OutputKind::Rotate;
                Output {
                    signed,
                    label,
                    ..Output::new(key, steps)
                }
            })
            .collect()
    })
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let any_value = || prop_oneof![any::<f64>(), -1e3..1e3, Just(f64::NAN), Just(0.0)];
    prop_oneof![
        any::<u8>().prop_map(Reading::Battery),
        any::<i16>().prop_map(Reading::Rssi),
        any_value().prop_map(Reading::Pressure),
        any_value().prop_map(Reading::InsertionDepth),
        any_value().prop_map(Reading::MotionPosition),
        any_value().prop_map(Reading::MotionSpeed),
        any_value().prop_map(Reading::ShakeFrequency),
        any_value().prop_map(Reading::Strength),
    ]
}

fn any_description() -> impl Strategy<Value = ToyDescription> {
    (
        any_outputs(),
        btree_set(
            (0..InputKind::ALL.len()).prop_map(|i| InputKind::ALL[i]),
            0..8,
        ),
        option::of("\\PC{0,40}"),
        prop_oneof![
            Just(Some("Honeypie".to_owned())),
            Just(None),
            Just(Some("  ".to_owned()))
        ],
    )
        .prop_map(|(outputs, inputs, firmware, nickname)| ToyDescription {
            hardware: HardwareId::new("c0ffee00cafe"),
            manufacturer: "Lovense".to_owned(),
            model: "Velvetine".to_owned(),
            nickname,
            firmware,
            outputs,
            inputs: inputs.into_iter().collect::<BTreeSet<_>>(),
        })
}

/// Any toy that an engine could show, and some that it should not.
pub(crate) fn any_toy() -> impl Strategy<Value = ToyView> {
    let state = (
        any::<bool>(),
        option::of(Just(BackendId::new("lovense_lan"))),
        vec((0..8usize, -1000..=1000i32), 0..8),
        option::of(prop_oneof![Just("Wave".to_owned()), "\\PC{0,20}"]),
        prop_oneof![
            Just(patterns()),
            vec("\\PC{0,20}", 0..5).prop_map(Arc::from)
        ],
        0..=1000i32,
        vec(any_reading(), 0..10),
        option::of("(Lovense|Velvetine|c0ffee00cafe|Honeypie)? ?\\PC{0,600}"),
    );
    let name = option::of("\\PC{0,150}");
    (any_description(), name, state).prop_map(|(description, name, state)| {
        let (available, route, levels, effect, effects, max, readings, last_error) = state;
        let outputs = &description.outputs;
        let levels = levels
            .into_iter()
            .filter_map(|(i, permille)| {
                outputs
                    .get(i)
                    .map(|o| (o.key, Level::from_permille(permille)))
            })
            .collect();
        ToyView {
            id: description.id(),
            name: name.unwrap_or_else(|| description.default_name().to_owned()),
            description: Arc::new(description),
            available,
            route,
            held_by_app: false,
            levels,
            effect,
            effects,
            limits: Limits {
                max: Level::from_permille(max),
                ..Limits::default()
            },
            readings: readings.into_iter().map(|r| (r.key(), r)).collect(),
            last_error,
        }
    })
}

/// Any bridge.
pub(crate) fn any_bridge() -> impl Strategy<Value = BridgeView> {
    let state = prop_oneof![
        Just(BackendState::Connecting),
        Just(BackendState::Up),
        "(Lovense)?\\PC{0,300}".prop_map(BackendState::Down),
    ];
    let id = prop_oneof![
        Just("lovense_lan".to_owned()),
        "[a-z_0-9]{1,12}",
        "\\PC{1,12}"
    ];
    let backends = btree_map(id, (state, any::<u64>(), any::<u32>()), 0..4);
    let problems = vec("\\PC{0,300}", 0..3);
    let level = prop_oneof![Just("debug".to_owned()), "\\PC{0,8}"];
    (backends, problems, option::of("\\PC{0,600}"), level).prop_map(
        |(backends, problems, last_error, log_level)| BridgeView {
            backends: backends
                .into_iter()
                .map(|(id, (state, since, attempts))| BackendView {
                    id: BackendId::new(id),
                    state,
                    since: Duration::from_secs(since),
                    attempts,
                })
                .collect(),
            problems,
            last_error,
            log_level,
            ..BridgeView::default()
        },
    )
}
