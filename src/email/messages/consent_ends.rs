//! "Your permission ends on …": ahead of time, with the two clicks that renew it.

use askama::Template;
use jiff::civil::Date;

use super::wording::long_day;
use crate::email::message::{Email, RenderError, write};

/// Tells a user until when their permission at Spotify lasts.
#[derive(Clone, Copy)]
pub struct ConsentEnds<'a> {
    /// Where signing in begins.
    pub link: &'a str,
    /// The day on which the permission ends, in UTC.
    pub ends_on: Date,
}

#[derive(Template)]
#[template(path = "consent_ends.txt", escape = "none")]
struct Text<'a> {
    subject: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "consent_ends.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    link: &'a str,
}

impl ConsentEnds<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let link = self.link;
        let subject = format!("Your Spotify permission ends on {}", long_day(self.ends_on));
        let (text, layout) = (Text { subject: &subject, link }, Layout { subject: &subject, link });
        write(subject.clone(), &text, &layout)
    }
}
