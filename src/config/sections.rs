//! Every setting there is. What is said of a key here is what docs/configuration.md, the example
//! file and editors say of it.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::PathBuf;

use super::secret::Secret;
use super::section::section;
use super::types::{
    Address, AppName, BleScan, BrokerUrl, CloudUrl, Fingerprint, GroupName, Host, ListenAddress,
    LogFormat, LogLevel, OrOff, Protocol, Rate, RouteKind, Scheme, ServerName, ServerUrl, Span,
    Topic, ToyName, ToyRef, Trust, TurnOn, UserId,
};
use crate::domain::{Level, OutputKey, ToyId};

section! {
    /// All settings.
    pub struct Config {
        /// The folder where the bridge keeps its instance id, names, limits and quiet. Without it:
        /// systemd's `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/toy2mqtt`, else
        /// `~/.local/state/toy2mqtt`, else `/var/lib/toy2mqtt`. Images set it to `/data`.
        pub data_dir: Option<PathBuf> = None => "\"/var/lib/toy2mqtt\"",
        /// The broker.
        pub mqtt: Mqtt,
        /// Home Assistant.
        pub home_assistant: HomeAssistant,
        /// Lovense apps on the local network.
        pub lovense_lan: Vec<LovenseLan>,
        /// Buttplug servers, such as Intiface.
        pub buttplug: Vec<Buttplug>,
        /// Bluetooth.
        pub ble: Bluetooth,
        /// Toys that connect to the bridge by themselves.
        pub wsdm: Wsdm,
        /// Lovense apps by way of their maker's server: whatever is done with a toy leaves the house.
        pub lovense_cloud: Vec<LovenseCloud>,
        /// What to look for while nothing is set up.
        pub discovery: Discovery,
        /// Several ways to reach one toy.
        pub routes: Routes,
        /// Safety.
        pub safety: Safety,
        /// Privacy.
        pub privacy: Privacy,
        /// The web panel.
        pub web: Web,
        /// Logging.
        pub log: Log,
        /// Toys.
        pub toy: Vec<Toy>,
        /// Groups.
        pub group: Vec<Group>,
        /// Patterns.
        pub pattern: Vec<PatternSetting>,
    }
}

impl Config {
    /// Whether the settings name any way to reach toys.
    #[must_use]
    pub fn reaches_toys(&self) -> bool {
        let listed = !self.lovense_lan.is_empty() || !self.buttplug.is_empty();
        listed || !self.lovense_cloud.is_empty() || self.ble.enabled || self.wsdm.enabled
    }
}

section! {
    /// The MQTT broker.
    pub struct Mqtt {
        /// Where the broker listens: `mqtt://host:port`, or `mqtts://host:port` for TLS. The port may
        /// be left out: 1883, or 8883 with TLS. Without a URL it is the broker that Home Assistant's
        /// Supervisor knows, where the bridge runs as its app, else `mqtt://localhost:1883`.
        pub url: Option<BrokerUrl> = None => "\"mqtts://broker.lan:8883\"",
        /// The user to log in as.
        pub username: Option<String> = None => "\"toy2mqtt\"",
        /// The password. Better kept in a file of its own: see `password_file`.
        pub password: Option<Secret> = None => "\"0815\"",
        /// A file that holds the password and nothing else.
        pub password_file: Option<PathBuf> = None => "\"/run/secrets/mqtt_password\"",
        /// The certificates (PEM) of the authorities to trust instead of the public ones.
        pub ca_file: Option<PathBuf> = None => "\"/etc/toy2mqtt/ca.pem\"",
        /// The certificate (PEM) to show to the broker; needs `client_key`.
        pub client_cert: Option<PathBuf> = None => "\"/etc/toy2mqtt/client.pem\"",
        /// The private key (PEM) of `client_cert`.
        pub client_key: Option<PathBuf> = None => "\"/etc/toy2mqtt/client.key\"",
        /// What all topics start with. Several bridges share a broker by using different ones.
        pub base_topic: Topic = Topic::known("toy2mqtt") => "\"home/toys\"",
    }
}

impl Mqtt {
    /// Where the broker listens, said or not.
    #[must_use]
    pub fn broker(&self) -> BrokerUrl {
        self.url.clone().unwrap_or_default()
    }
}

