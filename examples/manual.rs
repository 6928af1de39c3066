//! Writes the manual pages and shell completions to a folder, for packages:
//! `cargo run --example manual -- FOLDER`. As an example, it adds nothing to the binary.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Command;
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;
use dropday::cli;

/// Sections that clap does not know: files, environment, exit codes.
const FURTHER_SECTIONS: &str = include_str!("manual.roff");

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("name a folder to write to")?);
    std::fs::create_dir_all(&folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut cli::command(), "dropday", &folder)?;
    }
    // Built as for parsing, so that subcommands have full names. `help` would get a page for each again.
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    write_pages(&command, &folder)
}

/// Writes a page for `command` and for each subcommand.
fn write_pages(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    for subcommand in subcommands {
        write_pages(subcommand, folder)?;
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

/// A section with preformatted text.
fn verbatim(title: &str, text: &impl ToString) -> String {
    let text = text.to_string().replace('\\', "\\e").replace('-', "\\-");
    let lines: Vec<String> = text.lines().map(|line| format!("\\&{line}")).collect();
    format!(".SH \"{}\"\n.nf\n{}\n.fi\n", title.to_uppercase(), lines.join("\n"))
}
