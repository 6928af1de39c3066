//! Notifications to systemd, or another supervisor that speaks its protocol
//! (<https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>). Without one nothing is sent.

use sd_notify::NotifyState::{self, Status, Stopping};

/// Sends a status line for `systemctl status`.
pub(super) fn status(line: &str) {
    notify(&[Status(line)]);
}

/// Sends that shutdown has begun.
pub(super) fn stopping() {
    notify(&[Stopping, Status("Stopping: finishing the current unit of work")]);
}

/// Sends `states` in one message. A failure only costs the supervisor some information.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "failed to notify the supervisor");
    }
}
