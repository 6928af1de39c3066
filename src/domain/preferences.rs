use super::digest::DigestSchedule;
use super::release_filter::Categories;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    pub categories: Categories,
    /// Whether later editions of an album are listed too.
    pub editions: bool,
    pub digest_schedule: DigestSchedule,
    /// Whether emails with news are sent at all.
    pub is_subscribed: bool,
}