section! {
    /// How to show toys in Home Assistant.
    pub struct HomeAssistant {
        /// Whether to announce toys to Home Assistant. Without it the topics work all the same.
        pub discovery: bool = true => "false",
        /// The discovery prefix, as in the settings of Home Assistant's MQTT integration.
        pub discovery_prefix: Topic = Topic::known("homeassistant") => "\"ha\"",
        /// The topic of Home Assistant's birth and last will messages, as in its MQTT integration.
        pub status_topic: Topic = Topic::known("homeassistant/status") => "\"ha/status\"",
        /// The payload that says that Home Assistant has come.
        pub status_online: String = "online".to_owned() => "\"up\"",
        /// The payload that says that Home Assistant has gone.
        pub status_offline: String = "offline".to_owned() => "\"down\"",
        /// Whether each toy has a light entity. Switch it off if somebody may say "turn on all the
        /// lights".
        pub light: bool = true => "false",
    }
}

section! {
    /// A Lovense app on the local network: Lovense Remote in Game Mode, or Lovense Connect. Any
    /// number of them.
    pub struct LovenseLan {
        /// The phone or computer that runs the app, as its Game Mode screen shows it.
        pub host: Host => "\"192.168.1.20\"",
        /// The port on the same screen. Without it the usual ones are tried: 20010, 20011 and 34567,
        /// or 30010, 30011 and 34568 with `https`.
        pub port: Option<NonZeroU16> = None => "20010",
        /// How to speak to it.
        pub scheme: Scheme = Scheme::Http => "\"https\"",
        /// With `https`: which certificate to accept. `webpki`: one signed for the app's
        /// `*.lovense.club` name; `pin`: the one the app is known to have, or one of `pins`;
        /// `insecure`: any.
        pub trust: Trust = Trust::Webpki => "\"pin\"",
        /// With `trust = "pin"`: SHA-256 fingerprints of more certificates to accept.
        pub pins: Vec<Fingerprint> = Vec::new() => "[\"efa74a209bb8fcc2a81c9f5151dc899ae0c5cd80c493d265698d79ccf5a88242\"]",
        /// Whether to listen to buttons, sensors and level changes (Toy Events). The phone asks
        /// whether to allow it.
        pub events: bool = true => "false",
        /// The port of Toy Events, where it is not `port`.
        pub events_port: Option<NonZeroU16> = None => "20011",
        /// How long the app keeps a level up without hearing from the bridge; renewed at half of it
        /// while the level is above 0. With `off` a toy runs on if the bridge is killed.
        pub lease: OrOff<Span<2_000, 60_000>> = OrOff::On(Span::from_millis(5_000)) => "\"10s\"",
        /// The least time between two commands to one toy. A stop never waits.
        pub pace: Span<20, 5_000> = Span::from_millis(50) => "\"150ms\"",
        /// Whether the app plays its four presets by itself instead of the bridge sending every step.
        pub play_in_app: bool = false => "true",
        /// What the app calls the bridge when it asks whether to allow it.
        pub app_name: AppName = AppName::known("toy2mqtt") => "\"Living room\"",
    }
}

section! {
    /// A Buttplug server: Intiface Central, an engine without a window, or any other that speaks
    /// version 3 or 4 of the protocol. Any number of them. A server takes one client at a time, so
    /// no other program can use it while the bridge does.
    pub struct Buttplug {
        /// Where the server listens, as Intiface shows it: `ws://host:port`. The port may be left out:
        /// 12345. Instead of it: `listen`.
        pub url: Option<ServerUrl> = None => "\"ws://192.168.1.20:12345\"",
        /// Where to wait for a server that connects to the bridge by itself
        /// (`intiface-engine --websocket-client-address`). Anywhere but on this machine it needs a
        /// `token`.
        pub listen: Option<ListenAddress> = None => "\"127.0.0.1:12346\"",
        /// Instead of both: a server within the bridge, which reaches toys of many makers over
        /// Bluetooth without any other program. Lovense toys are left to `[ble]`. Only in builds with
        /// the cargo feature `embedded-buttplug`.
        pub embedded: bool = false => "true",
        /// With `listen`: what a server has to know. It is the path of the URL that the server is given:
        /// `ws://bridge:12346/token`.
        pub token: Option<Secret> = None => "\"long-and-random\"",
        /// What to call the server in the identity of its toys, instead of what it calls itself. With
        /// several servers each needs a name; if it is changed, all toys of the server are new ones.
        pub name: Option<ServerName> = None => "\"PC\"",
        /// Which version of the protocol to speak. `auto` tries 4 first, then 3.
        pub protocol: Protocol = Protocol::Auto => "\"3\"",
        /// How long to search for toys after connecting. A toy that is switched on later is found by
        /// the next search; see `rescan`.
        pub scan: OrOff<Span<1_000, 3_600_000>> = OrOff::On(Span::from_millis(30_000)) => "\"off\"",
        /// How long from one search to the next. A search takes battery of the server and its radio
        /// time, so none is made all the time.
        pub rescan: OrOff<Span<1_000, 86_400_000>> = OrOff::On(Span::from_millis(120_000))
            => "\"10m\"",
        /// How often to read batteries. Servers before 2026 hang with some toys when they are asked:
        /// then switch it off.
        pub battery: OrOff<Span<10_000, 86_400_000>> = OrOff::On(Span::from_millis(600_000))
            => "\"off\"",
        /// The least time between two commands to one toy, if the server asks for less (most ask for
        /// 100 ms). A stop never waits.
        pub pace: Span<0, 5_000> = Span::from_millis(0) => "\"200ms\"",
        /// How long a machine takes from one end to the other when it is told a position.
        pub travel: Span<100, 60_000> = Span::from_millis(1_000) => "\"3s\"",
    }
}

