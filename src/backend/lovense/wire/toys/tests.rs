#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::backend::lovense::wire::parse_answer;

fn nora() -> Value {
    json!({
        "id": "f082c00246fa", "status": "1", "version": "", "name": "nora", "battery": 60,
        "nickName": "", "shortFunctionNames": ["v", "r"],
        "fullFunctionNames": ["Vibrate", "Rotate"],
    })
}

fn one(data: &Value) -> ListedToy {
    let mut list = parse_toys(data).unwrap();
    assert_eq!(list.bad, []);
    assert_eq!(list.toys.len(), 1);
    list.toys.remove(0)
}

/// The example of the official page, byte for byte.
#[test]
fn the_official_answer_is_read() {
    let body = r#"{
      "code": 200,
      "data": {
        "toys": "{  \"f082c00246fa\" : {    \"id\" : \"f082c00246fa\",    \"status\" : \"1\",    \"version\" : \"\",    \"name\" : \"nora\",    \"battery\" : 60,    \"nickName\" : \"\",    \"shortFunctionNames\" : [      \"v\",      \"r\"    ],    \"fullFunctionNames\" : [      \"Vibrate\",      \"Rotate\"    ]  }}",
        "platform": "ios",
        "appType": "remote"
      },
      "type": "OK"
    }"#;
    let list = parse_toys(&parse_answer(body.as_bytes()).unwrap().data).unwrap();
    assert_eq!(list.app.platform.as_deref(), Some("ios"));
    assert_eq!(list.app.app_type.as_deref(), Some("remote"));
    let toy = &list.toys[0];
    assert_eq!(toy.hardware, HardwareId::new("f082c00246fa"));
    assert!(toy.connected);
    assert_eq!(toy.battery, Some(60));
    assert_eq!(toy.nickname, None);
    assert_eq!(toy.firmware, None);
    assert_eq!(toy.short_functions, ["v", "r"]);
}

#[test]
fn all_four_shapes_mean_the_same() {
    let map = json!({ "f082c00246fa": nora() });
    let expected = one(&json!({ "toys": map.to_string() }));
    for data in [
        json!({ "toys": map }),
        map.clone(),
        json!([nora()]),
        json!({ "toys": [nora()] }),
        Value::String(map.to_string()),
        json!({ "f082c00246fa": nora(), "platform": "pc", "appType": "connect" }),
    ] {
        assert_eq!(one(&data), expected, "{data}");
    }
}

#[test]
fn no_toys_are_no_toys() {
    for data in [
        Value::Null,
        json!({}),
        json!([]),
        json!({ "toys": {} }),
        json!({ "toys": "{}" }),
        json!({ "toys": "" }),
        json!({ "toys": null, "platform": "ios" }),
    ] {
        let list = parse_toys(&data).unwrap();
        assert!(list.toys.is_empty() && list.bad.is_empty(), "{data}");
    }
    for data in [
        json!(7),
        json!(true),
        json!({ "toys": 7 }),
        json!({ "toys": "{" }),
    ] {
        assert!(parse_toys(&data).is_err(), "{data}");
    }
}

#[test]
fn every_spelling_of_a_status_is_read() {
    let cases = [
        (json!("1"), true),
        (json!("0"), false),
        (json!(1), true),
        (json!(0), false),
        (json!(true), true),
        (json!(false), false),
        (json!("true"), true),
        (json!(null), true),
    ];
    for (status, connected) in cases {
        let mut toy = nora();
        toy["status"] = status.clone();
        assert_eq!(one(&json!([toy])).connected, connected, "{status}");
    }
    assert!(one(&json!([{ "id": "a" }])).connected);
    assert!(!one(&json!([{ "id": "a", "connected": false }])).connected);
}

#[test]
fn every_spelling_of_a_battery_is_read() {
    let cases = [
        (json!(60), Some(60)),
        (json!("60"), Some(60)),
        (json!("60%"), Some(60)),
        (json!(59.6), Some(60)),
        (json!(0), Some(0)),
        (json!(null), None),
        (json!(""), None),
        (json!(-1), None),
        (json!(101), None),
        (json!("NaN"), None),
        (json!([]), None),
    ];
    for (battery, expected) in cases {
        let mut toy = nora();
        toy["battery"] = battery.clone();
        assert_eq!(one(&json!([toy])).battery, expected, "{battery}");
    }
}

#[test]
fn other_fields_may_be_spelt_otherwise_or_missing() {
    let toy = one(&json!({ "F0:82:C0:02:46:FA": {
        "toyType": "edge", "nickname": " Alpha ", "version": 240, "shortFunctionNames": "v, v1,v2",
        "fullFunctionNames": [1, null, "Vibrate"], "extra": { "deep": [] },
    }}));
    assert_eq!(toy.hardware, HardwareId::new("f082c00246fa"));
    assert_eq!(toy.app_id.as_str(), "F0:82:C0:02:46:FA");
    assert_eq!(toy.name, "edge");
    assert_eq!(toy.nickname.as_deref(), Some("Alpha"));
    assert_eq!(toy.firmware_number(), Some(240));
    assert_eq!(toy.short_functions, ["v", "v1", "v2"]);
    assert_eq!(toy.full_functions, ["Vibrate"]);
}

#[test]
fn a_bad_entry_does_not_hide_the_others() {
    let mut odd = nora();
    odd["id"] = json!("aabbccddeeff");
    odd["status"] = json!({ "state": 1 });
    let list = parse_toys(&json!([odd, 7, {}, { "id": "" }, nora(), nora()])).unwrap();
    assert_eq!(list.toys.len(), 1);
    assert_eq!(list.toys[0].hardware, HardwareId::new("f082c00246fa"));
    let bad: Vec<_> = list.bad.iter().map(|bad| bad.position).collect();
    assert_eq!(bad, [1, 2, 3, 4, 6]);
    assert_eq!(list.bad[0].hardware, Some(HardwareId::new("aabbccddeeff")));
    assert_eq!(
        list.bad[0].to_string(),
        "entry 1 of the app's list of toys: its status is not a switch"
    );
}

/// Any JSON at all, not too deep.
pub(in crate::backend::lovense) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let key = "id|status|battery|toys|name|version|shortFunctionNames|data|type|toyId|\\PC{0,6}";
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_data_is_read_or_refused(data in any_json()) {
        if let Ok(list) = parse_toys(&data) {
            for toy in list.toys {
                prop_assert!(!toy.app_id.as_str().is_empty());
                prop_assert!(toy.battery.is_none_or(|battery| battery <= 100));
            }
        }
        let _ = parse_toys(&Value::String(data.to_string()));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body = json!({ "code": 200, "data": { "toys": String::from_utf8_lossy(&bytes) } });
        let answer = parse_answer(body.to_string().as_bytes()).unwrap();
        let _ = parse_toys(&answer.data);
    }
}
