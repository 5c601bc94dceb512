//! What the app answers: JSON in the shapes that are documented or seen.

use serde_json::{Map, Value, json};

use super::code::Code;
use super::options::{BatteryForm, Dialect, Flavour, StatusForm, ToysShape};
use super::toy::Toy;

/// The answer to a command without data.
pub(super) fn plain(code: Code) -> String {
    if code == Code::OK {
        return r#"{"code":200,"type":"ok"}"#.to_owned();
    }
    json!({ "code": code.0, "message": code.message(), "type": "error" }).to_string()
}

/// The answer to `GetToyName`.
pub(super) fn names<'a>(toys: impl Iterator<Item = &'a Toy>) -> String {
    let names: Vec<_> = toys
        .filter(|toy| toy.is_connected())
        .map(Toy::name)
        .collect();
    json!({ "code": 200, "data": names, "type": "OK" }).to_string()
}

/// The answer to `GetToys`.
pub(super) fn toys<'a>(
    toys: impl Iterator<Item = &'a Toy>,
    dialect: Dialect,
    flavour: Flavour,
) -> String {
    let described = toys.map(|toy| (toy.id.to_string(), description(toy, dialect)));
    let by_id = |described: &mut dyn Iterator<Item = (String, Value)>| {
        Value::Object(described.collect::<Map<_, _>>())
    };
    let mut described = described;
    let list = |described: &mut dyn Iterator<Item = (String, Value)>| {
        Value::Array(described.map(|(_, toy)| toy).collect())
    };
    let data = match dialect.shape {
        ToysShape::JsonString => around(Value::String(by_id(&mut described).to_string()), flavour),
        ToysShape::Object => around(by_id(&mut described), flavour),
        ToysShape::ToysArray => around(list(&mut described), flavour),
        ToysShape::BareObject => by_id(&mut described),
        ToysShape::Array => list(&mut described),
    };
    json!({ "code": 200, "data": data, "type": "OK" }).to_string()
}

fn around(toys: Value, flavour: Flavour) -> Value {
    let app = match flavour {
        Flavour::Remote => "remote",
        Flavour::Connect => "connect",
    };
    json!({ "toys": toys, "platform": "ios", "appType": app })
}

fn description(toy: &Toy, dialect: Dialect) -> Value {
    let card = toy.card().clone();
    let status = match dialect.status {
        StatusForm::Text => json!(if card.connected { "1" } else { "0" }),
        StatusForm::Number => json!(u8::from(card.connected)),
        StatusForm::Bool => json!(card.connected),
    };
    let battery = match dialect.battery {
        BatteryForm::Number => json!(card.battery),
        BatteryForm::Text => json!(card.battery.to_string()),
        BatteryForm::Null => Value::Null,
    };
    let nickname = if dialect.lower_nickname {
        "nickname"
    } else {
        "nickName"
    };
    let firmware = dialect.firmware.then(|| toy.firmware.to_string());
    let mut described = json!({
        "id": &*toy.id,
        "status": status,
        "version": firmware.unwrap_or_default(),
        "name": toy.slug(),
        "battery": battery,
        nickname: card.nickname,
    });
    if dialect.function_lists {
        let short: Vec<_> = toy.api.iter().map(|f| f.short_name()).collect();
        let full: Vec<_> = toy.api.iter().map(|f| f.name()).collect();
        described["shortFunctionNames"] = json!(short);
        described["fullFunctionNames"] = json!(full);
    }
    if dialect.extra_fields {
        described["toyType"] = json!(toy.slug());
        described["somethingNew"] = json!({ "deep": [1, null, { "er": true }] });
    }
    described
}

/// The frame `toy-list`: which toys there are. It has no function lists.
pub(super) fn toy_list<'a>(toys: impl Iterator<Item = &'a Toy>) -> String {
    json!({ "type": "toy-list", "toyList": rows(toys, "type") }).to_string()
}

