//! Who may know whom, and other rules that the compiler does not keep.
//!
//! Each rule is stated once, in a table. The sources are scanned without their comments, texts and
//! unit tests; a broken rule is reported with file and line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of ours each part may name. The first line that fits a file counts.
const SEES: &[(&str, &[&str])] = &[
    ("src/domain/", &["domain"]),
    ("src/engine/", &["domain", "engine"]),
    ("src/mqtt/", &["domain", "mqtt"]),
    ("src/hass/", &["domain", "hass", "mqtt::topics"]),
    // A backend sees its own folder; see `no_backend_names_another`.
    ("src/backend/", &["domain", "backend"]),
    (
        "src/sim/",
        &[
            "domain",
            "sim",
            "backend::lovense::catalog",
            "backend::lovense::wire",
        ],
    ),
    (
        "src/config/",
        &["config", "domain", "engine::RouteOrder", "engine::Settings"],
    ),
    ("src/web/", &["domain", "hass", "web"]),
    ("src/telemetry", &["config", "telemetry"]),
    ("src/cli/", &["cli", "config", "domain"]),
];

/// What a part may not name, and why.
const NEVER: &[(&str, &[&str], &str)] = &[
    (
        "src/domain/",
        &[
            "tokio",
            "serde_json",
            "serde",
            "std::net",
            "std::sync::Mutex",
            "Instant::now",
        ],
        "the domain is plain data",
    ),
    (
        "src/engine/",
        &[
            "tokio",
            "serde_json",
            "std::net",
            "std::sync::Mutex",
            "Instant::now",
        ],
        "the engine has no clock, no socket and no wire format",
    ),
    (
        "src/mqtt/topics",
        &["tokio", "mqtt::session", "mqtt::outbox"],
        "topics are built and parsed without anything around them",
    ),
    (
        "src/mqtt/outbox",
        &["tokio", "mqtt::session"],
        "the outbox knows what is to be published, not how",
    ),
    (
        "src/hass/",
        &["tokio"],
        "everything about Home Assistant is a function",
    ),
    (
        "src/backend/lovense/wire",
        &["tokio", "reqwest"],
        "what travels is read and written without a connection",
    ),
    (
        "src/backend/lovense/text",
        &["tokio", "btleplug"],
        "what toys speak is read and written without a connection",
    ),
    (
        "src/backend/lovense/roster",
        &["tokio", "reqwest"],
        "what is known of toys is kept without a connection",
    ),
    (
        "src/backend/lovense/cloud/frame",
        &["tokio", "tokio_tungstenite", "reqwest"],
        "what travels is read and written without a connection",
    ),
    (
        "src/backend/lovense/cloud/news",
        &["tokio", "tokio_tungstenite", "reqwest"],
        "what the server tells is read without a connection",
    ),
    (
        "src/backend/wsdm/handshake",
        &["tokio", "tokio_tungstenite"],
        "who a toy is, is read without a connection",
    ),
    (
        "src/sim/text_toy",
        &["tokio", "backend"],
        "a simulated toy does not share a mistake with the bridge",
    ),
    (
        "src/backend/lovense/catalog",
        &["tokio", "reqwest"],
        "the catalogue is data",
    ),
    (
        "src/backend/buttplug/wire",
        &["tokio", "tokio_tungstenite"],
        "what travels is read and written without a connection",
    ),
    (
        "src/backend/buttplug/map",
        &["tokio", "tokio_tungstenite", "serde_json"],
        "devices become toys without a connection",
    ),
    (
        "src/backend/ble/advert",
        &["tokio", "btleplug"],
        "advertisements are judged without a radio",
    ),
    (
        "src/backend/ble/gatt",
        &["tokio", "btleplug"],
        "characteristics are chosen without a radio",
    ),
    (
        "src/backend/ble/roster",
        &["tokio", "btleplug"],
        "who is ours is decided without a radio",
    ),
];

/// Crates that only some files may name, so that they can be exchanged.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rumqttc", &["src/mqtt/session"]),
    ("figment", &["src/config/"]),
    ("backoff", &["src/backend/supervisor", "src/mqtt/session"]),
    ("bluez_async", &["src/backend/ble/radio"]),
    (
        "btleplug",
        &[
            "src/backend/ble/radio",
            "src/backend/ble/survey",
            "src/backend/buttplug/embedded",
        ],
    ),
    ("buttplug_core", &["src/backend/buttplug/embedded"]),
    ("buttplug_server", &["src/backend/buttplug/embedded"]),
    ("subtle", &["src/web/session"]),
];

/// What backends share although it lies in the folder of one: what is known of each Lovense model is
/// data, and holds however a toy is reached, and so does what toys speak themselves.
const SHARED_DATA: &[&str] = &["backend::lovense::catalog", "backend::lovense::text"];

/// No file is longer, in lines.
const LONGEST: usize = 500;

