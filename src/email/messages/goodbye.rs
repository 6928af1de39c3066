//! "You have left": what was deleted, and what remains to be done at Spotify.

use super::wording::counted;
use crate::email::message::{Email, RenderError};

/// Where users revoke an app's access.
pub const SPOTIFY_APPS: &str = "https://www.spotify.com/account/apps/";

/// The last email to a user whose data was deleted.
#[derive(Clone, Copy)]
pub struct Goodbye<'a> {
    pub instance_url: &'a str,
    /// How many artists the user followed.
    pub artists: u64,
    /// Whether Spotify may still list the app among those with access: not if the user revoked it there.
    pub listed_at_spotify: bool,
}

templates!(Goodbye, "goodbye.txt", "goodbye.mjml");

impl Goodbye<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render("Goodbye from Dropday: what we deleted".to_owned(), self)
    }

    fn artists(&self) -> String {
        counted(self.artists, "artist", "artists")
    }
}
