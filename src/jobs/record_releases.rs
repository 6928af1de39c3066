//! Records the releases of a query: saves and compares them, selects recipients, enqueues notifications. Part
//! of the transaction that makes a release news.

use super::fetch_releases::FetchPlan;
use crate::domain::artist::ArtistId;
use crate::domain::release::{Release, ReleaseDate};
use crate::domain::{day_of, edition};
use crate::store::outbox::{self, Audience};
use crate::store::releases::ArtistRelease;
use crate::store::{StoreError, Tx, editions, releases};

#[derive(Debug, Clone, Default)]
pub(super) struct RecordResult {
    /// The dates of new releases.
    pub(super) news: Vec<ReleaseDate>,
    pub(super) enqueued: u64,
}

impl RecordResult {
    pub(super) fn add(&mut self, other: Self) {
        self.news.extend(other.news);
        self.enqueued += other.enqueued;
    }
}

/// Records the releases of a query and adds them to `known`, which they can be editions of.
pub(super) fn record_releases(
    tx: &Tx<'_>,
    artist: &ArtistId,
    plan: &FetchPlan,
    returned: Vec<Release>,
    known: &mut Vec<Release>,
) -> Result<RecordResult, StoreError> {
    let appears = plan.query.is_appearances();
    let mut seen = releases::seen_of(tx, artist, plan.query)?;
    let mut result = RecordResult::default();
    for release in in_order(returned) {
        if seen.contains(&release.id) && is_unchanged(&release, known) {
            continue;
        }
        let is_new = seen.insert(release.id.clone())
            && plan.window.contains(release.date, day_of(tx.now()))
            && has_audience(&release, appears);
        let album = is_new.then(|| edition::album_of(&release, known)).flatten();
        let is_news = is_new && album.is_none();
        releases::remember(tx, artist, &release, ArtistRelease { is_news, appears })?;
        if let Some(album) = album {
            editions::note(tx, &release.id, &album.id)?;
            let audience = Audience::WantingEditions;
            result.enqueued += outbox::enqueue_news(tx, artist, &release.id, audience)?;
        } else if is_news {
            result.news.push(release.date);
            result.enqueued += outbox::enqueue_news(tx, artist, &release.id, Audience::Followers)?;
        }
        known.push(release);
    }
    Ok(result)
}

/// Whether a known release was returned unchanged, as most are.
fn is_unchanged(release: &Release, known: &[Release]) -> bool {
    known.iter().rev().find(|known| known.id == release.id) == Some(release)
}

/// *Various Artists* on an artist's own list are a catalogue error. Among appearances most releases are
/// theirs (soundtracks, tributes), and users asked for those.
fn has_audience(release: &Release, appears: bool) -> bool {
    appears || !release.artists.first().is_some_and(edition::is_various_artists)
}

/// If an album and its editions come at once, the one with the plain title is the album. The latest release
/// is recorded last, since pages and feeds show the last recorded first.
fn in_order(mut releases: Vec<Release>) -> Vec<Release> {
    releases.sort_by_cached_key(|release| {
        (edition::edition_words(release).is_some(), release.date.first_day())
    });
    releases
}
