//! Keeping connections up: the only place that reconnects.
//!
//! Every [`Link`] of every backend runs in a task of its own. When it fails, it is run again after
//! a delay that grows from failure to failure and that starts small again only once the link has
//! [proved itself](LinkContext::proven): a far end that accepts connections and closes them at
//! once is not hammered. The growth is the `backoff` crate's [`Backoff`]; nothing else of that
//! crate is used, and nothing of it outside this file.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::{Backend, Link, LinkContext, LinkError, Report, Reports};
use crate::domain::BackendId;

/// How long the goodbye of a link may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// How long to wait between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// After the first failure, more or less.
    pub initial: Duration,
    /// Never longer than this.
    pub cap: Duration,
}

impl Default for Policy {
    /// From 250 ms up to 30 s.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(250),
            cap: Duration::from_secs(30),
        }
    }
}

impl Policy {
    fn backoff(self) -> Clamped<ExponentialBackoff> {
        let initial = self.initial.min(self.cap);
        let inner = ExponentialBackoff {
            current_interval: initial,
            initial_interval: initial,
            max_interval: self.cap,
            // A phone may be away for days: never give up.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Clamped {
            inner,
            cap: self.cap,
        }
    }
}

/// Keeps the random part of a delay from exceeding the cap.
struct Clamped<B> {
    inner: B,
    cap: Duration,
}

impl<B: Backoff> Backoff for Clamped<B> {
    fn next_backoff(&mut self) -> Option<Duration> {
        Some(self.inner.next_backoff()?.min(self.cap))
    }

    fn reset(&mut self) {
        self.inner.reset();
    }
}

/// How a link is doing, for diagnostics.
#[derive(Debug)]
pub struct LinkStatus {
    name: String,
    attempts: AtomicU32,
    proven: AtomicBool,
    last_error: Mutex<Option<LinkError>>,
}

impl LinkStatus {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            attempts: AtomicU32::new(0),
            proven: AtomicBool::new(false),
            last_error: Mutex::new(None),
        }
    }

    /// The name of the link.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Failed attempts since it last worked.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Why it failed last; `None` if it never has.
    #[must_use]
    pub fn last_error(&self) -> Option<LinkError> {
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn failed(&self, error: &LinkError) -> u32 {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        self.attempts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The link works. Called for every frame of a busy connection, so cheap after the first time.
    fn prove(&self) {
        if self.proven.load(Ordering::Relaxed) || self.proven.swap(true, Ordering::Relaxed) {
            return;
        }
        let attempts = self.attempts.swap(0, Ordering::Relaxed);
        if attempts > 0 {
            info!(link = self.name, attempts, "connection works again");
        } else {
            debug!(link = self.name, "connection works");
        }
    }
}

/// Owns the tasks of all links.
#[derive(Debug)]
pub struct Supervisor {
    reports: mpsc::UnboundedSender<(BackendId, Report)>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Supervisor {
    /// A supervisor whose links report into `reports` and end when `cancel` is cancelled.
    #[must_use]
    pub fn new(
        reports: mpsc::UnboundedSender<(BackendId, Report)>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            reports,
            cancel,
            tasks: TaskTracker::new(),
        }
    }

    /// Starts all links of `backend` and keeps them up. Returns their states, in the order of
    /// [`Backend::links`].
    pub fn start(&self, backend: Arc<dyn Backend>, policy: Policy) -> Vec<Arc<LinkStatus>> {
        let reports = Reports::new(backend.id().clone(), self.reports.clone());
        let keeper = Keeper {
            reports,
            policy,
            cancel: self.cancel.clone(),
            tasks: self.tasks.clone(),
        };
        let links = backend.links();
        links.into_iter().map(|link| keeper.keep(link)).collect()
    }

    /// Waits until every link has ended, which they do once the token is cancelled.
    pub async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Starts links of one backend, those that are known from the start and those that turn up later.
#[derive(Clone)]
struct Keeper {
    reports: Reports,
    policy: Policy,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Keeper {
    fn keep(&self, mut link: Box<dyn Link>) -> Arc<LinkStatus> {
        let status = Arc::new(LinkStatus::new(link.name()));
        let (proof, opener) = (Arc::clone(&status), self.clone());
        let context = LinkContext::new(self.reports.clone(), Arc::new(move || proof.prove()));
        let context = context.with_opener(Arc::new(move |link| {
            opener.keep(link);
        }));
        let (cancel, backoff) = (self.cancel.clone(), self.policy.backoff());
        let kept = Arc::clone(&status);
        self.tasks.spawn(async move {
            let running = keep_up(link.as_mut(), &context, backoff, &kept);
            cancel.run_until_cancelled(running).await;
            if tokio::time::timeout(GOODBYE, link.close()).await.is_err() {
                debug!(link = kept.name, "it did not say goodbye in time");
            }
        });
        status
    }
}

/// Runs `link` again and again until it fails for good.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that waits before it tries again"
)]
async fn keep_up(
    link: &mut dyn Link,
    context: &LinkContext,
    mut backoff: impl Backoff,
    status: &LinkStatus,
) {
    loop {
        status.proven.store(false, Ordering::Relaxed);
        let error = link.run(context).await;
        if status.proven.load(Ordering::Relaxed) {
            backoff.reset();
        }
        let attempt = status.failed(&error);
        let least = match &error {
            LinkError::Retry(_) => Duration::ZERO,
            LinkError::RetryAfter(_, least) => *least,
            LinkError::Fatal(reason) => {
                warn!(link = status.name, "will not be tried again: {reason}");
                return;
            }
        };
        let Some(delay) = backoff.next_backoff().map(|delay| delay.max(least)) else {
            warn!(link = status.name, "given up: {error}");
            return;
        };
        if attempt == 1 {
            warn!(link = status.name, "{error}; will keep trying");
        } else {
            debug!(link = status.name, attempt, ?delay, "{error}");
        }
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests;
