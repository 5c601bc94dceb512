//! Stops: two requests, because the app plays for more clients than this one.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::fault::Fault;
use super::{LanApp, Line};
use crate::backend::lovense::wire::Request;
use crate::domain::OpError;

/// How far the stop of the functions goes ahead of the end of a PatternV2, unless its answer comes
/// first. Phones may serve requests one after another: so the functions of many toys that are
/// stopped at once all end before the first PatternV2 is asked about.
const HEAD_START: Duration = Duration::from_millis(20);

/// How long the functions may take to be off, and everything together if they are not: then the stop
/// is sent again, perhaps over another route. Once they are off, the rest may take as long as any
/// command, or a phone that serves one request at a time would be sent more and more of them.
const PATIENCE: Duration = Duration::from_secs(1);

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
        let begin = Instant::now();
        let limit = self.options.timing.command;
        let answered = Notify::new();
        let functions = line.aside.call(functions, limit.min(PATIENCE));
        let pattern = async {
            tokio::select! {
                () = answered.notified() => {}
                () = sleep_until(begin + HEAD_START) => {}
            }
            match line.aside.call(pattern, limit).await {
                Err(fault) if fault.is_unknown_command() => Ok(()),
                result => result.map(drop),
            }
        };
        tokio::pin!(functions, pattern);
        let (functions, pattern) = tokio::select! {
            biased;
            functions = &mut functions => {
                answered.notify_one();
                let rest = if functions.is_ok() { limit } else { limit.min(PATIENCE) };
                let pattern = timeout_at(begin + rest, pattern).await;
                (functions, pattern.unwrap_or_else(|_| Err(silent(line, rest))))
            }
            pattern = &mut pattern => (functions.await, pattern),
        };
        match (functions, pattern) {
            (Ok(_), Ok(())) => Ok(()),
            (Err(functions), Err(_)) => Err(self.failed(functions)),
            (Err(fault), Ok(())) | (Ok(_), Err(fault)) => Err(self.failed(fault).after_a_part()),
        }
    }
}

fn silent(line: &Line, limit: Duration) -> Fault {
    Fault::NoAnswer {
        place: line.aside.place().to_owned(),
        limit,
    }
}
