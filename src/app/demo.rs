//! `demo`: a broker, a simulated app with toys and the real bridge, in one process.

use tokio::runtime::Runtime;

use crate::cli::{DemoArgs, Exit};
use crate::config::types::LogLevel;

/// Runs the demo until it is told to end.
#[cfg(not(feature = "demo"))]
pub(super) fn demo(_: &Runtime, _: &DemoArgs, _: Option<LogLevel>) -> Exit {
    eprintln!("toy2mqtt: this build has no demo: build it with `--features demo`");
    Exit::Failure
}

#[cfg(feature = "demo")]
pub(super) use self::with_broker::demo;

#[cfg(feature = "demo")]
mod with_broker {
    use std::net::SocketAddr;
    use std::path::{Path, PathBuf};

    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::{DemoArgs, Exit, LogLevel, Runtime};
    use crate::app::demo_broker::DemoBroker;
    use crate::app::{run, samples, signals};
    use crate::config::types::LogFormat;
    use crate::config::{Fixed, Flags, Loaded, load};
    use crate::sim::lovense_app::LovenseApp;
    use crate::telemetry;

    pub(in crate::app) fn demo(
        runtime: &Runtime,
        args: &DemoArgs,
        log_level: Option<LogLevel>,
    ) -> Exit {
        let level = log_level.unwrap_or(LogLevel::Info);
        let folder = scratch_folder();
        let result = runtime.block_on(run_demo(args, level, &folder));
        // Whatever is left in there is of no use to anybody.
        let _ = std::fs::remove_dir_all(&folder);
        match result {
            Ok(()) => Exit::Ok,
            Err(error) => {
                eprintln!("toy2mqtt: {error}");
                Exit::Failure
            }
        }
    }

    async fn run_demo(
        args: &DemoArgs,
        level: LogLevel,
        folder: &Path,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let log = telemetry::init(level, LogFormat::Text, None)?;
        let shutdown = signals::shutdown();
        let broker = DemoBroker::start(SocketAddr::new(args.listen, args.mqtt_port)).await?;
        let listener = TcpListener::bind((args.listen, args.app_port)).await?;
        let app = samples::app(&args.models, !args.still, std::time::Duration::ZERO);
        let app = LovenseApp::start(listener, app)?;

        let settings = format!(
            "data_dir = {folder:?}\n\
             [web]\nlisten = \"{panel}\"\n\
             [mqtt]\nurl = \"mqtt://{broker}\"\n\
             [[lovense_lan]]\nhost = \"{host}\"\nport = {port}\n",
            broker = broker.addr(),
            panel = panel_address(args),
            host = app.address().ip(),
            port = app.address().port(),
        );
        let loaded = in_memory(&settings).map_err(|_| "the demo's own settings are wrong")?;
        introduce(&broker.addr(), panel_address(args));
        let mut changes = app.changes();
        let watching = CancellationToken::new();
        let watch = watching.run_until_cancelled(async {
            loop {
                match changes.recv().await {
                    Ok(moved) => println!(
                        "toy {} {} {} -> {}",
                        moved.toy, moved.change.function, moved.change.from, moved.change.to
                    ),
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                    Err(_) => std::future::pending().await,
                }
            }
        });
        let bridge = async {
            let ended = run::run(&loaded, &log, shutdown).await;
            watching.cancel();
            ended
        };
        let (ended, _) = tokio::join!(bridge, watch);
        app.shut_down().await;
        broker.stop().await;
        ended?;
        Ok(())
    }

    /// Only this machine reaches the panel: others would need a token.
    fn panel_address(args: &DemoArgs) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], args.panel_port))
    }

    fn introduce(broker: &SocketAddr, panel: SocketAddr) {
        let (host, port) = (broker.ip(), broker.port());
        let program = this_program();
        println!(
            "\
A broker, a simulated app with toys, and the bridge between them are running on this machine.

Open the panel: http://{panel}/

In another terminal:
  export TOY2MQTT_MQTT__URL=mqtt://{broker}
  {program} toys                      # who is there
  {program} set nora vibrate 40       # drag a slider
  {program} set nora all 60 --for 5s  # ends by itself
  {program} stop                      # stop everything

or with Mosquitto's tools:
  mosquitto_sub -h {host} -p {port} -v -t 'toy2mqtt/#'
  mosquitto_pub -h {host} -p {port} -t toy2mqtt/all/set -m '{{\"brightness\":40,\"for\":\"5s\"}}'
  mosquitto_pub -h {host} -p {port} -t toy2mqtt/bridge/stop -m x

or point Home Assistant's MQTT integration at {host}:{port}. Toys press their buttons now and then.
Below, every change of a toy's motors. Ctrl-C stops the toys and ends.
"
        );
    }

    /// How to call this program once more from where it was called.
    fn this_program() -> String {
        let program = std::env::current_exe().unwrap_or_else(|_| "toy2mqtt".into());
        let here = std::env::current_dir().unwrap_or_default();
        let near = program.strip_prefix(&here).unwrap_or(&program);
        near.display().to_string()
    }

    /// A folder for what is not to be kept.
    fn scratch_folder() -> PathBuf {
        std::env::temp_dir().join(format!("toy2mqtt-demo-{}", std::process::id()))
    }

    /// The settings of a bridge that lives in this process only.
    fn in_memory(text: &str) -> Result<Loaded, Exit> {
        let path = "toy2mqtt.toml";
        let surroundings = Fixed::default().with_file(path, text);
        let flags = Flags {
            file: Some(path.into()),
            ..Flags::default()
        };
        load(&flags, &surroundings).map_err(|problems| {
            for problem in &problems.0 {
                eprintln!("{problem}");
            }
            Exit::Settings
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn settings_made_up_here_are_right() {
            let loaded = in_memory("data_dir = \"/nowhere\"\n").expect("valid");
            assert!(crate::app::compose::topics(&loaded.config).is_ok());
        }
    }
}
