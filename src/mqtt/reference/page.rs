//! docs/mqtt.md.

use std::fmt::Write as _;

use super::tables::{KEYS, REQUESTS, TOPICS};
use super::{About, Direction, Topic};
use crate::domain::{Class, ErrorCode, OutputKind};

const HEAD: &str = "\
# MQTT

<!-- Made by `toy2mqtt schema mqtt`. Do not edit: change src/mqtt/reference/ and run `make docs`. -->

Everything that Home Assistant does with toys, any MQTT client can do as well. In short:

```sh
mosquitto_sub -v -t 'toy2mqtt/#'                                    # see everything
mosquitto_pub -t toy2mqtt/toy_1a2b3c4d/vibrate/set -m 30            # one motor to 30 %
mosquitto_pub -t toy2mqtt/toy_1a2b3c4d/set -m '{\"vibrate\":40,\"for\":\"10s\"}'
mosquitto_pub -t toy2mqtt/toy_1a2b3c4d/stop -n                      # this toy, now
mosquitto_pub -t toy2mqtt/bridge/stop -n                            # all toys, now
```

In topics, `<base>` is `mqtt.base_topic` of the settings (`toy2mqtt` by default), `<toy>` the id of
a toy (`toy_` and eight hex digits; it never changes), `<group>` the name of a group from the
settings. In the tables, *out* is published by the bridge and *in* is obeyed by it.

Do not retain commands. What the broker had kept was not asked just now: it is never obeyed, but
answered with the error `retained` and deleted from the broker. A stop is no exception. What means off
(a stop, `OFF`, 0) is obeyed with the retain flag, too, if it did not come with what the broker had
kept; everything else with the flag is refused.

A command that is sent with retain while the bridge listens comes without the flag. A second after the
last command on a topic the bridge asks the broker whether it keeps one, and deletes it. Once that has
happened, it asks before each command until its next start, and refuses what is kept.

A link between two brokers hands on without the flag what the far one keeps, whenever it comes back. That
is found out as above where the near broker keeps the message as well, as Mosquitto's links have it. It
cannot be found out, and may start a toy when the link comes back,

- with a link that takes retain away (`bridge_outgoing_retain false`, or a program that publishes again
  without it);
- when the first retained command ever, since the bridge was started, was published while the link was
  cut;
- with commands that wait in the far broker for the link (`cleansession false`, QoS 1): these are sent
  late, not kept.

So let no link hand on `<base>/+/set`, `<base>/+/+/set` and `<base>/bridge/request/+` with
`cleansession false`, or only stops: `topic toy2mqtt/+/stop both 1`.

";

const TIMING: &str = "\
Levels are percent of full strength, with fractions if you like. A level above 0 never rounds down
to nothing. What is not named stays as it is. Times are seconds (`2.5`) or text with a unit
(`\"500ms\"`, `\"1m 30s\"`).

A payload is done as a whole or not at all: a wrong type, a number out of range, a key that does not
exist or a text that is not UTF-8 changes nothing, and the result names the key. Only limits make a
level smaller; the result then has `clamped_by`.

Off is the exception: it is never refused. `OFF`, `false`, `0`, `stop`, a `state` of `OFF`, a
`brightness` of 0 or a level of 0 is obeyed whatever else the payload holds, however it is written,
and whatever stands before or after it. Beside an off of the whole toy only `transition` counts; a 0
beside what cannot be used turns off what it names. A level in a JSON object that is broken, a pattern
or another state beside it starts nothing.

";

const RESULTS: &str = "\
Every command gets exactly one result per toy that it addressed, on `<base>/<toy>/result`. What no
toy can answer comes as `command_rejected` on `<base>/bridge/event`.

| key | what it is |
|---|---|
| `id` | the `id` of the command, if it had one |
| `ok` | whether the toy has accepted it |
| `error` | if not: `code`, one of those below, and `message` for people |
| `requested` | the payload, as it came |
| `applied` | the levels that the command named or implied, as the toy has them now |
| `clamped_by` | `limit`, if a limit made a level smaller |
| `superseded` | `true`, if a newer command took its place before the toy saw it |
| `latency_ms` | from the arrival of the command to its outcome |

";

const EXAMPLES: &str = "\
## Examples

