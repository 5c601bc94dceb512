//! Links lead somewhere.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::pages::{Page, pages};
use crate::repository;

/// Where the repository is to be found by those who read a page elsewhere.
const HERE: &[&str] = &[
    "https://github.com/toy2mqtt/toy2mqtt/blob/main/",
    "https://github.com/toy2mqtt/toy2mqtt/tree/main/",
];

/// The targets of `[text](target)`, `![text](target)` and `src="target"`.
fn targets(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let mut found = Vec::new();
    for (start, end) in [("](", ')'), ("src=\"", '"')] {
        for rest in prose.split(start).skip(1) {
            let target = rest.split(end).next().unwrap();
            found.push(target.split(' ').next().unwrap().to_owned());
        }
    }
    found
}

/// The anchors of a page, as GitHub makes them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let page = Page {
        path: String::new(),
        text: text.to_owned(),
    };
    let mut all = BTreeSet::new();
    for line in page.prose().lines() {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        assert!(!title.contains("]("), "a link in a heading: {title}");
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let mut unique = slug.clone();
        let mut count = 0;
        while !all.insert(unique.clone()) {
            count += 1;
            unique = format!("{slug}-{count}");
        }
    }
    all
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{path:?} leads out of the repository"),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_and_every_anchor_is_there() {
    let mut missing = Vec::new();
    let mut looked_at = 0;
    for page in pages() {
        for target in targets(&page) {
            let own = HERE.iter().find_map(|here| target.strip_prefix(here));
            let (path, anchor) = match own.unwrap_or(&target).split_once('#') {
                Some((path, anchor)) => (path, Some(anchor)),
                None => (own.unwrap_or(&target), None),
            };
            if own.is_none() && path.contains("://") {
                continue;
            }
            looked_at += 1;
            let file = match (path, own) {
                ("", _) => PathBuf::from(&page.path),
                (path, Some(_)) => PathBuf::from(path),
                (path, None) => plain(&page.folder().join(path)),
            };
            let place = format!("{}: {target}", page.path);
            let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file).exists();
            let anchored = anchor.is_none_or(|anchor| {
                there && anchors(&repository(file.to_str().unwrap())).contains(anchor)
            });
            if !there || !anchored {
                missing.push(place);
            }
        }
    }
    assert!(looked_at > 50, "{looked_at}");
    assert!(missing.is_empty(), "these lead nowhere: {missing:#?}");
}

/// Whoever starts at the README finds every page.
#[test]
fn every_page_can_be_found_from_the_readme() {
    let all = pages();
    let readme = all.iter().find(|page| page.path == "README.md").unwrap();
    let linked: BTreeSet<PathBuf> = targets(readme)
        .iter()
        .map(|target| PathBuf::from(target.split('#').next().unwrap()))
        .collect();
    for page in &all {
        let found = linked.contains(Path::new(&page.path));
        let is_docs = page.path.starts_with("docs/");
        assert!(found || !is_docs, "{} is not in the README", page.path);
    }
}
