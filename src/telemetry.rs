//! Logging: to standard error, as text or JSON, at a level that can be changed at run time.
//!
//! Standard output belongs to what commands print, so that `--json` stays JSON.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use tracing_subscriber::{Registry, fmt as lines, reload};

use crate::config::types::{LogFormat, LogLevel};

mod tap;

pub use tap::Listener;
use tap::Tap;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("logging is set up already")]
pub struct AlreadySetUp(#[source] tracing::subscriber::SetGlobalDefaultError);

/// Changes how much is logged while the bridge runs. Clones change the same log.
#[derive(Clone)]
pub struct LogHandle {
    level: Arc<Mutex<LogLevel>>,
    tap: Tap,
    scrub: Arc<Mutex<Option<Scrub>>>,
    filter: reload::Handle<Targets, Registry>,
}

impl LogHandle {
    /// The level in force.
    #[must_use]
    pub fn get(&self) -> LogLevel {
        *self.lock()
    }

    /// Changes the level.
    pub fn set(&self, level: LogLevel) {
        let mut current = self.lock();
        // Fails only when nothing logs any more.
        if self.filter.reload(targets(level)).is_ok() {
            *current = level;
        }
    }

    /// Has every line that is logged heard by `listener`, too, or by nobody any more.
    pub fn tap(&self, listener: Option<Listener>) {
        self.tap.set(listener);
    }

    /// Has every line from now on be as `scrub` leaves it.
    pub fn scrub(&self, scrub: Option<Scrub>) {
        *whole(&self.scrub) = scrub;
    }

    fn lock(&self) -> MutexGuard<'_, LogLevel> {
        whole(&self.level)
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogHandle").field(&self.get()).finish()
    }
}

/// Takes from a line of the log what is not to be read in it.
pub type Scrub = fn(&str) -> String;

/// What is in there is whole whatever happened to the thread that set it.
fn whole<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs to standard error from now on, panics included, every line as `scrub` leaves it. Coloured
/// only on a terminal, and not if `NO_COLOR` is set (see <https://no-color.org>).
///
/// # Errors
/// If it has been called before in this process.
pub fn init(
    level: LogLevel,
    format: LogFormat,
    scrub: Option<Scrub>,
) -> Result<LogHandle, AlreadySetUp> {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ansi = std::io::stderr().is_terminal() && !plain;
    let (subscriber, handle) = subscriber(level, format, ansi, std::io::stderr);
    handle.scrub(scrub);
    tracing::subscriber::set_global_default(subscriber).map_err(AlreadySetUp)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(handle)
}

/// Writes what is left of each line. What is logged comes in one piece per line.
struct Scrubbed<W> {
    inner: W,
    scrub: Option<Scrub>,
}

impl<W: io::Write> io::Write for Scrubbed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.scrub {
            None => self.inner.write(bytes),
            Some(scrub) => {
                let line = scrub(&String::from_utf8_lossy(bytes));
                self.inner.write_all(line.as_bytes())?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn subscriber<W>(
    level: LogLevel,
    format: LogFormat,
    ansi: bool,
    writer: impl Fn() -> W + Send + Sync + 'static,
) -> (impl Subscriber + Send + Sync, LogHandle)
where
    W: io::Write + 'static,
{
    let scrub = Arc::new(Mutex::new(None));
    let scrubbed = Arc::clone(&scrub);
    let writer = move || Scrubbed {
        inner: writer(),
        scrub: *whole(&scrubbed),
    };
    let (filter, handle) = reload::Layer::new(targets(level));
    let layer = lines::layer().with_writer(writer).with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(ansi).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let tap = Tap::default();
    let handle = LogHandle {
        level: Arc::new(Mutex::new(level)),
        tap: tap.clone(),
        scrub,
        filter: handle,
    };
    (
        tracing_subscriber::registry()
            .with(filter)
            .with(layer)
            .with(tap),
        handle,
    )
}

/// What to log of us and of others. Libraries say at `info` what only their makers want to know, and
/// at `debug` what is in messages.
fn targets(level: LogLevel) -> Targets {
    let (own, others) = match level {
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::WARN),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    Targets::new()
        .with_default(others)
        .with_target(env!("CARGO_PKG_NAME"), own)
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let location = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(&backtrace);
    tracing::error!(
        thread = thread.name().unwrap_or("unnamed"),
        location = location.as_deref().unwrap_or("unknown"),
        backtrace = backtrace.map(tracing::field::display),
        "panicked: {message}"
    );
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        fn take(&self) -> String {
            let bytes = std::mem::take(&mut *self.0.lock().expect("not poisoned"));
            String::from_utf8(bytes).expect("text")
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Runs something with a log of its own, and returns what it logged.
    fn logged(level: LogLevel, format: LogFormat, run: impl FnOnce(&LogHandle)) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let (subscriber, handle) = subscriber(level, format, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || run(&handle));
        memory.take()
    }

    #[test]
    fn the_level_changes_at_run_time() {
        let text = logged(LogLevel::Info, LogFormat::Text, |handle| {
            tracing::debug!("first");
            assert_eq!(handle.get(), LogLevel::Info);
            handle.clone().set(LogLevel::Debug);
            assert_eq!(handle.get(), LogLevel::Debug);
            tracing::debug!("second");
            handle.set(LogLevel::Error);
            tracing::warn!("third");
        });
        assert!(!text.contains("first"), "{text}");
        assert!(text.contains("second"), "{text}");
        assert!(!text.contains("third"), "{text}");
    }

    #[test]
    fn a_listener_hears_what_is_logged_and_no_more() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let text = logged(LogLevel::Info, LogFormat::Text, |handle| {
            tracing::info!("before");
            let kept = Arc::clone(&heard);
            let listener: Listener = Arc::new(move |level, text: &str| {
                kept.lock().expect("whole").push(format!("{level} {text}"));
            });
            handle.tap(Some(listener));
            tracing::warn!(count = 3, name = "x", "first");
            tracing::debug!("not logged");
            handle.tap(None);
            tracing::info!("after");
        });
        assert!(text.contains("before") && text.contains("after"), "{text}");
        assert_eq!(*heard.lock().expect("whole"), ["warn first count=3 name=x"]);
    }

    #[test]
    fn others_are_logged_a_level_less() {
        let text = logged(LogLevel::Info, LogFormat::Text, |_| {
            tracing::info!("ours");
            tracing::info!(target: "rumqttc", "theirs");
            tracing::warn!(target: "rumqttc", "their warning");
        });
        assert!(
            text.contains("ours") && text.contains("their warning"),
            "{text}"
        );
        assert!(!text.contains("theirs"), "{text}");
    }

    #[test]
    fn lines_are_scrubbed_whole() {
        let text = logged(LogLevel::Info, LogFormat::Text, |handle| {
            tracing::info!("the first secret");
            handle.scrub(Some(|line| line.replace("secret", "…")));
            tracing::info!(name = "secret", "a secret");
        });
        assert!(text.contains("the first secret\n"), "{text:?}");
        assert!(text.ends_with("a … name=\"…\"\n"), "{text:?}");
    }

    #[test]
    fn json_is_one_object_per_line() {
        let text = logged(LogLevel::Info, LogFormat::Json, |_| {
            tracing::info!(count = 3, "ready\nto go");
            tracing::warn!("second");
        });
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["message"], "ready\nto go");
        assert_eq!(lines[0]["count"], 3);
        assert_eq!(lines[1]["level"], "WARN");
    }

    #[test]
    fn text_has_no_colours_off_a_terminal() {
        let text = logged(LogLevel::Info, LogFormat::Text, |_| tracing::info!("plain"));
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
