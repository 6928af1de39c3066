//! What a user wants to be told, and when.

use super::digest::DigestSchedule;
use super::release_filter::Categories;

/// A user's choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Which categories of releases.
    pub categories: Categories,
    /// Later editions of an album, as lines of their own.
    pub editions: bool,
    /// When emails with news leave.
    pub digest_schedule: DigestSchedule,
    /// Whether emails with news are sent at all.
    pub is_subscribed: bool,
}
