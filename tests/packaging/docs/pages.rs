//! The pages, and the blocks of code in them.

use std::path::{Path, PathBuf};

use crate::repository;

/// A page of the documentation.
pub(super) struct Page {
    /// From the root of the repository.
    pub(super) path: String,
    pub(super) text: String,
}

/// A fenced block.
pub(super) struct Block {
    /// Page and line, to be named in a failure.
    pub(super) place: String,
    pub(super) language: String,
    /// Without what all lines are indented by.
    pub(super) text: String,
}

/// Every page that people read.
pub(super) fn pages() -> Vec<Page> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["", "docs", "addon"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "md") {
                let path = path.strip_prefix(&root).unwrap();
                paths.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    paths.sort();
    assert!(paths.len() > 12, "{paths:?}");
    let read = |path: String| Page {
        text: repository(&path),
        path,
    };
    paths.into_iter().map(read).collect()
}

impl Page {
    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        Path::new(&self.path).parent().unwrap()
    }

    /// Its blocks of code, in order.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(language) = line.trim_start().strip_prefix("```") else {
                continue;
            };
            let margin = line.len() - line.trim_start().len();
            let inside = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .map(|line| line.get(margin..).unwrap_or_default());
            blocks.push(Block {
                place: format!("{}:{}", self.path, number + 1),
                language: language.trim().to_owned(),
                text: inside.collect::<Vec<_>>().join("\n"),
            });
        }
        blocks
    }

    /// Its text without blocks of code and without comments.
    pub(super) fn prose(&self) -> String {
        let mut inside = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            } else if !inside && !line.starts_with("<!--") {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        assert!(!inside, "{}: a block of code does not end", self.path);
        prose
    }
}

/// All blocks of code in these languages.
pub(super) fn blocks(languages: &[&str]) -> Vec<Block> {
    let all = pages().into_iter().flat_map(|page| page.blocks());
    all.filter(|block| languages.contains(&block.language.as_str()))
        .collect()
}