section! {
    /// Toys over Bluetooth LE, with no app in between.
    pub struct Bluetooth {
        /// Whether to use Bluetooth. Off unless you ask for it: the adapter may be somebody else's, a
        /// toy that is connected here cannot be used from a phone, and anybody's toy that is near
        /// could be connected to.
        pub enabled: bool = false => "true",
        /// The adapter: its address as `bluetoothctl list` shows it, or its name (`hci0`), which may be
        /// another one after the adapter was reset or plugged in again. Without it: the first one that
        /// is on. None is ever switched on.
        pub adapter: Option<String> = None => "\"00:1A:7D:DA:71:13\"",
        /// When to listen for toys. `known`: for some seconds twice a minute while a toy that has been
        /// here before is missing; `asked`: only for a minute after a toy was lost; `all`: some seconds
        /// twice a minute, and every toy that turns up is taken. A search that is asked for (the
        /// switch Scanning in Home Assistant) listens all the time and takes new toys, whatever
        /// stands here.
        pub scan: BleScan = BleScan::Known => "\"all\"",
        /// If there are any: only toys with these addresses, on air or as the toy tells it. By the one on
        /// air a toy need not be searched for.
        pub allow: Vec<Address> = Vec::new() => "[\"F0:82:C0:02:46:FA\"]",
        /// Never a toy with one of these addresses: a neighbour's, or one that the phone is to keep.
        pub deny: Vec<Address> = Vec::new() => "[\"F0:82:C0:02:46:FB\"]",
        /// The least time between two commands to one toy. A stop never waits. Toys take some ten
        /// commands a second.
        pub pace: Span<75, 1_000> = Span::from_millis(100) => "\"150ms\"",
        /// How often to ask a toy for its charge, which also shows whether it is still there.
        pub battery: Span<5_000, 3_600_000> = Span::from_millis(60_000) => "\"5m\"",
    }
}

section! {
    /// Toys and scripts of your own that connect to the bridge by websocket, as they would to a
    /// Buttplug server with a websocket device manager (WSDM), and are driven in Lovense's text
    /// protocol.
    pub struct Wsdm {
        /// Whether to wait for such toys.
        pub enabled: bool = false => "true",
        /// Where to wait: an address and a port. Anywhere but on this machine it needs a `token`.
        /// Intiface waits at the same port for the same purpose.
        pub listen: ListenAddress = ListenAddress::local(54_817) => "\"0.0.0.0:54817\"",
        /// What a toy has to know to be let in. It is the path of the URL that the toy connects to,
        /// `ws://bridge:54817/token`, or an `Authorization: Bearer` header.
        pub token: Option<Secret> = None => "\"long-and-random\"",
        /// A file that holds the token and nothing else.
        pub token_file: Option<PathBuf> = None => "\"/run/secrets/wsdm_token\"",
        /// The least time between two commands to one toy. A stop never waits.
        pub pace: Span<20, 5_000> = Span::from_millis(100) => "\"50ms\"",
        /// How often to ask a toy for its charge, which also shows whether it still answers.
        pub battery: Span<5_000, 3_600_000> = Span::from_millis(60_000) => "\"5m\"",
    }
}

