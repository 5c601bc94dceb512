//! Metrics in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;
use std::time::Duration;

/// What the text is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counts durations by size.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: [u64; BOUNDS.len()],
    sum: Duration,
    count: u64,
}

/// Upper bounds in milliseconds.
const BOUNDS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 3_000];

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let fits = |bound: &u64| duration <= Duration::from_millis(*bound);
        if let Some(index) = BOUNDS.iter().position(fits) {
            self.counts[index] += 1;
        }
        self.sum += duration;
        self.count += 1;
    }
}

/// How a backend is doing.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// Whether it answers.
    pub up: bool,
    /// How often it came up.
    pub connects: u64,
    /// Failed attempts since it was last up.
    pub attempts: u32,
}

/// What the metrics are made of.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Operations sent to toys, by how they ended.
    pub ops: Vec<(&'static str, u64)>,
    /// Requests that were accepted.
    pub accepted: u64,
    /// Requests that were not, by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// From a request to its outcome.
    pub latency: Histogram,
    /// Messages from the broker.
    pub received: u64,
    /// Messages to the broker.
    pub published: u64,
    /// Messages to the broker that were replaced by newer ones or given up.
    pub dropped: u64,
    /// Whether there is a connection to the broker.
    pub broker_up: bool,
    /// How often there came one.
    pub broker_connects: u64,
    /// The backends.
    pub backends: Vec<Backend>,
    /// Toys that can be used, by route.
    pub toys_by_route: Vec<(String, usize)>,
    /// Toys that are known.
    pub toys_known: usize,
    /// Whether quiet is on.
    pub quiet: bool,
    /// Time since the start.
    pub uptime: Duration,
    /// Resident memory, where it is known.
    pub resident_bytes: Option<u64>,
}

struct Page(String);

impl Page {
    fn about(&mut self, name: &str, kind: &str, about: &str) {
        // Writing into a text cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP toy2mqtt_{name} {about}\n# TYPE toy2mqtt_{name} {kind}"
        );
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.0, "toy2mqtt_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, about: &str, value: impl std::fmt::Display) {
        self.about(name, kind, about);
        self.line(name, &[], value);
    }

    fn histogram(&mut self, name: &str, about: &str, histogram: &Histogram) {
        self.about(name, "histogram", about);
        let bucket = format!("{name}_bucket");
        let mut total = 0;
        for (bound, count) in BOUNDS.iter().zip(histogram.counts) {
            total += count;
            let seconds = Duration::from_millis(*bound).as_secs_f64().to_string();
            self.line(&bucket, &[("le", &seconds)], total);
        }
        self.line(&bucket, &[("le", "+Inf")], histogram.count);
        self.line(&format!("{name}_sum"), &[], histogram.sum.as_secs_f64());
        self.line(&format!("{name}_count"), &[], histogram.count);
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

/// The metrics as text.
#[must_use]
pub fn text(figures: &Figures) -> String {
    let mut page = Page(String::with_capacity(4_096));
    page.about("info", "gauge", "The version that runs.");
    page.line("info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.one(
        "uptime_seconds",
        "gauge",
        "Time since the start.",
        figures.uptime.as_secs(),
    );
    if let Some(bytes) = figures.resident_bytes {
        page.one("resident_memory_bytes", "gauge", "Resident memory.", bytes);
    }
    page.about(
        "ops_total",
        "counter",
        "Operations sent to toys, by result.",
    );
    for (result, count) in &figures.ops {
        page.line("ops_total", &[("result", result)], count);
    }
    page.one(
        "requests_accepted_total",
        "counter",
        "Requests that a toy accepted.",
        figures.accepted,
    );
    page.about(
        "requests_rejected_total",
        "counter",
        "Requests that had no effect, by reason.",
    );
    for (reason, count) in &figures.rejected {
        page.line("requests_rejected_total", &[("reason", reason)], count);
    }
    page.histogram(
        "request_duration_seconds",
        "From the arrival of a request to its acceptance.",
        &figures.latency,
    );
    for (name, about, value) in [
        (
            "mqtt_received_total",
            "Messages from the broker.",
            figures.received,
        ),
        (
            "mqtt_published_total",
            "Messages to the broker.",
            figures.published,
        ),
        (
            "mqtt_dropped_total",
            "Messages to the broker that were given up.",
            figures.dropped,
        ),
        (
            "mqtt_connects_total",
            "Connections to the broker that were made.",
            figures.broker_connects,
        ),
    ] {
        page.one(name, "counter", about, value);
    }
    page.one(
        "mqtt_up",
        "gauge",
        "Whether there is a connection to the broker.",
        u8::from(figures.broker_up),
    );
    page.about("backend_up", "gauge", "Whether a backend answers.");
    for backend in &figures.backends {
        page.line(
            "backend_up",
            &[("backend", &backend.name)],
            u8::from(backend.up),
        );
    }
    page.about(
        "backend_connects_total",
        "counter",
        "How often a backend came up.",
    );
    for backend in &figures.backends {
        page.line(
            "backend_connects_total",
            &[("backend", &backend.name)],
            backend.connects,
        );
    }
    page.about(
        "backend_failed_attempts",
        "gauge",
        "Failed attempts since a backend was last up.",
    );
    for backend in &figures.backends {
        page.line(
            "backend_failed_attempts",
            &[("backend", &backend.name)],
            backend.attempts,
        );
    }
    page.one(
        "toys_known",
        "gauge",
        "Toys that are known.",
        figures.toys_known,
    );
    page.about(
        "toys_available",
        "gauge",
        "Toys that can be used, by route.",
    );
    for (route, count) in &figures.toys_by_route {
        page.line("toys_available", &[("route", route)], count);
    }
    page.one(
        "quiet",
        "gauge",
        "Whether everything but stop is refused.",
        u8::from(figures.quiet),
    );
    page.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_upwards_and_ends_with_everything() {
        let mut histogram = Histogram::default();
        for millis in [1, 1, 7, 60_000] {
            histogram.add(Duration::from_millis(millis));
        }
        let mut page = Page(String::new());
        page.histogram("x", "X.", &histogram);
        for line in [
            "toy2mqtt_x_bucket{le=\"0.001\"} 2",
            "toy2mqtt_x_bucket{le=\"0.01\"} 3",
            "toy2mqtt_x_bucket{le=\"3\"} 3",
            "toy2mqtt_x_bucket{le=\"+Inf\"} 4",
            "toy2mqtt_x_sum 60.009",
            "toy2mqtt_x_count 4",
        ] {
            assert!(page.0.lines().any(|own| own == line), "{line}\n{}", page.0);
        }
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        assert_eq!(escaped("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
    }
}
