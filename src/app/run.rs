//! `run`: puts the bridge together, runs it, and takes it apart in order.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backend::supervisor::Supervisor;
use crate::config::{Config, Loaded};
use crate::engine::{Engine, Memory};
use crate::mqtt::Session;
use crate::telemetry::LogHandle;

use super::admin;
use super::backends::Backends;
use super::compose::{self, StartError};
use super::driver::{Driver, Ended, Sources};
use super::emergency::Emergency;
use super::first_run;
use super::inbox;
use super::lock::{Lock, NotLocked};
use super::outlet::Outlet;
use super::panels::Panels;
use super::saver::Saver;
use super::service::Service;
use super::store::{self, Store};

/// How long the goodbye to the broker may take.
const GOODBYE: Duration = Duration::from_millis(700);

/// Runs the bridge until `shutdown` is cancelled, or somebody asks for a restart.
///
/// # Errors
/// Settings that cannot work, or a data folder that another process uses: nothing has been started
/// then. Whatever goes wrong later is dealt with while it runs.
pub async fn run(
    loaded: &Loaded,
    log: &LogHandle,
    shutdown: CancellationToken,
) -> Result<Ended, StartError> {
    let config = &loaded.config;
    let apps = compose::lovense_apps(config)?;
    let clouds = compose::clouds(config)?;
    let broker = compose::broker(loaded)?;
    let topics = compose::topics(config)?;

    let base = config.mqtt.base_topic.as_str();
    let (_lock, not_locked) = match Lock::take(&loaded.data_dir, base) {
        Ok(lock) => (Some(lock), None),
        Err(held @ NotLocked::Held { .. }) => return Err(StartError::Held(held)),
        Err(impossible @ NotLocked::Impossible { .. }) => (None, Some(impossible.to_string())),
    };
    let store = Store::new(&loaded.data_dir);
    let mut found = store.open();
    found.problems.extend(not_locked);
    for problem in &found.problems {
        warn!("{problem}");
    }
    if !found.left_running.is_none() {
        warn!(
            "the last run left toys that have not confirmed a stop: they are stopped when they are found"
        );
    }
    let mut memory = with_settings(found.memory, config);
    let settings = config.engine_settings();
    let joined = memory.join(&settings);
    let engine = Engine::new(settings, &memory, found.left_running.clone());

    let process = store::random_word();
    let options = compose::session(config, broker, &topics, &found.instance, &process);
    let (mut session, mqtt, stops) = Session::start(&options);
    let verdicts = session.verdicts();
    // Nothing is published before it is clear that no other bridge is there.
    session.publisher().guard();

    let (reports_in, reports) = mpsc::unbounded_channel();
    let links = CancellationToken::new();
    let supervisor = Supervisor::new(reports_in, links.clone());
    let mut backends = Backends::default();
    let left_running = !found.left_running.is_none();
    for (backend, policy) in compose::backends(loaded, apps, clouds, &memory, left_running) {
        let status = supervisor.start(Arc::clone(&backend), policy);
        backends.add(backend, status);
    }

    let outlet = Outlet::new(
        session.publisher(),
        compose::outlet(config, topics.clone(), &found.instance, &process, log),
    );
    // What the settings lack is shown for as long as they lack it: whoever installs the bridge may
    // never look at the log.
    let lacking = loaded.warnings.iter().map(|warning| warning.advice());
    let problems = found.problems.into_iter().chain(lacking);
    let Panels {
        server,
        desk,
        panel,
        problem,
    } = Panels::open(loaded, log).await;
    let emergency = Emergency::default();
    let handle = log.clone();
    let driver = Driver::new(
        engine,
        backends.clone(),
        outlet,
        Saver::new(
            store,
            found.instance.clone(),
            found.left_running,
            problems.chain(problem).collect(),
        ),
        emergency.clone(),
        inbox::Settings {
            topics,
            instance: found.instance,
            process,
            data_dir: loaded.data_dir.clone(),
            checker: session.checker(),
            status_topic: config.home_assistant.status_topic.as_str().to_owned(),
            status_online: config.home_assistant.status_online.clone(),
            status_offline: config.home_assistant.status_offline.clone(),
        },
        admin::Settings::new(Arc::new(move |level| {
            compose::set_log_level(&handle, level)
        })),
    )
    .told_to(Service::find())
    .show_to(panel)
    .without(&joined);
    let (_looking, proposals) = first_run::start(config);
    let sources = Sources {
        proposals,
        mqtt,
        stops,
        verdicts,
        desk,
        reports,
        shutdown,
    };
    info!(version = env!("CARGO_PKG_VERSION"), "running");
    // In a task of its own, so that a panic in there ends here, with the toys stopped.
    let mut driving = JoinSet::new();
    driving.spawn(driver.run(sources));
    let (ended, outlet) = match driving.join_next().await {
        Some(Ok((ended, outlet))) => (ended, Some(outlet)),
        failed => {
            let failed = failed.and_then(Result::err);
            error!(?failed, "the bridge failed: stopping all toys");
            stop_everything(&emergency, &backends).await;
            (Ended::Failed, None)
        }
    };
    links.cancel();
    log.tap(None);
    if let Some(server) = server {
        server.stop().await;
    }
    supervisor.finished().await;
    if let Some(outlet) = outlet {
        outlet.goodbye();
    }
    session.close(GOODBYE).await;
    info!("ended");
    Ok(ended)
}

/// What the settings say of toys holds unless something else was said at run time.
fn with_settings(mut memory: Memory, config: &Config) -> Memory {
    for toy in &config.toy {
        let Some(id) = toy.toy() else { continue };
        let known = memory.toys.entry(id).or_default();
        if known.name.is_none() {
            known.name = toy.name.as_ref().map(|name| name.as_str().to_owned());
        }
        if known.limits.is_none() {
            known.limits = config.limits_of(id);
        }
    }
    memory
}

/// The last resort: the engine is gone, so every toy that may run gets a stop.
async fn stop_everything(emergency: &Emergency, backends: &Backends) {
    let stops = emergency.stops();
    let stops = stops.into_iter().filter_map(|op| {
        let backend = Arc::clone(backends.get(&op.route.backend)?);
        Some(async move {
            let stop = backend.execute(op);
            let _ = tokio::time::timeout(Duration::from_secs(2), stop).await;
        })
    });
    join_all(stops).await;
}
