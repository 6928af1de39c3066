//! What users want to be told, and when; and whom they have muted.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use rusqlite::{OptionalExtension, Row, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx, outbox};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::digest::{DigestFrequency, DigestSchedule, Key};
use crate::domain::preferences::Preferences;
use crate::domain::release_filter::Categories;
use crate::domain::user::UserId;

const PREFERENCES: &str = "SELECT wants_albums, singles_since IS NOT NULL,
     compilations_since IS NOT NULL, wants_live, wants_remixes, appearances_since IS NOT NULL,
     wants_editions, rhythm, letter_weekday, letter_hour, zone, unsubscribed_at IS NULL
     FROM people WHERE id = ?1";

/// What a user wants; `None` if there is no such user.
///
/// # Errors
/// [`super::StoreError`]
pub fn of(tx: &Tx<'_>, user: UserId) -> Result<Option<Preferences>> {
    Ok(tx.query_row(PREFERENCES, [user], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Preferences> {
    let kinds = Categories {
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
    // A zone that the machine has unlearnt is no reason to stay silent.
    let zone = row.get::<_, Option<String>>(10)?;
    let zone = zone.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
    Ok(Preferences {
        kinds,
        editions: row.get(6)?,
        digest_schedule: DigestSchedule { frequency, hour: row.get(9)?, zone },
        is_subscribed: row.get(11)?,
    })
}

/// Changes what a user wants, and, where that is another time, when the news leaves that they are
/// owed. Lists that
/// they wanted already have been wanted since then.
///
/// # Errors
/// [`super::StoreError`]
pub fn set(tx: &Tx<'_>, user: UserId, wanted: &Preferences) -> Result<()> {
    let Preferences { kinds, digest_schedule, .. } = wanted;
    let before = of(tx, user)?;
    let (frequency, weekday) = match digest_schedule.frequency {
        DigestFrequency::AtOnce => ("at_once", None),
        DigestFrequency::Daily => ("daily", None),
        DigestFrequency::Weekly(weekday) => ("weekly", Some(weekday.to_monday_zero_offset())),
    };
    let changed = tx.execute(
        "UPDATE people SET wants_albums = ?2, wants_live = ?3, wants_remixes = ?4, wants_editions = ?5,
             singles_since = iif(?6, coalesce(singles_since, ?14), NULL),
             compilations_since = iif(?7, coalesce(compilations_since, ?14), NULL),
             appearances_since = iif(?8, coalesce(appearances_since, ?14), NULL),
             rhythm = ?9, letter_weekday = coalesce(?10, letter_weekday), letter_hour = ?11, zone = ?12,
             unsubscribed_at = iif(?13, NULL, coalesce(unsubscribed_at, ?14))
         WHERE id = ?1",
        params![
            user,
            kinds.albums,
            kinds.live,
            kinds.remixes,
            wanted.editions,
            kinds.singles,
            kinds.compilations,
            kinds.appearances,
            frequency,
            weekday,
            digest_schedule.hour,
            digest_schedule.zone.iana_name(),
            wanted.is_subscribed,
            Ms(tx.now()),
        ],
    )?;
    exactly_one(changed)?;
    // An email that is late already must not be put off by whoever saves the same again.
    if before.is_some_and(|before| before.digest_schedule == *digest_schedule) {
        return Ok(());
    }
    outbox::plan_anew(tx, user, digest_schedule, last_digest(tx, user)?)
}

/// Sends a user no news any more, until they say otherwise.
///
/// # Errors
/// [`super::StoreError`]
pub fn unsubscribe(tx: &Tx<'_>, user: UserId) -> Result<()> {
    let sql = "UPDATE people SET unsubscribed_at = coalesce(unsubscribed_at, ?2) WHERE id = ?1";
    exactly_one(tx.execute(sql, params![user, Ms(tx.now())])?)
}

/// Gives a user a time zone, unless they have one.
///
/// # Errors
/// [`super::StoreError`]
pub fn propose_zone(tx: &Tx<'_>, user: UserId, zone: &TimeZone) -> Result<()> {
    let sql = "UPDATE people SET zone = ?2 WHERE id = ?1 AND zone IS NULL";
    tx.execute(sql, params![user, zone.iana_name()])?;
    Ok(())
}

/// When news that a user is owed now leaves by this timetable.
///
/// # Errors
/// [`super::StoreError`]
pub fn next_send_time(
    tx: &Tx<'_>,
    user: UserId,
    digest_schedule: &DigestSchedule,
) -> Result<Timestamp> {
    Ok(digest_schedule.next_send_time(tx.now(), last_digest(tx, user)?))
}

/// The digest that a user got last.
pub(super) fn last_digest(tx: &Tx<'_>, user: UserId) -> Result<Option<Key>> {
    let sql = "SELECT last_digest FROM people WHERE id = ?1";
    let raw = tx.query_row(sql, [user], |row| row.get::<_, Option<String>>(0)).optional()?;
    Ok(raw.flatten().and_then(|raw| Key::parse(&raw)))
}

/// Records that a digest has left.
pub(super) fn digest_sent(tx: &Tx<'_>, user: UserId, key: Key) -> Result<()> {
    let sql = "UPDATE people SET last_digest = ?2 WHERE id = ?1";
    tx.execute(sql, params![user, key.to_string()])?;
    Ok(())
}

/// Tells a user nothing of an artist any more, who must be known.
///
/// # Errors
/// [`super::StoreError`]
pub fn mute(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO mutes (person, artist, since) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![user, artist, Ms(tx.now())])?;
    Ok(())
}

/// Tells a user of an artist again.
///
/// # Errors
/// [`super::StoreError`]
pub fn unmute(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<()> {
    tx.execute("DELETE FROM mutes WHERE person = ?1 AND artist = ?2", params![user, artist])?;
    Ok(())
}

/// Whom a user has muted, by name.
///
/// # Errors
/// [`super::StoreError`]
pub fn muted(tx: &Tx<'_>, user: UserId) -> Result<Vec<Artist>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT a.id, a.name FROM mutes m JOIN artists a ON a.id = m.artist WHERE m.person = ?1
         ORDER BY a.name COLLATE NOCASE, a.id",
    )?;
    let artists =
        rows.query_map([user], |row| Ok(Artist::new(row.get(0)?, &row.get::<_, String>(1)?)))?;
    Ok(artists.collect::<rusqlite::Result<_>>()?)
}
