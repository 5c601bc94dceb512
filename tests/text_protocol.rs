//! What the bridge says in the text protocol, and what a toy that reads it by itself makes of it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use toy2mqtt::backend::lovense::catalog;
use toy2mqtt::backend::lovense::text::{Answer, Lines, Question, TextCommand, Translator};
use toy2mqtt::domain::{Class, Command, OutputKey, OutputKind, Setting};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::{TextToy, TextToySpec};

const ADDRESS: &str = "f082c00246fa";

/// A toy of each model.
fn every_toy() -> Vec<TextToySpec> {
    let letters = catalog::models().iter().flat_map(|model| model.letters);
    letters
        .filter(|letters| !letters.starts_with("TOY"))
        .map(|letters| match letters.strip_suffix("-FW3") {
            Some(letters) => TextToySpec::new(letters, ADDRESS),
            None => TextToySpec {
                firmware: if *letters == "EI" { 2 } else { 100 },
                ..TextToySpec::new(letters, ADDRESS)
            },
        })
        .collect()
}

/// The function of the simulated toy that this output is to move.
fn function(key: OutputKey) -> Function {
    match (key.kind, key.number) {
        (OutputKind::Vibrate, 0) => Function::Vibrate,
        (OutputKind::Vibrate, 1) => Function::Vibrate1,
        (OutputKind::Vibrate, 2) => Function::Vibrate2,
        (OutputKind::Vibrate, 3) => Function::Vibrate3,
        (OutputKind::Rotate, 0) => Function::Rotate,
        (OutputKind::Oscillate, 0) => Function::Oscillate,
        (OutputKind::Constrict, 0) => Function::Pump,
        (OutputKind::Thrust, 0) => Function::Thrusting,
        (OutputKind::Finger, 0) => Function::Fingering,
        (OutputKind::Position, 0) => Function::Position,
        (OutputKind::StrokeMin, 0) => Function::StrokeMin,
        (OutputKind::StrokeMax, 0) => Function::StrokeMax,
        other => panic!("no toy has {other:?}"),
    }
}

/// Carries out a command, and returns what was answered.
fn carry_out(translator: &mut Translator, toy: &mut TextToy, command: &Command) -> Vec<Answer> {
    let mut lines = Lines::default();
    let mut answers = Vec::new();
    for line in translator.lines(command).unwrap() {
        translator.note(&line);
        for answer in toy.write(Duration::ZERO, &line.command.bytes()) {
            answers.extend(lines.push(answer.as_bytes()));
        }
    }
    answers.iter().map(|line| Answer::read(line)).collect()
}

#[test]
fn a_toy_says_what_it_is() {
    for spec in every_toy() {
        let mut toy = TextToy::new(spec.clone());
        let mut ask = |question: &TextCommand| {
            let answers = toy.write(Duration::ZERO, &question.bytes());
            Answer::read(answers.concat().trim_end_matches(';'))
        };
        let Answer::Device(device) = ask(&TextCommand::DeviceType) else {
            panic!("{spec:?}");
        };
        assert_eq!(device.letters, spec.letters.to_uppercase());
        assert_eq!(
            (device.firmware, &device.address[..]),
            (spec.firmware, ADDRESS)
        );
        assert_eq!(ask(&TextCommand::Battery), Answer::Percent(85));
        assert_eq!(ask(&TextCommand::SetAutoStop), Answer::Done);
        assert!(Question::AutoStop.takes(&ask(&TextCommand::AutoStop)));
        assert!(toy.stops_when_left());
    }
}

#[test]
fn the_battery_of_a_running_toy() {
    let mut toy = TextToy::new(TextToySpec::new("S", ADDRESS));
    toy.write(Duration::ZERO, b"Vibrate:3;");
    assert_eq!(toy.write(Duration::ZERO, b"Battery;"), ["s85;"]);
    assert_eq!(Answer::read("s85"), Answer::Percent(85));
}

#[test]
fn what_a_toy_cannot_do_is_refused() {
    let mut toy = TextToy::new(TextToySpec::new("S", ADDRESS));
    for command in [
        "Vibrate:21;",
        "Vibrate2:3;",
        "Rotate:3;",
        "Mply:1:2:3;",
        "Fly:1;",
        "DFU;",
    ] {
        assert_eq!(
            toy.write(Duration::ZERO, command.as_bytes()),
            ["ERR;"],
            "{command}"
        );
    }
    assert!(!toy.runs());
}

proptest! {
    /// Whatever is asked of a toy of whatever model, it does exactly that; and a stop ends all.
    #[test]
    fn a_toy_does_what_was_asked(
        index in 0..every_toy().len(),
        vectors in proptest::collection::vec(proptest::collection::vec(-20i32..=20, 5), 1..12),
    ) {
        let spec = every_toy().remove(index);
        let mut toy = TextToy::new(spec.clone());
        let mut translator = Translator::of(&spec.letters.to_uppercase(), spec.firmware);
        for vector in vectors {
            let settings: Vec<Setting> = translator
                .outputs()
                .iter()
                .zip(vector)
                // Ends of a stroke are left as they are: they have a test of their own.
                .filter(|(output, _)| output.class() != Class::Shape)
                .map(|(output, step)| {
                    let step = if output.signed { step } else { step.abs() };
                    Setting { key: output.key, step: step.clamp(-i32::from(output.steps), output.steps.into()) }
                })
                .collect();
            let answers = carry_out(&mut translator, &mut toy, &Command::Drive(settings.clone()));
            prop_assert!(answers.iter().all(|answer| *answer == Answer::Done));
            let levels: BTreeMap<_, _> = toy.levels().iter().copied().collect();
            for Setting { key, step } in settings {
                prop_assert_eq!(levels[&function(key)], step, "{} {}", spec.letters, key);
            }
        }
        let answers = carry_out(&mut translator, &mut toy, &Command::Stop);
        prop_assert!(!toy.runs());
        prop_assert_eq!(answers.first(), Some(&Answer::Done));
    }

    /// A toy survives whatever is written to it, and answers in its own words.
    #[test]
    fn any_bytes_can_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        for spec in every_toy() {
            let mut toy = TextToy::new(spec);
            for answer in toy.write(Duration::ZERO, &bytes) {
                prop_assert!(answer.ends_with(';'));
            }
        }
    }
}
