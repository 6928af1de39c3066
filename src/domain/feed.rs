//! Private feeds of a user's new albums.

use jiff::Timestamp;

use super::release::Release;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For feed readers (RFC 4287).
    Atom,
    /// iCalendar, for calendars (RFC 5545).
    Calendar,
}

impl Form {
    pub const ALL: [Self; 2] = [Self::Atom, Self::Calendar];

    /// The name in the database and in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Calendar => "calendar",
        }
    }

    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == raw)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub release: Release,
    /// Whether the artist only appears on it.
    pub appears: bool,
    pub seen_at: Timestamp,
    /// When its text last changed; initially [`Self::seen_at`].
    pub changed_at: Timestamp,
}
