//! The email that Dropday is for: what is new.

use askama::Template;
use jiff::civil::Date;

use super::assurance::Assurance;
use super::kind::{Kind, plural};
use super::row::{Row, artists};
use super::wording::{Names, shortened};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError, write};

/// The most releases that one email lists, so that it stays readable.
const MAX_LISTED: usize = 40;
/// Bytes; Gmail cuts an email off a little above
/// (<https://support.google.com/a/answer/14263060>).
const MAX_HTML_SIZE: usize = 100_000;
/// Characters of a subject: what follows is hidden in every inbox.
const MAX_SUBJECT_LENGTH: usize = 120;
/// How many titles are told before the email is opened.
const MAX_IN_PREHEADER: usize = 4;

/// One release in an email.
#[derive(Debug, Clone)]
pub struct NewsItem {
    /// What came out.
    pub release: Release,
    /// What it is to this user.
    pub kind: Kind,
    /// The names of the followed artists that are why it is told.
    pub because: Vec<String>,
    /// What its other editions call themselves: `Deluxe`.
    pub also_as: Vec<String>,
    /// For each artist in `because`, where they are muted.
    pub mute: Vec<MuteLink>,
}

impl NewsItem {
    /// An album that does not exist, to show what an email looks like.
    pub fn made_up(today: Date) -> Option<Self> {
        let release = Release {
            id: ReleaseId::parse("sample")?,
            title: "Songs That Nobody Wrote".into(),
            kind: ReleaseKind::Album,
            artists: vec![Artist::new(ArtistId::parse("sample")?, "The Example Band")],
            date: ReleaseDate::Day(today),
            tracks: Some(10),
            cover: None,
            link: String::new(),
        };
        let (because, also_as, mute) = (Vec::new(), Vec::new(), Vec::new());
        Some(Self { release, kind: Kind::Album, because, also_as, mute })
    }
}

/// Where somebody ends the news of one artist: a page with a button, since mail programs open links
/// by themselves.
#[derive(Clone)]
pub struct MuteLink {
    /// Whose news ends.
    pub artist: String,
    /// The page, with whatever says who asks.
    pub url: String,
}

/// The address acts for a user, so `Debug` leaves it out.
impl std::fmt::Debug for MuteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MuteLink").field("artist", &self.artist).finish_non_exhaustive()
    }
}

/// Some releases for one user.
#[derive(Clone)]
pub struct News<'a> {
    /// What is new, the most important first.
    pub releases: &'a [NewsItem],
    /// The day it is where the user is.
    pub today: Date,
    /// How their artists are watched; `None` where that is not known.
    pub assurance: Option<Assurance>,
    /// The page that lists what is new, also what the email has no room for.
    pub account_url: &'a str,
    /// Where they choose what they are told, and when.
    pub preferences_url: &'a str,
    /// A page whose button ends these emails.
    pub unsubscribe_url: &'a str,
    /// What it is instead, where it only shows what such an email looks like.
    pub sample: Option<Sample>,
}

/// What a sample is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Releases of the reader's own artists.
    Own,
    /// Nothing that there is.
    MadeUp,
}

impl Sample {
    fn sentence(self) -> &'static str {
        match self {
            Self::Own => {
                "This is a sample, which you asked for on your page. What it tells is not new: it is the \
                 latest that Dropday knows of your artists."
            }
            Self::MadeUp => {
                "This is a sample, which you asked for on your page. The album in it is made up, since \
                 Dropday knows none of your artists’ yet."
            }
        }
    }
}

impl News<'_> {
    /// Writes the email: up to 40 releases, fewer where their names alone would fill it.
    ///
    /// # Errors
    /// [`RenderError::NoNews`] without a release, otherwise a broken template.
    pub fn email(&self) -> Result<Email, RenderError> {
        let rows: Vec<Row> =
            self.releases.iter().take(MAX_LISTED).map(|i| Row::new(i, self.today)).collect();
        let mut listed = rows.len();
        loop {
            let email = self.listing(&rows[..listed])?;
            let excess = email.html.len().saturating_sub(MAX_HTML_SIZE);
            if excess == 0 || listed == 1 {
                return Ok(email);
            }
            let per_row = email.html.len() / listed;
            listed = listed.saturating_sub(excess.div_ceil(per_row)).max(1);
        }
    }

    fn listing(&self, rows: &[Row]) -> Result<Email, RenderError> {
        let subject = match self.sample {
            Some(_) => shortened(&format!("Sample: {}", self.subject()?), MAX_SUBJECT_LENGTH),
            None => self.subject()?,
        };
        let page = Page {
            heading: self.heading(),
            preheader: preheader(rows),
            rows,
            more: self.releases.len() - rows.len(),
            assurance: self.assurance.as_ref().map(|assurance| assurance.sentence(self.today)),
            sample: self.sample.map(Sample::sentence),
            email: self,
        };
        let layout = Layout { subject: &subject, page: &page };
        write(subject.clone(), &Text { page: &page }, &layout)
    }

    fn subject(&self) -> Result<String, RenderError> {
        if let [only] = self.releases {
            return Ok(subject_of_one(only));
        }
        let firsts = self.releases.iter().map(|item| match item.release.artists.first() {
            Some(artist) => artist.name.as_str(),
            None => item.release.shown_title(),
        });
        let heading = format!("{} new {}", self.releases.len(), self.noun());
        let room = MAX_SUBJECT_LENGTH - heading.len() - ":  and 9999 more".len();
        let names = Names::fitting(firsts, room);
        if names.is_empty() { Err(RenderError::NoNews) } else { Ok(format!("{heading}: {names}")) }
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
    item.kind.noun(item.release.tracks)
}

/// `Röyksopp: Profound Mysteries III`; of a guest appearance also who the guest is.
fn subject_of_one(item: &NewsItem) -> String {
    let mut artists = artists(&item.release, MAX_SUBJECT_LENGTH / 2).to_string();
    if item.kind == Kind::AppearsOn {
        let guests =
            Names::fitting(item.because.iter().map(String::as_str), MAX_SUBJECT_LENGTH / 4);
        artists = format!("{guests} on {}", shortened(&artists, MAX_SUBJECT_LENGTH / 4));
    }
    let room = MAX_SUBJECT_LENGTH.saturating_sub(artists.chars().count() + ": ".len());
    let title = shortened(&one_line(item.release.shown_title()), room);
    if artists.is_empty() { title } else { format!("{artists}: {title}") }
}

/// What an inbox shows after the subject: of one release the facts, of several their titles.
fn preheader(rows: &[Row]) -> String {
    match rows {
        [only] => only.all_facts(),
        all => {
            let titles = all.iter().take(MAX_IN_PREHEADER).map(|row| row.plain_title.as_str());
            titles.collect::<Vec<_>>().join(" · ")
        }
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
    preheader: String,
    rows: &'a [Row],
    more: usize,
    assurance: Option<String>,
    sample: Option<&'static str>,
    email: &'a News<'a>,
}

#[cfg(test)]
mod tests;
