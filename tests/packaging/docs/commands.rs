//! Every command that the documentation tells to type is typed here, or named in a table that says
//! who else runs it.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser;
use serde_json::{Value, json};
use toy2mqtt::cli::Cli;

use super::elsewhere::ELSEWHERE;
use super::pages::{Block, blocks, pages};
use super::sandbox::Sandbox;
use crate::repository;

/// Programs that are run here.
const HERE: &[&str] = &[
    "cp",
    "curl",
    "mosquitto_pub",
    "mosquitto_rr",
    "mosquitto_sub",
    "toy2mqtt",
];

/// What is typed here in place of something that builds the program first, and where it says so.
const INSTEAD: &[(&str, &str, &str, &str)] = &[(
    "make demo",
    "toy2mqtt demo --mqtt-port 0",
    "Makefile",
    "cargo run --quiet --features demo -- demo $(ARGS)",
)];

/// The commands of a block: a line each, with what it is continued by, without comments.
fn commands(block: &Block) -> Vec<String> {
    let text = block.text.replace("\\\n", " ");
    let lines = text.lines().map(|line| {
        let line = match block.language.as_str() {
            "console" => line.strip_prefix("$ ").unwrap_or_default(),
            _ => line,
        };
        let line = match line.starts_with('#') {
            true => "",
            false => line.split(" # ").next().unwrap(),
        };
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    lines.filter(|line| !line.is_empty()).collect()
}

/// `cargo test … --test NAME FILTER`: those that `make test` runs, if they exist.
fn is_a_test(command: &str) -> bool {
    let words: Vec<&str> = command.split(' ').collect();
    let ["cargo", "test", ref rest @ ..] = words[..] else {
        return false;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut rest = rest.iter().filter(|word| **word != "--all-features");
    let mut folder = None;
    let mut all_there = true;
    while let Some(word) = rest.next() {
        if *word == "--test" {
            let name = rest.next().unwrap();
            let file = root.join(format!("{name}.rs"));
            all_there &= file.exists() || root.join(name).join("main.rs").exists();
            folder = Some(*name);
        } else {
            let path = word.replace("::", "/");
            let module = match folder {
                Some(folder) => root.join(folder).join(path),
                None => root.join("../src").join(path),
            };
            let there = module.is_dir() || module.with_extension("rs").is_file();
            all_there &= *word == "--lib" || there;
        }
    }
    all_there
}

/// The part of a block that is run here. Marks what is run elsewhere as seen.
fn script(block: &Block, seen: &mut BTreeSet<&'static str>) -> String {
    let mut script = Vec::new();
    for command in commands(block) {
        let elsewhere = ELSEWHERE.iter().find(|run| run.command == command);
        let instead = INSTEAD.iter().find(|(known, ..)| *known == command);
        let program = command.split(' ').find(|word| !word.contains('='));
        let assigns = program.is_none();
        if let Some(run) = elsewhere {
            seen.insert(run.command);
        } else if let Some((known, typed, ..)) = instead {
            seen.insert(known);
            script.push((*typed).to_owned());
        } else if assigns || program.is_some_and(|name| HERE.contains(&name)) {
            script.push(command);
        } else {
            assert!(
                is_a_test(&command),
                "{}: nothing runs `{command}`; see tests/packaging/docs/elsewhere.rs",
                block.place
            );
        }
    }
    script.join("\n")
}

#[tokio::test]
async fn every_command_is_run() {
    let mut seen = BTreeSet::new();
    let mut sandbox = Sandbox::start().await;
    let mut typed = 0;
    for block in blocks(&["sh", "console"]) {
        let script = script(&block, &mut seen);
        if script.is_empty() {
            continue;
        }
        typed += script.lines().count();
        sandbox.settle().await;
        let mark = sandbox.home.received.len();
        let output = sandbox.types(&script).await;
        assert!(
            output.status.success(),
            "{}: {script}\n{output:?}",
            block.place
        );
        // What was published is done, unless a stop behind it came first.
        let published = script.matches("mosquitto_pub").count();
        for answer in sandbox.answers(mark, published).await {
            let done = answer["ok"] == true || answer["status"] == "ok";
            let stopped = answer["error"]["code"] == "stopped" && script.contains("stop");
            assert!(done || stopped, "{}: {answer}\n{script}", block.place);
        }
    }
    assert!(typed >= 30, "{typed}");
    let written = ".local/share/bash-completion/completions/toy2mqtt";
    let completions = std::fs::read_to_string(sandbox.file(written)).unwrap();
    assert!(completions.contains("dashboard"));
    let known = ELSEWHERE.iter().map(|run| run.command);
    let known = known.chain(INSTEAD.iter().map(|(command, ..)| *command));
    let left_over: Vec<&str> = known.filter(|command| !seen.contains(command)).collect();
    assert!(left_over.is_empty(), "nobody is told to type {left_over:?}");
}

/// Commands in the middle of a sentence are commands of this version.
#[test]
fn commands_in_sentences_are_understood() {
    let mut looked_at = 0;
    // What has changed may have changed again.
    let pages = pages().into_iter();
    for page in pages.filter(|page| !page.path.contains("CHANGELOG")) {
        let prose = page.prose();
        let quoted = prose.split('`').skip(1).step_by(2);
        for command in quoted.filter(|code| code.starts_with("toy2mqtt ")) {
            let words = command.split_whitespace().filter(|word| *word != "…");
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{}: {error}", page.path);
            }
            looked_at += 1;
        }
    }
    assert!(looked_at >= 12, "{looked_at}");
}

/// Whoever is said to run a command does so.
#[test]
fn commands_are_run_where_the_table_says() {
    for run in ELSEWHERE {
        let text = repository(run.by);
        assert!(
            text.contains(run.as_),
            "{}: {} lacks it",
            run.command,
            run.by
        );
    }
    for (command, _, by, as_) in INSTEAD {
        assert!(repository(by).contains(as_), "{command}: {by}");
    }
}

/// The payloads of patterns.md, asked of a toy.
#[tokio::test]
async fn every_payload_on_the_page_about_patterns_is_accepted() {
    let pages = pages();
    let page = pages.iter().find(|page| page.path == "docs/patterns.md");
    let blocks = page.unwrap().blocks();
    let payloads: Vec<&Block> = blocks
        .iter()
        .filter(|block| block.language == "json")
        .collect();
    assert!(payloads.len() >= 6, "{}", payloads.len());
    let mut sandbox = Sandbox::start().await;
    for (number, block) in payloads.into_iter().enumerate() {
        let mut payload: Value = serde_json::from_str(&block.text).unwrap();
        let toy = Sandbox::toy(block.text.contains("vibrate_2"));
        payload["id"] = json!(number.to_string());
        let topic = format!("toy2mqtt/{toy}/set");
        let mark = sandbox.home.received.len();
        sandbox
            .home
            .publish(&topic, payload.to_string(), false)
            .await;
        let answers = sandbox.answers(mark, 1).await;
        let own = answers.iter().find(|answer| answer["id"] == payload["id"]);
        assert_eq!(own.unwrap()["ok"], true, "{}: {answers:?}", block.place);
    }
}
