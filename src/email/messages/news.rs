//! The email with new releases.

use jiff::civil::Date;

use super::assurance::Assurance;
use super::item::{NewsItem, artists};
use super::row::Row;
use super::wording::{Names, shortened};
use crate::domain::release_filter::Category;
use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError};

/// Releases that one email lists, so that it stays readable.
const MAX_LISTED: usize = 40;
/// Bytes; Gmail truncates emails a little above this
/// (<https://support.google.com/a/answer/14263060>).
const MAX_HTML_SIZE: usize = 100_000;
/// Characters; no inbox shows more of a subject.
const MAX_SUBJECT_LENGTH: usize = 120;
/// Titles in the preview that an inbox shows.
const MAX_IN_PREHEADER: usize = 4;

/// New releases for one user.
#[derive(Clone)]
pub struct News<'a> {
    /// The most important first.
    pub releases: &'a [NewsItem],
    /// The current day in the user's time zone.
    pub today: Date,
    /// How their artists are watched; `None` if unknown.
    pub assurance: Option<Assurance>,
    /// The page that lists all of them, including those that do not fit in the email.
    pub account_url: &'a str,
    pub preferences_url: &'a str,
    /// The page whose button unsubscribes the user.
    pub unsubscribe_url: &'a str,
    /// Set if the email is a sample that the user asked for.
    pub sample: Option<Sample>,
}

/// What a sample consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Releases by artists that the user follows.
    Own,
    /// An album that does not exist.
    MadeUp,
}

impl Sample {
    fn sentence(self) -> &'static str {
        match self {
            Self::Own => {
                "This is the sample you asked for. It shows the latest releases we know from your \
                 artists, so they may not be new."
            }
            Self::MadeUp => {
                "This is the sample you asked for. The album in it is made up, because we don’t \
                 know any releases by your artists yet."
            }
        }
    }
}

impl News<'_> {
    /// Writes the email with up to 40 releases, or fewer if that would make it too large.
    pub fn email(&self) -> Result<Email, RenderError> {
        let rows: Vec<Row> =
            self.releases.iter().take(MAX_LISTED).map(|i| Row::new(i, self.today)).collect();
        let mut listed = rows.len();
        loop {
            let email = self.list(&rows[..listed])?;
            let excess = email.html.len().saturating_sub(MAX_HTML_SIZE);
            if excess == 0 || listed == 1 {
                return Ok(email);
            }
            let per_row = email.html.len() / listed;
            listed = listed.saturating_sub(excess.div_ceil(per_row)).max(1);
        }
    }

    fn list(&self, rows: &[Row]) -> Result<Email, RenderError> {
        let subject = match self.sample {
            Some(_) => shortened(&format!("Sample: {}", self.subject()), MAX_SUBJECT_LENGTH),
            None => self.subject(),
        };
        let view = NewsView {
            heading: self.heading(),
            preheader: preheader(rows),
            rows,
            more: self.releases.len() - rows.len(),
            assurance: self.assurance.as_ref().map(|assurance| assurance.sentence(self.today)),
            sample: self.sample.map(Sample::sentence),
            news: self,
        };
        render(subject, &view)
    }

    fn subject(&self) -> String {
        if let [only] = self.releases {
            return subject_of_one(only);
        }
        let firsts = self.releases.iter().map(|item| match item.release.artists.first() {
            Some(artist) => artist.name.as_str(),
            None => item.release.shown_title(),
        });
        let heading = format!("{} new {}", self.releases.len(), self.noun());
        let room = MAX_SUBJECT_LENGTH - heading.len() - ":  and 9999 more".len();
        let names = Names::fitting(firsts, room);
        format!("{heading}: {names}")
    }

    fn heading(&self) -> String {
        match self.releases {
            [only] => format!("A new {} for you", noun(only)),
            all => format!("{} new {} for you", all.len(), self.noun()),
        }
    }

    fn noun(&self) -> &'static str {
        plural(self.releases.iter().map(noun))
    }
}

fn noun(item: &NewsItem) -> &'static str {
    item.category.noun(item.release.tracks)
}

/// The plural of these nouns if they mean the same, otherwise `releases`.
fn plural(nouns: impl Iterator<Item = &'static str>) -> &'static str {
    let mut nouns: Vec<&str> = nouns.collect();
    nouns.sort_unstable();
    nouns.dedup();
    match nouns[..] {
        ["album"] => "albums",
        ["single"] => "singles",
        ["single or EP"] | ["single", "single or EP"] => "singles and EPs",
        ["compilation"] => "compilations",
        ["live album"] => "live albums",
        ["remix album"] => "remix albums",
        ["guest appearance"] => "guest appearances",
        _ => "releases",
    }
}

/// `Röyksopp: Profound Mysteries III`; for a guest appearance, also the name of the guest.
fn subject_of_one(item: &NewsItem) -> String {
    let mut artists = artists(&item.release, MAX_SUBJECT_LENGTH / 2).to_string();
    if item.category == Category::Appearance {
        let guests =
            Names::fitting(item.because.iter().map(String::as_str), MAX_SUBJECT_LENGTH / 4);
        artists = format!("{guests} on {}", shortened(&artists, MAX_SUBJECT_LENGTH / 4));
    }
    let room = MAX_SUBJECT_LENGTH.saturating_sub(artists.chars().count() + ": ".len());
    let title = shortened(&one_line(item.release.shown_title()), room);
    if artists.is_empty() { title } else { format!("{artists}: {title}") }
}

/// The preview after the subject: the facts of a single release, or the titles of several.
fn preheader(rows: &[Row]) -> String {
    match rows {
        [only] => only.all_facts(),
        all => {
            let titles = all.iter().take(MAX_IN_PREHEADER).map(|row| row.plain_title.as_str());
            titles.collect::<Vec<_>>().join(" · ")
        }
    }
}

templates!(NewsView, "news.txt", "news.mjml");

struct NewsView<'a> {
    heading: String,
    preheader: String,
    rows: &'a [Row],
    more: usize,
    assurance: Option<String>,
    sample: Option<&'static str>,
    news: &'a News<'a>,
}

#[cfg(test)]
mod tests;
