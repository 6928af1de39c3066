//! "Please sign in again": the permission that Spotify gave has ended.

use askama::Template;

use crate::email::message::{Email, RenderError, write};

/// Tells a user that new albums may not reach them until they have signed in once more.
///
/// Spotify ends every permission six months after it was given
/// (<https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>).
#[derive(Clone, Copy)]
pub struct SignInAgain<'a> {
    /// Where signing in begins.
    pub link: &'a str,
}

const SUBJECT: &str = "Please sign in with Spotify again";

#[derive(Template)]
#[template(path = "sign_in_again.txt", escape = "none")]
struct Text<'a> {
    link: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in_again.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    link: &'a str,
}

impl SignInAgain<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let layout = Layout { subject: SUBJECT, link: self.link };
        write(SUBJECT.to_owned(), &Text { link: self.link }, &layout)
    }
}
