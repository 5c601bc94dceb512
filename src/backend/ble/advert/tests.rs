use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const NORDIC_UART: u128 = 0x6e40_0001_b5a3_f393_e0a9_e50e_24dc_ca9e;

fn named(name: &str) -> Advertisement {
    Advertisement {
        name: Some(name.to_owned()),
        ..Advertisement::default()
    }
}

fn serving(uuid: u128) -> Advertisement {
    Advertisement {
        services: vec![uuid],
        ..Advertisement::default()
    }
}

fn making(company: u16, data: &[u8]) -> Advertisement {
    Advertisement {
        manufacturer_data: vec![(company, data.to_vec())],
        ..Advertisement::default()
    }
}

/// The model's name; `-` for an unknown model, nothing for no toy.
fn model(advertisement: &Advertisement) -> &'static str {
    match recognise(advertisement) {
        None => "",
        Some(sighting) => sighting.model.map_or("-", |model| model.name),
    }
}

#[test]
fn names() {
    for (name, expected) in [
        ("LVS-A011", "Nora"),
        ("LVS-S001", "Lush"),
        ("LVS-Z001", "Hush"),
        ("LVS-P36", "Edge"),
        ("LVS-Edge36", "Edge"),
        ("LVS-Domi37", "Domi"),
        ("LVS-B004", "Max"),
        ("LVS-B12", "-"),
        ("LVS-YY99", "-"),
        ("LVS-7", "-"),
        ("LVS-é", "-"),
        ("LOVE-1", "-"),
        ("LVS-", ""),
        ("lvs-S001", ""),
        ("my LVS-S001", ""),
        ("Headphones", ""),
        ("", ""),
    ] {
        assert_eq!(model(&named(name)), expected, "{name}");
    }
}

#[test]
fn names_tell_the_generation() {
    let sighting = recognise(&named("LVS-S132")).expect("a toy");
    assert_eq!(sighting.firmware, Some(132));
    assert_eq!(sighting.model_name(), "Lush 2");
    let sighting = recognise(&named("LVS-YY99")).expect("a toy");
    assert_eq!(sighting.model_name(), "unknown model");
    // More digits than a number has.
    let sighting = recognise(&named("LVS-S99999999999")).expect("a toy");
    assert_eq!(sighting.firmware, None);
}

#[test]
fn services() {
    for (uuid, expected) in [
        (0x5330_0001_0023_4bd4_bbd5_a692_0e4c_5653, "Lush"),
        (0x5030_0001_0023_4bd4_bbd5_a692_0e4c_5653, "Edge"),
        (0x5030_0011_0023_4bd4_bbd5_a692_0e4c_5653, "Edge"),
        (0x5a30_0001_0024_4bd4_bbd5_a692_0e4c_5653, "Hush"),
        (0x4544_0001_0023_4bd4_bbd5_a692_0e4c_5653, "Gush"),
        (0x5959_0001_0023_4bd4_bbd5_a692_0e4c_5653, "-"),
        // The characteristics beside it, another version, small letters, another family.
        (0x5330_0002_0023_4bd4_bbd5_a692_0e4c_5653, ""),
        (0x5330_0001_0025_4bd4_bbd5_a692_0e4c_5653, ""),
        (0x7330_0001_0023_4bd4_bbd5_a692_0e4c_5653, ""),
        (0x3030_0001_0023_4bd4_bbd5_a692_0e4c_5653, ""),
        (0x5330_0001_0023_4bd4_bbd5_a692_0e4c_5654, ""),
        (NORDIC_UART, ""),
    ] {
        assert_eq!(model(&serving(uuid)), expected, "{uuid:032x}");
    }
}

#[test]
fn services_count_more_than_names() {
    let solace = Advertisement {
        services: vec![NORDIC_UART, 0x4241_0001_0023_4bd4_bbd5_a692_0e4c_5653],
        ..named("LVS-B12")
    };
    assert_eq!(model(&solace), "Solace Pro");
    let new = Advertisement {
        services: vec![0x4549_0001_0023_4bd4_bbd5_a692_0e4c_5653],
        ..named("LVS-EI06")
    };
    let found = recognise(&new).and_then(|sighting| sighting.model);
    assert_eq!(found.map(|model| model.letters), Some(&["EI-FW3"][..]));
}

#[test]
fn manufacturer_data() {
    assert_eq!(model(&making(0x026c, &[0xff, 0x21, 7])), "-");
    assert_eq!(model(&making(0x026c, &[0xff, 0x22])), "");
    assert_eq!(model(&making(0x026c, &[0xff])), "");
    assert_eq!(model(&making(0x004c, &[0xff, 0x21])), "");
}

proptest! {
    #[test]
    fn anything_can_be_judged(
        name in option::of(".*"),
        services in vec(any::<u128>(), 0..4),
        manufacturer_data in vec((any::<u16>(), vec(any::<u8>(), 0..8)), 0..4),
    ) {
        let advertisement = Advertisement { name, services, manufacturer_data };
        let _ = recognise(&advertisement).map(|sighting| sighting.model_name());
    }

    #[test]
    fn any_name_with_the_prefix_is_a_toy(rest in ".+", love in any::<bool>()) {
        let prefix = if love { "LOVE-" } else { "LVS-" };
        let name = format!("{prefix}{rest}");
        prop_assert!(recognise(&named(&name)).is_some());
    }

    #[test]
    fn any_letters_in_the_service_are_a_toy(first in b'A'..=b'Z', second in b'A'..=b'Z') {
        let uuid = (u128::from(first) << 120) | (u128::from(second) << 112)
            | (0x0001_0023_u128 << 80) | FAMILY;
        let found = recognise(&serving(uuid)).expect("a toy").model;
        let letters = String::from_utf8(vec![first, second]).expect("ASCII");
        let expected = catalog::by_letter(&letters);
        prop_assert_eq!(found.map(|model| model.name), expected.map(|model| model.name));
    }

    #[test]
    fn strangers_are_left_alone(
        name in "[a-zA-KM-Z0-9 ]{0,12}",
        company in any::<u16>().prop_filter("ours", |company| *company != COMPANY),
        data in vec(any::<u8>(), 0..8),
        service in any::<u128>().prop_filter("ours", |uuid| uuid & 0xffff_ffff != FAMILY & 0xffff_ffff),
    ) {
        let stranger = Advertisement {
            name: Some(name),
            services: vec![service],
            manufacturer_data: vec![(company, data)],
        };
        prop_assert!(recognise(&stranger).is_none());
    }
}
