//! An artist → the looks to make → the pages of each, as far as they matter.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::access::{AccessError, Lender};
use crate::ctx::Ctx;
use crate::domain::cadence::Errand;
use crate::domain::day_of;
use crate::domain::detection::{self, Reading};
use crate::domain::look::{Known, Look};
use crate::domain::release::{Release, ReleaseId, ReleaseKind};
use crate::domain::user::UserId;
use crate::spotify::{AlbumsPage, PAGE};
use crate::store::artists::Claimed;
use crate::store::releases;
use crate::store::singles::{self, Standing};

/// What the looks at one artist brought.
pub(super) struct Read {
    /// One or two, in turn; never none.
    pub(super) looks: Vec<Pages>,
    /// Why a later page, or a later look, could not be read.
    pub(super) incomplete: Option<AccessError>,
    /// Whether the albums were read, and that is of the singles.
    pub(super) leaves_singles: bool,
}

impl Read {
    /// Spotify's `total` at each look, where it was told.
    pub(super) fn totals(&self) -> Vec<(Look, Option<u64>)> {
        self.looks.iter().map(|pages| (pages.look, pages.total)).collect()
    }
}

/// The pages of one look.
pub(super) struct Pages {
    look: Look,
    pub(super) releases: Vec<Release>,
    total: Option<u64>,
    /// Where this is the first look: the day from which on what it shows is news.
    pub(super) since: Option<Date>,
}

/// Looks at an artist: at the albums, and at the singles if somebody wants them.
///
/// # Errors
/// [`AccessError`] where not even one page could be read that counts.
pub(super) async fn read(
    ctx: &Ctx,
    artist: &Claimed,
    errand: &Errand,
) -> Result<Read, AccessError> {
    let id = artist.id.clone();
    let (seen, standing) = ctx
        .db
        .read("what was seen", move |tx| {
            Ok((releases::seen_of(tx, &id)?, singles::standing(tx, &id)?))
        })
        .await?;
    let mut read = Read { looks: Vec::new(), incomplete: None, leaves_singles: false };
    let mut tried = Vec::new();
    for (place, look) in looks(artist, &standing).iter().enumerate() {
        let question = Question::new(*look, artist, &standing);
        let errand = if place == 0 { errand.clone() } else { errand.begun() };
        match ask(ctx, &errand, &question, &seen, &mut tried).await {
            Ok((pages, incomplete)) => {
                read.looks.push(pages);
                read.incomplete = incomplete;
            }
            // What the albums told is true all the same.
            Err(error) if !read.looks.is_empty() => read.incomplete = Some(error),
            Err(error) => return Err(error),
        }
        if read.incomplete.is_some() {
            read.leaves_singles = place > 0;
            break;
        }
    }
    Ok(read)
}

fn looks(artist: &Claimed, standing: &Standing) -> &'static [Look] {
    let known = Known {
        albums: standing.known_albums,
        wants_singles: standing.wanted_since.is_some(),
        had_first_looks: artist.baseline_at.is_some() && standing.baseline_at.is_some(),
        only_singles_are_left: standing.are_left,
    };
    known.looks(u64::from(PAGE))
}

/// A look to make, and what it is compared with.
struct Question {
    look: Look,
    /// Where it is the first: the day from which on what it shows is news.
    since: Option<Date>,
    /// Spotify's `total` when the same was asked last.
    total: Option<u64>,
    /// The day of the last check.
    checked: Option<Date>,
}

impl Question {
    fn new(look: Look, artist: &Claimed, standing: &Standing) -> Self {
        let (first_since, total) = match look {
            Look::Singles => {
                (standing.wanted_since.filter(|_| standing.baseline_at.is_none()), standing.total)
            }
            Look::Albums | Look::Together => (
                Some(artist.watched_since).filter(|_| artist.baseline_at.is_none()),
                // A total with the singles in it and one without say nothing of each other.
                artist.total.filter(|_| standing.is_total_of_both == look.has_singles()),
            ),
        };
        let checked = artist.checked_at.map(day_of);
        Self { look, since: first_since.map(day_of), total, checked }
    }
}