Ten pulses of half a second, a second apart:

```sh
mosquitto_pub -t toy2mqtt/toy_1a2b3c4d/vibrate/set \\
  -m '{\"level\":25,\"for\":\"500ms\",\"repeat\":10,\"pause\":\"1s\"}'
```

Up slowly, and off after five minutes, and wait for the result:

```sh
mosquitto_rr -t toy2mqtt/toy_1a2b3c4d/set -e toy2mqtt/toy_1a2b3c4d/result \\
  -m '{\"brightness\":50,\"transition\":\"1m\",\"for\":\"5m\",\"id\":\"evening\"}'
```

Two motors at once, each with its own level:

```sh
mosquitto_pub -t toy2mqtt/toy_1a2b3c4d/set -m '{\"vibrate_1\":20,\"vibrate_2\":60}'
```

All toys down over three seconds:

```sh
mosquitto_pub -t toy2mqtt/all/set -m '{\"state\":\"OFF\",\"transition\":\"3s\"}'
```

What toys are there, and what can they do?

```sh
mosquitto_rr -t toy2mqtt/bridge/request/toys -e toy2mqtt/bridge/response/toys \\
  -m '{\"transaction\":\"t1\"}'
```

Never above 60 % again:

```sh
mosquitto_pub -t toy2mqtt/toy_1a2b3c4d/limit/set -m 60
```

";

const CONNECTIONS: &str = "\
## Connections and order

- MQTT 3.1.1, clean session, keep-alive 10 s. The client id is the base topic and the instance id
  from the data folder, and stays the same, unless another client takes it over three times in a row,
  as a bridge with a copy of the data folder does: then `process` of `bridge/info` is appended to it.
- There are two connections. The second one, with `-stop` behind the client id, subscribes only to
  `<base>/+/stop` and `<base>/bridge/quiet/set`, so that a flood of commands cannot delay a stop.
  The first one subscribes to them as well, in case the second one is lost; what comes twice is
  obeyed once.
- A stop overtakes commands. So the bridge sends itself a marker on `<base>/bridge/barrier` with
  every stop, once at QoS 0 and once at QoS 1, since some brokers let one overtake the other. Commands
  that come before both are back are answered with `stopped`.
- After every connect, everything that is retained is published again: removals, then discovery,
  states, availability, and `online` on `<base>/bridge/state` last. A broker without persistence
  has everything back within seconds.
- Events, results and responses are sent once. They are not kept for a broker that is away.
- What the bridge publishes has at most 256 KiB; commands may have 4 KiB.
- When the broker is away for longer than `safety.broker_lost`, all toys are stopped. A connection that
  comes and ends again within 5 s does not count: the time runs on from the last one that was good.

";

const ACCESS: &str = "\
## Access lists

The bridge needs a user of its own. For Mosquitto's `acl_file`, with the default base topic and
discovery prefix:

```
user toys
topic readwrite toy2mqtt/#
topic readwrite homeassistant/device/+/config
topic read homeassistant/status

user homeassistant
topic readwrite toy2mqtt/#
topic readwrite homeassistant/#

# Somebody who may stop toys, and nothing else.
user guest
topic write toy2mqtt/bridge/stop
topic write toy2mqtt/+/stop
```

Whoever may write `<base>/+/set` can drive the toys: give that to nobody else. The bridge has to
read and write `<base>/bridge/barrier`; without it, commands sent just before a stop could be obeyed
after it.

Where a broker refuses a subscription, the log, `bridge/info` and the problem sensor in Home
Assistant say so. Mosquitto's `acl_file` refuses none: it accepts the subscription and delivers
nothing. If commands have no effect and there is no result either, look there first.
";

/// The reference page.
#[must_use]
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    section(&mut page, "What a toy says", About::ToySays);
    section(&mut page, "What toys are told", About::ToyHears);
    keys(&mut page);
    results(&mut page);
    section(&mut page, "What the bridge says", About::BridgeSays);
    section(&mut page, "What the bridge is told", About::BridgeHears);
    requests(&mut page);
    section(&mut page, "Home Assistant", About::HomeAssistant);
    page.push_str(EXAMPLES);
    page.push_str(CONNECTIONS);
    page.push_str(ACCESS);
    page
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(page, "{text}");
}

