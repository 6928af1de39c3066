//! What a command says to the user at the terminal.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Says a line on standard output. A reader who has gone away is no error.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

/// Says what went wrong on standard error.
pub fn complain(line: &str) {
    writeln!(std::io::stderr(), "dropday: {line}").ok();
}

/// A bar that shows how far `what` is, on a terminal; nothing elsewhere.
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
