#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::VecDeque;

use tokio::time::Instant;

use super::*;
use crate::backend::BoxFuture;
use crate::domain::{Op, OpError};

/// Delays of 1 s, 2 s, 3 s …, so that a test can tell them apart.
struct Counting(u64);

impl Backoff for Counting {
    fn next_backoff(&mut self) -> Option<Duration> {
        self.0 += 1;
        Some(Duration::from_secs(self.0))
    }

    fn reset(&mut self) {
        self.0 = 0;
    }
}

/// What a made-up link does in one run.
enum Run {
    Fail,
    ProveAndFail,
    Wait(u64),
    Fatal,
}

struct Script {
    runs: VecDeque<Run>,
    started: mpsc::UnboundedSender<Instant>,
}

impl Script {
    fn link(
        runs: impl IntoIterator<Item = Run>,
    ) -> (Box<dyn Link>, mpsc::UnboundedReceiver<Instant>) {
        let (started, starts) = mpsc::unbounded_channel();
        let runs = runs.into_iter().collect();
        (Box::new(Self { runs, started }), starts)
    }
}

impl Link for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            let _ = self.started.send(Instant::now());
            match self.runs.pop_front() {
                Some(Run::Fail) => LinkError::Retry("no".into()),
                Some(Run::ProveAndFail) => {
                    context.proven();
                    LinkError::Retry("no more".into())
                }
                Some(Run::Wait(seconds)) => {
                    LinkError::RetryAfter("busy".into(), Duration::from_secs(seconds))
                }
                Some(Run::Fatal) => LinkError::Fatal("never".into()),
                None => std::future::pending().await,
            }
        })
    }
}

fn reports() -> (Reports, mpsc::UnboundedReceiver<(BackendId, Report)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Reports::new(BackendId::new("test"), sender), receiver)
}

/// Seconds after the start at which the link was run.
async fn starts_of(
    runs: impl IntoIterator<Item = Run>,
    count: usize,
) -> (Vec<u64>, Arc<LinkStatus>) {
    let (mut link, mut starts) = Script::link(runs);
    let status = Arc::new(LinkStatus::new("script"));
    let begin = Instant::now();
    let proof = Arc::clone(&status);
    let context = LinkContext::new(reports().0, Arc::new(move || proof.prove()));
    let kept = keep_up(link.as_mut(), &context, Counting(0), &status);
    let mut seen = Vec::new();
    let watch = async {
        while let Some(start) = starts.recv().await {
            seen.push((start - begin).as_secs());
            if seen.len() == count {
                return;
            }
        }
    };
    tokio::select! {
        () = kept => {}
        () = watch => {}
    }
    while let Ok(start) = starts.try_recv() {
        seen.push((start - begin).as_secs());
    }
    (seen, status)
}

#[tokio::test(start_paused = true)]
async fn delays_grow_until_the_link_proves_itself() {
    use Run::{Fail, ProveAndFail};
    let (starts, _) = starts_of([Fail, Fail, Fail, ProveAndFail, Fail], 6).await;
    // 1 s, 2 s, 3 s, then proof: 1 s, 2 s.
    assert_eq!(starts, [0, 1, 3, 6, 7, 9]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_the_least_delay() {
    let (starts, _) = starts_of([Run::Wait(60), Run::Wait(1)], 3).await;
    assert_eq!(starts, [0, 60, 62]);
}

#[tokio::test(start_paused = true)]
async fn a_fatal_error_is_the_end() {
    let (starts, status) = starts_of([Run::Fail, Run::Fatal], 9).await;
    assert_eq!(starts, [0, 1]);
    assert_eq!(status.last_error(), Some(LinkError::Fatal("never".into())));
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted_until_it_works() {
    let (_, status) = starts_of([Run::Fail, Run::Fail], 3).await;
    assert_eq!(status.attempts(), 2);
    let (_, status) = starts_of([Run::Fail, Run::ProveAndFail], 3).await;
    assert_eq!(status.attempts(), 1);
}

#[test]
fn jitter_never_exceeds_the_cap_and_it_never_gives_up() {
    let cap = Duration::from_secs(3);
    let mut backoff = Policy {
        initial: Duration::from_millis(200),
        cap,
    }
    .backoff();
    let first = backoff.next_backoff().unwrap();
    assert!(first <= Duration::from_millis(301), "{first:?}");
    for _ in 0..1_000 {
        assert!(backoff.next_backoff().unwrap() <= cap);
    }
    backoff.reset();
    assert!(backoff.next_backoff().unwrap() <= Duration::from_millis(301));
}

struct Pending(BackendId);

impl Backend for Pending {
    fn id(&self) -> &BackendId {
        &self.0
    }

    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
        vec![Script::link([Run::Fail]).0, Script::link([]).0]
    }

    fn execute(self: Arc<Self>, _: Op) -> BoxFuture<'static, Result<(), OpError>> {
        Box::pin(async { Ok(()) })
    }

    fn refresh(&self) {}
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_every_link() {
    let (sender, _receiver) = mpsc::unbounded_channel();
    let cancel = CancellationToken::new();
    let supervisor = Supervisor::new(sender, cancel.clone());
    let backend = Arc::new(Pending(BackendId::new("test")));
    let statuses = supervisor.start(backend, Policy::default());
    assert_eq!(statuses.len(), 2);
    assert_eq!(statuses[0].name(), "script");
    cancel.cancel();
    tokio::time::timeout(Duration::from_secs(1), supervisor.finished())
        .await
        .unwrap();
}
