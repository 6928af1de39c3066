//! "Confirm your address": the only email that goes to an address nobody has vouched for yet.

use askama::Template;

use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError, write};

/// Asks whoever reads an address whether they want emails there.
#[derive(Clone, Copy)]
pub struct Confirm<'a> {
    /// Where the button leads: single use, for this address alone.
    pub link: &'a str,
    /// The name that the account shows at Spotify.
    pub account: &'a str,
    /// Which Dropday this is.
    pub instance_url: &'a str,
    /// How long the link is good for, in words: `24 hours`.
    pub expires_in: &'a str,
}

const SUBJECT: &str = "Confirm your address";

#[derive(Template)]
#[template(path = "confirm.txt", escape = "none")]
struct Text<'a> {
    email: &'a Confirm<'a>,
    account: &'a str,
}

#[derive(Template)]
#[template(path = "confirm.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    email: &'a Confirm<'a>,
    account: &'a str,
}

impl Confirm<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let account = one_line(self.account);
        let text = Text { email: self, account: &account };
        let layout = Layout { subject: SUBJECT, email: self, account: &account };
        write(SUBJECT.to_owned(), &text, &layout)
    }
}
