//! The page of supported toys.

use std::fmt::Write;

use super::{Model, models};

/// The page `docs/supported-toys.md`.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for model in models() {
        let names: Vec<_> = model.names().collect();
        let codes: Vec<_> = model.letters.iter().map(|l| format!("`{l}`")).collect();
        let slugs: Vec<_> = model.slugs.iter().map(|s| format!("`{s}`")).collect();
        let inputs: Vec<_> = model.inputs.iter().map(|input| input.as_str()).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            names.join(", "),
            codes.join(" "),
            slugs.join(" "),
            outputs(model),
            inputs.join(", "),
            model.note.unwrap_or_default(),
        );
    }
    page
}

const HEAD: &str = "\
# Supported Lovense toys

This page is generated from the catalogue in the program; changes made here are lost.

Toys that are not listed work too: through the Lovense app, the app says what a toy can do; over
Bluetooth, an unknown toy is taken for one with a single vibrating motor. Where the app lists a
toy's functions, they come before this table.

*Steps* are the levels that the toy itself distinguishes; in Home Assistant every output is
0–100 %. *Code* is what the toy answers over Bluetooth, *type* what the Lovense app calls it.
*Inputs* are what the toy is known to report through the app's Toy Events; every toy reports its
battery too, and an input that a toy turns out to have is added when it first reports it.

| Toy | Code | Type | Outputs (steps) | Inputs | Notes |
|---|---|---|---|---|---|
";

fn outputs(model: &Model) -> String {
    let outputs: Vec<_> = model
        .outputs()
        .iter()
        .map(|output| {
            let label = match &output.label {
                Some(label) => format!(", {}", label.to_lowercase()),
                None => String::new(),
            };
            format!("{} ({}{label})", output.key, output.steps)
        })
        .collect();
    outputs.join(", ")
}