section! {
    /// While the settings name no way to reach toys, the bridge looks for some, proposes them in the
    /// panel and in `toy2mqtt doctor`, and uses none of them by itself.
    pub struct Discovery {
        /// Whether to look: for Buttplug servers that announce themselves on the local network (mDNS;
        /// in Intiface that is a setting), and for an app on this machine. Others on the network can see
        /// that somebody looks. With `privacy.discreet` nothing is looked for.
        pub enabled: bool = true => "false",
        /// Where to ask for servers: the address of mDNS, or of one machine from which a container, say,
        /// can be answered.
        pub ask: ListenAddress = ListenAddress::mdns() => "\"192.168.1.20:5353\"",
        /// The toys' maker's server, to be asked which apps it has seen behind the internet address of
        /// this house. Not asked unless it is named here: the maker learns that somebody looks.
        pub maker: Option<CloudUrl> = None => "\"https://api.lovense-api.com\"",
    }
}

section! {
    /// A Lovense app by way of its maker's server (the Standard Socket API), for a phone that is not
    /// in this network. The one way to toys that leaves your network: the maker learns each command
    /// and its time. It needs a developer token of your own. Any number of them. See docs/cloud.md.
    pub struct LovenseCloud {
        /// The developer token, from the maker's developer dashboard. Better kept in a file of its own:
        /// see `token_file`.
        pub token: Option<Secret> = None => "\"long-and-random\"",
        /// A file that holds the token and nothing else.
        pub token_file: Option<PathBuf> = None => "\"/run/secrets/lovense_token\"",
        /// The "Website Name" on the same dashboard, letter by letter.
        pub platform: ServerName => "\"My house\"",
        /// What the user of the app is called to the maker's server: anything but a name. Without it a
        /// word that is made of the token. Whoever changes it has to pair the app again.
        pub uid: Option<UserId> = None => "\"somebody-1\"",
        /// Where the maker's server is.
        pub url: CloudUrl = CloudUrl::known("https://api.lovense-api.com")
            => "\"https://api.lovense.com\"",
        /// How long the app keeps a level up without hearing from the bridge; renewed at half of it
        /// while the level is above 0. It cannot be switched off.
        pub lease: Span<2_000, 60_000> = Span::from_millis(5_000) => "\"10s\"",
        /// The least time between two commands to one toy. A stop never waits. The maker publishes no
        /// limit; this is to stay far below any.
        pub pace: Span<200, 5_000> = Span::from_millis(200) => "\"500ms\"",
        /// Whether a command counts as accepted only once the maker's server has answered a ping that
        /// was sent after it. Without it: once it has left this machine.
        pub confirm: bool = true => "false",
        /// Whether the app plays its four presets by itself instead of the bridge sending every step.
        pub play_in_app: bool = false => "true",
    }
}

section! {
    /// A toy that can be reached in several ways is one device. It is driven over one of them at a
    /// time; when that one fails the next takes over, and stops the toy first.
    pub struct Routes {
        /// Which way to use, best first. What is left out comes last.
        pub prefer: Vec<RouteKind> = RouteKind::ALL.to_vec() => "[\"lan\", \"ble\"]",
    }
}

section! {
    /// What stops toys by itself, and what they may do at most.
    pub struct Safety {
        /// Stop all toys when the broker has been away for this long.
        pub broker_lost: OrOff<Span<1_000, 3_600_000>> = OrOff::On(Span::from_millis(10_000))
            => "\"30s\"",
        /// Stop all toys when Home Assistant has said that it goes and is not back after this long.
        pub home_assistant_lost: OrOff<Span<1_000, 3_600_000>> = OrOff::On(Span::from_millis(30_000))
            => "\"off\"",
        /// Stop a running toy of which nobody has asked anything for this long.
        pub idle: OrOff<Span<10_000, 86_400_000>> = OrOff::On(Span::from_millis(1_800_000))
            => "\"1h\"",
        /// After a stop of a toy, or of all, refuse levels above 0 until none has come for this long.
        pub stop_hold: Span<0, 60_000> = Span::from_millis(2_000) => "\"5s\"",
        /// The level of a bare "on", and of a pattern without a brightness, in percent.
        pub default_level: Level = Level::from_permille(300) => "20",
        /// What a bare "on" means for a toy at rest: `gentle` is `default_level`, `last` the level that
        /// the toy had last.
        pub turn_on: TurnOn = TurnOn::Gentle => "\"last\"",
        /// No toy goes above this level, in percent, unless it has a `max` of its own.
        pub max_level: Level = Level::FULL => "80",
        /// The fastest rise of a level, in percent per second.
        pub slope: OrOff<Rate> = OrOff::Off => "50",
    }
}

