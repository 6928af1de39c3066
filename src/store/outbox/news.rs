//! Enqueues news: who is notified of a release, and when. A release that a user does not want is recorded with
//! the reason.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Params, params};

use crate::domain::artist::ArtistId;
use crate::domain::detection::NEWS_DAYS;
use crate::domain::digest::Key;
use crate::domain::preferences::Preferences;
use crate::domain::release::{Release, ReleaseId};
use crate::domain::release_filter::{self, Match, SkipReason};
use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx, editions, preferences, releases};

/// The release was seen after the user began to want the list that it is on.
const SINCE_WANTED: &str = "s.seen_at >= coalesce(CASE WHEN s.appears THEN p.appearances_since
     WHEN r.kind = 'single' THEN p.singles_since
     WHEN r.kind = 'compilation' THEN p.compilations_since END, 0)";

/// Who is notified of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everyone who follows the artist.
    Followers,
    /// Those of them who want later editions of an album.
    WantingEditions,
}

/// Enqueues a new release, once per user, for everyone who is concerned, wants it and has a confirmed address.
/// Users who withdrew their consent are left out. Returns how many users are newly notified.
pub fn enqueue_news(
    tx: &Tx<'_>,
    artist: &ArtistId,
    release: &ReleaseId,
    audience: Audience,
) -> Result<u64> {
    let Some(release) = releases::find(tx, release)? else { return Ok(0) };
    let sql = "SELECT f.user_id FROM follows f JOIN users p ON p.id = f.user_id
               WHERE f.artist = ?1 AND p.address IS NOT NULL AND (p.wants_editions OR NOT ?2)
                   AND p.end_reason IS NOT 'revoked'";
    let editions = audience == Audience::WantingEditions;
    let mut pending = 0;
    for user in tx.query_rows(sql, params![artist, editions], |row| row.get(0))? {
        let Some(reader) = Reader::find(tx, user)? else { continue };
        pending +=
            u64::from(reader.enqueue(tx, &release)? || reader.enqueue_if_missing(tx, &release)?);
    }
    Ok(pending)
}

/// Enqueues what came out since a user who has just confirmed an address follows each artist, so that the days
/// until they opened the email cost no album. For lists other than albums, what came out since they want them.
pub fn enqueue_news_since_following(tx: &Tx<'_>, user: UserId) -> Result<u64> {
    let oldest = tx.now() - SignedDuration::from_hours(24 * NEWS_DAYS);
    let seen = format!(
        "SELECT DISTINCT s.release FROM follows f JOIN artist_releases s ON s.artist = f.artist
         JOIN users p ON p.id = f.user_id JOIN releases r ON r.id = s.release
         WHERE f.user_id = ?1 AND s.is_news AND s.seen_at >= f.since AND s.seen_at >= ?2
           AND {SINCE_WANTED} AND p.end_reason IS NOT 'revoked'
         ORDER BY s.seen_at, s.release"
    );
    enqueue_each(tx, user, &seen, params![user, Ms(oldest)])
}

/// Enqueues what came out since the consent was withdrawn, for a user whose consent is valid again and who has
/// a confirmed address.
pub fn enqueue_news_missed(tx: &Tx<'_>, user: UserId, since: Timestamp) -> Result<u64> {
    let seen = format!(
        "SELECT DISTINCT s.release FROM users p
         JOIN follows f ON f.user_id = p.id JOIN artist_releases s ON s.artist = f.artist
         JOIN releases r ON r.id = s.release
         WHERE p.id = ?1 AND p.address IS NOT NULL AND s.is_news AND s.seen_at >= max(f.since, ?2)
           AND {SINCE_WANTED}
         ORDER BY s.seen_at, s.release"
    );
    enqueue_each(tx, user, &seen, params![user, Ms(since)])
}

/// Enqueues the news of one artist since `since`, if the user has a confirmed address.
pub fn enqueue_news_seen_since(
    tx: &Tx<'_>,
    user: UserId,
    artist: &ArtistId,
    since: Timestamp,
) -> Result<u64> {
    let seen = format!(
        "SELECT s.release FROM users p JOIN artist_releases s ON s.artist = ?2
         JOIN releases r ON r.id = s.release
         WHERE p.id = ?1 AND p.address IS NOT NULL AND s.is_news AND s.seen_at >= ?3
           AND {SINCE_WANTED}
         ORDER BY s.seen_at, s.release"
    );
    enqueue_each(tx, user, &seen, params![user, artist, Ms(since)])
}

