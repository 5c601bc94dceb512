#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn keys(outputs: &[Output]) -> String {
    let keys: Vec<_> = outputs
        .iter()
        .map(|output| format!("{}/{}", output.key, output.steps))
        .collect();
    keys.join(" ")
}

fn told(short: &[&str], full: &[&str], slug: &str) -> String {
    keys(&outputs(short, full, by_slug(slug)))
}

#[test]
fn function_lists_decide() {
    let cases: &[(&[&str], &[&str], &str, &str)] = &[
        (
            &["v", "r"],
            &["Vibrate", "Rotate"],
            "nora",
            "vibrate/20 rotate/20",
        ),
        (&["v", "p"], &[], "max", "vibrate/20 constrict/3"),
        (&[], &["Vibrate", "Pump"], "", "vibrate/20 constrict/3"),
        (&["v", "v1", "v2"], &[], "edge", "vibrate_1/20 vibrate_2/20"),
        (
            &["v", "v1", "v2", "v3"],
            &[],
            "lapis",
            "vibrate_1/20 vibrate_2/20 vibrate_3/20",
        ),
        (&["v1"], &[], "unheard of", "vibrate/20"),
        (&["v", "v1"], &[], "unheard of", "vibrate/20"),
        (&["t", "d"], &[], "solace", "thrust/20 depth/3"),
        (&["t", "pos"], &[], "solace pro", "thrust/20 position/100"),
        (
            &["pos", "st", "t"],
            &[],
            "solace pro",
            "thrust/20 stroke_min/100 stroke_max/100 position/100",
        ),
        // A stroke or a depth is nothing without thrusting.
        (&["v", "st", "d"], &[], "unheard of", "vibrate/20"),
        (&["v", "f"], &[], "flexer", "vibrate/20 finger/20"),
        (
            &["v", "s", "o"],
            &[],
            "tenera",
            "vibrate/20 oscillate/20 suction/20",
        ),
        // Case, blanks and unknown words do no harm.
        (&[" V ", "zz"], &["VIBRATE", ""], "", "vibrate/20"),
        // One motor or two: the app decides, except where older apps are known to leave one out.
        (&["v"], &["Vibrate"], "diamo", "vibrate/20"),
        (
            &["v", "v1", "v2"],
            &[],
            "diamo",
            "vibrate_1/20 vibrate_2/20",
        ),
        (&["v"], &["Vibrate"], "edge", "vibrate_1/20 vibrate_2/20"),
        (&["v"], &["Vibrate"], "Edge 2", "vibrate_1/20 vibrate_2/20"),
    ];
    for (short, full, slug, expected) in cases {
        assert_eq!(
            told(short, full, slug),
            *expected,
            "{short:?} {full:?} {slug}"
        );
    }
}

#[test]
fn without_lists_the_table_decides() {
    let cases = [
        ("nora", "vibrate/20 rotate/20"),
        ("edge", "vibrate_1/20 vibrate_2/20"),
        ("lapis", "vibrate_1/20 vibrate_2/20 vibrate_3/20"),
        ("solace", "thrust/20 depth/3"),
        ("something new", "vibrate/20"),
        ("", "vibrate/20"),
    ];
    for (slug, expected) in cases {
        assert_eq!(told(&[], &[], slug), expected, "{slug}");
    }
    assert_eq!(told(&["zz"], &[], "nora"), "vibrate/20 rotate/20");
    assert_eq!(told(&["zz"], &[], "something new"), "");
}

#[test]
fn labels_name_the_motors() {
    let lapis = by_letter("U").unwrap().outputs();
    assert_eq!(lapis[2].label.as_deref(), Some("External vibe"));
    let told = outputs(&["v1", "v2", "v3"], &[], by_slug("lapis"));
    assert_eq!(told, lapis);
}

#[test]
fn types_are_found_by_type_name_and_generation() {
    let cases = [
        ("edge", None, "Edge"),
        ("EDGE", Some(240), "Edge 2"),
        ("Edge 2", None, "Edge 2"),
        ("lush", Some(145), "Lush 3"),
        ("lush", Some(480), "Lush 4"),
        ("lush", Some(10), "Lush"),
        ("lush 9", None, "Lush 9"),
        ("gush", Some(65), "Gush 2"),
        ("gush", None, "Gush"),
        ("osci", Some(260), "Osci 3"),
        ("mission", Some(40), "Mission 2"),
        ("solace pro", None, "Solace Pro"),
        ("something new", Some(3), "Something New"),
        ("", None, "Lovense"),
    ];
    for (slug, firmware, expected) in cases {
        assert_eq!(
            display_name(slug, firmware),
            expected,
            "{slug} {firmware:?}"
        );
    }
    assert_eq!(by_slug("lush 9").unwrap().name, "Lush");
    assert_eq!(by_slug("Max 2").unwrap().name, "Max");
    assert!(by_slug("something new").is_none());
}

#[test]
fn letters_find_models_in_any_case() {
    assert_eq!(by_letter("p").unwrap().name, "Edge");
    assert_eq!(by_letter("TOYA").unwrap().name, "Nora");
    assert_eq!(by_letter("BA").unwrap().name, "Solace Pro");
    assert!(by_letter("D").is_none(), "the USB dongle is no toy");
    assert!(by_letter("").is_none());
    let motors = |firmware| {
        by_letter_and_firmware("EI", firmware)
            .unwrap()
            .outputs()
            .len()
    };
    assert_eq!((motors(None), motors(Some(2)), motors(Some(3))), (2, 2, 3));
}

#[test]
fn the_table_is_consistent() {
    let mut letters = HashSet::new();
    for model in models() {
        assert!(!model.name.is_empty());
        assert!(!model.letters.is_empty(), "{}", model.name);
        assert!(!model.outputs().is_empty(), "{}", model.name);
        for letter in model.letters {
            assert!(letters.insert(letter), "{letter} stands twice");
            assert!(std::ptr::eq(by_letter(letter).unwrap(), model));
        }
        for slug in model.slugs {
            assert_eq!(*slug, slug.to_lowercase());
            assert!(find(slug, None).is_some());
        }
        for output in model.outputs() {
            let function = Function::of(output.key).unwrap();
            assert_eq!(function.steps(), output.steps);
        }
    }
}

#[test]
fn every_function_is_read_by_both_its_names() {
    for function in Function::ALL {
        assert_eq!(Function::parse(function.name()), Some(function));
        assert_eq!(Function::parse(function.short_name()), Some(function));
    }
}

#[test]
fn the_page_lists_every_model() {
    let page = markdown();
    for model in models() {
        assert!(page.contains(model.name), "{}", model.name);
    }
    let rows = page.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(rows, models().len() + 1);
    assert!(page.contains("vibrate_2 (20)"));
}

proptest! {
    #[test]
    fn any_words_make_distinct_outputs(
        short in proptest::collection::vec("\\PC{0,4}|v|v1|v2|v3|r|p|t|f|s|d|st|o|pos", 0..20),
        slug in "\\PC{0,12}",
        firmware in proptest::option::of(any::<u32>()),
    ) {
        let made = outputs(&short, &[], find(&slug, firmware));
        let keys: HashSet<_> = made.iter().map(|output| output.key).collect();
        prop_assert_eq!(keys.len(), made.len());
        prop_assert!(made.iter().all(|output| Function::of(output.key).is_some()));
        let _ = display_name(&slug, firmware);
    }
}
