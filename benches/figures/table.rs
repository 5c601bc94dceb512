//! The table that is printed.

use std::fmt::Write as _;

/// One figure.
#[derive(Debug)]
pub(crate) struct Row {
    cells: [String; 4],
    /// Whether what was to be reached was; `None` where nothing was to be.
    ok: Option<bool>,
}

impl Row {
    /// A figure with what it is to reach.
    pub(crate) fn new(
        figure: impl Into<String>,
        measured: impl Into<String>,
        floor: impl Into<String>,
        reach: impl Into<String>,
        ok: bool,
    ) -> Self {
        Self {
            cells: [figure.into(), measured.into(), floor.into(), reach.into()],
            ok: Some(ok),
        }
    }

    /// A figure to know.
    pub(crate) fn note(figure: impl Into<String>, measured: impl Into<String>) -> Self {
        let dash = || "–".to_owned();
        Self {
            cells: [figure.into(), measured.into(), dash(), dash()],
            ok: None,
        }
    }

    /// A figure that could not be measured.
    pub(crate) fn failed(topic: &str, why: &str) -> Self {
        Self::new(topic, format!("not measured: {why}"), "–", "–", false)
    }

    fn all(&self) -> [&str; 5] {
        let [figure, measured, floor, reach] = &self.cells;
        let verdict = match self.ok {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None => "",
        };
        [figure, measured, floor, reach, verdict]
    }
}

const HEAD: [&str; 5] = ["figure", "measured", "floor or peer", "reach", ""];

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.0.extend(rows);
    }

    /// Whether a figure was not what it is to be.
    pub(crate) fn has_missed(&self) -> bool {
        self.0.iter().any(|row| row.ok == Some(false))
    }

    /// For a terminal.
    pub(crate) fn plain(&self) -> String {
        let mut widths = HEAD.map(|cell| cell.chars().count());
        for row in &self.0 {
            for (width, cell) in widths.iter_mut().zip(row.all()) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        let mut line = |cells: [&str; 5]| {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(cells) {
                let blanks = " ".repeat(width - cell.chars().count() + 2);
                let _ = write!(line, "{cell}{blanks}");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        };
        line(HEAD);
        for row in &self.0 {
            line(row.all());
        }
        text
    }

    /// For docs/benchmarks.md.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("| {} |\n|---|---|---|---|---|\n", HEAD.join(" | "));
        for row in &self.0 {
            let _ = writeln!(text, "| {} |", row.all().join(" | "));
        }
        text
    }
}
