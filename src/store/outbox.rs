//! What is owed to people: one row for each thing, unique for ever by what it is about.
//!
//! Claim, act, mark. Rows that leave in one letter are bound together when they are claimed, and
//! carry one Message-ID. They come apart again only when it is certain that the letter was not
//! accepted; where nobody knows, the very same letter is repeated.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::detection::NEWS_DAYS;
use crate::domain::release::ReleaseId;
use crate::domain::user::{Addressee, UserId};

/// What kind of thing is owed. News to a person goes in one letter, anything else in its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A link that confirms an address; the subject is the link's number.
    Confirm,
    /// A new album; the subject is its id.
    News,
    /// The consent has ended; the subject is when it was given.
    SignInAgain,
    /// The consent ends soon; the subject is when it was given, and how many days ahead this is.
    ConsentEnds,
    /// Something for the operator; the subject is a [`crate::domain::matter::Matter`] and the day.
    Operator,
}

impl Kind {
    /// The word in the database and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::News => "news",
            Self::SignInAgain => "sign_in_again",
            Self::ConsentEnds => "consent_ends",
            Self::Operator => "operator",
        }
    }

    fn parse(raw: &str) -> Option<Self> {
        [Self::Confirm, Self::News, Self::SignInAgain, Self::ConsentEnds, Self::Operator]
            .into_iter()
            .find(|kind| kind.as_str() == raw)
    }
}

/// Rows that can leave together.
#[derive(Debug, Clone)]
pub struct Unit {
    addressee: Addressee,
    kind: Kind,
    /// The number of the letter that they are bound to, or that they would be.
    letter: i64,
    is_bound: bool,
}

/// A letter that is ours to send.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its number: that of its first row. What its Message-ID is made of.
    pub letter: i64,
    /// To whom.
    pub addressee: Addressee,
    /// Of what kind.
    pub kind: Kind,
    /// What it is about, in the order in which it was owed.
    pub subjects: Vec<String>,
    /// Attempts so far, this one included.
    pub attempts: u32,
    /// When its first row was owed.
    pub owed_at: Timestamp,
    /// Whether an earlier attempt may have been accepted: then this is the very same letter.
    pub is_repeat: bool,
}

/// Owes a person something, unless it was owed before. Returns whether it is new.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe(tx: &Tx<'_>, person: UserId, kind: Kind, subject: &str) -> Result<bool> {
    insert(tx, Addressee::Person(person), kind, subject, tx.now())
}

/// Owes a person the letter about the consent that was given at `given_at`, to leave at `leaves_at`
/// and not before, whoever asks for all letters.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_sign_in_again(
    tx: &Tx<'_>,
    person: UserId,
    given_at: Timestamp,
    leaves_at: Timestamp,
) -> Result<bool> {
    let subject = given_at.as_millisecond().to_string();
    insert(tx, Addressee::Person(person), Kind::SignInAgain, &subject, leaves_at)
}

/// Owes the operator a letter, unless it was owed before.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_operator(tx: &Tx<'_>, subject: &str) -> Result<bool> {
    insert(tx, Addressee::Operator, Kind::Operator, subject, tx.now())
}

fn insert(
    tx: &Tx<'_>,
    addressee: Addressee,
    kind: Kind,
    subject: &str,
    next_at: Timestamp,
) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![addressee, kind.as_str(), subject, Ms(next_at), Ms(tx.now())];
    Ok(tx.execute(sql, row)? == 1)
}

/// Whom a release concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who follows the artist.
    Followers,
    /// Those of them who want to hear of later editions of an album.
    WantingEditions,
}

