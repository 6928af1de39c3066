//! Private feed URLs, of which only hashes are stored, and the entries of feeds.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx, editions, preferences, releases};
use crate::domain::feed::{Entry, Form};
use crate::domain::release::ReleaseId;
use crate::domain::release_filter;
use crate::domain::user::UserId;

/// Entries per feed.
const MAX_ROWS: usize = 100;

/// The newest releases to search for entries. The user does not want all kinds.
const LOOKED_THROUGH: u32 = 400;

/// Entries are no older than this.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 400);

/// How often at most a fetch is recorded.
const RECORD_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// A feed URL that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    pub form: Form,
    /// When.
    pub made_at: Timestamp,
    /// The last fetch, to the hour, if there was one.
    pub read_at: Option<Timestamp>,
}

/// The owner of a feed URL, and the last version that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    pub user: UserId,
    pub version: Option<Vec<u8>>,
    /// When that version was first fetched.
    pub changed_at: Option<Timestamp>,
    /// Whether to record this fetch.
    pub should_record: bool,
}

/// The user's feed URLs.
pub fn of(tx: &Tx<'_>, user: UserId) -> Result<Vec<Feed>> {
    let sql = "SELECT kind, made_at, read_at FROM feeds WHERE user_id = ?1";
    let made = tx.query_rows(sql, [user], |row| {
        let (form, made_at): (String, Ms) = (row.get(0)?, row.get(1)?);
        let read_at: Option<Ms> = row.get(2)?;
        let made = |form| Feed { form, made_at: made_at.0, read_at: read_at.map(|at| at.0) };
        Ok(Form::parse(&form).map(made))
    })?;
    Ok(made.into_iter().flatten().collect())
}

/// Saves a new URL, which replaces the previous one.
pub fn make(tx: &Tx<'_>, user: UserId, form: Form, token_hash: [u8; 32]) -> Result<()> {
    let sql =
        "INSERT OR REPLACE INTO feeds (user_id, kind, token_hash, made_at) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![user, form.as_str(), token_hash, Ms(tx.now())])?;
    Ok(())
}

/// Ends an address.
pub fn revoke(tx: &Tx<'_>, user: UserId, form: Form) -> Result<()> {
    let sql = "DELETE FROM feeds WHERE user_id = ?1 AND kind = ?2";
    tx.execute(sql, params![user, form.as_str()])?;
    Ok(())
}

/// `None` if there is no such URL, or if its owner revoked access.
pub fn find_by_token(tx: &Tx<'_>, form: Form, token_hash: [u8; 32]) -> Result<Option<FeedState>> {
    let sql = "SELECT f.user_id, f.version, f.changed_at, coalesce(f.read_at, 0) <= ?3
               FROM feeds f JOIN users p ON p.id = f.user_id
               WHERE f.token_hash = ?1 AND f.kind = ?2 AND p.end_reason IS NOT 'revoked'";
    let key = params![token_hash, form.as_str(), Ms(tx.now() - RECORD_INTERVAL)];
    tx.query_optional(sql, key, |row| {
        Ok(FeedState {
            user: row.get(0)?,
            version: row.get(1)?,
            changed_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
            should_record: row.get(3)?,
        })
    })
}

/// Records a fetch and its version. Returns when that version was first fetched, in whole seconds and later
/// than any time returned before.
pub fn record_reading(tx: &Tx<'_>, token_hash: [u8; 32], version: [u8; 32]) -> Result<Timestamp> {
    let sql = "UPDATE feeds SET read_at = ?3, version = ?2,
                   changed_at = iif(version IS ?2, changed_at, max(?4, coalesce(changed_at + 1000, 0)))
               WHERE token_hash = ?1 RETURNING changed_at";
    let second = Timestamp::from_second(tx.now().as_second()).unwrap_or(tx.now());
    let key = params![token_hash, version, Ms(tx.now()), Ms(second)];
    Ok(tx.query_optional(sql, key, |row| row.get::<_, Ms>(0))?.map_or(second, |at| at.0))
}

