//! The arguments of each command.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::types::{LogLevel, ToyRef};
use crate::config::{Flags, Override};
use crate::domain::{Level, OutputKey, SetCommand};

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// The settings file [default: $TOY2MQTT_CONFIG, else the first that exists of
    /// ./toy2mqtt.toml, ~/.config/toy2mqtt/toy2mqtt.toml and /etc/toy2mqtt/toy2mqtt.toml]
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Options of the Home Assistant app, read if the file exists [default:
    /// $TOY2MQTT_ADDON_OPTIONS]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub addon_options: Option<PathBuf>,
    /// How much to log: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// Any setting, e.g. mqtt.base_topic=toys or lovense_lan.0.host=phone. Can be repeated
    #[arg(long = "override", short, global = true, value_name = "KEY=VALUE")]
    pub overrides: Vec<Override>,
}

impl SettingsArgs {
    /// For [`config::load`](crate::config::load).
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags {
            file: self.config.clone(),
            addon_options: self.addon_options.clone(),
            log_level: self.log_level,
            overrides: self.overrides.clone(),
        }
    }
}

/// `demo`
#[derive(Args, Clone, Debug, PartialEq)]
pub struct DemoArgs {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,
    /// The port of the demo's broker; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 11_883)]
    pub mqtt_port: u16,
    /// The port of the panel
    #[arg(long, value_name = "PORT", default_value_t = 8_099)]
    pub panel_port: u16,
    /// The port of the simulated app; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub app_port: u16,
    /// Which toys there are
    #[command(flatten)]
    pub models: Models,
    /// The toys only do what they are told: they press no buttons by themselves
    #[arg(long)]
    pub still: bool,
}

/// `simulate`
#[derive(Args, Clone, Debug, PartialEq)]
pub struct SimulateArgs {
    /// Where the app listens; port 0 takes any free one
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 20_010))
    )]
    pub listen: SocketAddr,
    /// No app: the toys connect by themselves to a server at this URL, the bridge or Intiface with its
    /// websocket device server. A token of the bridge is the path of the URL
    #[arg(
        long,
        value_name = "URL",
        value_parser = wsdm_url,
        conflicts_with_all = ["listen", "lively", "control", "delay"]
    )]
    pub wsdm: Option<String>,
    /// Which toys there are
    #[command(flatten)]
    pub models: Models,
    /// The toys press their buttons, move and lose charge by themselves
    #[arg(long)]
    pub lively: bool,
    /// Where faults can be switched over HTTP, on a loopback address: see the docs of `sim`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub control: Option<SocketAddr>,
    /// How long the app takes to answer
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = duration)]
    pub delay: Duration,
}

/// Which simulated toys there are.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Models {
    /// How many toys, of various models
    #[arg(long, value_name = "COUNT", default_value_t = 3,
          value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub toys: u16,
    /// Their models instead, one toy each, e.g. lush,edge,nora
    #[arg(
        long,
        value_name = "MODEL",
        value_delimiter = ',',
        conflicts_with = "toys"
    )]
    pub models: Vec<String>,
}

/// `check`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct CheckArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `doctor`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Look at Bluetooth too: adapters, and toys that advertise. Connects to nothing
    #[arg(long)]
    pub bluetooth: bool,
    /// How long to wait for each answer, and to listen for Bluetooth toys
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

/// `toys`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ToysArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

/// `dashboard`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct DashboardArgs {
    /// Print JSON instead of YAML
    #[arg(long)]
    pub json: bool,
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

/// `healthcheck`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct HealthcheckArgs {
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

/// `completions`
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionsArgs {
    /// For which shell
    pub shell: clap_complete::Shell,
}

/// `set`
#[derive(Args, Clone, Debug, PartialEq)]
pub struct SetArgs {
    /// The toy: its id, its name or its address; or the name of a group
    pub toy: ToyRef,
    /// The output, e.g. vibrate or vibrate_2; "all" for all intensities together
    pub output: SetOutput,
    /// The level in percent: 0 to 100, or from -100 for outputs that turn both ways
    #[arg(value_name = "PERCENT", value_parser = percent, allow_negative_numbers = true)]
    pub level: Level,
    /// Go back to 0 after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = positive)]
    pub hold: Option<Duration>,
    /// Get there over this time instead of at once
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub transition: Option<Duration>,
    /// How many times in all
    #[arg(long, value_name = "TIMES", requires = "hold",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub repeat: Option<u32>,
    /// How long to rest between two times
    #[arg(long, value_name = "DURATION", requires = "repeat", value_parser = duration)]
    pub pause: Option<Duration>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// How long to wait for the result
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

impl SetArgs {
    /// What is asked of the toy.
    #[must_use]
    pub fn command(&self) -> SetCommand {
        let mut command = match self.output {
            SetOutput::All => SetCommand {
                brightness: Some(self.level),
                ..SetCommand::default()
            },
            SetOutput::One(key) => SetCommand::output(key, self.level),
        };
        command.transition = self.transition;
        command.hold = self.hold;
        command.repeat = self.repeat;
        command.pause = self.pause;
        command
    }
}

/// What to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOutput {
    /// All intensities together.
    All,
    /// One output.
    One(OutputKey),
}

impl fmt::Display for SetOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::One(key) => key.fmt(f),
        }
    }
}

impl FromStr for SetOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            text => text.parse().map(Self::One).map_err(|_| {
                "not an output: use e.g. vibrate, vibrate_2 or all; \
                 `toy2mqtt toys` lists what each toy has"
                    .to_owned()
            }),
        }
    }
}

/// `stop`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct StopArgs {
    /// The toy: its id, its name or its address; or the name of a group
    pub toy: Option<ToyRef>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// How long to wait for the result
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

/// `schema`
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaArgs {
    /// Which one
    pub kind: SchemaKind,
}

/// The references there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// All settings, as Markdown
    Config,
    /// All settings, as JSON Schema for editors
    ConfigJson,
    /// All settings, as a commented TOML file to start from
    ConfigExample,
    /// The description of the Home Assistant app, as YAML
    App,
    /// What the options of the app are called, as YAML
    AppTexts,
    /// All topics and payloads, as Markdown
    Mqtt,
    /// All known toy models, as Markdown
    Toys,
    /// What Home Assistant is told of each model, as JSON
    Discovery,
}

fn percent(text: &str) -> Result<Level, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let number: f64 = number
        .parse()
        .map_err(|_| "not a number of percent".to_owned())?;
    Level::from_percent(number).map_err(|error| error.to_string())
}

fn wsdm_url(text: &str) -> Result<String, String> {
    let place = match text.split_once("://") {
        Some(("ws", place)) => place,
        Some(("wss", _)) => return Err("servers for toys have no TLS: write ws://".to_owned()),
        _ => return Err("write e.g. ws://127.0.0.1:54817".to_owned()),
    };
    let host = place.split(['/', ':', '?']).next().unwrap_or_default();
    if host.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("write e.g. ws://127.0.0.1:54817".to_owned());
    }
    Ok(text.to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "not a duration: write e.g. 5s, 250ms or 1m30s".to_owned())
}

fn positive(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("has to be longer than nothing".to_owned()),
        duration => Ok(duration),
    }
}