/// Owes a new release to everybody whom it concerns and who has a confirmed address, each once; a
/// single to those alone who want singles. Who has taken their consent back is owed nothing. Returns
/// to how many it is new.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_news(
    tx: &Tx<'_>,
    artist: &ArtistId,
    release: &ReleaseId,
    audience: Audience,
) -> Result<u64> {
    let new = tx.execute(
        "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at)
         SELECT f.person, 'news', r.id, ?3, ?3 FROM follows f JOIN people p ON p.id = f.person
         JOIN releases r ON r.id = ?2
         WHERE f.artist = ?1 AND p.address IS NOT NULL AND (p.wants_editions OR NOT ?4)
           AND (r.kind <> 'single' OR p.singles_since IS NOT NULL)
           AND p.ended_how IS NOT 'revoked'",
        params![artist, release, Ms(tx.now()), audience == Audience::WantingEditions],
    )?;
    Ok(new as u64)
}

/// Owes a person who has just confirmed an address what came out since they follow it: the days
/// between signing in and opening the letter must cost no album. Of singles, what came out since
/// they want them.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_news_since_following(tx: &Tx<'_>, person: UserId) -> Result<u64> {
    let oldest = tx.now() - SignedDuration::from_hours(24 * NEWS_DAYS);
    let new = tx.execute(
        "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at)
         SELECT f.person, 'news', s.release, ?2, ?2
         FROM follows f JOIN sightings s ON s.artist = f.artist
         JOIN people p ON p.id = f.person JOIN releases r ON r.id = s.release
         WHERE f.person = ?1 AND s.is_news AND s.seen_at >= f.since AND s.seen_at >= ?3
           AND (r.kind <> 'single' OR s.seen_at >= p.singles_since)
           AND p.ended_how IS NOT 'revoked'
         ORDER BY s.seen_at, s.release",
        params![person, Ms(tx.now()), Ms(oldest)],
    )?;
    Ok(new as u64)
}

/// Owes a person whose consent is good again what came out since it was taken back, if they can be
/// written to.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_news_missed(tx: &Tx<'_>, person: UserId, since: Timestamp) -> Result<u64> {
    let new = tx.execute(
        "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at)
         SELECT p.id, 'news', s.release, ?3, ?3 FROM people p
         JOIN follows f ON f.person = p.id JOIN sightings s ON s.artist = f.artist
         WHERE p.id = ?1 AND p.address IS NOT NULL AND s.is_news AND s.seen_at >= max(f.since, ?2)
         ORDER BY s.seen_at, s.release",
        params![person, Ms(since), Ms(tx.now())],
    )?;
    Ok(new as u64)
}

/// Owes a person once more what a mail server refused at an address that they have now replaced.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_refused_again(tx: &Tx<'_>, person: UserId) -> Result<()> {
    let oldest = tx.now() - SignedDuration::from_hours(24 * NEWS_DAYS);
    tx.execute(
        "UPDATE outbox SET state = 'owed', letter = NULL, reason = NULL, settled_at = NULL, next_at = ?2
         WHERE person = ?1 AND kind = 'news' AND state = 'refused' AND owed_at >= ?3
           AND NOT EXISTS (SELECT 1 FROM releases r JOIN people p ON p.id = person
               WHERE r.id = subject AND r.kind = 'single' AND p.singles_since IS NULL)",
        params![person, Ms(tx.now()), Ms(oldest)],
    )?;
    Ok(())
}

/// Owes a person the news of one artist that was seen since a time, if they can be written to.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe_news_seen_since(
    tx: &Tx<'_>,
    person: UserId,
    artist: &ArtistId,
    since: Timestamp,
) -> Result<u64> {
    let new = tx.execute(
        "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at)
         SELECT p.id, 'news', s.release, ?4, ?4 FROM people p JOIN sightings s ON s.artist = ?2
         JOIN releases r ON r.id = s.release
         WHERE p.id = ?1 AND p.address IS NOT NULL AND s.is_news AND s.seen_at >= ?3
           AND (r.kind <> 'single' OR s.seen_at >= p.singles_since)
         ORDER BY s.seen_at, s.release",
        params![person, artist, Ms(since), Ms(tx.now())],
    )?;
    Ok(new as u64)
}

