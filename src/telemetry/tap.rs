//! Lets one more listen to the log. Costs nothing while nobody does.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Hears each line: its level and its text. It must not log anything itself.
pub type Listener = Arc<dyn Fn(&'static str, &str) + Send + Sync>;

/// Where a listener may be put. Clones are the same place.
#[derive(Clone, Default)]
pub(super) struct Tap {
    open: Arc<AtomicBool>,
    listener: Arc<Mutex<Option<Listener>>>,
}

impl Tap {
    pub(super) fn set(&self, listener: Option<Listener>) {
        self.open.store(listener.is_some(), Ordering::Relaxed);
        *self.lock() = listener;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Listener>> {
        // A listener is whole whatever happened to whoever put it there.
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Tap {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !self.open.load(Ordering::Relaxed) {
            return;
        }
        let Some(listener) = self.lock().clone() else {
            return;
        };
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        listener(level, &(line.message + &line.fields));
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a text cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
