//! What changes, for everybody who watches. Nothing is made for nobody.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::broadcast;

/// Changes that a watcher may be behind. Whoever is further behind is shown everything anew.
const BEHIND: usize = 256;

/// One change.
#[derive(Clone, Debug)]
pub struct Event {
    /// What kind it is: the `event` of the stream.
    pub kind: &'static str,
    /// JSON.
    pub data: Arc<str>,
}

/// Passes changes on to all watchers.
#[derive(Clone, Debug)]
pub struct Feed(broadcast::Sender<Event>);

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Feed {
    /// Whether anybody watches.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    /// Tells all watchers.
    pub fn tell(&self, kind: &'static str, data: &Value) {
        if self.is_watched() {
            let data = data.to_string().into();
            // Fails only if the last watcher left just now.
            let _ = self.0.send(Event { kind, data });
        }
    }
}
