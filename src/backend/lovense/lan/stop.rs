//! Stops: two requests, because the app plays for more clients than this one.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::{LanApp, Line};
use crate::backend::lovense::wire::Request;
use crate::domain::OpError;

/// How far the stop of the functions goes ahead of the end of a PatternV2, unless its answer comes
/// first. Phones may serve requests one after another: so the functions of many toys that are
/// stopped at once all end before the first PatternV2 is asked about.
const HEAD_START: Duration = Duration::from_millis(20);

impl LanApp {
    /// Sends both requests of a stop, each although the other fails.
    ///
    /// Confirmed if the functions are off and no PatternV2 plays: an app that does not know PatternV2
    /// plays none.
    pub(super) async fn stop(
        &self,
        line: &Line,
        functions: &Request,
        pattern: &Request,
    ) -> Result<(), OpError> {
        let limit = self.options.timing.command;
        let answered = Notify::new();
        let functions = async {
            let result = line.aside.call(functions, limit).await;
            answered.notify_one();
            result
        };
        let begin = Instant::now() + HEAD_START;
        let pattern = async {
            tokio::select! {
                () = answered.notified() => {}
                () = sleep_until(begin) => {}
            }
            match line.aside.call(pattern, limit).await {
                Err(fault) if fault.is_unknown_command() => Ok(()),
                result => result.map(drop),
            }
        };
        match tokio::join!(functions, pattern) {
            (Ok(_), Ok(())) => Ok(()),
            (Err(functions), Err(_)) => Err(self.failed(functions)),
            (Err(fault), Ok(())) | (Ok(_), Err(fault)) => Err(self.failed(fault).after_a_part()),
        }
    }
}
