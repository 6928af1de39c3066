//! "You have left": what was deleted, and what is left to do at Spotify.

use askama::Template;

use super::wording::counted;
use crate::email::message::{Email, RenderError, write};

/// Where a user takes an app's permission back.
pub const SPOTIFY_APPS: &str = "https://www.spotify.com/account/apps/";

/// The last email to a user whose data was deleted.
#[derive(Clone, Copy)]
pub struct GoodBye<'a> {
    /// Which Dropday this is.
    pub instance_url: &'a str,
    /// How many artists the user followed, none of whom is kept for their sake.
    pub artists: u64,
    /// Whether Spotify may still list the app as one that may see their library: not if they have
    /// withdrawn the permission there.
    pub listed_at_spotify: bool,
}

const SUBJECT: &str = "Good-bye from Dropday: what was deleted";

#[derive(Template)]
#[template(path = "good_bye.txt", escape = "none")]
struct Text<'a> {
    artists: &'a str,
    email: &'a GoodBye<'a>,
}

#[derive(Template)]
#[template(path = "good_bye.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    artists: &'a str,
    email: &'a GoodBye<'a>,
}

impl GoodBye<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let artists = counted(self.artists, "artist", "artists");
        let layout = Layout { subject: SUBJECT, artists: &artists, email: self };
        write(SUBJECT.to_owned(), &Text { artists: &artists, email: self }, &layout)
    }
}
