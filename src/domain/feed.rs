//! Private addresses at which programs read a user's new albums.

use jiff::Timestamp;

use super::release::Release;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Atom (RFC 4287), for feed readers.
    Atom,
    /// iCalendar (RFC 5545), for calendars.
    Calendar,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Atom, Self::Calendar];

    /// The word in the database and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Calendar => "calendar",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == raw)
    }
}

/// A release in a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub release: Release,
    /// Whether it is there since an artist only appears on it.
    pub appears: bool,
    /// When it was news.
    pub seen_at: Timestamp,
    /// When the words for it last changed; when it was news, if they never did.
    pub changed_at: Timestamp,
}
