//! What a user wants to be told, and when.

use super::audience::Kinds;
use super::digest::Timetable;

/// A user's choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Which kinds of releases.
    pub kinds: Kinds,
    /// Later editions of an album, as lines of their own.
    pub editions: bool,
    /// When emails with news leave.
    pub timetable: Timetable,
    /// Whether emails with news are sent at all.
    pub is_subscribed: bool,
}