struct Source {
    /// From the root of the repository, with `/`.
    path: String,
    lines: usize,
    /// Without comments, texts and unit tests; every line stays where it is.
    code: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries.map(|entry| entry.expect("a folder entry")) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        match entry.file_type().expect("a file type").is_dir() {
            true => walk(&entry.path(), into),
            false => into.push(entry.path()),
        }
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("below the root");
    path.to_string_lossy().replace('\\', "/")
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort();
    let rust = files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "rs"));
    rust.map(|file| {
        let text = fs::read_to_string(file).expect("UTF-8 source");
        let path = relative(file);
        let is_test = path.ends_with("/tests.rs") || path.ends_with("_tests.rs");
        let code = if is_test { String::new() } else { bare(&text) };
        Source {
            lines: text.lines().count(),
            code: without_tests(&code).to_owned(),
            path,
        }
    })
    .collect()
}

/// The code without comments and without what stands in quotes.
fn bare(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = skipped(rest);
        if skipped == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// How many bytes of a comment, text or character `text` starts with.
fn skipped(text: &str) -> usize {
    let until = |end: &str, from: usize| {
        let found = text[from..].find(end);
        found.map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    if let Some(after) = text.strip_prefix('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    if text.starts_with('"') {
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return at + 1,
                _ => {}
            }
        }
        return text.len();
    }
    // 'a' and '\n', but not the lifetime 'a.
    let mut chars = text.char_indices();
    if let (Some((_, '\'')), Some((_, second)), Some((third_at, third))) =
        (chars.next(), chars.next(), chars.next())
    {
        if second == '\\' {
            return until("'", third_at + third.len_utf8());
        }
        if third == '\'' {
            return third_at + 1;
        }
    }
    0
}

/// The code up to its unit tests, which stand at the end.
fn without_tests(code: &str) -> &str {
    let at = code.match_indices("#[cfg(test)]").find(|(at, marker)| {
        let rest = code[at + marker.len()..].trim_start();
        rest.starts_with("mod ")
    });
    at.map_or(code, |(at, _)| &code[..at])
}

/// A path that the code names, made absolute, and where.
#[derive(Debug, PartialEq)]
struct Named {
    line: usize,
    path: String,
}

/// All paths of our own modules that a file names: `crate::…` and `super::…`, braces resolved.
fn ours(file: &str, code: &str) -> Vec<Named> {
    let module = module_of(file);
    let mut named = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = &code[..at];
            // Part of a longer path or word, which is looked at where it begins.
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut rest = &code[at..];
            let mut base = module.clone();
            if let Some(after) = rest.strip_prefix("crate::") {
                (rest, base) = (after, Vec::new());
            }
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            let line = 1 + before.matches('\n').count();
            spread(&base.join("::"), rest, &mut |path| {
                named.push(Named { line, path })
            });
        }
    }
    named
}

/// The paths of a use tree: `a::{b, c::d}` below `base`. Returns how much of the text it took.
fn spread(base: &str, text: &str, found: &mut impl FnMut(String)) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '*';
    let end = text.find(|c| !word(c)).unwrap_or(text.len());
    let own = text[..end].trim_end_matches(':');
    let path = match (base, own) {
        ("", own) => own.to_owned(),
        (base, "") => base.to_owned(),
        (base, own) => format!("{base}::{own}"),
    };
    if !text[end..].starts_with('{') || !text[..end].is_empty() && !text[..end].ends_with("::") {
        found(path);
        return end;
    }
    let mut at = end + 1;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with('}') {
            return at + 1;
        }
        if rest.starts_with(word) || rest.starts_with('{') {
            at += spread(&path, rest, found);
            // `as name` is no path.
            let renamed = text[at..].trim_start().strip_prefix("as ");
            if let Some(renamed) = renamed {
                let name = renamed.find(|c| !word(c)).unwrap_or(renamed.len());
                at = text.len() - renamed.len() + name;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// `src/engine/pace.rs` is `engine::pace`.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = inside
        .split('/')
        .filter(|part| !["mod", "lib", "main"].contains(part));
    parts.map(str::to_owned).collect()
}

fn is_below(path: &str, allowed: &str) -> bool {
    path.strip_prefix(allowed)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Where the code names a path, on word boundaries.
fn mentions(code: &str, path: &str) -> Vec<usize> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(path)
        .filter(|(at, _)| !code[..*at].ends_with(word))
        .filter(|(at, _)| !code[at + path.len()..].starts_with(word))
        .map(|(at, _)| 1 + code[..at].matches('\n').count())
        .collect()
}

/// The backend that a file belongs to: `lovense` for everything in src/backend/lovense.
fn backend_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("backend::")?;
    let name = inside.split("::").next()?;
    let shared = name == "supervisor" || name.starts_with(char::is_uppercase);
    (!shared).then_some(name)
}

