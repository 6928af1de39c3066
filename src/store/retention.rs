//! What is deleted when, a few rows at a time.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::columns::Ms;
use super::{
    Result, Tx, access_requests, artist_lists, artists, clock_guard, goodbye_emails, hints,
    sessions,
};
use crate::domain::artist::ArtistId;
use crate::domain::consent::REVERSAL_WINDOW;
use crate::domain::quota::WINDOW;
use crate::domain::release::ReleaseId;

/// Rows that one transaction deletes.
pub const BATCH: usize = 500;

/// Artists that one transaction reads.
const ARTISTS: u32 = 2_000;

/// Notifications are kept for more than a year: longer than a consent or a year's digest lasts.
const NOTIFICATION_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Days end later elsewhere than in UTC, and the last check may have begun the day before.
const MARGIN: SignedDuration = SignedDuration::from_hours(48);

/// Free pages are returned to the disk when they are more than a tenth of the file and more than 4 MB.
const FREE_SHARE: u64 = 10;
const FREE_PAGES: u64 = 1024;

/// Rows of `table` that are `expired`, a condition with the time so long ago as `?1`, are deleted.
struct Rule {
    table: &'static str,
    key: &'static str,
    expired: &'static str,
    retention: SignedDuration,
    clock: Clock,
}

/// Whether a rule holds while the clock is suspect: for what users were promised, deleting late is worse.
#[derive(PartialEq, Eq)]
enum Clock {
    Any,
    Trusted,
}

const RULES: [Rule; 12] = [
    rule("tokens", "user_id", "expired_since <= ?1", REVERSAL_WINDOW, Clock::Any),
    rule("goodbye_emails", "id", "made_at <= ?1", goodbye_emails::RETENTION, Clock::Any),
    rule(
        "outbox",
        "id",
        "kind = 'goodbye' AND enqueued_at <= ?1",
        goodbye_emails::RETENTION,
        Clock::Any,
    ),
    rule("oauth_states", "state_hash", "expires_at <= ?1", SignedDuration::ZERO, Clock::Trusted),
    rule("sessions", "token_hash", "seen_at <= ?1", sessions::IDLE, Clock::Trusted),
    rule("confirmation_links", "id", "expires_at <= ?1", days(30), Clock::Trusted),
    rule("invitations", "id", "expires_at <= ?1", days(30), Clock::Trusted),
    rule("access_requests", "id", "asked_at <= ?1", access_requests::RETENTION, Clock::Trusted),
    rule("unfollows", "user_id, artist", "ended_at <= ?1", artists::RETENTION, Clock::Trusted),
    rule("hints", "artist, source, key", "given_at <= ?1", hints::RETENTION, Clock::Trusted),
    // The last two weeks tell how many calls hints need on which day of the week.
    rule("api_calls", "id", "at <= ?1", days(16), Clock::Trusted),
    // For another day, since its failures decide how long the next one lasts.
    rule("pauses", "scope", "until <= ?1", WINDOW, Clock::Trusted),
];

const fn rule(
    table: &'static str,
    key: &'static str,
    expired: &'static str,
    retention: SignedDuration,
    clock: Clock,
) -> Rule {
    Rule { table, key, expired, retention, clock }
}