/// The letters that can leave now: those that are due, or all that are owed. Those that were tried
/// least come first: who is hard to reach must not stand in the others' way. News to somebody who
/// has taken their consent back stays; and that a consent has ended is told when it is certain, and
/// not before.
///
/// # Errors
/// [`super::StoreError`]
pub fn due(tx: &Tx<'_>, all: bool) -> Result<Vec<Unit>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT person, kind, coalesce(letter, min(id)), letter IS NOT NULL FROM outbox
         WHERE state = 'owed' AND NOT (kind = 'news' AND person IN
             (SELECT id FROM people WHERE ended_how = 'revoked'))
         GROUP BY person, kind, letter, CASE WHEN kind = 'news' THEN 0 ELSE id END
         HAVING max(claimed_until) <= ?2
            AND (max(next_at) <= ?2 OR (?1 AND (kind <> 'sign_in_again' OR max(attempts) > 0)))
         ORDER BY max(attempts), min(id)",
    )?;
    let due = rows.query_map(params![all, Ms(tx.now())], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
    })?;
    let units = due.collect::<rusqlite::Result<Vec<(Addressee, String, i64, bool)>>>()?;
    let unit = |(addressee, kind, letter, is_bound): (_, String, _, _)| {
        Some(Unit { addressee, kind: Kind::parse(&kind)?, letter, is_bound })
    };
    Ok(units.into_iter().filter_map(unit).collect())
}

/// Claims a letter for `lease`, which must be longer than its sending can take; `None` if it is no
/// longer there to be sent.
///
/// # Errors
/// [`super::StoreError`]
pub fn claim(tx: &Tx<'_>, unit: &Unit, lease: SignedDuration) -> Result<Option<Claimed>> {
    let mut rows = tx.conn().prepare_cached(
        "UPDATE outbox SET letter = ?1, claimed_until = ?5, attempts = attempts + 1
         WHERE state = 'owed' AND person IS ?2 AND kind = ?3 AND claimed_until <= ?4
           AND NOT (kind = 'news' AND person IN (SELECT id FROM people WHERE ended_how = 'revoked'))
           AND CASE WHEN ?6 THEN letter = ?1
                    WHEN ?3 = 'news' THEN letter IS NULL
                    ELSE letter IS NULL AND id = ?1 END
         RETURNING id, subject, attempts",
    )?;
    let until = tx.now() + lease;
    let key = params![
        unit.letter,
        unit.addressee,
        unit.kind.as_str(),
        Ms(tx.now()),
        Ms(until),
        unit.is_bound
    ];
    let claimed = rows.query_map(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut claimed: Vec<(i64, String, u32)> = claimed.collect::<rusqlite::Result<_>>()?;
    // RETURNING promises no order.
    claimed.sort_unstable_by_key(|row| row.0);
    let Some(first) = claimed.first().map(|row| row.0) else { return Ok(None) };
    if first != unit.letter && !unit.is_bound {
        // The first row is settled or in somebody's hands by now: these are bound again, under a
        // number of their own, next time. By their ids, for others may have the letter in hand.
        let mut put_back = tx
            .conn()
            .prepare_cached("UPDATE outbox SET letter = NULL, claimed_until = 0 WHERE id = ?1")?;
        for (id, ..) in claimed {
            put_back.execute([id])?;
        }
        return Ok(None);
    }
    // Of the row that the letter is named after, whether or not it is still part of it.
    let sql = "SELECT owed_at FROM outbox WHERE id = ?1";
    let Ms(owed_at) = tx.query_row(sql, [unit.letter], |row| row.get(0))?;
    Ok(Some(Claimed {
        letter: unit.letter,
        addressee: unit.addressee,
        kind: unit.kind,
        attempts: claimed.iter().map(|row| row.2).max().unwrap_or(1),
        subjects: claimed.into_iter().map(|row| row.1).collect(),
        owed_at,
        is_repeat: unit.is_bound,
    }))
}

/// Marks a letter sent: the server answered 250 to that very message.
///
/// # Errors
/// [`super::StoreError`]
pub fn sent(tx: &Tx<'_>, letter: i64) -> Result<()> {
    settle(tx, letter, "sent", None)
}

/// Stops a letter: the server refused it for good, in these words.
///
/// # Errors
/// [`super::StoreError`]
pub fn refused(tx: &Tx<'_>, letter: i64, why: &str) -> Result<()> {
    settle(tx, letter, "refused", Some(why))
}

/// Drops a letter that is no longer wanted, for this reason.
///
/// # Errors
/// [`super::StoreError`]
pub fn dropped(tx: &Tx<'_>, letter: i64, why: &str) -> Result<()> {
    settle(tx, letter, "dropped", Some(why))
}

/// Takes one thing out of a letter, since it cannot be told any more.
///
/// # Errors
/// [`super::StoreError`]
pub fn drop_subject(tx: &Tx<'_>, letter: i64, subject: &str, why: &str) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = 'dropped', reason = ?3, settled_at = ?4, claimed_until = 0
         WHERE letter = ?1 AND subject = ?2 AND state = 'owed'",
        params![letter, subject, why, Ms(tx.now())],
    )?;
    Ok(())
}