fn report(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_part_sees_only_what_it_may() {
    let sources = sources();
    let modules: Vec<String> = sources
        .iter()
        .filter_map(|source| module_of(&source.path).into_iter().next())
        .collect();
    let mut broken = Vec::new();
    for source in &sources {
        let rule = SEES.iter().find(|(part, _)| source.path.starts_with(part));
        let Some((part, sees)) = rule else { continue };
        for named in ours(&source.path, &source.code) {
            // A macro or an item of ours that stands at the root is nobody's module.
            let top = named.path.split("::").next().unwrap_or_default();
            let is_module = modules.iter().any(|module| module == top);
            if is_module && !sees.iter().any(|allowed| is_below(&named.path, allowed)) {
                broken.push(format!(
                    "{}:{}: names crate::{}, but {part} sees only {}",
                    source.path,
                    named.line,
                    named.path,
                    sees.join(", ")
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn no_backend_names_another() {
    let mut broken = Vec::new();
    for source in sources() {
        let module = module_of(&source.path).join("::");
        let Some(own) = backend_of(&module) else {
            continue;
        };
        for named in ours(&source.path, &source.code) {
            let shared = SHARED_DATA.iter().any(|data| is_below(&named.path, data));
            if !shared && backend_of(&named.path).is_some_and(|other| other != own) {
                broken.push(format!(
                    "{}:{}: names crate::{}, another backend",
                    source.path, named.line, named.path
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn nothing_is_named_where_it_does_not_belong() {
    let mut broken = Vec::new();
    for source in sources() {
        for (part, never, why) in NEVER {
            if !source.path.starts_with(part) {
                continue;
            }
            let own: BTreeMap<usize, String> = ours(&source.path, &source.code)
                .into_iter()
                .map(|named| (named.line, named.path))
                .collect();
            for path in *never {
                let lines = own.iter().filter(|(_, named)| is_below(named, path));
                let lines = lines.map(|(line, _)| *line);
                for line in lines.chain(mentions(&source.code, path)) {
                    broken.push(format!("{}:{line}: names {path}: {why}", source.path));
                }
            }
        }
        for (name, files) in ONLY_IN {
            if files.iter().any(|file| source.path.starts_with(file)) {
                continue;
            }
            for line in mentions(&source.code, &format!("{name}::")) {
                broken.push(format!(
                    "{}:{line}: names {name}, which belongs in {} alone",
                    source.path,
                    files.join(", ")
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn files_are_short_and_finished() {
    let mut broken = Vec::new();
    for source in sources() {
        if source.lines > LONGEST {
            broken.push(format!(
                "{}:{LONGEST}: the file has {} lines: split it by what its parts do",
                source.path, source.lines
            ));
        }
        for unfinished in ["todo!", "unimplemented!"] {
            for line in mentions(&source.code, unfinished.trim_end_matches('!')) {
                let text = source.code.lines().nth(line - 1).unwrap_or_default();
                if text.contains(unfinished) {
                    broken.push(format!("{}:{line}: {unfinished}", source.path));
                }
            }
        }
    }
    report(&broken);
}

/// Home Assistant's Supervisor takes every file of these names for the description of an app.
#[test]
fn no_file_is_mistaken_for_an_app() {
    let mut files = Vec::new();
    walk(&root(), &mut files);
    let broken: Vec<_> = files
        .iter()
        .map(|file| relative(file))
        .filter(|path| !path.starts_with("addon/"))
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            ["config.yaml", "config.yml", "config.json"].contains(&name)
        })
        .map(|path| format!("{path}:1: the Supervisor would read it as an app: rename it"))
        .collect();
    report(&broken);
}

#[test]
fn the_scanner_sees_what_is_named_and_nothing_else() {
    let paths = |file: &str, text: &str| -> Vec<String> {
        let named = ours(file, without_tests(&bare(text)));
        named.into_iter().map(|named| named.path).collect()
    };
    let text = r##"
        use crate::domain::{self, Level, toy::{ToyId, ToyDescription as D}};
        // use crate::mqtt::topics;
        /* crate::mqtt */
        fn f<'a>(x: &'a str) -> crate::hass::X { "crate::app"; r#"crate::cli "x"#; '"'; crate::sim::y() }
        use super::super::backend;
        #[cfg(test)]
        mod tests { use crate::telemetry; }
    "##;
    assert_eq!(
        paths("src/engine/pace.rs", text),
        [
            "domain::self",
            "domain::Level",
            "domain::toy::ToyId",
            "domain::toy::ToyDescription",
            "hass::X",
            "sim::y",
            "backend",
        ]
    );
    assert_eq!(
        paths("src/hass/mod.rs", "use super::mqtt::{\n a,\n b,\n};"),
        ["mqtt::a", "mqtt::b"]
    );
    let named = ours("src/engine/mod.rs", "\n\nuse crate::hass;");
    assert_eq!(
        named,
        [Named {
            line: 3,
            path: "hass".to_owned()
        }]
    );
    assert_eq!(mentions("a tokio::x\nmytokio\nuse tokio;", "tokio"), [1, 3]);
    assert_eq!(backend_of("backend::lovense::wire"), Some("lovense"));
    assert_eq!(backend_of("backend::Reports"), None);
    assert_eq!(backend_of("backend::supervisor"), None);
}
