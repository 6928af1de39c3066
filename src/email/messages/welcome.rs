//! "You are in": what is watched, what came out lately, when emails come.

use askama::Template;
use jiff::civil::Date;

use super::news::NewsItem;
use super::row::Row;
use super::wording::{counted, grouped};
use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError, write};

/// The most releases that a welcome lists.
const MAX_LISTED: usize = 10;

/// The first email to a confirmed address.
#[derive(Clone, Copy)]
pub struct Welcome<'a> {
    /// How many artists are watched for this user; none, before the list was read for the first time.
    pub watched: u64,
    /// How many of them Dropday has not asked about yet, so that `recent` may lack theirs.
    pub not_looked_at: u64,
    /// What came out in the last 30 days as far as it is known, the newest first. Ten are listed;
    /// `because` and `mute` are not shown.
    pub recent: &'a [NewsItem],
    /// When emails come, after "Emails come": `at once, as soon as something new is seen`,
    /// `every Friday at 18:00 (Europe/Berlin)`.
    pub when: &'a str,
    /// The day it is where the user is.
    pub today: Date,
    /// The page where the user sees everything.
    pub account_url: &'a str,
    /// Where they choose what they are told, and when.
    pub preferences_url: &'a str,
    /// A page whose button ends these emails.
    pub unsubscribe_url: &'a str,
}

#[derive(Template)]
#[template(path = "welcome.txt", escape = "none")]
struct Text<'a> {
    page: &'a Page<'a>,
}

#[derive(Template)]
#[template(path = "welcome.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    page: &'a Page<'a>,
}

struct Page<'a> {
    watched: String,
    not_looked_at: Option<String>,
    rows: Vec<Row>,
    more: usize,
    when: String,
    email: &'a Welcome<'a>,
}

impl Welcome<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError`], if a template is broken.
    pub fn email(&self) -> Result<Email, RenderError> {
        let watched = counted(self.watched, "artist", "artists");
        let subject = match self.watched {
            0 => "Welcome to Dropday".to_owned(),
            _ => format!("Welcome to Dropday: {watched} watched for you"),
        };
        let recent = self.recent.iter().take(MAX_LISTED);
        let rows: Vec<Row> = recent.map(|item| Row::bare(item, self.today)).collect();
        let page = Page {
            watched,
            not_looked_at: (self.not_looked_at > 0).then(|| grouped(self.not_looked_at)),
            more: self.recent.len() - rows.len(),
            rows,
            when: one_line(self.when),
            email: self,
        };
        write(subject.clone(), &Text { page: &page }, &Layout { subject: &subject, page: &page })
    }
}
