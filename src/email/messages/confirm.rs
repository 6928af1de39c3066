//! "Confirm your address": the only email that is sent to an unconfirmed address.

use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError};

/// Asks the owner of an address whether they want emails there.
#[derive(Clone, Copy)]
pub struct Confirm<'a> {
    /// Where the button leads: single use, for this address only.
    pub link: &'a str,
    /// The display name of the Spotify account.
    pub account: &'a str,
    pub instance_url: &'a str,
    /// How long the link is valid, in words: `24 hours`.
    pub expires_in: &'a str,
}

templates!(Confirm, "confirm.txt", "confirm.mjml");

impl Confirm<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render("Confirm your address".to_owned(), self)
    }

    fn account(&self) -> String {
        one_line(self.account)
    }
}
