//! Troubleshooting quotes what the program says: it has to say it so.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository;

fn sources(folder: &Path, into: &mut Vec<String>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            // A text that goes on in the next line is one text.
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            into.push(lines.concat());
        }
    }
}

/// What is quoted as said: `“…”` around code, with `…` for what differs from case to case.
fn quoted(page: &str) -> Vec<&str> {
    let quotes = page.split("“`").skip(1);
    quotes
        .map(|rest| rest.split("`”").next().unwrap())
        .collect()
}

#[test]
fn every_line_that_is_quoted_stands_in_the_source() {
    let page = repository("docs/troubleshooting.md");
    let quotes = quoted(&page);
    assert!(quotes.len() >= 20, "{}", quotes.len());
    let mut all = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let mut missing = Vec::new();
    for quote in quotes {
        let parts: Vec<&str> = quote.split('…').map(str::trim).collect();
        assert!(
            parts.iter().any(|part| part.len() >= 8),
            "{quote}: too short to find"
        );
        // All of it in one file.
        let said = all
            .iter()
            .any(|source| parts.iter().all(|part| source.contains(part)));
        if !said {
            missing.push(quote);
        }
    }
    assert!(missing.is_empty(), "nothing says {missing:#?}");
}
