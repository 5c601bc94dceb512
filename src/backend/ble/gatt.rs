//! Which of a toy's characteristics to write to, and which one to listen to.
//!
//! Three generations of toys have three sets of UUIDs, and newer ones a set of their own for every
//! model. What they share: one service that is no standard one, with one characteristic that can be
//! written and one that notifies. Source: the device configuration of the Buttplug project.

use super::advert;

/// The end of UUIDs that the Bluetooth SIG gives out.
const STANDARD: u128 = 0x0000_1000_8000_0080_5f9b_34fb;

/// The service of the oldest toys, which has such a UUID all the same.
const OLDEST: u16 = 0xfff0;

/// The service of early toys, Nordic's serial port.
const SERIAL: u128 = 0x6e40_0001_b5a3_f393_e0a9_e50e_24dc_ca9e;

/// What can be done with a characteristic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Writing, with an acknowledgement by the radio.
    pub write: bool,
    /// Writing without.
    pub write_silently: bool,
    /// It speaks.
    pub notify: bool,
}

/// A characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// The UUID of its service.
    pub service: u128,
    /// Its own.
    pub uuid: u128,
    /// What can be done with it.
    pub properties: Properties,
}

/// Which one to write to and which one to listen to, as indices. The toy's own service comes before
/// the others, and within one the characteristics that come first by UUID.
#[must_use]
pub fn choose(ports: &[Port]) -> Option<(usize, usize)> {
    let mut services: Vec<u128> = ports.iter().map(|port| port.service).collect();
    services.sort_unstable_by_key(|uuid| (rank(*uuid), *uuid));
    services.dedup();
    services.retain(|uuid| rank(*uuid).is_some());
    services.into_iter().find_map(|service| {
        let mut own: Vec<usize> = (0..ports.len())
            .filter(|index| ports[*index].service == service)
            .collect();
        own.sort_unstable_by_key(|index| ports[*index].uuid);
        let with = |wanted: fn(&Properties) -> bool| {
            let mut own = own.iter().copied();
            own.find(|index| wanted(&ports[*index].properties))
        };
        let to = with(|properties| properties.write || properties.write_silently)?;
        let from = with(|properties| properties.notify)?;
        Some((to, from))
    })
}

/// The lower the better; none for services that are no toy's.
fn rank(service: u128) -> Option<std::cmp::Reverse<u8>> {
    let standard = service & ((1 << 96) - 1) == STANDARD;
    let short = (service >> 96) as u16;
    let value = match service {
        _ if advert::letters(service).is_some() => 3,
        SERIAL => 2,
        _ if standard && short == OLDEST => 1,
        _ if standard => return None,
        _ => 0,
    };
    Some(std::cmp::Reverse(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid(text: &str) -> u128 {
        u128::from_str_radix(&text.replace('-', ""), 16).expect("a UUID")
    }

    fn port(service: &str, own: &str, kinds: &str) -> Port {
        Port {
            service: uuid(service),
            uuid: uuid(own),
            properties: Properties {
                write: kinds.contains('w'),
                write_silently: kinds.contains('s'),
                notify: kinds.contains('n'),
            },
        }
    }

    const EDGE: &str = "50300001-0023-4bd4-bbd5-a6920e4c5653";
    const BATTERY: &str = "0000180f-0000-1000-8000-00805f9b34fb";
    const LEVEL: &str = "00002a19-0000-1000-8000-00805f9b34fb";

    #[test]
    fn each_generation() {
        let generations = [
            (
                EDGE,
                "50300002-0023-4bd4-bbd5-a6920e4c5653",
                "50300003-0023-4bd4-bbd5-a6920e4c5653",
            ),
            (
                "6e400001-b5a3-f393-e0a9-e50e24dcca9e",
                "6e400002-b5a3-f393-e0a9-e50e24dcca9e",
                "6e400003-b5a3-f393-e0a9-e50e24dcca9e",
            ),
            (
                "0000fff0-0000-1000-8000-00805f9b34fb",
                "0000fff2-0000-1000-8000-00805f9b34fb",
                "0000fff1-0000-1000-8000-00805f9b34fb",
            ),
        ];
        for (service, to, from) in generations {
            let ports = [
                port(BATTERY, LEVEL, "wn"),
                port(service, from, "n"),
                port(service, to, "ws"),
            ];
            assert_eq!(choose(&ports), Some((2, 1)), "{service}");
        }
    }

    #[test]
    fn the_service_of_the_model_comes_first_and_standard_ones_never() {
        let other = "f000ffc0-0451-4000-b000-000000000000";
        let ports = [
            port(other, "f000ffc1-0451-4000-b000-000000000000", "wn"),
            port(EDGE, "50300002-0023-4bd4-bbd5-a6920e4c5653", "w"),
            port(EDGE, "50300003-0023-4bd4-bbd5-a6920e4c5653", "n"),
        ];
        assert_eq!(choose(&ports), Some((1, 2)));
        assert_eq!(choose(&ports[..1]), Some((0, 0)));
        assert_eq!(choose(&[port(BATTERY, LEVEL, "wsn")]), None);
        assert_eq!(choose(&ports[1..2]), None);
    }
}
