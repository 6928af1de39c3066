//! "You have withdrawn the permission": the last email, unless they come back.

use askama::Template;
use jiff::civil::Date;

use super::wording::long_day;
use crate::email::message::{Email, RenderError, write};

/// Tells a user who took their permission back at Spotify that no news is sent any more, and when
/// everything about them is deleted.
#[derive(Clone, Copy)]
pub struct Withdrawn<'a> {
    /// Where signing in begins.
    pub link: &'a str,
    /// Their own page, where they can delete everything at once.
    pub account_url: &'a str,
    /// The day on which everything is deleted, in UTC.
    pub deleted_on: Date,
}

const SUBJECT: &str = "You have withdrawn Dropday's permission at Spotify";

#[derive(Template)]
#[template(path = "withdrawn.txt", escape = "none")]
struct Text<'a> {
    email: &'a Withdrawn<'a>,
    day: &'a str,
}

#[derive(Template)]
#[template(path = "withdrawn.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    email: &'a Withdrawn<'a>,
    day: &'a str,
}

impl Withdrawn<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let day = long_day(self.deleted_on);
        let layout = Layout { subject: SUBJECT, email: self, day: &day };
        write(SUBJECT.to_owned(), &Text { email: self, day: &day }, &layout)
    }
}
