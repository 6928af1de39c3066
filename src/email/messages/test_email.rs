//! The email that `dropday check --send-to` sends.

use jiff::Timestamp;

use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError};

/// An email without content: its arrival is the test.
#[derive(Clone, Copy)]
pub struct TestEmail<'a> {
    pub instance_url: &'a str,
    /// The mail server that accepted it: `mail.example.com:587`.
    pub server: &'a str,
    pub sent_at: Timestamp,
}

templates!(TestEmail, "test_email.txt", "test_email.mjml");

impl TestEmail<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render("A test email from Dropday".to_owned(), self)
    }

    fn server(&self) -> String {
        one_line(self.server)
    }

    fn sent_at(&self) -> String {
        self.sent_at.strftime("%-d %B %Y, %H:%M UTC").to_string()
    }
}