fn section(page: &mut String, title: &str, about: About) {
    line(page, format_args!("## {title}\n"));
    page.push_str("| topic | | retained | QoS | payload | example |\n|---|---|---|---|---|---|\n");
    for topic in TOPICS.iter().filter(|topic| topic.about == about) {
        row(page, topic);
    }
    page.push('\n');
}

fn row(page: &mut String, topic: &Topic) {
    let direction = match topic.direction {
        Direction::Out => "out",
        Direction::In => "in",
        Direction::Both => "both",
    };
    let retained = match (topic.direction, topic.retained) {
        (Direction::In, _) => "–",
        (_, true) => "yes",
        (_, false) => "no",
    };
    let example = match topic.example {
        "" => "*(empty)*".to_owned(),
        example => format!("`{example}`"),
    };
    let Topic {
        topic,
        qos,
        payload,
        ..
    } = topic;
    line(
        page,
        format_args!("| `{topic}` | {direction} | {retained} | {qos} | {payload} | {example} |"),
    );
}

fn keys(page: &mut String) {
    page.push_str("### What `set` takes\n\n| key | takes | what it does |\n|---|---|---|\n");
    line(
        page,
        format_args!(
            "| an output, such as `vibrate` or `vibrate_2` | 0–100, percent; −100–100 for outputs \
             that turn both ways | sets its level; a 0 of `vibrate` also reaches a toy that has \
             `vibrate_1` and `vibrate_2` |"
        ),
    );
    for key in KEYS {
        let (takes, does) = (key.takes, key.does);
        line(page, format_args!("| `{}` | {takes} | {does} |", key.key));
    }
    page.push('\n');
    page.push_str(TIMING);
    page.push_str(
        "A toy has the outputs that its state names. With several of a kind they are numbered from \
         1:\n`vibrate_1`, `vibrate_2`. These kinds exist:\n\n| kind | what its level means \
         |\n|---|---|\n",
    );
    for kind in OutputKind::ALL {
        let means = match kind.class() {
            Class::Intensity => "how strong; 0 is off, and what a stop ends",
            Class::Shape => {
                "the form of a movement; it moves nothing by itself and survives a stop"
            }
            Class::Position => "where to go, once",
        };
        line(page, format_args!("| `{}` | {means} |", kind.as_str()));
    }
    page.push('\n');
}

fn results(page: &mut String) {
    page.push_str("## Results\n\n");
    page.push_str(RESULTS);
    page.push_str("| error code | what it means |\n|---|---|\n");
    for code in ErrorCode::ALL {
        line(
            page,
            format_args!("| `{}` | {} |", code.as_str(), meaning(code)),
        );
    }
    page.push('\n');
}

const fn meaning(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Invalid => "the payload makes no sense; the message names the key and the rule",
        ErrorCode::UnknownToy => "there is no such toy or group",
        ErrorCode::Offline => "the toy cannot be reached at present",
        ErrorCode::Quiet => "quiet is on: only stops are obeyed",
        ErrorCode::Limit => "the limit of the toy or the output is 0",
        ErrorCode::Retained => "the broker had kept the command: nobody asked just now",
        ErrorCode::Busy => "too many commands are waiting",
        ErrorCode::Timeout => "the toy's backend did not answer in time",
        ErrorCode::Backend => "the toy's backend refused or failed; the message says how",
        ErrorCode::Unsupported => "the toy cannot do this",
        ErrorCode::Stopped => "a stop came just before it, or after it",
    }
}

fn requests(page: &mut String) {
    page.push_str(
        "### Requests to the bridge\n\nPublish on `<base>/bridge/request/<verb>`; the answer comes \
         on `<base>/bridge/response/<verb>`.\n`transaction` (text, at most 64 characters) is \
         repeated in the answer. An empty payload is an\nempty object.\n\n| verb | takes | what it \
         does | example |\n|---|---|---|---|\n",
    );
    for request in REQUESTS {
        let (takes, does, example) = (request.takes, request.does, request.example);
        line(
            page,
            format_args!("| `{}` | {takes} | {does} | `{example}` |", request.verb),
        );
    }
    page.push('\n');
}
