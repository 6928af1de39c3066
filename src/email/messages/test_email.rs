//! "Emails arrive": what `dropday check --send-to` sends.

use askama::Template;
use jiff::Timestamp;

use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError, write};

/// An email whose arrival is all it tells.
#[derive(Clone, Copy)]
pub struct TestEmail<'a> {
    /// Which Dropday this is.
    pub instance_url: &'a str,
    /// The mail server that it was handed to: `mail.example.com:587`.
    pub server: &'a str,
    /// When.
    pub sent_at: Timestamp,
}

const SUBJECT: &str = "A test letter from Dropday";

#[derive(Template)]
#[template(path = "test_email.txt", escape = "none")]
struct Text<'a> {
    server: &'a str,
    sent_at: &'a str,
    instance_url: &'a str,
}

#[derive(Template)]
#[template(path = "test_email.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    server: &'a str,
    sent_at: &'a str,
    instance_url: &'a str,
}

impl TestEmail<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let (server, instance_url) = (&one_line(self.server), self.instance_url);
        let sent_at = &self.sent_at.strftime("%-d %B %Y, %H:%M UTC").to_string();
        let layout = Layout { subject: SUBJECT, server, sent_at, instance_url };
        write(SUBJECT.to_owned(), &Text { server, sent_at, instance_url }, &layout)
    }
}
