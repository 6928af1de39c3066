//! The letter that Dropday is for: what is new.

use askama::Template;
use jiff::civil::Date;

use super::wording::{Names, kind, kinds, shortened, web_address, when};
use crate::domain::release::Release;
use crate::domain::text::one_line;
use crate::mail::letter::{Letter, RenderError, write};

/// The most releases that one letter lists, so that it stays readable.
const MOST_LISTED: usize = 40;
/// Bytes; Gmail cuts a letter off a little above
/// (<https://support.google.com/a/answer/14263060>).
const LARGEST_HTML: usize = 100_000;
/// Characters of a subject: what follows is hidden in every inbox.
const LONGEST_SUBJECT: usize = 120;
/// Characters of a list of names.
const LONGEST_NAMES: usize = 160;

/// One release in a letter.
#[derive(Debug, Clone)]
pub struct NewsItem {
    /// What came out.
    pub release: Release,
    /// The names of the followed artists that are why it is told.
    pub because: Vec<String>,
    /// What its other editions call themselves: `Deluxe`.
    pub also_as: Vec<String>,
}

/// Some releases for one person.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    /// What is new, the most important first.
    pub releases: &'a [NewsItem],
    /// The page where the person sees everything and changes what they are told.
    pub account_url: &'a str,
    /// The day it is where the person is.
    pub today: Date,
}

impl News<'_> {
    /// Writes the letter: up to 40 releases, fewer where their names alone would fill it.
    ///
    /// # Errors
    /// [`RenderError::NoNews`] without a release, otherwise a broken template.
    pub fn letter(&self) -> Result<Letter, RenderError> {
        let rows: Vec<Row> =
            self.releases.iter().take(MOST_LISTED).map(|i| Row::new(i, self.today)).collect();
        let mut listed = rows.len();
        loop {
            let letter = self.listing(&rows[..listed])?;
            if letter.html.len() <= LARGEST_HTML || listed == 1 {
                return Ok(letter);
            }
            listed /= 2;
        }
    }

    fn listing(&self, rows: &[Row]) -> Result<Letter, RenderError> {
        let subject = self.subject()?;
        let page = Page {
            heading: self.heading(),
            rows,
            more: self.releases.len() - rows.len(),
            account_url: self.account_url,
        };
        let layout = Layout { subject: &subject, page: &page };
        write(subject.clone(), &Text { page: &page }, &layout)
    }

    fn subject(&self) -> Result<String, RenderError> {
        if let [only] = self.releases {
            let artists = artists(&only.release, LONGEST_SUBJECT / 2).to_string();
            let room = LONGEST_SUBJECT.saturating_sub(artists.chars().count() + ": ".len());
            let title = shortened(&one_line(only.release.shown_title()), room);
            return Ok(if artists.is_empty() { title } else { format!("{artists}: {title}") });
        }
        let firsts = self.releases.iter().map(|item| match item.release.artists.first() {
            Some(artist) => artist.name.as_str(),
            None => item.release.shown_title(),
        });
        let heading = format!("{} new {}", self.releases.len(), self.noun());
        let room = LONGEST_SUBJECT - heading.len() - ":  and 9999 more".len();
        let names = Names::fitting(firsts, room);
        if names.shown.is_empty() {
            Err(RenderError::NoNews)
        } else {
            Ok(format!("{heading}: {names}"))
        }
    }

    fn heading(&self) -> String {
        match self.releases {
            [only] => format!("A new {} for you", kind(&only.release)),
            all => format!("{} new {} for you", all.len(), self.noun()),
        }
    }

    fn noun(&self) -> &'static str {
        kinds(self.releases.iter().map(|item| &item.release))
    }
}

#[derive(Template)]
#[template(path = "news.txt", escape = "none")]
struct Text<'a> {
    page: &'a Page<'a>,
}

#[derive(Template)]
#[template(path = "news.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    page: &'a Page<'a>,
}

struct Page<'a> {
    heading: String,
    rows: &'a [Row],
    more: usize,
    account_url: &'a str,
}

/// A release in the words of the letter.
struct Row {
    title: String,
    artists: Names,
    /// Kind, number of tracks, date: what is known of them.
    facts: Vec<String>,
    because: Names,
    link: Option<String>,
    cover: Option<String>,
}

impl Row {
    fn new(item: &NewsItem, today: Date) -> Self {
        let release = &item.release;
        let tracks =
            release.tracks.map(|n| if n == 1 { "1 track".into() } else { format!("{n} tracks") });
        let also_as = item.also_as.join(", ");
        let also_as = (!also_as.is_empty())
            .then(|| format!("also as {}", shortened(&one_line(&also_as), LONGEST_NAMES)));
        let mut kind = kind(release).to_owned();
        kind[..1].make_ascii_uppercase();
        Self {
            title: one_line(release.shown_title()),
            artists: artists(release, LONGEST_NAMES),
            facts: [Some(kind), tracks, when(release.date, today), also_as]
                .into_iter()
                .flatten()
                .collect(),
            because: Names::fitting(item.because.iter().map(String::as_str), LONGEST_NAMES),
            link: web_address(&release.link),
            cover: release.cover.as_deref().and_then(web_address),
        }
    }
}

fn artists(release: &Release, room: usize) -> Names {
    Names::fitting(release.artists.iter().map(|a| a.name.as_str()), room)
}

#[cfg(test)]
mod tests;
