//! The `toy2mqtt` command.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use toy2mqtt::cli::{self, Cli, Exit};
use toy2mqtt::config::System;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli::answer(&cli, &System, &mut io::stdout().lock()) {
        Some(Ok(exit)) => exit.into(),
        // Whoever reads has seen enough.
        Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok.into(),
        Some(Err(error)) => {
            eprintln!("toy2mqtt: {error}");
            Exit::Failure.into()
        }
        None => {
            eprintln!("toy2mqtt: this command is not part of this build");
            Exit::Failure.into()
        }
    }
}