/// What the maker's server tells of the app and its toys. It has no function lists either.
pub(super) fn device_info<'a>(toys: impl Iterator<Item = &'a Toy>) -> Value {
    json!({
        "deviceCode": "remote_simulated",
        "online": true,
        "domain": "127-0-0-1.lovense.club",
        "httpsPort": 30010,
        "wssPort": 30010,
        "appVersion": "7.69.0",
        "platform": "ios",
        "appType": "remote",
        "toyList": rows(toys, "toyType"),
    })
}

fn rows<'a>(toys: impl Iterator<Item = &'a Toy>, type_key: &str) -> Vec<Value> {
    let row = |toy: &Toy| {
        let card = toy.card().clone();
        let generation = toy.name().rsplit(' ').next();
        let generation = generation.filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
        json!({
            "id": &*toy.id,
            "name": toy.name(),
            type_key: toy.slug(),
            "hVersion": generation.unwrap_or("1"),
            "fVersion": toy.firmware,
            "nickname": card.nickname,
            "battery": card.battery,
            "connected": card.connected,
        })
    };
    toys.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::lovense_app::spec::ToySpec;

    fn edge() -> Toy {
        let spec = ToySpec::new("Edge 2").with_nickname("left");
        Toy::new(&spec, "f082c00246fa".to_owned(), 1).expect("known")
    }

    fn answer(dialect: Dialect) -> Value {
        let toy = edge();
        let text = toys([&toy].into_iter(), dialect, Flavour::Remote);
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn by_default_toys_are_a_string_as_documented() {
        let answer = answer(Dialect::default());
        assert_eq!(
            (&answer["code"], &answer["type"]),
            (&json!(200), &json!("OK"))
        );
        let toys = answer["data"]["toys"].as_str().expect("a string");
        let toys: Value = serde_json::from_str(toys).expect("that holds JSON");
        let expected = json!({ "f082c00246fa": {
            "id": "f082c00246fa", "status": "1", "version": "200", "name": "edge", "battery": 90,
            "nickName": "left", "shortFunctionNames": ["v", "v1", "v2"],
            "fullFunctionNames": ["Vibrate", "Vibrate1", "Vibrate2"],
        }});
        assert_eq!(toys, expected);
    }

    #[test]
    fn every_other_shape() {
        let shape = |shape| {
            answer(Dialect {
                shape,
                ..Dialect::default()
            })["data"]
                .clone()
        };
        assert_eq!(
            shape(ToysShape::Object)["toys"]["f082c00246fa"]["name"],
            "edge"
        );
        assert_eq!(shape(ToysShape::BareObject)["f082c00246fa"]["name"], "edge");
        assert_eq!(shape(ToysShape::Array)[0]["name"], "edge");
        assert_eq!(shape(ToysShape::ToysArray)["toys"][0]["name"], "edge");
    }

    #[test]
    fn every_other_form() {
        let toy = answer(Dialect {
            shape: ToysShape::Array,
            status: StatusForm::Bool,
            battery: BatteryForm::Text,
            function_lists: false,
            firmware: false,
            lower_nickname: true,
            extra_fields: true,
        })["data"][0]
            .clone();
        assert_eq!(toy["status"], true);
        assert_eq!(toy["battery"], "90");
        assert_eq!(toy["nickname"], "left");
        assert_eq!(toy["version"], "");
        assert!(toy.get("shortFunctionNames").is_none() && toy.get("nickName").is_none());
        assert!(toy.get("somethingNew").is_some());
    }

    #[test]
    fn a_toy_list_has_the_generation_and_no_functions() {
        let toy = edge();
        let frame: Value = serde_json::from_str(&toy_list([&toy].into_iter())).expect("JSON");
        let expected = json!({ "type": "toy-list", "toyList": [{
            "id": "f082c00246fa", "name": "Edge 2", "type": "edge", "hVersion": "2",
            "fVersion": 200, "nickname": "left", "battery": 90, "connected": true,
        }]});
        assert_eq!(frame, expected);
    }

    #[test]
    fn errors_say_what_the_documentation_says() {
        let error: Value = serde_json::from_str(&plain(Code(402))).expect("JSON");
        assert_eq!(error["message"], "Toy Not Connected");
        assert_eq!(plain(Code::OK), r#"{"code":200,"type":"ok"}"#);
    }
}