section! {
    /// Discretion.
    pub struct Privacy {
        /// Neutral names, models and icons in Home Assistant, and nothing that names brand, model or
        /// address in any topic or payload.
        pub discreet: bool = false => "true",
    }
}

section! {
    /// The web panel, the REST API, health and metrics.
    pub struct Web {
        /// Where to listen, as `address:port`, or `off`. Only this machine reaches the default.
        /// Beyond this machine, as with `0.0.0.0:8099`, there has to be a `token` or `ingress`.
        pub listen: OrOff<ListenAddress> = OrOff::On(ListenAddress::local(8_099)) => "\"127.0.0.1:8080\"",
        /// What to log in with; at least 12 characters. Better kept in a file of its own: see
        /// `token_file`.
        pub token: Option<Secret> = None => "\"a long and random text\"",
        /// A file that holds the token and nothing else.
        pub token_file: Option<PathBuf> = None => "\"/run/secrets/web_token\"",
        /// Names under which browsers reach the panel, beside `localhost` and addresses: those of
        /// this machine, or of the proxy before it.
        pub allowed_hosts: Vec<Host> = Vec::new() => "[\"nas.local\"]",
        /// Whether Home Assistant's ingress shows the panel: requests from the Supervisor's address
        /// need no token.
        pub ingress: bool = false => "true",
    }
}

section! {
    /// The log. It goes to the standard error output.
    pub struct Log {
        /// How much to log. Only `debug` and `trace` name toys, levels and addresses. It can be
        /// changed at run time, too.
        pub level: LogLevel = LogLevel::Info => "\"debug\"",
        /// `text` for people, `json` for programs: one object per line.
        pub format: LogFormat = LogFormat::Text => "\"json\"",
    }
}

section! {
    /// What you want for one toy. It is named by `id` or by `address`.
    pub struct Toy {
        /// The toy's id, as in its topics.
        pub id: Option<ToyId> = None => "\"toy_d3ef8320\"",
        /// Instead of `id`: the toy's Bluetooth address.
        pub address: Option<Address> = None => "\"F0:82:C0:02:46:FA\"",
        /// What to call it, unless it is renamed at run time.
        pub name: Option<ToyName> = None => "\"Alpha\"",
        /// No output of it goes above this level, in percent.
        pub max: Option<Level> = None => "60",
        /// The fastest rise of its levels, in percent per second.
        pub slope: Option<OrOff<Rate>> = None => "25",
        /// Outputs that have a lower limit than `max`, in percent.
        pub limits: BTreeMap<OutputKey, Level> = BTreeMap::new() => "{ vibrate_1 = 40 }",
        /// Which way to reach this toy, before those of `routes.prefer`.
        pub prefer: Vec<RouteKind> = Vec::new() => "[\"lan\"]",
        /// Other ids under which the bridge has met this toy, as in their topics: a Buttplug server does
        /// not tell addresses, so its toys come as toys of their own until they are named here. Of the
        /// limits that were set for it under several ids the lowest hold.
        pub also: Vec<ToyId> = Vec::new() => "[\"toy_5e6f7a8b\"]",
    }
}

section! {
    /// Several toys under one topic: `<base_topic>/<name>/set`.
    pub struct Group {
        /// The name, part of the topic.
        pub name: GroupName => "\"duo\"",
        /// Its toys, by id, address or the name of a `[[toy]]`.
        pub toys: Vec<ToyRef> => "[\"Alpha\", \"toy_5e6f7a8b\"]",
    }
}

section! {
    /// A pattern of your own, to be chosen like the built-in ones. One with the name of a built-in
    /// pattern takes its place.
    pub struct PatternSetting {
        /// The name, as shown.
        pub name: String => "\"Tide\"",
        /// How long each level is held.
        pub step: Span<100, 60_000> = Span::from_millis(200) => "\"500ms\"",
        /// The levels in percent, played in a loop.
        pub levels: Vec<Level> => "[10, 30, 60, 30]",
    }
}

impl Toy {
    /// The toy that this is about; `None` if it names none, which is an error by itself.
    #[must_use]
    pub fn toy(&self) -> Option<ToyId> {
        self.id.or(self.address.as_ref().map(Address::toy))
    }
}
