//! Queued and rejected emails, and alert emails. Contains no addresses: reasons are redacted before they
//! are stored (`email/smtp/redact.rs`).

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;
use serde::Serialize;

use crate::domain::operator_alert::OperatorAlert;
use crate::store::columns::Ms;
use crate::store::outbox::EmailKind;
use crate::store::{Result, Tx, outbox, users};

/// How far back rejections and alert emails are listed.
pub(super) const RECENT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How many groups and alert emails are listed.
const MAX_LISTED: u32 = 12;

/// Counts notifications; an email can hold several.
#[derive(Debug, Clone, Serialize)]
pub struct Emails {
    pub queued: u64,
    /// Queued, and deferred by the mail server at least once.
    pub deferred: u64,
    /// The latest reason for that.
    pub deferred_reason: Option<String>,
    /// Rejected for good.
    pub rejected: u64,
    pub sent: u64,
    /// The oldest group first.
    pub queued_by_reason: Vec<Group>,
    /// Queued notifications beyond the listed groups.
    pub queued_other: u64,
    pub rejected_recently: u64,
    /// The latest group first.
    pub rejected_by_reason: Vec<Group>,
    /// Recently rejected notifications beyond the listed groups.
    pub rejected_other: u64,
}

/// Notifications of one kind that are queued, or were rejected, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// See [`EmailKind::as_str`].
    pub kind: String,
    /// Why they were not sent; `None` if they only wait for the time they are scheduled for.
    pub reason: Option<String>,
    pub count: u64,
    /// When the first of them was queued.
    pub oldest: Timestamp,
    /// The next attempt if queued, else the latest rejection.
    pub at: Timestamp,
}

/// An email about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertEmail {
    /// When it was queued.
    pub at: Timestamp,
    /// The alert's title.
    #[serde(rename = "title")]
    pub what: String,
    /// The state of the outbox row.
    pub state: String,
}

pub(super) fn load(tx: &Tx<'_>) -> Result<Emails> {
    let ((queued_by_reason, queued_other), (rejected_by_reason, rejected_other)) =
        (queued(tx)?, rejected(tx)?);
    let rejected_recently =
        rejected_by_reason.iter().map(|group| group.count).sum::<u64>() + rejected_other;
    let deferred = "SELECT count(*) FROM outbox WHERE state = 'pending' AND reason IS NOT NULL";
    Ok(Emails {
        queued: outbox::count_pending(tx)?,
        deferred: tx.query_row(deferred, [], |row| row.get(0))?,
        deferred_reason: deferred_reason(tx)?,
        rejected: count_settled(tx, "rejected")?,
        sent: count_settled(tx, "sent")?,
        queued_by_reason,
        queued_other,
        rejected_recently,
        rejected_by_reason,
        rejected_other,
    })
}

fn count_settled(tx: &Tx<'_>, state: &str) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE state = ?1 AND finished_at IS NOT NULL";
    Ok(tx.query_row(sql, [state], |row| row.get(0))?)
}

fn deferred_reason(tx: &Tx<'_>) -> Result<Option<String>> {
    let sql = "SELECT max(reason) FROM outbox WHERE state = 'pending' AND id =
               (SELECT max(id) FROM outbox WHERE state = 'pending' AND reason IS NOT NULL)";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

fn queued(tx: &Tx<'_>) -> Result<(Vec<Group>, u64)> {
    // An alert email quotes a reason before its first attempt; that is not why it waits.
    grouped(
        tx,
        "SELECT kind, iif(kind = 'operator' AND attempts = 0, NULL, reason) AS why, count(*), min(enqueued_at),
             min(next_at), sum(count(*)) OVER () FROM outbox
         WHERE state = 'pending' AND enqueued_at <= ?1 GROUP BY kind, why ORDER BY min(enqueued_at) LIMIT ?2",
        i64::MAX,
    )
}

fn rejected(tx: &Tx<'_>) -> Result<(Vec<Group>, u64)> {
    grouped(
        tx,
        "SELECT kind, reason, count(*), min(enqueued_at), max(finished_at), sum(count(*)) OVER () FROM outbox
         WHERE state = 'rejected' AND finished_at > ?1
         GROUP BY kind, reason ORDER BY max(finished_at) DESC LIMIT ?2",
        (tx.now() - RECENT).as_millisecond(),
    )
}

/// The groups, and how many notifications are in further groups.
fn grouped(tx: &Tx<'_>, sql: &str, since: i64) -> Result<(Vec<Group>, u64)> {
    let rows = tx.query_rows(sql, params![since, MAX_LISTED], |row| {
        let group = Group {
            kind: row.get(0)?,
            reason: row.get(1)?,
            count: row.get(2)?,
            oldest: row.get::<_, Ms>(3)?.0,
            at: row.get::<_, Ms>(4)?.0,
        };
        Ok((group, row.get::<_, u64>(5)?))
    })?;
    let all = rows.first().map_or(0, |(_, all)| *all);
    let groups: Vec<Group> = rows.into_iter().map(|(group, _)| group).collect();
    let listed: u64 = groups.iter().map(|group| group.count).sum();
    Ok((groups, all.saturating_sub(listed)))
}

/// Recent alert emails, the latest first.
pub(super) fn alert_emails(tx: &Tx<'_>) -> Result<Vec<AlertEmail>> {
    let sql = "SELECT enqueued_at, subject, state FROM outbox
               WHERE coalesce(user_id, 0) = 0 AND kind = ?1 AND enqueued_at > ?2 ORDER BY id DESC LIMIT ?3";
    let key = params![EmailKind::Operator.as_str(), Ms(tx.now() - RECENT), MAX_LISTED];
    let rows: Vec<(Ms, String, String)> =
        tx.query_rows(sql, key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut alert_emails = Vec::new();
    for (Ms(at), subject, state) in rows {
        let Some(alert) = OperatorAlert::parse(&subject) else { continue };
        alert_emails.push(AlertEmail { at, what: title_of(tx, &alert)?, state });
    }
    Ok(alert_emails)
}

fn title_of(tx: &Tx<'_>, alert: &OperatorAlert) -> Result<String> {
    let title = alert.title();
    let OperatorAlert::NotOnAllowList(user) = alert else { return Ok(title) };
    Ok(match users::find(tx, *user)? {
        Some(user) => format!("{title}: {} ({})", user.display_name, user.spotify_id),
        None => title,
    })
}