const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// Deletes expired rows in one transaction, starting with this rule. Returns the rule to continue with.
pub fn delete_expired(tx: &Tx<'_>, from: usize) -> Result<Option<usize>> {
    let is_trusted = clock_guard::is_trusted(tx)?;
    for (n, rule) in RULES.iter().enumerate().skip(from) {
        if rule.clock == Clock::Trusted && !is_trusted {
            continue;
        }
        let at = tx.now() - rule.retention;
        if delete_some(tx, rule.table, rule.key, rule.expired, at)? == BATCH {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

/// Artists after this one that nobody follows or followed recently, and the one to continue after. They are traces
/// of who followed them.
pub fn unfollowed_artists(tx: &Tx<'_>, after: &str) -> Result<(Vec<ArtistId>, Option<String>)> {
    if !clock_guard::is_trusted(tx)? {
        return Ok((Vec::new(), None));
    }
    artists::unfollowed(tx, after, ARTISTS)
}

/// Whether a day has passed since the daily maintenance, by a trusted clock.
pub fn is_daily_due(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'upkeep_at'";
    let at = tx.query_optional(sql, [], |row| row.get::<_, String>(0))?;
    let at = at.and_then(|at| at.parse::<Timestamp>().ok());
    let is_recent = |at| at <= tx.now() && tx.now() < at + SignedDuration::from_hours(24);
    Ok(!at.is_some_and(is_recent) && clock_guard::is_trusted(tx)?)
}

/// Records that the daily maintenance is complete.
pub fn record_daily(tx: &Tx<'_>) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('upkeep_at', ?1)";
    tx.execute(sql, [tx.now().to_string().as_bytes()])?;
    Ok(())
}

/// Before this time, what was notified of can never be enqueued again: a release that is dated earlier is news in
/// no list that will be checked again, however long the check had to wait.
///
/// A later check of a list finds what is dated since the one before, an initial scan what is dated since a user wants
/// the list (`domain/artist_list.rs`).
pub fn notification_horizon(tx: &Tx<'_>) -> Result<Timestamp> {
    let mut horizon = tx.now() - NOTIFICATION_RETENTION;
    let sql = "SELECT min(coalesce(checked_at, tracked_since)) FROM artists";
    let albums: Option<Ms> = tx.query_row(sql, [], |row| row.get(0))?;
    let others = artist_lists::oldest_open_window(tx)?;
    for oldest in albums.map(|Ms(at)| at).into_iter().chain(others) {
        horizon = horizon.min(oldest - MARGIN);
    }
    Ok(horizon)
}

/// Deletes notifications that were settled before the horizon and cannot be enqueued again: news of releases dated
/// earlier, and what has a subject of its time, which the welcome has not. Returns how many, at most [`BATCH`].
pub fn delete_notifications(tx: &Tx<'_>, horizon: Timestamp) -> Result<usize> {
    let settled = "state IN ('sent', 'rejected', 'dropped', 'skipped') AND finished_at < ?1 AND (
            kind IN ('confirm', 'sample', 'sign_in_again', 'consent_ends', 'operator')
            OR (kind = 'news'
                AND EXISTS (SELECT 1 FROM releases r WHERE r.id = subject
                            AND CASE length(r.date) WHEN 4 THEN r.date || '-12-31' WHEN 7 THEN r.date || '-31'
                                     WHEN 10 THEN r.date ELSE '9999-12-31' END
                                < strftime('%Y-%m-%d', ?1 / 1000, 'unixepoch'))
                AND NOT EXISTS (SELECT 1 FROM artist_releases s WHERE s.release = subject AND s.seen_at >= ?1)))";
    delete_some(tx, "outbox", "id", settled, horizon)
}

/// Releases that are in no list any more, and are not waiting to be sent.
pub fn orphaned_releases(tx: &Tx<'_>) -> Result<Vec<ReleaseId>> {
    tx.query_rows("SELECT id FROM releases r WHERE NOT EXISTS (SELECT 1 FROM artist_releases WHERE release = r.id)
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE kind = 'news' AND state = 'pending' AND subject = r.id)", [], |row| row.get(0))
}

/// Returns some free pages to the disk; how many.
pub fn return_free_pages(tx: &Tx<'_>, most: u32) -> Result<u64> {
    let number = |pragma: &str| -> rusqlite::Result<u64> {
        tx.conn().query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
    };
    let (free, all) = (number("freelist_count")?, number("page_count")?);
    if free < FREE_PAGES || free * FREE_SHARE < all {
        return Ok(0);
    }
    let mut vacuum = tx.conn().prepare(&format!("PRAGMA incremental_vacuum({most})"))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(free - number("freelist_count")?)
}

/// Deletes at most [`BATCH`] rows; `expired` is a condition with the time as `?1`.
fn delete_some(tx: &Tx<'_>, table: &str, key: &str, expired: &str, at: Timestamp) -> Result<usize> {
    let sql = format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {expired} LIMIT {BATCH})"
    );
    Ok(tx.execute(&sql, params![Ms(at)])?)
}
