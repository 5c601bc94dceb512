//! Operations on the connection: several messages each, answered as one.

use std::collections::HashMap;

use tokio::sync::oneshot;

use super::wire::Request;
use crate::domain::{HardwareId, OpError};

/// An operation to be sent.
#[derive(Debug)]
pub(super) struct Call {
    /// The toy that it is for…
    pub(super) hardware: HardwareId,
    /// …and the index that it had. If that is another toy's by now, nothing is sent.
    pub(super) index: u32,
    /// At least one.
    pub(super) requests: Vec<Request>,
    /// Where the result goes.
    pub(super) done: oneshot::Sender<Result<(), OpError>>,
}

/// Operations under way.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    open: HashMap<u64, Tally>,
}

#[derive(Debug)]
struct Tally {
    left: usize,
    succeeded: bool,
    failed: Option<OpError>,
    done: oneshot::Sender<Result<(), OpError>>,
}

impl Calls {
    /// An operation of so many messages is sent. Returns what to call it.
    pub(super) fn open(
        &mut self,
        messages: usize,
        done: oneshot::Sender<Result<(), OpError>>,
    ) -> u64 {
        self.last += 1;
        let tally = Tally {
            left: messages,
            succeeded: false,
            failed: None,
            done,
        };
        self.open.insert(self.last, tally);
        self.last
    }

    /// One of its messages is answered.
    pub(super) fn answered(&mut self, call: u64, answer: Result<(), OpError>) {
        // Nobody waits any more.
        let Some(mut tally) = self.open.remove(&call) else {
            return;
        };
        tally.left = tally.left.saturating_sub(1);
        match answer {
            Ok(()) => tally.succeeded = true,
            Err(error) => {
                // Of several errors, one that leaves doubt says most.
                let worse = tally.failed.as_ref().is_none_or(OpError::without_effect);
                if worse {
                    tally.failed = Some(error);
                }
            }
        }
        if tally.left > 0 {
            self.open.insert(call, tally);
            return;
        }
        let result = match tally.failed {
            None => Ok(()),
            Some(error) if tally.succeeded => Err(error.after_a_part()),
            Some(error) => Err(error),
        };
        // Whoever asked may have gone meanwhile.
        let _ = tally.done.send(result);
    }

    /// Forgets those that nobody waits for any more.
    pub(super) fn forget(&mut self) {
        self.open.retain(|_, tally| !tally.done.is_closed());
    }

    /// Whether somebody waits for it.
    pub(super) fn is_open(&self, call: u64) -> bool {
        self.open.contains_key(&call)
    }
}

/// What an `Error` that answers a command means for the toy. The text is JSON in itself on
/// current servers, and plain on older ones.
pub(super) fn op_error(text: &str) -> OpError {
    const HARMLESS: [&str; 6] = [
        "MessageNotSupported",
        "DeviceFeatureIndexError",
        "DeviceFeatureMismatch",
        "DeviceStepRangeError",
        "DeviceCommandSignError",
        "UnhandledCommand",
    ];
    let short: String = text.chars().take(200).collect();
    if text.contains("DeviceNotAvailable") {
        OpError::Offline("the server has lost the toy".to_owned())
    } else if HARMLESS.iter().any(|word| text.contains(word)) {
        OpError::Refused(short)
    } else {
        OpError::Link(format!("the server reports: {short}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(answers: &[Result<(), OpError>]) -> Result<(), OpError> {
        let mut calls = Calls::default();
        let (done, mut result) = oneshot::channel();
        let call = calls.open(answers.len(), done);
        for answer in answers {
            assert!(result.try_recv().is_err());
            calls.answered(call, answer.clone());
        }
        result.try_recv().expect("every message is answered")
    }

    #[test]
    fn an_operation_is_done_when_all_of_it_is() {
        let refused = || OpError::Refused("x".to_owned());
        let link = || OpError::Link("y".to_owned());
        assert_eq!(result(&[Ok(()), Ok(())]), Ok(()));
        assert_eq!(result(&[Err(refused()), Err(refused())]), Err(refused()));
        assert_eq!(result(&[Err(refused()), Err(link())]), Err(link()));
        // One motor took it and the other did not: something has changed.
        let partly = result(&[Err(refused()), Ok(())]);
        assert!(partly.is_err_and(|error| !error.without_effect()));
    }

    #[test]
    fn errors_of_servers_say_whether_anything_happened() {
        // As recorded from an engine 5.0.5.
        let gone = r#"{"ButtplugDeviceError":{"DeviceNotAvailable":99}}"#;
        assert!(matches!(op_error(gone), OpError::Offline(_)));
        let range = r#"{"ButtplugDeviceError":{"DeviceStepRangeError":[0,21]}}"#;
        assert!(matches!(op_error(range), OpError::Refused(_)));
        assert!(!op_error("Bluetooth went away").without_effect());
    }

    #[test]
    fn whoever_has_gone_is_forgotten() {
        let mut calls = Calls::default();
        let (done, waiting) = oneshot::channel();
        let call = calls.open(2, done);
        calls.forget();
        assert!(calls.is_open(call));
        drop(waiting);
        calls.forget();
        assert!(!calls.is_open(call));
        calls.answered(call, Ok(()));
    }
}
