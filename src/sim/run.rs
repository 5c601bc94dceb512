//! `toy2mqtt simulate`: a simulated app that runs until it is told to end.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::control;
use super::lovense_app::{AppHandle, AppOptions, LovenseApp, StartError, ToyChange};
use super::serve::Connections;

/// What to simulate, and where.
#[derive(Clone, Debug)]
pub struct SimulateOptions {
    /// The app and its toys.
    pub app: AppOptions,
    /// Where the app listens; the real one does so on all interfaces, port 20010 or 20011.
    pub listen: SocketAddr,
    /// Where faults can be switched; loopback only. None for nowhere.
    pub control: Option<SocketAddr>,
}

/// Why nothing can be simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The app could not be started.
    #[error(transparent)]
    App(#[from] StartError),
    /// A port could not be opened.
    #[error("cannot listen on {0}: {1}")]
    Port(SocketAddr, #[source] io::Error),
    /// Whoever reaches the control surface may do anything to the simulator.
    #[error("the control surface has to be on a loopback address, which {0} is not")]
    NotLoopback(SocketAddr),
}

/// Simulates an app until `shutdown`, and gives `out` a line for each thing worth knowing: first
/// the addresses and the toys, then every change of a level.
///
/// The control surface speaks JSON over HTTP, on a port of its own so that it stays when the app
/// is made to vanish:
///
/// | request | does |
/// |---|---|
/// | `GET /sim` | shows the toys, their levels, the faults, what was asked |
/// | `POST /sim/fault` | changes what is wrong with the app: any fields of [`Faults`], the others stay; `null` ends one that is optional |
/// | `DELETE /sim/fault` | puts everything back in order |
/// | `POST /sim/app/gone`, `/sim/app/back` | closes and opens the app's port |
/// | `POST /sim/toy/<id>/fault` | changes what is wrong with one toy: any fields of [`ToyFaults`] |
/// | `POST /sim/toy/<id>/<event>` | lets the toy report it; the body is the `data` of the frame |
/// | `POST /sim/toy/<id>/rename` | `{"nickname": "…"}` |
/// | `DELETE /sim/toy/<id>` | removes the toy from the app |
///
/// Events are those of the Toy Events API: `button-down`, `button-up`, `button-pressed`, `shake`,
/// `shake-frequency-changed`, `depth-changed`, `motion-changed`, `battery-changed` (sets the
/// battery), `toy-status` (connects and disconnects the toy) and `function-strength-changed` (sets
/// a level as the user would; `function` is a name of the Standard API, such as `Vibrate1`).
///
/// ```sh
/// curl -d '{"answer":{"what":{"code":402},"times":3}}' http://127.0.0.1:20019/sim/fault
/// curl -d '{"connected":false}' http://127.0.0.1:20019/sim/toy/f082c00246fa/toy-status
/// ```
///
/// # Errors
/// A port cannot be opened, a toy cannot be, or the control surface would not be on loopback.
///
/// [`Faults`]: super::lovense_app::Faults
/// [`ToyFaults`]: super::lovense_app::ToyFaults
pub async fn run(
    options: SimulateOptions,
    shutdown: CancellationToken,
    mut out: impl FnMut(String),
) -> Result<(), SimulateError> {
    let control = match options.control {
        Some(address) if !address.ip().is_loopback() => {
            return Err(SimulateError::NotLoopback(address));
        }
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let app = LovenseApp::start(listen(options.listen).await?, options.app)?;
    let mut changes = app.changes();
    out(format!("app {}", app.command_url()));
    out(format!("events {}", app.events_url()));
    // Also when this future is dropped.
    let life = shutdown.child_token();
    let _guard = life.clone().drop_guard();
    let controlling = Connections::new(&life);
    if let Some(listener) = control {
        if let Ok(address) = listener.local_addr() {
            out(format!("control http://{address}/sim"));
        }
        controlling.serve(listener, None, control::router(app.clone()));
    }
    for toy in app.toys() {
        out(format!("toy {} {}", toy.id, toy.model));
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            change = changes.recv() => match change {
                Ok(change) => out(line(&change)),
                Err(RecvError::Lagged(missed)) => out(format!("{missed} changes not shown")),
                Err(RecvError::Closed) => break,
            },
        }
    }
    end(&app, &controlling).await;
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, SimulateError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| SimulateError::Port(address, error))
}

async fn end(app: &AppHandle, controlling: &Connections) {
    controlling.stop().await;
    app.shut_down().await;
}

/// `12.345 f082c00246fa Vibrate1 0 -> 9 (command 12)`
fn line(change: &ToyChange) -> String {
    let ToyChange { toy, change } = change;
    format!(
        "{:.3} {toy} {} {} -> {} ({})",
        change.at.as_secs_f64(),
        change.function,
        change.from,
        change.to,
        change.cause
    )
}
