//! "Please sign in again": the consent at Spotify has ended.

use crate::email::message::{Email, RenderError};

/// Tells a user that new albums may not reach them until they sign in again.
///
/// Spotify ends every consent after six months
/// (<https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>).
#[derive(Clone, Copy)]
pub struct SignInAgain<'a> {
    /// The sign-in page.
    pub link: &'a str,
}

templates!(SignInAgain, "sign_in_again.txt", "sign_in_again.mjml");

impl SignInAgain<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render("Please sign in with Spotify again".to_owned(), self)
    }
}
