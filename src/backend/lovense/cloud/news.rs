//! What the maker's server tells: events, read. Pure.
//!
//! Source: Lovense Standard Socket API, "Socket Event List"; two spellings of one event are from
//! clients that are in use.

use serde_json::{Value, json};

use super::frame::event_frame;
use super::pairing::Pairing;
use crate::backend::lovense::wire::{Request, ToyList, flag, number, parse_toys};

/// Something that the server told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum News {
    /// How an app can be paired.
    Pairing(Pairing),
    /// The server will not say how; why.
    NoPairing(String),
    /// The app and its toys.
    Device {
        /// Whether the app is there; absent where it is not said.
        online: Option<bool>,
        /// Its toys.
        list: ToyList,
    },
    /// Whether an app is paired and connected to this account.
    Paired(bool),
    /// Whether the paired app is connected to the server.
    Online(bool),
    /// An event that is of no use here.
    Unknown,
}

/// Reads an event.
///
/// # Errors
/// An event of a known name whose payload cannot be used; what is wrong with it.
pub(super) fn read(name: &str, payload: &Value) -> Result<News, String> {
    let name = name.to_ascii_lowercase();
    let status = || {
        let status = payload.get("status").or_else(|| payload.get("online"));
        let status = status.and_then(flag);
        status.ok_or_else(|| "a status that is not a switch".to_owned())
    };
    match name.as_str() {
        "basicapi_get_qrcode_tc" => pairing(payload),
        "basicapi_update_device_info_tc" | "basicapi_update_device_info" => device(payload),
        "basicapi_update_app_status_tc" => status().map(News::Paired),
        "basicapi_update_app_online_tc" => status().map(News::Online),
        _ => Ok(News::Unknown),
    }
}

fn device(payload: &Value) -> Result<News, String> {
    let Value::Object(fields) = payload else {
        return Err("device information that is not a map of fields".to_owned());
    };
    let online = fields.get("online").and_then(flag);
    // Without this key the words about the app would be taken for toys.
    let list = match fields.get("toyList").or_else(|| fields.get("toys")) {
        Some(_) => parse_toys(payload)?,
        None => ToyList::default(),
    };
    Ok(News::Device { online, list })
}

fn pairing(payload: &Value) -> Result<News, String> {
    let code = payload.get("code").and_then(number);
    if code.is_some_and(|code| code != 0.0) {
        let why = payload["message"].as_str().unwrap_or("it does not say why");
        let why = why.chars().filter(|c| !c.is_control()).take(80).collect();
        return Ok(News::NoPairing(why));
    }
    let data = payload.get("data").unwrap_or(payload);
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    let pairing = Pairing::new(text("code"), text("qrcodeUrl"));
    let pairing = pairing.ok_or("a pairing without code and picture")?;
    Ok(News::Pairing(pairing))
}

/// Asks how an app can be paired.
pub(super) fn ask_for_pairing() -> String {
    event_frame("basicapi_get_qrcode_ts", &json!({"ackId": "toy2mqtt"}))
}

/// Hands a command over for the app: the same body as on the local network.
pub(super) fn command(request: &Request) -> String {
    event_frame("basicapi_send_toy_command_ts", request)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backend::lovense::wire::{AppToyId, any_json};

    #[test]
    fn events_are_read_as_they_were_seen() {
        let payload = json!({"code": 0, "data": {"ackId": "x", "code": "395079",
            "qrcode": "{\"type\":5}", "qrcodeUrl": "https://apps.example/qr/1.jpg"}});
        let pairing = Pairing::new(Some("395079"), Some("https://apps.example/qr/1.jpg"));
        let pairing = News::Pairing(pairing.expect("a code"));
        assert_eq!(read("basicapi_get_qrcode_tc", &payload), Ok(pairing));
        assert_eq!(
            read(
                "basicapi_get_qrcode_tc",
                &json!({"code": 501, "message": "no"})
            ),
            Ok(News::NoPairing("no".to_owned()))
        );
        let device = json!({"deviceCode": "remote_3c", "online": true,
            "domain": "192-168-0-248.lovense.club", "httpsPort": 30010, "platform": "ios",
            "appType": "remote", "toyList": [{"id": "0487275354ff", "name": "Hush 2",
                "toyType": "hush", "nickname": "", "fVersion": 331, "hVersion": "2",
                "battery": 100, "connected": true}]});
        for name in [
            "basicapi_update_device_info_tc",
            "basicApi_update_device_info",
        ] {
            let Ok(News::Device { online, list }) = read(name, &device) else {
                panic!("{name}");
            };
            assert_eq!((online, list.toys.len()), (Some(true), 1));
            let toy = &list.toys[0];
            assert_eq!(
                (toy.hardware.as_str(), &*toy.name),
                ("0487275354ff", "Hush 2")
            );
            assert_eq!((toy.battery, toy.connected), (Some(100), true));
        }
        let status = json!({"status": 1});
        assert_eq!(
            read("basicapi_update_app_status_tc", &status),
            Ok(News::Paired(true))
        );
        let status = json!({"status": 0});
        assert_eq!(
            read("basicapi_update_app_online_tc", &status),
            Ok(News::Online(false))
        );
        assert_eq!(read("never_heard_of", &status), Ok(News::Unknown));
    }

    #[test]
    fn device_information_without_toys_has_none() {
        let gone = json!({"deviceCode": "x", "online": false, "domain": "y"});
        let list = ToyList::default();
        let online = Some(false);
        assert_eq!(device(&gone), Ok(News::Device { online, list }));
    }

    #[test]
    fn commands_are_the_bodies_of_the_local_network() {
        let toy = AppToyId::new("f082c00246fa").expect("an id");
        assert_eq!(
            command(&Request::stop(toy)),
            r#"42["basicapi_send_toy_command_ts",{"command":"Function","action":"Stop","timeSec":0,"toy":"f082c00246fa","apiVer":1}]"#
        );
    }

    proptest! {
        #[test]
        fn any_payload_is_read_or_refused(which in 0usize..5, payload in any_json()) {
            let names = [
                "basicapi_get_qrcode_tc",
                "basicapi_update_device_info_tc",
                "basicapi_update_app_status_tc",
                "basicapi_update_app_online_tc",
                "x",
            ];
            let _ = read(names[which], &payload);
        }
    }
}
