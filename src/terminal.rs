//! Output of commands.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Prints a line to standard output. A closed pipe is not an error.
pub fn print_out(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

/// Prints an error to standard error.
pub fn print_err(line: &str) {
    writeln!(std::io::stderr(), "dropday: {line}").ok();
}

/// A progress bar labelled `what`. Hidden unless standard error is a terminal.
pub fn progress(what: &'static str) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{msg:10} {bar:32} {pos}/{len}");
    let bar = ProgressBar::with_draw_target(Some(0), target).with_message(what);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
