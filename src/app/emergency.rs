//! Which toys may be running, kept where a panic of the driver cannot take it along.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Command, Op, OpId, RouteId};

/// The routes over which a toy may have been set running.
#[derive(Clone, Debug, Default)]
pub struct Emergency {
    routes: Arc<Mutex<BTreeSet<RouteId>>>,
}

impl Emergency {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<RouteId>> {
        // A set is whole whatever happened to whoever held the lock.
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation is about to be sent.
    pub fn note(&self, op: &Op) {
        if op.command != Command::Stop {
            let mut routes = self.lock();
            if !routes.contains(&op.route) {
                routes.insert(op.route.clone());
            }
        }
    }

    /// No toy runs.
    pub fn all_clear(&self) {
        self.lock().clear();
    }

    /// A stop for every toy that may run.
    #[must_use]
    pub fn stops(&self) -> Vec<Op> {
        let stop = |route: &RouteId| Op {
            id: OpId(0),
            route: route.clone(),
            command: Command::Stop,
            lease: None,
        };
        self.lock().iter().map(stop).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BackendId, HardwareId};

    #[test]
    fn what_was_driven_is_stopped_once() {
        let emergency = Emergency::default();
        let op = |command| Op {
            id: OpId(1),
            route: RouteId {
                backend: BackendId::new("a"),
                hardware: HardwareId::new("b"),
            },
            command,
            lease: None,
        };
        emergency.note(&op(Command::Stop));
        assert_eq!(emergency.stops(), []);
        emergency.note(&op(Command::Drive(Vec::new())));
        emergency.note(&op(Command::Drive(Vec::new())));
        let stops = emergency.stops();
        assert_eq!(stops.len(), 1);
        assert_eq!(stops[0].command, Command::Stop);
        emergency.all_clear();
        assert_eq!(emergency.stops(), []);
    }
}
