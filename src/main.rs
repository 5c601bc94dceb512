//! The `toy2mqtt` command.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use toy2mqtt::app::commands;
use toy2mqtt::cli::{Cli, Exit};
use toy2mqtt::config::System;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::execute(&cli, &System, &mut io::stdout().lock()) {
        Ok(exit) => exit.into(),
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok.into(),
        Err(error) => {
            eprintln!("toy2mqtt: {error}");
            Exit::Failure.into()
        }
    }
}
