//! The command line.
//!
//! [`Cli`] is what was asked, typed and checked. [`answer`] deals with what needs neither a broker
//! nor a toy: `check`, and `schema` as far as settings go. Everything else is the
//! [`app`](crate::app)'s.

mod args;
mod check;
mod exit;
mod manual;
mod schema;

use std::io::{self, Write};

use clap::{Parser, Subcommand};

pub use args::{
    CheckArgs, CompletionsArgs, DashboardArgs, DemoArgs, DoctorArgs, HealthcheckArgs, Models,
    SchemaArgs, SchemaKind, SetArgs, SetOutput, SettingsArgs, SimulateArgs, StopArgs, ToysArgs,
};
pub use exit::Exit;

use crate::config::Surroundings;

/// A Home Assistant bridge for intimate toys: every output a slider, every button a trigger, and a
/// stop that always wins.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "toy2mqtt",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = Exit::help(),
)]
pub struct Cli {
    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Command {
    /// Run the bridge
    ///
    /// It runs until it gets SIGTERM or SIGINT; then it stops all toys, says goodbye to the broker
    /// and ends, within three seconds.
    #[command(after_help = "\
Examples:
  toy2mqtt run
  toy2mqtt run --config /etc/toy2mqtt/toy2mqtt.toml --log-level debug
  TOY2MQTT_MQTT__URL=mqtt://broker.lan TOY2MQTT_LOVENSE_LAN__0__HOST=192.168.1.20 toy2mqtt run")]
    Run,
    /// Show everything at work without a broker, an app or a toy
    ///
    /// Runs a broker of its own, a simulated app with simulated toys, and the real bridge between
    /// them, and prints what to look at. Nothing leaves this machine.
    #[command(after_help = "\
Examples:
  toy2mqtt demo
  toy2mqtt demo --toys 10 --mqtt-port 1883
  toy2mqtt demo --models lush,edge,nora --still")]
    Demo(DemoArgs),
    /// Read the settings and say what is wrong with them
    ///
    /// Names every problem at once, with file, line and key. Starts nothing and connects to nothing.
    #[command(after_help = "\
Examples:
  toy2mqtt check
  toy2mqtt check --config new.toml --json")]
    Check(CheckArgs),
    /// Find out why it does not work
    ///
    /// Tries every hop in turn (broker, app, toy), names the first that fails, and says what to do.
    #[command(after_help = "\
Examples:
  toy2mqtt doctor
  toy2mqtt doctor --json
  toy2mqtt doctor --bluetooth --timeout 15s")]
    Doctor(DoctorArgs),
    /// List the toys that the running bridge knows
    #[command(after_help = "\
Examples:
  toy2mqtt toys
  toy2mqtt toys --json")]
    Toys(ToysArgs),
    /// Set an output of a toy, through the running bridge
    ///
    /// Ends once the toy has accepted it, or with the reason why it has not.
    #[command(after_help = "\
Examples:
  toy2mqtt set alpha vibrate 40 --for 5s
  toy2mqtt set toy_1a2b3c4d all 60 --transition 10min
  toy2mqtt set alpha vibrate_2 30 --for 2s --repeat 3 --pause 500ms
  toy2mqtt set duo all 0")]
    Set(SetArgs),
    /// Stop one toy, or all of them
    ///
    /// Without a toy everything stops, and levels above 0 are refused for a moment.
    #[command(after_help = "\
Examples:
  toy2mqtt stop
  toy2mqtt stop alpha")]
    Stop(StopArgs),
    /// Print a Home Assistant dashboard for the toys that the running bridge knows
    ///
    /// Stop all and Quiet on top, then a section per toy: sliders, patterns, sensors, limit. To be
    /// pasted into the raw configuration editor of a dashboard. Entities are called as the bridge
    /// proposes; whoever has renamed one has to do so here, too.
    #[command(after_help = "\
Examples:
  toy2mqtt dashboard
  toy2mqtt dashboard > toys.yaml
  toy2mqtt dashboard --json")]
    Dashboard(DashboardArgs),
    /// Ask the running bridge whether it works
    ///
    /// For containers: ends with 0 if the broker lets us in and the bridge answers there, else with 1.
    #[command(after_help = "\
Examples:
  toy2mqtt healthcheck
  toy2mqtt healthcheck --timeout 2s")]
    Healthcheck(HealthcheckArgs),
    /// Print what makes a shell complete this command
    #[command(after_help = "\
Examples:
  toy2mqtt completions bash > /usr/share/bash-completion/completions/toy2mqtt
  toy2mqtt completions zsh > /usr/share/zsh/site-functions/_toy2mqtt
  toy2mqtt completions fish > ~/.config/fish/completions/toy2mqtt.fish")]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = "\
Examples:
  toy2mqtt man > /usr/share/man/man1/toy2mqtt.1")]
    Man,
    /// Run a simulated app with simulated toys
    ///
    /// It answers like the Lovense app in Game Mode, toy events included, so that the bridge can be
    /// tried without a toy: point `lovense_lan` in the settings at it. With `--wsdm` there is no app:
    /// the toys connect by themselves, to the bridge or to any other server for such toys.
    #[command(after_help = "\
Examples:
  toy2mqtt simulate
  toy2mqtt simulate --listen 127.0.0.1:20010 --models lush,edge,max --lively
  toy2mqtt simulate --wsdm ws://127.0.0.1:54817 --models hush,edge")]
    Simulate(SimulateArgs),
    /// Print a reference made from the program itself
    #[command(after_help = "\
Examples:
  toy2mqtt schema config > docs/configuration.md
  toy2mqtt schema config-json > toy2mqtt.schema.json
  toy2mqtt schema config-example > toy2mqtt.toml")]
    Schema(SchemaArgs),
}

/// Does what was asked, if it needs nothing but settings; `None` for everything else.
///
/// # Errors
/// When `out` cannot be written to.
pub fn answer(
    cli: &Cli,
    surroundings: &dyn Surroundings,
    out: &mut dyn Write,
) -> Option<io::Result<Exit>> {
    match &cli.command {
        Command::Check(args) => Some(check::check(args, &cli.settings.flags(), surroundings, out)),
        Command::Schema(args) => {
            let text = schema::of_settings(args.kind)?;
            Some(out.write_all(text.as_bytes()).map(|()| Exit::Ok))
        }
        Command::Completions(args) => Some(manual::completions(args.shell, out)),
        Command::Man => Some(manual::page(out)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
