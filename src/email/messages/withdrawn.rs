//! "You have withdrawn the permission": the last email, unless the user signs in again.

use jiff::civil::Date;

use super::wording::long_day;
use crate::email::message::{Email, RenderError};

/// Tells a user who revoked Dropday's access at Spotify when their data is deleted.
#[derive(Clone, Copy)]
pub struct Withdrawn<'a> {
    /// The sign-in page.
    pub link: &'a str,
    /// The user's page, where they can delete everything at once.
    pub account_url: &'a str,
    /// The day on which everything is deleted, in UTC.
    pub deleted_on: Date,
}

templates!(Withdrawn, "withdrawn.txt", "withdrawn.mjml");

impl Withdrawn<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render("You removed Dropday’s access at Spotify".to_owned(), self)
    }

    fn day(&self) -> String {
        long_day(self.deleted_on)
    }
}
