//! What is around the program: the Home Assistant app, the container, the blueprints, the examples
//! in the documentation.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod shared;

mod app;
mod blueprints;
mod container;
mod docs;
mod installation;
mod privacy;
mod program;
mod supervisor;
mod yaml;

/// A file of the repository.
fn repository(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
