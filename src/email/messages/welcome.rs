//! The first email: which artists are watched, what came out recently, when emails are sent.

use jiff::civil::Date;

use super::item::NewsItem;
use super::row::Row;
use super::wording::{counted, grouped};
use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError};

const MAX_LISTED: usize = 10;

/// The first email to a confirmed address.
#[derive(Clone, Copy)]
pub struct Welcome<'a> {
    /// How many artists are watched for this user; 0 before the first sync.
    pub tracked: u64,
    /// How many of them were not checked yet, so that `recent` may lack their releases.
    pub not_checked: u64,
    /// Known releases of the last 30 days, the newest first. Ten are listed; `because` and `mute` are not
    /// shown.
    pub recent: &'a [NewsItem],
    /// When emails are sent: `right away, as soon as we find something new`,
    /// `every Friday at 18:00 (Europe/Berlin)`.
    pub when: &'a str,
    /// The current day in the user's time zone.
    pub today: Date,
    pub account_url: &'a str,
    pub preferences_url: &'a str,
    /// The page whose button unsubscribes the user.
    pub unsubscribe_url: &'a str,
}

templates!(WelcomeView, "welcome.txt", "welcome.mjml");

struct WelcomeView<'a> {
    tracked: String,
    not_checked: Option<String>,
    rows: Vec<Row>,
    more: usize,
    when: String,
    welcome: &'a Welcome<'a>,
}

impl Welcome<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        let tracked = counted(self.tracked, "artist", "artists");
        let subject = match self.tracked {
            0 => "Welcome to Dropday".to_owned(),
            _ => format!("Welcome to Dropday: we’re tracking {tracked}"),
        };
        let recent = self.recent.iter().take(MAX_LISTED);
        let rows: Vec<Row> = recent.map(|item| Row::bare(item, self.today)).collect();
        let view = WelcomeView {
            tracked,
            not_checked: (self.not_checked > 0).then(|| grouped(self.not_checked)),
            more: self.recent.len() - rows.len(),
            rows,
            when: one_line(self.when),
            welcome: self,
        };
        render(subject, &view)
    }
}