/// Enqueues again what a mail server rejected at an address that the user has replaced. Releases that they no
/// longer want are sorted out when the email is composed.
pub fn enqueue_refused_again(tx: &Tx<'_>, user: UserId) -> Result<()> {
    let Some(reader) = Reader::find(tx, user)? else { return Ok(()) };
    let oldest = tx.now() - SignedDuration::from_hours(24 * NEWS_DAYS);
    tx.execute(
        "UPDATE outbox SET state = 'pending', email_id = NULL, attempts = 0, reason = NULL, finished_at = NULL,
             next_at = ?2
         WHERE user_id = ?1 AND kind = 'news' AND state = 'rejected' AND enqueued_at >= ?3",
        params![user, Ms(reader.next_send_time(tx)), Ms(oldest)],
    )?;
    Ok(())
}

/// Whether a user wants to be notified of a release, as things are now. Returns the followed artists because of
/// whom they are notified, or why they are not.
pub fn evaluate(
    tx: &Tx<'_>,
    user: UserId,
    wanted: &Preferences,
    release: &Release,
) -> Result<std::result::Result<Vec<Match>, SkipReason>> {
    if !wanted.is_subscribed {
        return Ok(Err(SkipReason::Unsubscribed));
    }
    if !wanted.editions && editions::is_one(tx, &release.id)? {
        return Ok(Err(SkipReason::Edition));
    }
    let reasons = releases::reasons(tx, &release.id, user)?;
    Ok(release_filter::evaluate(release, &reasons, wanted.categories).map(|()| reasons))
}

/// A user who is notified of releases.
struct Reader {
    user: UserId,
    wanted: Preferences,
    last_digest: Option<Key>,
}

impl Reader {
    fn find(tx: &Tx<'_>, user: UserId) -> Result<Option<Self>> {
        let Some(wanted) = preferences::of(tx, user)? else { return Ok(None) };
        let last_digest = preferences::last_digest(tx, user)?;
        Ok(Some(Self { user, wanted, last_digest }))
    }

    /// Enqueues the release unless it is recorded already. Returns whether the user will be notified.
    fn enqueue(&self, tx: &Tx<'_>, release: &Release) -> Result<bool> {
        let verdict = evaluate(tx, self.user, &self.wanted, release)?;
        let why = verdict.as_ref().err().map(ToString::to_string);
        let changed = tx.execute(
            "INSERT OR IGNORE INTO outbox (user_id, kind, subject, state, reason, next_at, enqueued_at, finished_at)
             VALUES (?1, 'news', ?2, iif(?3 IS NULL, 'pending', 'skipped'), ?3, ?4, ?5, iif(?3 IS NULL, NULL, ?5))",
            params![self.user, release.id, why, Ms(self.next_send_time(tx)), Ms(tx.now())],
        )?;
        Ok(changed == 1 && verdict.is_ok())
    }

    /// Enqueues a release that was unwanted because of one artist and is wanted because of another. In a row of
    /// its own, because the id of the old one may be the number of an email.
    fn enqueue_if_missing(&self, tx: &Tx<'_>, release: &Release) -> Result<bool> {
        if evaluate(tx, self.user, &self.wanted, release)?.is_err() {
            return Ok(false);
        }
        let sql = "DELETE FROM outbox WHERE user_id = ?1 AND kind = 'news' AND subject = ?2
                   AND state = 'skipped'";
        let was_unwanted = tx.execute(sql, params![self.user, release.id])? == 1;
        Ok(was_unwanted && self.enqueue(tx, release)?)
    }

    fn next_send_time(&self, tx: &Tx<'_>) -> Timestamp {
        self.wanted.digest_schedule.next_send_time(tx.now(), self.last_digest)
    }
}

fn enqueue_each(tx: &Tx<'_>, user: UserId, seen: &str, key: impl Params) -> Result<u64> {
    let ids: Vec<ReleaseId> = tx.query_rows(seen, key, |row| row.get(0))?;
    let Some(reader) = Reader::find(tx, user)? else { return Ok(0) };
    let mut pending = 0;
    for id in ids {
        let Some(release) = releases::find(tx, &id)? else { continue };
        pending += u64::from(reader.enqueue(tx, &release)?);
    }
    Ok(pending)
}
