//! Emails that are owed, that were refused, and that told the operator something. No addresses: reasons are
//! masked before they are kept (`email/smtp/redact.rs`).

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use crate::domain::operator_alert::OperatorAlert;
use crate::store::columns::Ms;
use crate::store::outbox::EmailKind;
use crate::store::{Result, Tx, users};

/// What was refused, or told, within this time is "lately".
pub(super) const LATELY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// So many reasons are told apart, at most; and so many things that the operator was told.
const MAX_GROUPS: u32 = 12;

/// Things that are owed, or were refused lately, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Of what kind, as [`EmailKind`] has it.
    pub kind: String,
    /// Why they did not leave; `None` where they only wait for their hour.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
    /// When the first of them was owed.
    pub oldest: Timestamp,
    /// When the next of those that are owed is tried; when the last of those that were refused was.
    pub at: Timestamp,
}

/// What the operator was told, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Since when it is owed.
    pub at: Timestamp,
    /// What happened, in words.
    pub what: String,
    /// How the email stands: `pending`, `sent`, `refused`, `dropped`.
    pub state: String,
}

/// What is owed, by kind and reason, what was owed first at the top; and how many things are in further
/// groups.
///
/// # Errors
/// [`crate::store::StoreError`]
pub(super) fn pending(tx: &Tx<'_>) -> Result<(Vec<Group>, u64)> {
    // What an email to the operator quotes is no reason of its own.
    grouped(
        tx,
        "SELECT kind, iif(kind = 'operator' AND attempts = 0, NULL, reason) AS why, count(*), min(enqueued_at),
             min(next_at), sum(count(*)) OVER () FROM outbox
         WHERE state = 'pending' AND enqueued_at <= ?1 GROUP BY kind, why ORDER BY min(enqueued_at) LIMIT ?2",
        i64::MAX,
    )
}

/// What was refused lately, by kind and reason, the latest first; and how many things are in further groups.
///
/// # Errors
/// [`crate::store::StoreError`]
pub(super) fn refused(tx: &Tx<'_>) -> Result<(Vec<Group>, u64)> {
    grouped(
        tx,
        "SELECT kind, reason, count(*), min(enqueued_at), max(finished_at), sum(count(*)) OVER () FROM outbox
         WHERE state = 'rejected' AND finished_at > ?1
         GROUP BY kind, reason ORDER BY max(finished_at) DESC LIMIT ?2",
        (tx.now() - LATELY).as_millisecond(),
    )
}

fn grouped(tx: &Tx<'_>, sql: &str, since: i64) -> Result<(Vec<Group>, u64)> {
    let mut rows = tx.conn().prepare_cached(sql)?;
    let rows = rows.query_map(params![since, MAX_GROUPS], |row| {
        let group = Group {
            kind: row.get(0)?,
            reason: row.get(1)?,
            count: row.get(2)?,
            oldest: row.get::<_, Ms>(3)?.0,
            at: row.get::<_, Ms>(4)?.0,
        };
        Ok((group, row.get::<_, u64>(5)?))
    })?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let all = rows.first().map_or(0, |(_, all)| *all);
    let groups: Vec<Group> = rows.into_iter().map(|(group, _)| group).collect();
    let told: u64 = groups.iter().map(|group| group.count).sum();
    Ok((groups, all.saturating_sub(told)))
}

/// What the operator was told lately, the latest first.
///
/// # Errors
/// [`crate::store::StoreError`]
pub(super) fn told(tx: &Tx<'_>) -> Result<Vec<Told>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT enqueued_at, subject, state FROM outbox
         WHERE coalesce(user_id, 0) = 0 AND kind = ?1 AND enqueued_at > ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    let key = params![EmailKind::Operator.as_str(), Ms(tx.now() - LATELY), MAX_GROUPS];
    let rows = rows.query_map(key, |row| {
        Ok((row.get::<_, Ms>(0)?.0, row.get::<_, String>(1)?, row.get(2)?))
    })?;
    let mut told = Vec::new();
    for (at, subject, state) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let Some(alert) = OperatorAlert::parse(&subject) else { continue };
        told.push(Told { at, what: describe(tx, alert)?, state });
    }
    Ok(told)
}

fn describe(tx: &Tx<'_>, alert: OperatorAlert) -> Result<String> {
    let OperatorAlert::NotOnAllowList(user) = alert else { return Ok(alert.to_string()) };
    let user = users::find(tx, user)?;
    Ok(user.map_or(alert.to_string(), |user| {
        format!("{alert}: {} ({})", user.display_name, user.spotify_id)
    }))
}
