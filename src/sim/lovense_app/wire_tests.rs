use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(body: &Value) -> Result<Command, Code> {
    parse(body.to_string().as_bytes()).1
}

fn refused(body: &Value) -> Option<u16> {
    read(body).err().map(|code| code.0)
}

/// A well-made Function command with these keys changed; null takes a key out.
fn function_with(changes: &Value) -> Value {
    let mut body = json!({
        "command": "Function", "action": "Vibrate:16", "timeSec": 20, "toy": "ff922f7fd345",
        "apiVer": 1,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        body[key] = value.clone();
        if value.is_null() {
            body.as_object_mut().and_then(|body| body.shift_remove(key));
        }
    }
    body
}

#[test]
fn the_documented_example_is_read() {
    let body = json!({
        "command": "Function", "action": "Vibrate:16", "timeSec": 20, "loopRunningSec": 9,
        "loopPauseSec": 4, "toy": "ff922f7fd345", "stopPrevious": 1, "apiVer": 1,
    });
    let Ok(Command::Function {
        toys,
        lasts,
        cycle,
        stop_previous,
        ..
    }) = read(&body)
    else {
        panic!("it is as documented");
    };
    let seconds = Duration::from_secs;
    assert_eq!(toys, Toys::These(vec!["ff922f7fd345".to_owned()]));
    assert_eq!(lasts, Some(seconds(20)));
    assert_eq!(cycle, Some((seconds(9), seconds(4))));
    assert!(stop_previous);
}

#[test]
fn time_is_zero_or_at_least_a_second() {
    let lasts = |time: Value| match read(&function_with(&json!({ "timeSec": time }))) {
        Ok(Command::Function { lasts, .. }) => Ok(lasts),
        Ok(other) => panic!("{other:?}"),
        Err(code) => Err(code.0),
    };
    assert_eq!(lasts(json!(0)), Ok(None));
    assert_eq!(lasts(json!(0.0)), Ok(None));
    assert_eq!(lasts(json!(1)), Ok(Some(Duration::from_secs(1))));
    assert_eq!(lasts(json!(5.5)), Ok(Some(Duration::from_millis(5_500))));
    for bad in [
        json!(0.5),
        json!(0.999),
        json!(-1),
        json!("5"),
        json!(true),
        json!(1e300),
        json!(null),
    ] {
        assert_eq!(lasts(bad.clone()), Err(404), "{bad}");
    }
}

#[test]
fn toys_are_one_several_or_all() {
    let toys = |toy: Value| match read(&function_with(&json!({ "toy": toy }))) {
        Ok(Command::Function { toys, .. }) => Ok(toys),
        Ok(other) => panic!("{other:?}"),
        Err(code) => Err(code.0),
    };
    let these = |ids: &[&str]| Ok(Toys::These(ids.iter().map(|&id| id.to_owned()).collect()));
    assert_eq!(toys(json!(null)), Ok(Toys::All));
    assert_eq!(toys(json!("a")), these(&["a"]));
    assert_eq!(toys(json!(["a", "b"])), these(&["a", "b"]));
    assert_eq!(toys(json!("")), these(&[""]));
    assert_eq!(toys(json!(3)), Err(404));
    assert_eq!(toys(json!(["a", 3])), Err(404));
}

#[test]
fn a_key_of_another_name_addresses_all_toys() {
    let mut body = function_with(&json!({ "toy": null }));
    body["toy_id"] = json!("ff922f7fd345");
    assert!(matches!(
        read(&body),
        Ok(Command::Function {
            toys: Toys::All,
            ..
        })
    ));
}

#[test]
fn wrong_types_and_ranges_are_invalid_parameters() {
    for bad in [
        json!({"action": null}),
        json!({"action": 5}),
        json!({"action": "Vibrate:21"}),
        json!({"stopPrevious": 2}),
        json!({"stopPrevious": "0"}),
        json!({"stopPrevious": true}),
        json!({"loopRunningSec": 0.5, "loopPauseSec": 2}),
        json!({"loopRunningSec": 2, "loopPauseSec": "2"}),
    ] {
        assert_eq!(refused(&function_with(&bad)), Some(404), "{bad}");
    }
    let alone = read(&function_with(&json!({"loopRunningSec": 2})));
    assert!(matches!(alone, Ok(Command::Function { cycle: None, .. })));
}

#[test]
fn a_stop_needs_no_time() {
    let stop = json!({"command": "Function", "action": "Stop", "apiVer": 1});
    assert_eq!(read(&stop), Ok(Command::Stop(Toys::All)));
    let (kind, _) = parse(stop.to_string().as_bytes());
    assert_eq!(kind, RequestKind::Stop);
}

#[test]
fn patterns_and_presets() {
    let pattern = json!({
        "command": "Pattern", "rule": "V:1;F:v,r,p,t,f,s,d,o;S:1000#", "strength": "20;20;5;20;10",
        "timeSec": 9, "apiVer": 2,
    });
    assert!(matches!(read(&pattern), Ok(Command::Pattern { .. })));
    let preset = json!({"command": "Preset", "name": "pulse", "timeSec": 9, "apiVer": 1});
    assert!(matches!(read(&preset), Ok(Command::Preset { .. })));
    let mut bad = preset;
    bad["name"] = json!("Pulse");
    assert_eq!(refused(&bad), Some(404));
    bad["name"] = json!("wave");
    bad["timeSec"] = json!(0.2);
    assert_eq!(refused(&bad), Some(404));
}

#[test]
fn a_position_is_a_string() {
    let position = |value: Value| read(&json!({"command": "Position", "value": value}));
    assert!(matches!(
        position(json!("38")),
        Ok(Command::Position { value: 38, .. })
    ));
    for bad in [
        json!(38),
        json!("101"),
        json!("-1"),
        json!("3.5"),
        json!(""),
    ] {
        assert_eq!(position(bad.clone()), Err(Code::INVALID_PARAMETER), "{bad}");
    }
}

#[test]
fn pattern_v2_drops_bad_points() {
    let setup = |actions: Value| {
        read(&json!({"command": "PatternV2", "type": "Setup", "actions": actions, "apiVer": 1}))
    };
    let good = setup(json!([
        {"ts": 0, "pos": 10}, {"ts": 0, "pos": 50}, {"ts": 50, "pos": 101}, {"ts": 100, "pos": 100},
        {"ts": 90, "pos": 1}, {"ts": 7_200_001, "pos": 1}, 5,
    ]));
    let at = Duration::from_millis;
    let expected = Command::PatternV2Setup(Arc::from([(at(0), 10), (at(100), 100)]));
    assert_eq!(good, Ok(expected));
    assert_eq!(setup(json!([])), Err(Code::INVALID_PARAMETER));
    let play = |extra: Value| {
        let mut body = json!({"command": "PatternV2", "type": "Play"});
        for (key, value) in extra.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        refused(&body)
    };
    assert_eq!(
        play(json!({"startTime": 7_200_000, "offsetTime": 15_000})),
        None
    );
    assert_eq!(play(json!({"offsetTime": 15_001})), Some(404));
    assert_eq!(play(json!({"timeMs": 99})), Some(404));
    assert_eq!(play(json!({"timeMsTotal": 100})), None);
    assert_eq!(play(json!({"type": "Dance"})), Some(404));
}

#[test]
fn what_is_no_command_is_an_invalid_command() {
    for body in [
        "",
        "[]",
        "null",
        "{}",
        "{\"command\":5}",
        "{\"command\":\"function\"}",
        "{",
    ] {
        let (kind, command) = parse(body.as_bytes());
        assert_eq!(kind, RequestKind::Other);
        assert_eq!(command, Err(Code::INVALID_COMMAND), "{body}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_values_are_read_or_refused(
        command in "Function|Pattern|PatternV2|Preset|Position",
        key in "action|timeSec|toy|rule|strength|name|value|type|actions|stopPrevious|startTime",
        number in any::<f64>(),
        text in "\\PC{0,8}",
    ) {
        for value in [json!(number), json!(text), json!([number, text]), json!({ "ts": number })] {
            let mut body = json!({
                "command": command, "action": "Vibrate:1", "timeSec": 1, "rule": "V:1;F:;S:100#",
                "strength": "1", "name": "wave", "value": "1", "type": "InitPlay",
                "actions": [{ "ts": 0, "pos": 1 }],
            });
            body[&key] = value;
            let _ = read(&body);
        }
    }
}