/// The pages of a look, read with the token of whoever can lend one; and why the last of them could
/// not be read, where that is so.
async fn ask(
    ctx: &Ctx,
    errand: &Errand,
    question: &Question,
    seen: &HashSet<ReleaseId>,
    tried: &mut Vec<UserId>,
) -> Result<(Pages, Option<AccessError>), AccessError> {
    let mut last_error = AccessError::NobodyConnected;
    loop {
        let lender = match ctx.access.lender(&errand.artist, tried).await {
            Err(AccessError::NobodyConnected) => return Err(last_error),
            lender => lender?,
        };
        match turn_pages(ctx, errand, question, seen, lender).await {
            // One person's trouble must not cost the others their news: the next one is asked for.
            Err(AccessError::Person { person, why }) => {
                tracing::debug!(person = person.0, error = %why, "cannot ask with this person's token");
                tried.push(person);
                if !why.is_about_the_person() {
                    last_error = why.into();
                }
            }
            answer => return answer,
        }
    }
}

async fn turn_pages(
    ctx: &Ctx,
    errand: &Errand,
    question: &Question,
    seen: &HashSet<ReleaseId>,
    lender: Lender,
) -> Result<(Pages, Option<AccessError>), AccessError> {
    let mut reader = Reader::new(question, seen);
    loop {
        let offset = u32::try_from(reader.reading.entries).unwrap_or(u32::MAX);
        match ctx.access.albums_page(lender, errand, question.look, offset).await {
            Ok(page) => reader.take(page, day_of(ctx.clock.now())),
            // What the first pages told is true all the same, but a first look must be whole:
            // what it leaves out would look new the next time.
            Err(error) if reader.reading.pages > 0 && question.since.is_none() => {
                return Ok((reader.pages, Some(error)));
            }
            Err(error) => return Err(error),
        }
        if !reader.wants_next_page() {
            return Ok((reader.pages, None));
        }
    }
}

/// Reads page after page of one look.
struct Reader<'a> {
    question: &'a Question,
    seen: &'a HashSet<ReleaseId>,
    unseen: HashSet<ReleaseId>,
    reading: Reading,
    pages: Pages,
}

impl<'a> Reader<'a> {
    fn new(question: &'a Question, seen: &'a HashSet<ReleaseId>) -> Self {
        let Question { look, since, .. } = *question;
        let pages = Pages { look, releases: Vec::new(), total: None, since };
        Self { question, seen, unseen: HashSet::new(), reading: Reading::default(), pages }
    }

    fn wants_next_page(&self) -> bool {
        self.reading.wants_next_page(self.question.since.is_some())
    }

    fn take(&mut self, mut page: AlbumsPage, today: Date) {
        if self.question.look == Look::Singles {
            // Whatever else can be read of it: nobody shall hear of it who wants no singles.
            page.releases.iter_mut().for_each(|release| release.kind = ReleaseKind::Single);
        }
        let is_new = |release: &Release| !self.seen.contains(&release.id);
        let new = page.releases.iter().filter(|release| is_new(release));
        self.unseen.extend(new.map(|release| release.id.clone()));
        let reading = &mut self.reading;
        reading.pages += 1;
        // A page that is longer than was asked for does not move the next one.
        reading.entries += page.entries.min(PAGE as usize) as u64;
        reading.unseen = self.unseen.len() as u64;
        let is_full = page.entries >= PAGE as usize;
        reading.more_may_follow = page.entries > 0
            && (is_full || page.total.is_some_and(|total| total > reading.entries));
        let last = last_of(self.question.look, &page.releases);
        reading.last_page_unseen = !last.is_empty() && last.iter().all(|release| is_new(release));
        let oldest = detection::oldest_news(self.question.checked, today);
        reading.last_page_young =
            last.iter().any(|release| detection::is_news(release.date, None, oldest, today));
        reading.singles_hidden = self.question.look == Look::Together
            && is_full
            && last.iter().all(|release| release.kind != ReleaseKind::Single);
        if reading.pages == 1 {
            self.pages.total = page.total;
            reading.growth = growth(self.question.total, page.total);
        }
        self.pages.releases.extend(page.releases);
    }
}

/// What says of a page whether the next one matters: of albums with singles behind them, the
/// singles. Where one of them is there, all albums were.
fn last_of(look: Look, releases: &[Release]) -> Vec<&Release> {
    let is_single = |release: &&Release| release.kind == ReleaseKind::Single;
    let singles: Vec<&Release> = releases.iter().filter(is_single).collect();
    if look == Look::Together && !singles.is_empty() { singles } else { releases.iter().collect() }
}

fn growth(before: Option<u64>, now: Option<u64>) -> i64 {
    let signed = |total: u64| i64::try_from(total).unwrap_or(i64::MAX);
    before.zip(now).map_or(0, |(before, now)| signed(now).saturating_sub(signed(before)))
}

#[cfg(test)]
mod tests;
