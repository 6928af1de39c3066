//! The manual pages and the shells' completions, into a folder, for packages:
//! `cargo run --example manual -- FOLDER`. An example, so that the program itself need not carry them.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Command;
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;
use dropday::cli;

/// What clap cannot know: files, environment, exit codes.
const FURTHER_SECTIONS: &str = include_str!("manual.roff");

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("name a folder to write to")?);
    std::fs::create_dir_all(&folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut cli::command(), "dropday", &folder)?;
    }
    // Built as for parsing, so that verbs know their full names; `help` would have a page for each again.
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    write_pages(&command, &folder)
}

/// A page for `command` and one for each verb below it.
fn write_pages(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    for verb in verbs {
        write_pages(verb, folder)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    std::fs::write(folder.join(format!("{name}.1")), page(command, name)?)?;
    Ok(())
}

fn page(command: &Command, name: &str) -> anyhow::Result<Vec<u8>> {
    let source = concat!("dropday ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(name).date(" ").source(source).manual("Dropday");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    match command.get_after_help() {
        Some(text) => write!(page, "{}{FURTHER_SECTIONS}", verbatim("Setting it up", text))?,
        None => writeln!(page, ".SH \"SEE ALSO\"\n.BR dropday (1)")?,
    }
    Ok(page)
}

/// A section whose text stands as it is.
fn verbatim(title: &str, text: &impl ToString) -> String {
    let text = text.to_string().replace('\\', "\\e").replace('-', "\\-");
    let lines: Vec<String> = text.lines().map(|line| format!("\\&{line}")).collect();
    format!(".SH \"{}\"\n.nf\n{}\n.fi\n", title.to_uppercase(), lines.join("\n"))
}
