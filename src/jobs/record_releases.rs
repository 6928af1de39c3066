//! What a look showed → remember, compare, choose readers, enqueue. Part of the transaction in which
//! a release becomes news.

use super::fetch_releases::Pages;
use crate::domain::artist::ArtistId;
use crate::domain::release::{Release, ReleaseDate};
use crate::domain::release_query::ReleaseQuery;
use crate::domain::{day_of, edition};
use crate::store::outbox::{self, Audience};
use crate::store::releases::Sighting;
use crate::store::{StoreError, Tx, editions, releases};

/// What a look brought.
#[derive(Debug, Clone, Default)]
pub(super) struct RecordResult {
    /// Releases that are news.
    pub(super) news: u64,
    /// Things newly owed to users.
    pub(super) pending: u64,
    /// When what is news came out.
    pub(super) dates: Vec<ReleaseDate>,
}

/// Records what a look showed. `known` is what it can show other editions of, and grows by it.
///
/// # Errors
/// [`StoreError`]
pub(super) fn record_releases(
    tx: &Tx<'_>,
    artist: &ArtistId,
    pages: Pages,
    known: &mut Vec<Release>,
) -> Result<RecordResult, StoreError> {
    let Pages { query, news_window, releases, .. } = pages;
    let mut seen = releases::seen_of(tx, artist, query)?;
    let mut found = RecordResult::default();
    for release in in_order(releases) {
        if seen.contains(&release.id) && is_remembered(&release, known) {
            continue;
        }
        let is_new = seen.insert(release.id.clone())
            && news_window.is_news(release.date, day_of(tx.now()))
            && has_audience(&release, query);
        let album = is_new.then(|| edition::album_of(&release, known)).flatten();
        let is_news = is_new && album.is_none();
        let sighting = Sighting { is_news, appears: query.is_of_others() };
        releases::remember(tx, artist, &release, sighting)?;
        match album {
            Some(album) => {
                editions::note(tx, &release.id, &album.id)?;
                let audience = Audience::WantingEditions;
                found.pending += outbox::enqueue_news(tx, artist, &release.id, audience)?;
            }
            None if is_news => {
                found.news += 1;
                found.dates.push(release.date);
                found.pending +=
                    outbox::enqueue_news(tx, artist, &release.id, Audience::Followers)?;
            }
            None => {}
        }
        known.push(release);
    }
    Ok(found)
}

/// Whether a release that was seen on this list stands there word for word, as most of them do.
fn is_remembered(release: &Release, known: &[Release]) -> bool {
    known.iter().rev().find(|known| known.id == release.id) == Some(release)
}

/// *Various Artists* on an artist's own list are a mistake of the catalogue's, and nobody's news. On
/// the list of what the artist appears on they are most of it, soundtracks and tributes among them, and
/// who ticked the box asked for that.
fn has_audience(release: &Release, query: ReleaseQuery) -> bool {
    query.is_of_others() || !release.artists.first().is_some_and(edition::is_various_artists)
}

/// Where an album and its editions come at once, the one with the plain title is the album; and what came
/// out last is recorded last, since pages and feeds show first what was recorded last.
fn in_order(mut releases: Vec<Release>) -> Vec<Release> {
    releases.sort_by_cached_key(|release| {
        (edition::edition_words(release).is_some(), release.date.first_day())
    });
    releases
}
