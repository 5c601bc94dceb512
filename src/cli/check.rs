//! `check`: what is wrong with the settings, or what they amount to.

use std::io::{self, Write};

use serde_json::json;

use super::{CheckArgs, Exit};
use crate::config::types::OrOff;
use crate::config::{Flags, Loaded, Problem, Severity, Surroundings, load};

/// Reads the settings and tells all about them.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn check(
    args: &CheckArgs,
    flags: &Flags,
    surroundings: &dyn Surroundings,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let result = load(flags, surroundings);
    let exit = match &result {
        Ok(_) => Exit::Ok,
        Err(_) => Exit::Settings,
    };
    let (loaded, problems) = match result {
        Ok(loaded) => {
            let warnings = loaded.warnings.clone();
            (Some(loaded), warnings)
        }
        Err(problems) => (None, problems.0),
    };
    if args.json {
        let json = as_json(loaded.as_ref(), &problems);
        writeln!(out, "{json:#}")?;
        return Ok(exit);
    }
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    match &loaded {
        Some(loaded) => summarise(loaded, out)?,
        None => {
            let errors = problems.iter().filter(|p| p.severity == Severity::Error);
            match errors.count() {
                1 => writeln!(out, "1 error: the bridge would not start")?,
                count => writeln!(out, "{count} errors: the bridge would not start")?,
            }
        }
    }
    Ok(exit)
}

fn as_json(loaded: Option<&Loaded>, problems: &[Problem]) -> serde_json::Value {
    let problems: Vec<_> = problems.iter().map(Problem::to_json).collect();
    let mut json = json!({"ok": loaded.is_some(), "problems": problems});
    if let Some(loaded) = loaded {
        json["file"] = json!(loaded.file);
        json["searched"] = json!(loaded.searched);
        json["data_dir"] = json!(loaded.data_dir);
        json["settings"] = loaded.config.redacted();
    }
    json
}

fn summarise(loaded: &Loaded, out: &mut dyn Write) -> io::Result<()> {
    let config = &loaded.config;
    writeln!(out, "{}", loaded.origin())?;
    let mut line = |name: &str, value: String| writeln!(out, "  {name:<16}{value}");
    line("data folder", loaded.data_dir.display().to_string())?;
    line("broker", broker(loaded))?;
    let home = &config.home_assistant;
    line(
        "Home Assistant",
        match home.discovery {
            true => format!("discovery under {}", home.discovery_prefix),
            false => "no discovery".to_owned(),
        },
    )?;
    let apps = config.lovense_lan.iter().map(|app| match app.port {
        Some(port) => format!("{}://{}:{port}", app.scheme, app.host),
        None => format!("{}://{}", app.scheme, app.host),
    });
    line("apps", listed(apps))?;
    let safety = &config.safety;
    let guards = [
        ("broker lost", shown(safety.broker_lost)),
        ("Home Assistant lost", shown(safety.home_assistant_lost)),
        ("idle", shown(safety.idle)),
    ];
    let guards = guards.map(|(name, value)| format!("{name} {value}"));
    line("stops when", guards.join(", "))?;
    line("highest level", safety.max_level.to_string())?;
    let toys = config.toy.iter().filter_map(|toy| {
        let name = toy.name.as_ref().map(ToString::to_string);
        name.or_else(|| toy.toy().map(|id| id.to_string()))
    });
    line("toys", listed(toys))?;
    line(
        "groups",
        listed(config.group.iter().map(|g| g.name.to_string())),
    )?;
    line(
        "patterns",
        listed(config.pattern.iter().map(|p| p.name.clone())),
    )
}

fn broker(loaded: &Loaded) -> String {
    let mqtt = &loaded.config.mqtt;
    let mut text = loaded.broker();
    if let Some(user) = &mqtt.username {
        text.push_str(&format!(" as {user}"));
    }
    format!("{text}, topics under {}", mqtt.base_topic)
}

fn shown<T: ToString + Copy>(guard: OrOff<T>) -> String {
    match guard.get() {
        Some(value) => value.to_string(),
        None => "off".to_owned(),
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    match items.is_empty() {
        true => "none".to_owned(),
        false => items.join(", "),
    }
}
