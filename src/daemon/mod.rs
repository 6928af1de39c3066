//! The daemon process: startup and shutdown, reload, and what systemd is told.

pub mod lifecycle;
pub mod reload;
mod status_line;
mod systemd;
pub mod watchdog;
