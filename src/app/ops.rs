//! Operations under way: each in a task of its own, bounded in time, always answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use crate::backend::Backend;
use crate::domain::{Command, Op, OpError, OpId};

/// An operation that is not answered in this time counts as failed.
const OP_TIMEOUT: Duration = Duration::from_secs(3);

/// The operations under way.
#[derive(Debug, Default)]
pub struct Ops {
    tasks: JoinSet<Result<(), OpError>>,
    ids: HashMap<Id, OpId>,
}

impl Ops {
    /// Carries out `op` over `backend`.
    pub fn start(&mut self, op: Op, backend: Arc<dyn Backend>) {
        let limit = match op.command {
            // It is sent again then.
            Command::Stop => backend.stop_patience(),
            Command::Drive(_) | Command::Play(_) => OP_TIMEOUT,
        };
        let id = op.id;
        let task = self.tasks.spawn(async move {
            match tokio::time::timeout(limit, backend.execute(op)).await {
                Ok(result) => result,
                Err(_) => Err(OpError::Timeout(limit)),
            }
        });
        self.ids.insert(task.id(), id);
    }

    /// Ends whatever plays on any toy of `backend`. Nothing waits for it: stops of single toys follow.
    pub fn stop_all(&mut self, backend: Arc<dyn Backend>) {
        let limit = backend.stop_patience();
        // It has no id, so its end is not told.
        self.tasks.spawn(async move {
            let _ = tokio::time::timeout(limit, backend.stop_all()).await;
            Ok(())
        });
    }

    /// Waits for one to end. Pending while there is none. Safe to cancel.
    pub async fn next(&mut self) -> (OpId, Result<(), OpError>) {
        loop {
            let Some(ended) = self.tasks.join_next_with_id().await else {
                std::future::pending::<()>().await;
                continue;
            };
            let (task, result) = match ended {
                Ok(done) => done,
                Err(error) => {
                    // A panic in a backend is that operation's failure, not everybody's end.
                    let message = format!("internal error: {error}");
                    (error.id(), Err(OpError::Link(message)))
                }
            };
            if let Some(id) = self.ids.remove(&task) {
                return (id, result);
            }
        }
    }

    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BoxFuture, Link};
    use crate::domain::{BackendId, HardwareId, RouteId};

    struct Odd(BackendId);

    impl Backend for Odd {
        fn id(&self) -> &BackendId {
            &self.0
        }

        fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
            Vec::new()
        }

        fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>> {
            Box::pin(async move {
                match op.id.0 {
                    1 => Ok(()),
                    2 => std::future::pending().await,
                    _ => panic!("a bug in a backend"),
                }
            })
        }

        fn refresh(&self) {}
    }

    #[tokio::test(start_paused = true)]
    async fn every_operation_is_answered_even_if_it_hangs_or_panics() {
        let backend: Arc<dyn Backend> = Arc::new(Odd(BackendId::new("odd")));
        let mut ops = Ops::default();
        for id in 1..=3 {
            let op = Op {
                id: OpId(id),
                route: RouteId {
                    backend: BackendId::new("odd"),
                    hardware: HardwareId::new("x"),
                },
                command: Command::Stop,
                lease: None,
            };
            ops.start(op, Arc::clone(&backend));
        }
        let mut answers = HashMap::new();
        for _ in 0..3 {
            let (id, result) = ops.next().await;
            answers.insert(id.0, result);
        }
        assert_eq!(answers[&1], Ok(()));
        assert_eq!(answers[&2], Err(OpError::Timeout(Duration::from_secs(1))));
        assert!(matches!(answers[&3], Err(OpError::Link(_))));
        assert!(ops.is_empty());
    }
}
