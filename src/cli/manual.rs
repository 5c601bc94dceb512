//! `completions` and `man`: made from the command line's own definition.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Cli, Exit};

/// Makes a shell complete the command.
pub(super) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<Exit> {
    // Whole first: the generator panics when it cannot write, as to a pipe that was closed.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "toy2mqtt", &mut text);
    out.write_all(&text)?;
    Ok(Exit::Ok)
}

/// The manual page: the command and, in sections of their own, what it can do.
pub(super) fn page(out: &mut dyn Write) -> io::Result<Exit> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let whole = Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        part_of_page(part, &mut page)?;
    }
    whole.render_extra_section(&mut page)?;
    whole.render_version_section(&mut page)?;
    out.write_all(&page)?;
    Ok(Exit::Ok)
}

fn part_of_page(part: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    writeln!(page, ".SH \"TOY2MQTT {}\"", part.get_name().to_uppercase())?;
    let about = part.get_long_about().or_else(|| part.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    for line in about.lines() {
        match line {
            "" => writeln!(page, ".PP")?,
            line => writeln!(page, "{}", escaped(line))?,
        }
    }
    for argument in part.get_arguments() {
        if argument.is_global_set() || argument.is_hide_set() || argument.get_id() == "help" {
            continue;
        }
        writeln!(page, ".TP\n\\fB{}\\fR", escaped(&argument.to_string()))?;
        let help = argument.get_help().map(ToString::to_string);
        writeln!(page, "{}", escaped(&help.unwrap_or_default()))?;
    }
    Ok(())
}

/// Text of which roff makes nothing special.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}
