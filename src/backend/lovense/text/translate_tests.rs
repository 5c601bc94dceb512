#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;

fn said(lines: &[Line]) -> String {
    let bytes = lines.iter().flat_map(|line| line.command.bytes());
    bytes.map(|byte| byte.escape_ascii().to_string()).collect()
}

/// Drives with `vibrate_1=3 rotate=-5` and notes what was said.
fn drive(translator: &mut Translator, settings: &str) -> String {
    let settings = settings.split_whitespace().map(|setting| {
        let (key, step) = setting.split_once('=').unwrap();
        Setting {
            key: key.parse().unwrap(),
            step: step.parse().unwrap(),
        }
    });
    let lines = translator
        .lines(&Command::Drive(settings.collect()))
        .unwrap();
    lines.iter().for_each(|line| translator.note(line));
    said(&lines)
}

fn keys(translator: &Translator) -> String {
    let keys = translator.outputs().iter().map(|output| {
        let sign = if output.signed { "±" } else { "" };
        format!("{}/{sign}{}", output.key, output.steps)
    });
    keys.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_each_model_is_told() {
    let table = [
        ("S", "vibrate/20", "vibrate=7", "Vibrate:7;", "Vibrate:0;"),
        ("QQ", "vibrate/20", "vibrate=7", "Vibrate:7;", "Vibrate:0;"),
        (
            "P",
            "vibrate_1/20 vibrate_2/20",
            "vibrate_1=3 vibrate_2=4",
            "Vibrate1:3;Vibrate2:4;",
            "Vibrate:0;Vibrate1:0;Vibrate2:0;",
        ),
        (
            "A",
            "vibrate/20 rotate/±20",
            "vibrate=3 rotate=-4",
            "Vibrate:3;RotateChange;Rotate:4;",
            "Vibrate:0;Rotate:0;",
        ),
        (
            "B",
            "vibrate/20 constrict/3",
            "vibrate=3 constrict=2",
            "Vibrate:3;Air:Level:2;",
            "Vibrate:0;Air:Level:0;",
        ),
        (
            "U",
            "vibrate_1/20 vibrate_2/20 vibrate_3/20",
            "vibrate_1=1 vibrate_2=2 vibrate_3=3",
            "Mply:1:2:3;",
            "Mply:0:0:0;",
        ),
        (
            "EI-FW3",
            "vibrate_1/20 vibrate_2/20 finger/20",
            "vibrate_1=1 vibrate_2=2 finger=3",
            "Mply:1:2:3;",
            "Mply:0:0:0;",
        ),
        (
            "EA",
            "vibrate/20 thrust/20",
            "vibrate=5 thrust=5",
            "Vibrate1:5;Vibrate2:5;",
            "Vibrate:0;Vibrate1:0;Vibrate2:0;",
        ),
        (
            "H",
            "thrust/20",
            "thrust=9",
            "Mply:9:20;",
            "Mply:0:0;Vibrate:0;",
        ),
        (
            "BA",
            "thrust/20 stroke_min/100 stroke_max/100 position/100",
            "thrust=9 stroke_min=0 stroke_max=100 position=40",
            "Mply:9:20;FSetSite:40;",
            "Mply:0:0;Vibrate:0;",
        ),
        ("F", "thrust/20", "thrust=9", "Vibrate:9;", "Vibrate:0;"),
        (
            "EZ",
            "oscillate/20",
            "oscillate=9",
            "Vibrate:9;",
            "Vibrate:0;",
        ),
    ];
    for (letters, outputs, settings, lines, stop) in table {
        let mut translator = Translator::new(catalog::by_letter(letters));
        assert_eq!(keys(&translator), outputs, "{letters}");
        assert_eq!(drive(&mut translator, settings), lines, "{letters}");
        // Said again when it is asked for again, and all of it after a stop.
        drive(&mut translator, settings);
        assert_eq!(said(&translator.stop()), stop, "{letters}");
    }
}

#[test]
fn an_updated_flexer_has_three_motors() {
    assert_eq!(keys(&Translator::of("EI", 2)), "vibrate/20");
    assert_eq!(Translator::of("EI", 3).outputs().len(), 3);
}

#[test]
fn only_what_changes_is_said() {
    let mut edge = Translator::of("P", 200);
    assert_eq!(drive(&mut edge, "vibrate_1=5 vibrate_2=5"), "Vibrate:5;");
    assert_eq!(drive(&mut edge, "vibrate_1=5 vibrate_2=8"), "Vibrate2:8;");
    assert_eq!(drive(&mut edge, "vibrate_1=8 vibrate_2=8"), "Vibrate1:8;");
    assert_eq!(drive(&mut edge, "vibrate_1=0 vibrate_2=8"), "Vibrate1:0;");
    // Nothing is new: somebody wants to be sure.
    assert_eq!(
        drive(&mut edge, "vibrate_1=0 vibrate_2=8"),
        "Vibrate1:0;Vibrate2:8;"
    );
    edge.doubt();
    assert_eq!(
        drive(&mut edge, "vibrate_1=0 vibrate_2=9"),
        "Vibrate1:0;Vibrate2:9;"
    );
    edge.stop().iter().for_each(|line| edge.note(line));
    assert_eq!(drive(&mut edge, "vibrate_1=0 vibrate_2=9"), "Vibrate2:9;");
}

#[test]
fn a_rotation_is_turned_round_once() {
    let mut nora = Translator::of("A", 1);
    assert_eq!(
        drive(&mut nora, "rotate=4 vibrate=0"),
        "Vibrate:0;Rotate:4;"
    );
    assert_eq!(
        drive(&mut nora, "rotate=-4 vibrate=0"),
        "RotateChange;Rotate:4;"
    );
    assert_eq!(drive(&mut nora, "rotate=-9 vibrate=0"), "Rotate:9;");
    // A stop does not turn it.
    nora.stop().iter().for_each(|line| nora.note(line));
    assert_eq!(drive(&mut nora, "rotate=-2 vibrate=0"), "Rotate:2;");
    assert_eq!(
        drive(&mut nora, "rotate=0 vibrate=1"),
        "Vibrate:1;Rotate:0;"
    );
    assert_eq!(
        drive(&mut nora, "rotate=1 vibrate=1"),
        "RotateChange;Rotate:1;"
    );
}

#[test]
fn a_stroke_within_a_range() {
    let mut solace = Translator::of("BA", 1);
    let within =
        |translator: &mut Translator, range: &str| drive(translator, &format!("thrust=10 {range}"));
    assert_eq!(
        within(&mut solace, "stroke_min=20 stroke_max=80"),
        r"LVS:\n\x04\x10;"
    );
    // The wrong way round, and too short.
    assert_eq!(
        within(&mut solace, "stroke_min=80 stroke_max=20"),
        r"LVS:\n\x04\x10;"
    );
    assert_eq!(
        within(&mut solace, "stroke_min=98 stroke_max=99"),
        r"LVS:\n\x10\x14;"
    );
    // A place is gone to from rest.
    assert_eq!(
        drive(&mut solace, "thrust=0 stroke_min=0 position=50"),
        "Mply:0:0;FSetSite:50;"
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let lush = Translator::of("S", 1);
    let unknown = Setting {
        key: OutputKey::only(OutputKind::Rotate),
        step: 3,
    };
    let lines = lush.lines(&Command::Drive(vec![unknown]));
    assert!(matches!(lines, Err(OpError::Unsupported(_))));
    let pattern = crate::domain::Pattern::builtin().remove(0);
    let lines = lush.lines(&Command::Play(pattern));
    assert!(matches!(lines, Err(OpError::Unsupported(_))));
}

#[test]
fn every_model_can_be_driven_and_stopped() {
    for model in catalog::models() {
        let translator = Translator::new(Some(model));
        assert!(!translator.outputs().is_empty(), "{}", model.name);
        assert!(!translator.stop().is_empty(), "{}", model.name);
        let over_the_app: Vec<_> = model.outputs().iter().map(|output| output.key).collect();
        for output in translator.outputs() {
            assert!(
                over_the_app.contains(&output.key),
                "{}: {}",
                model.name,
                output.key
            );
            let setting = Setting {
                key: output.key,
                step: i32::MAX,
            };
            let lines = translator.lines(&Command::Drive(vec![setting])).unwrap();
            for line in lines {
                assert!(line.command.bytes().len() <= 20, "{}: {line:?}", model.name);
            }
        }
    }
}
