//! The bridge's side: the backend with its port kept open, and what it reports.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use toy2mqtt::backend::supervisor::{Policy, Supervisor};
use toy2mqtt::backend::wsdm::{Options, Timing, Wsdm};
use toy2mqtt::backend::{Backend, Report};
use toy2mqtt::domain::{
    BackendId, Capabilities, Command, HardwareId, Op, OpError, OpId, RouteId, Setting,
    ToyDescription,
};

use crate::shared::soon;

pub(crate) struct Rig {
    pub(crate) wsdm: Arc<Wsdm>,
    reports: mpsc::UnboundedReceiver<(BackendId, Report)>,
    _supervisor: Supervisor,
    _end: DropGuard,
}

/// On any free port, with time limits that are never reached unless a test is about them.
pub(crate) fn options() -> Options {
    Options {
        timing: Timing {
            handshake: Duration::from_secs(20),
            dead: Duration::from_secs(20),
            write: Duration::from_secs(20),
            ..Timing::default()
        },
        ..Options::new(BackendId::new("wsdm"), ([127, 0, 0, 1], 0).into())
    }
}

impl Rig {
    pub(crate) fn start(options: Options) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        let supervisor = Supervisor::new(sender, cancel.clone());
        let wsdm = Wsdm::new(options);
        let policy = Policy {
            initial: Duration::from_millis(20),
            cap: Duration::from_millis(100),
        };
        supervisor.start(Arc::clone(&wsdm) as Arc<dyn Backend>, policy);
        Self {
            wsdm,
            reports,
            _supervisor: supervisor,
            _end: cancel.drop_guard(),
        }
    }

    /// The URL of the port.
    pub(crate) async fn url(&self) -> String {
        let mut address = self.wsdm.address();
        let open = soon("the port", address.wait_for(Option::is_some)).await;
        format!("ws://{}", open.unwrap().unwrap())
    }

    /// Waits for a report in which `wanted` finds something. Skips all others.
    pub(crate) async fn report<T>(
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

    /// Waits until this toy is there.
    pub(crate) async fn up(&mut self, address: &str) -> (ToyDescription, Capabilities) {
        self.report("a toy", |report| match report {
            Report::Up(toy, can) if toy.hardware.as_str() == address => Some((toy, can)),
            _ => None,
        })
        .await
    }

    /// Waits until this toy is gone; why.
    pub(crate) async fn down(&mut self, address: &str) -> String {
        self.report("the end of a toy", |report| match report {
            Report::Down(toy, why) if toy.as_str() == address => Some(why),
            _ => None,
        })
        .await
    }

    /// Everything that has been reported and not been waited for.
    pub(crate) fn rest(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.reports.try_recv().ok())
            .map(|(_, report)| report)
            .collect()
    }

    pub(crate) fn send(
        &self,
        address: &str,
        command: Command,
    ) -> impl Future<Output = Result<(), OpError>> + use<> {
        let op = Op {
            id: OpId(0),
            route: RouteId {
                backend: BackendId::new("wsdm"),
                hardware: HardwareId::new(address),
            },
            command,
            lease: None,
        };
        Arc::clone(&self.wsdm).execute(op)
    }

    /// Sets the outputs of a toy, in their order.
    pub(crate) fn drive(
        &self,
        toy: &ToyDescription,
        steps: &[i32],
    ) -> impl Future<Output = Result<(), OpError>> + use<> {
        let outputs = toy.outputs.iter().zip(steps);
        let settings = outputs.map(|(output, step)| Setting {
            key: output.key,
            step: *step,
        });
        self.send(toy.hardware.as_str(), Command::Drive(settings.collect()))
    }
}
