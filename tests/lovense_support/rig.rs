//! The bridge's side of a test: the backend, its links kept up, and what it reports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use toy2mqtt::backend::lovense::lan::{LanApp, Options, Timing};
use toy2mqtt::backend::supervisor::{LinkStatus, Policy, Supervisor};
use toy2mqtt::backend::{Backend, Report};
use toy2mqtt::domain::{
    BackendId, BackendState, Command, HardwareId, Op, OpError, OpId, RouteId, Setting,
};

use super::{A, App, B, soon};

/// Time limits that make tests quick and yet hold on a busy machine.
pub fn timing() -> Timing {
    Timing {
        poll: Duration::from_millis(100),
        least_poll: Duration::from_millis(20),
        least_check: Duration::from_millis(20),
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(5),
        check: Duration::from_secs(2),
        command: Duration::from_secs(5),
        ping: Duration::from_millis(100),
        ask_again: Duration::from_millis(50),
        ..Timing::default()
    }
}

pub fn options(address: SocketAddr) -> Options {
    let host = address.ip().to_string().parse().unwrap();
    Options {
        port: Some(address.port()),
        events: false,
        timing: timing(),
        ..Options::new(BackendId::new("lan"), host)
    }
}

/// The bridge's side: the backend with its links kept up, and what it reports.
pub struct Rig<B = LanApp> {
    pub lan: Arc<B>,
    pub links: Vec<Arc<LinkStatus>>,
    reports: mpsc::UnboundedReceiver<(BackendId, Report)>,
    cancel: CancellationToken,
    supervisor: Supervisor,
}

impl Rig {
    pub fn start(options: Options) -> Self {
        Self::keep(LanApp::new(options).unwrap())
    }

    /// A bridge that knows both toys of `app`.
    pub async fn connected(app: &App) -> Self {
        Self::start(options(app.address)).ready().await
    }

    pub async fn ready(mut self) -> Self {
        self.up(A).await;
        self.up(B).await;
        self
    }
}

impl<B: Backend> Rig<B> {
    /// Keeps the links of this backend up.
    pub fn keep(lan: Arc<B>) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        let supervisor = Supervisor::new(sender, cancel.clone());
        let policy = Policy {
            initial: Duration::from_millis(20),
            cap: Duration::from_millis(100),
        };
        let links = supervisor.start(Arc::clone(&lan) as Arc<dyn Backend>, policy);
        Self {
            lan,
            links,
            reports,
            cancel,
            supervisor,
        }
    }

    /// The next report that `wanted` makes something of.
    pub async fn report<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(Report) -> Option<T>,
    ) -> T {
        soon(what, async {
            loop {
                let (_, report) = self.reports.recv().await.unwrap();
                if let Some(found) = wanted(report) {
                    return found;
                }
            }
        })
        .await
    }

    pub async fn up(&mut self, id: &str) {
        let wanted = HardwareId::new(id);
        self.report(&format!("{id} up"), |report| match report {
            Report::Up(description, _) if description.hardware == wanted => Some(()),
            _ => None,
        })
        .await;
    }

    /// Why it went down.
    pub async fn down(&mut self, id: &str) -> String {
        let wanted = HardwareId::new(id);
        self.report(&format!("{id} down"), |report| match report {
            Report::Down(hardware, reason) if hardware == wanted => Some(reason),
            _ => None,
        })
        .await
    }

    /// Why the app is down.
    pub async fn app_down(&mut self) -> String {
        self.report("the app down", |report| match report {
            Report::State(BackendState::Down(reason)) => Some(reason),
            _ => None,
        })
        .await
    }

    pub async fn execute(&self, id: &str, command: Command) -> Result<(), OpError> {
        let op = op(id, command);
        soon("an operation", Arc::clone(&self.lan).execute(op)).await
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        soon("the links to end", self.supervisor.finished()).await;
    }
}

pub fn op(id: &str, command: Command) -> Op {
    Op {
        id: OpId(1),
        route: RouteId {
            backend: BackendId::new("lan"),
            hardware: HardwareId::new(id),
        },
        command,
        lease: Some(Duration::from_secs(5)),
    }
}

pub fn vibrate(step: i32) -> Command {
    Command::Drive(vec![Setting {
        key: "vibrate".parse().unwrap(),
        step,
    }])
}