/// What was news to a person lately, the newest first.
///
/// # Errors
/// [`super::StoreError`]
pub fn news_of(tx: &Tx<'_>, person: UserId, most: u32) -> Result<Vec<ReleaseId>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT subject FROM outbox WHERE person = ?1 AND kind = 'news' AND state IN ('owed', 'sent')
         ORDER BY id DESC LIMIT ?2",
    )?;
    Ok(rows.query_map(params![person, most], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn settle(tx: &Tx<'_>, letter: i64, state: &str, why: Option<&str>) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = ?2, reason = ?3, settled_at = ?4, claimed_until = 0
         WHERE letter = ?1 AND state = 'owed'",
        params![letter, state, why, Ms(tx.now())],
    )?;
    Ok(())
}

/// Puts a letter off until `next_at`. `come_apart` lets its rows leave with whatever else is owed
/// by then, and is for letters that were certainly never accepted; otherwise the very same letter
/// will be repeated.
///
/// # Errors
/// [`super::StoreError`]
pub fn put_off(
    tx: &Tx<'_>,
    letter: i64,
    why: &str,
    next_at: Timestamp,
    come_apart: bool,
) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET reason = ?2, next_at = ?3, claimed_until = 0,
             letter = CASE WHEN ?4 THEN NULL ELSE letter END
         WHERE letter = ?1 AND state = 'owed'",
        params![letter, why, Ms(next_at), come_apart],
    )?;
    Ok(())
}

/// How many things are owed to people.
///
/// # Errors
/// [`super::StoreError`]
pub fn count_owed(tx: &Tx<'_>) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE state = 'owed'";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// How many things of one kind were owed to a person within the last hour.
///
/// # Errors
/// [`super::StoreError`]
pub fn count_lately(tx: &Tx<'_>, person: UserId, kind: Kind) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE person = ?1 AND kind = ?2 AND owed_at > ?3";
    let since = tx.now() - SignedDuration::from_hours(1);
    Ok(tx.query_row(sql, params![person, kind.as_str(), Ms(since)], |row| row.get(0))?)
}

/// What the mail server last said against a letter to this person that is not settled well.
///
/// # Errors
/// [`super::StoreError`]
pub fn trouble_of(tx: &Tx<'_>, person: UserId) -> Result<Option<String>> {
    let sql = "SELECT reason FROM outbox o WHERE person = ?1 AND reason IS NOT NULL
               AND state IN ('owed', 'refused') AND NOT EXISTS
                   (SELECT 1 FROM outbox s WHERE s.person = ?1 AND s.state = 'sent'
                        AND (s.settled_at, s.id) > (coalesce(o.settled_at, o.owed_at), o.id))
               ORDER BY id DESC LIMIT 1";
    Ok(tx.query_row(sql, [person], |row| row.get(0)).optional()?)
}

/// Releases every claim: those of a process that is gone.
pub(super) fn release_claims(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE outbox SET claimed_until = 0 WHERE claimed_until > 0", [])?;
    Ok(())
}
