//! What each command does.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::backend::lovense::catalog;
use crate::cli::{Cli, Command, Exit, SchemaKind};
use crate::config::{Loaded, Surroundings, load};
use crate::domain::ErrorCode;
use crate::hass::{self, Privacy};
use crate::mqtt;
use crate::sim::{self, SimulateOptions, WsdmOptions};
use crate::telemetry;

use super::client::{Client, ClientError};
use super::compose::StartError;
use super::driver::Ended;
use super::{dashboard, doctor, run, samples, signals};

/// Does what was asked on the command line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn execute(
    cli: &Cli,
    surroundings: &dyn Surroundings,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    if let Some(answered) = crate::cli::answer(cli, surroundings, out) {
        return answered;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match &cli.command {
        Command::Schema(args) => schema(args.kind, out),
        Command::Run => Ok(bridge(&runtime, cli, surroundings)),
        Command::Simulate(args) if args.wsdm.is_some() => {
            let url = args.wsdm.clone().unwrap_or_default();
            match WsdmOptions::new(url, &samples::toys(&args.models)) {
                Ok(options) => Ok(simulate_wsdm(&runtime, options)),
                Err(error) => {
                    eprintln!("toy2mqtt: {error}");
                    Ok(Exit::Failure)
                }
            }
        }
        Command::Simulate(args) => {
            let options = SimulateOptions {
                app: samples::app(&args.models, args.lively, args.delay),
                listen: args.listen,
                control: args.control,
            };
            Ok(simulate(&runtime, options))
        }
        Command::Demo(args) => Ok(super::demo::demo(&runtime, args, cli.settings.log_level)),
        Command::Doctor(args) => with_settings(cli, surroundings, |loaded| {
            let examined = doctor::examine(loaded, None, args.bluetooth, args.timeout);
            let findings = runtime.block_on(examined);
            show_findings(&findings, args.json, out)
        }),
        Command::Toys(args) => with_settings(cli, surroundings, |loaded| {
            let asked = runtime.block_on(ask(loaded, args.timeout, async |client| {
                client.toys().await
            }));
            match asked {
                Ok(toys) if args.json => {
                    let toys: Vec<&Value> = toys.iter().map(|toy| &toy.details).collect();
                    writeln!(out, "{:#}", json!(toys))?;
                    Ok(Exit::Ok)
                }
                Ok(toys) => {
                    for toy in &toys {
                        let there = if toy.available { "online" } else { "offline" };
                        let outputs = toy.details["outputs"].as_array().into_iter().flatten();
                        let outputs: Vec<&str> = outputs
                            .filter_map(|output| output["key"].as_str())
                            .collect();
                        let outputs = outputs.join(" ");
                        writeln!(out, "{}  {:<8} {}  [{outputs}]", toy.id, there, toy.name)?;
                    }
                    Ok(Exit::Ok)
                }
                Err(error) => failed(&error, args.json, out),
            }
        }),
        Command::Dashboard(args) => with_settings(cli, surroundings, |loaded| {
            match runtime.block_on(dashboard::dashboard(loaded, args.timeout)) {
                Ok(made) => {
                    for doubt in &made.doubts {
                        eprintln!("toy2mqtt: {doubt}");
                    }
                    if args.json {
                        writeln!(out, "{:#}", made.dashboard)?;
                        return Ok(Exit::Ok);
                    }
                    for doubt in &made.doubts {
                        writeln!(out, "# {doubt}")?;
                    }
                    out.write_all(hass::dashboard::yaml(&made.dashboard).as_bytes())?;
                    Ok(Exit::Ok)
                }
                Err(error) => failed(&error, args.json, out),
            }
        }),
        Command::Healthcheck(args) => with_settings(cli, surroundings, |loaded| {
            let asked = runtime.block_on(ask(loaded, args.timeout, async |client| {
                client.toys().await
            }));
            match asked {
                Ok(_) => Ok(Exit::Ok),
                Err(error) => {
                    failed(&error, false, out)?;
                    // The only other code that container engines know.
                    Ok(Exit::Failure)
                }
            }
        }),
        Command::Set(args) => with_settings(cli, surroundings, |loaded| {
            let asked = runtime.block_on(ask(loaded, args.timeout, async |client| {
                client.set(&args.toy, &args.command()).await
            }));
            finish(asked, args.json, out)
        }),
        Command::Stop(args) => with_settings(cli, surroundings, |loaded| {
            let asked = runtime.block_on(ask(loaded, args.timeout, async |client| {
                client.stop(args.toy.as_ref()).await
            }));
            finish(asked, args.json, out)
        }),
        // `cli` has answered these.
        Command::Check(_) | Command::Completions(_) | Command::Man => Ok(Exit::Failure),
    }
}

fn schema(kind: SchemaKind, out: &mut dyn Write) -> io::Result<Exit> {
    let text = match kind {
        SchemaKind::Mqtt => mqtt::reference::markdown(),
        SchemaKind::Toys => catalog::markdown(),
        SchemaKind::Discovery => format!("{:#}\n", samples::discovery()),
        // `cli` has answered these.
        SchemaKind::Config
        | SchemaKind::ConfigJson
        | SchemaKind::ConfigExample
        | SchemaKind::App
        | SchemaKind::AppTexts => String::new(),
    };
    out.write_all(text.as_bytes())?;
    Ok(Exit::Ok)
}

