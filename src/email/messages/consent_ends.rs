//! "Reconnect Spotify by …": sent ahead of time, with the link that renews the consent.

use jiff::civil::Date;

use super::wording::long_day;
use crate::email::message::{Email, RenderError};

/// Says until when the user's consent at Spotify is valid.
#[derive(Clone, Copy)]
pub struct ConsentEnds<'a> {
    /// The sign-in page.
    pub link: &'a str,
    /// The day on which the consent ends, in UTC.
    pub ends_on: Date,
}

templates!(ConsentEnds, "consent_ends.txt", "consent_ends.mjml");

impl ConsentEnds<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render(self.headline(), self)
    }

    fn headline(&self) -> String {
        format!("Reconnect Spotify by {}", long_day(self.ends_on))
    }
}