/// A short summary of everything that can change a user's feeds.
pub fn fingerprint(tx: &Tx<'_>, user: UserId) -> Result<String> {
    let sql = "SELECT format('%d %d %d %d', count(*), coalesce(sum(seen_at), 0), coalesce(max(changed_at), 0),
                   coalesce(sum(is_edition), 0)) FROM
               (SELECT n.seen_at, r.changed_at,
                    EXISTS (SELECT 1 FROM editions e WHERE e.release = n.release) AS is_edition
                FROM news n JOIN releases r ON r.id = n.release)";
    let news: String =
        tx.query_row(&format!("{NEWS} {sql}"), news_key(tx, user), |row| row.get(0))?;
    let of_artists = |table: &str| -> Result<String> {
        let sql = format!(
            "SELECT format('%d %d', count(*), coalesce(sum(since), 0)) FROM {table} WHERE user_id = ?1"
        );
        Ok(tx.query_row(&sql, [user], |row| row.get(0))?)
    };
    let (mutes, follows) = (of_artists("mutes")?, of_artists("follows")?);
    let wanted = preferences::of(tx, user)?;
    let categories = wanted.map(|wanted| (wanted.categories, wanted.editions));
    Ok(format!("{news} / {mutes} / {follows} / {categories:?}"))
}

/// The entries of a user's feeds, newest first: releases of the kinds that they want, without muted artists,
/// whether or not the user has a confirmed address.
pub fn entries(tx: &Tx<'_>, user: UserId) -> Result<Vec<Entry>> {
    let Some(wanted) = preferences::of(tx, user)? else { return Ok(Vec::new()) };
    let mut entries: Vec<Entry> = Vec::new();
    for (id, (seen_at, changed_at)) in newest(tx, user)? {
        let Some(release) = releases::find(tx, &id)? else { continue };
        let reasons = releases::reasons(tx, &id, user)?;
        let is_left_out = !wanted.editions && editions::is_one(tx, &id)?;
        if is_left_out || release_filter::evaluate(&release, &reasons, wanted.categories).is_err() {
            continue;
        }
        let appears = !reasons.is_empty() && reasons.iter().all(|reason| reason.appears);
        // A time in the future was written by a wrong clock.
        let changed_at =
            changed_at.filter(|at| *at <= tx.now()).map_or(seen_at, |at| at.max(seen_at));
        entries.push(Entry { release, appears, seen_at, changed_at });
    }
    entries.sort_by(|a, b| (b.seen_at, &a.release.id).cmp(&(a.seen_at, &b.release.id)));
    entries.truncate(MAX_ROWS);
    Ok(entries)
}

/// Releases recorded since the user followed the artist, and those that emails announced or would have
/// announced, such as editions and releases of artists that were unfollowed since.
const NEWS: &str = "WITH news (release, seen_at) AS (
         SELECT release, min(seen_at) FROM (
             SELECT * FROM
                 (SELECT s.release, s.seen_at FROM artist_releases s
                      CROSS JOIN follows f ON f.user_id = ?1 AND f.artist = s.artist
                  WHERE s.is_news AND s.seen_at >= f.since AND s.seen_at > ?2
                  ORDER BY s.seen_at DESC LIMIT ?3)
             UNION ALL SELECT * FROM
                 (SELECT subject, enqueued_at FROM outbox
                  WHERE user_id = ?1 AND kind = 'news' AND state <> 'dropped' AND enqueued_at > ?2
                  ORDER BY id DESC LIMIT ?3))
         GROUP BY release)";

fn news_key(tx: &Tx<'_>, user: UserId) -> impl rusqlite::Params {
    (user, Ms(tx.now() - OLDEST), LOOKED_THROUGH)
}

type Times = (Timestamp, Option<Timestamp>);

fn newest(tx: &Tx<'_>, user: UserId) -> Result<Vec<(ReleaseId, Times)>> {
    let sql =
        "SELECT n.release, n.seen_at, r.changed_at FROM news n JOIN releases r ON r.id = n.release";
    tx.query_rows(&format!("{NEWS} {sql}"), news_key(tx, user), |row| {
        let (seen_at, changed_at): (Ms, Option<Ms>) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, (seen_at.0, changed_at.map(|at| at.0))))
    })
}
