//! Users' preferences and muted artists.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use rusqlite::{Row, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::digest::{DigestFrequency, DigestSchedule, Key};
use crate::domain::preferences::Preferences;
use crate::domain::release_filter::Categories;
use crate::domain::user::UserId;

const PREFERENCES: &str = "SELECT wants_albums, singles_since IS NOT NULL,
     compilations_since IS NOT NULL, wants_live, wants_remixes, appearances_since IS NOT NULL,
     wants_editions, frequency, digest_weekday, digest_hour, zone, unsubscribed_at IS NULL
     FROM users WHERE id = ?1";

/// `None` if there is no such user.
pub fn of(tx: &Tx<'_>, user: UserId) -> Result<Option<Preferences>> {
    tx.query_optional(PREFERENCES, [user], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Preferences> {
    let categories = Categories {
        albums: row.get(0)?,
        singles: row.get(1)?,
        compilations: row.get(2)?,
        live: row.get(3)?,
        remixes: row.get(4)?,
        appearances: row.get(5)?,
    };
    let weekday = Weekday::from_monday_zero_offset(row.get(8)?).unwrap_or(Weekday::Friday);
    let frequency = match row.get::<_, String>(7)?.as_str() {
        "daily" => DigestFrequency::Daily,
        "weekly" => DigestFrequency::Weekly(weekday),
        _ => DigestFrequency::AtOnce,
    };
    // A zone that the system no longer knows must not stop emails.
    let zone = row.get::<_, Option<String>>(10)?;
    let zone = zone.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
    Ok(Preferences {
        categories,
        editions: row.get(6)?,
        digest_schedule: DigestSchedule { frequency, hour: row.get(9)?, zone },
        is_subscribed: row.get(11)?,
    })
}

/// Saves preferences. If the schedule changes, pending notifications are rescheduled. A list that was wanted
/// before keeps the time since when.
pub fn set(tx: &Tx<'_>, user: UserId, wanted: &Preferences) -> Result<()> {
    let Preferences { categories, digest_schedule, .. } = wanted;
    let before = of(tx, user)?;
    let (frequency, weekday) = match digest_schedule.frequency {
        DigestFrequency::AtOnce => ("at_once", None),
        DigestFrequency::Daily => ("daily", None),
        DigestFrequency::Weekly(weekday) => ("weekly", Some(weekday.to_monday_zero_offset())),
    };
    let changed = tx.execute(
        "UPDATE users SET wants_albums = ?2, wants_live = ?3, wants_remixes = ?4, wants_editions = ?5,
             singles_since = iif(?6, coalesce(singles_since, ?14), NULL),
             compilations_since = iif(?7, coalesce(compilations_since, ?14), NULL),
             appearances_since = iif(?8, coalesce(appearances_since, ?14), NULL),
             frequency = ?9, digest_weekday = coalesce(?10, digest_weekday), digest_hour = ?11, zone = ?12,
             unsubscribed_at = iif(?13, NULL, coalesce(unsubscribed_at, ?14))
         WHERE id = ?1",
        params![
            user,
            categories.albums,
            categories.live,
            categories.remixes,
            wanted.editions,
            categories.singles,
            categories.compilations,
            categories.appearances,
            frequency,
            weekday,
            digest_schedule.hour,
            digest_schedule.zone.iana_name(),
            wanted.is_subscribed,
            Ms(tx.now()),
        ],
    )?;
    exactly_one(changed)?;
    // Saving the same schedule again must not postpone a late email.
    if before.is_some_and(|before| before.digest_schedule == *digest_schedule) {
        return Ok(());
    }
    reschedule_news(tx, user, digest_schedule, last_digest(tx, user)?)
}

/// Reschedules the pending news of a user, except what may have been sent.
pub(super) fn reschedule_news(
    tx: &Tx<'_>,
    user: UserId,
    digest_schedule: &DigestSchedule,
    last: Option<Key>,
) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET next_at = ?2 WHERE user_id = ?1 AND kind = 'news' AND state = 'pending'
             AND email_id IS NULL",
        params![user, Ms(digest_schedule.next_send_time(tx.now(), last))],
    )?;
    Ok(())
}

/// Idempotent.
pub fn unsubscribe(tx: &Tx<'_>, user: UserId) -> Result<()> {
    let sql = "UPDATE users SET unsubscribed_at = coalesce(unsubscribed_at, ?2) WHERE id = ?1";
    exactly_one(tx.execute(sql, params![user, Ms(tx.now())])?)
}

/// Sets the time zone unless the user has one.
pub fn propose_zone(tx: &Tx<'_>, user: UserId, zone: &TimeZone) -> Result<()> {
    let sql = "UPDATE users SET zone = ?2 WHERE id = ?1 AND zone IS NULL";
    tx.execute(sql, params![user, zone.iana_name()])?;
    Ok(())
}

/// When a notification enqueued now would be sent.
pub fn next_send_time(
    tx: &Tx<'_>,
    user: UserId,
    digest_schedule: &DigestSchedule,
) -> Result<Timestamp> {
    Ok(digest_schedule.next_send_time(tx.now(), last_digest(tx, user)?))
}

pub(super) fn last_digest(tx: &Tx<'_>, user: UserId) -> Result<Option<Key>> {
    let sql = "SELECT last_digest FROM users WHERE id = ?1";
    let raw = tx.query_optional(sql, [user], |row| row.get::<_, Option<String>>(0))?;
    Ok(raw.flatten().and_then(|raw| Key::parse(&raw)))
}

/// Records that a digest was sent.
pub(super) fn digest_sent(tx: &Tx<'_>, user: UserId, key: Key) -> Result<()> {
    let sql = "UPDATE users SET last_digest = ?2 WHERE id = ?1";
    tx.execute(sql, params![user, key.to_string()])?;
    Ok(())
}

/// The artist must exist.
pub fn mute(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO mutes (user_id, artist, since) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![user, artist, Ms(tx.now())])?;
    Ok(())
}

pub fn unmute(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<()> {
    tx.execute("DELETE FROM mutes WHERE user_id = ?1 AND artist = ?2", params![user, artist])?;
    Ok(())
}

/// The muted artists, by name.
pub fn muted(tx: &Tx<'_>, user: UserId) -> Result<Vec<Artist>> {
    tx.query_rows(
        "SELECT a.id, a.name FROM mutes m JOIN artists a ON a.id = m.artist WHERE m.user_id = ?1
         ORDER BY a.name COLLATE NOCASE, a.id",
        [user],
        |row| Ok(Artist::new(row.get(0)?, &row.get::<_, String>(1)?)),
    )
}