/// Loads the settings, or says what is wrong with them.
fn loaded(cli: &Cli, surroundings: &dyn Surroundings) -> Result<Loaded, Exit> {
    load(&cli.settings.flags(), surroundings).map_err(|problems| {
        for problem in &problems.0 {
            eprintln!("{problem}");
        }
        Exit::Settings
    })
}

fn with_settings(
    cli: &Cli,
    surroundings: &dyn Surroundings,
    job: impl FnOnce(&Loaded) -> io::Result<Exit>,
) -> io::Result<Exit> {
    match loaded(cli, surroundings) {
        Ok(loaded) => job(&loaded),
        Err(exit) => Ok(exit),
    }
}

/// Runs the bridge, again and again while somebody asks for a restart.
fn bridge(runtime: &Runtime, cli: &Cli, surroundings: &dyn Surroundings) -> Exit {
    let mut log: Option<telemetry::LogHandle> = None;
    // One for all: a signal that comes during a restart is not missed.
    let mut shutdown = None;
    loop {
        let loaded = match loaded(cli, surroundings) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let settings = &loaded.config.log;
        let handle = match log.take() {
            Some(handle) => {
                handle.set(settings.level);
                handle.scrub(scrub(&loaded));
                handle
            }
            None => match telemetry::init(settings.level, settings.format, scrub(&loaded)) {
                Ok(handle) => handle,
                Err(error) => {
                    eprintln!("toy2mqtt: {error}");
                    return Exit::Failure;
                }
            },
        };
        tracing::info!("{}", loaded.origin());
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let ended = runtime.block_on(async {
            let shutdown = shutdown.get_or_insert_with(signals::shutdown).clone();
            run::run(&loaded, &handle, shutdown).await
        });
        match ended {
            Ok(Ended::Shutdown) => return Exit::Ok,
            Ok(Ended::Failed) => return Exit::Failure,
            Ok(Ended::Restart) => log = Some(handle),
            Err(error) => {
                eprintln!("toy2mqtt: {error}");
                return start_exit(&error);
            }
        }
    }
}

const fn start_exit(error: &StartError) -> Exit {
    match error {
        StartError::Held(_) => Exit::InUse,
        _ => Exit::Settings,
    }
}

/// What nobody is to read in the log.
fn scrub(loaded: &Loaded) -> Option<telemetry::Scrub> {
    let discreet = loaded.config.privacy.discreet;
    discreet.then_some(|line| Privacy::Discreet.log_line(line))
}

fn simulate(runtime: &Runtime, options: SimulateOptions) -> Exit {
    let result = runtime.block_on(async {
        let shutdown = signals::shutdown();
        sim::run(options, shutdown, |line| println!("{line}")).await
    });
    match result {
        Ok(()) => Exit::Ok,
        Err(error) => {
            eprintln!("toy2mqtt: {error}");
            Exit::Failure
        }
    }
}

fn simulate_wsdm(runtime: &Runtime, options: WsdmOptions) -> Exit {
    runtime.block_on(async {
        let shutdown = signals::shutdown();
        sim::run_wsdm(options, shutdown, |line| println!("{line}")).await;
    });
    Exit::Ok
}

/// Connects, asks, and disconnects.
async fn ask<T>(
    loaded: &Loaded,
    patience: Duration,
    question: impl AsyncFnOnce(&mut Client) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let mut client = Client::connect(loaded, patience).await?;
    let answer = question(&mut client).await;
    client.close().await;
    answer
}

fn finish(
    asked: Result<Vec<Value>, ClientError>,
    as_json: bool,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    match asked {
        Ok(results) => {
            if as_json {
                writeln!(out, "{:#}", json!(results))?;
            }
            Ok(Exit::Ok)
        }
        Err(error) => failed(&error, as_json, out),
    }
}

fn failed(error: &ClientError, as_json: bool, out: &mut dyn Write) -> io::Result<Exit> {
    if as_json {
        writeln!(
            out,
            "{:#}",
            json!({"ok": false, "error": error.to_string()})
        )?;
    }
    eprintln!("toy2mqtt: {error}");
    Ok(match error {
        ClientError::Settings(_) | ClientError::NoDiscovery => Exit::Settings,
        ClientError::Broker(_) => Exit::Broker,
        ClientError::NoBridge { .. } | ClientError::Timeout(_) => Exit::Timeout,
        ClientError::Unknown(_) => Exit::NotFound,
        ClientError::Refused { code, .. } => {
            let known = ErrorCode::ALL
                .into_iter()
                .find(|known| known.as_str() == code);
            known.map_or(Exit::Failure, Exit::from)
        }
    })
}

fn show_findings(
    findings: &[doctor::Finding],
    as_json: bool,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    if as_json {
        let findings: Vec<Value> = findings.iter().map(doctor::Finding::to_json).collect();
        writeln!(out, "{:#}", json!(findings))?;
    } else {
        for finding in findings {
            let mark = if finding.ok { "ok  " } else { "FAIL" };
            writeln!(out, "{mark} {}: {}", finding.hop, finding.text)?;
            if let Some(cure) = &finding.cure {
                writeln!(out, "     → {cure}")?;
            }
        }
    }
    let all_well = findings.iter().all(|finding| finding.ok);
    Ok(if all_well { Exit::Ok } else { Exit::Failure })
}
