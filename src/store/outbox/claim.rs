//! Which emails are due, and claiming one of them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::EmailKind;
use crate::domain::user::{Addressee, UserId};
use crate::store::columns::Ms;
use crate::store::{Result, Tx, preferences};

/// Rows that can be sent in one email.
#[derive(Debug, Clone)]
pub struct PendingEmail {
    addressee: Addressee,
    kind: EmailKind,
    /// The number of the email that they are bound to, or would be bound to.
    email: i64,
    is_bound: bool,
}

impl PendingEmail {
    pub fn addressee(&self) -> Addressee {
        self.addressee
    }

    /// Whether it is the last email to a user who deleted their account.
    pub fn is_goodbye(&self) -> bool {
        self.kind == EmailKind::Goodbye
    }
}

/// A claimed email.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The id of its first row. The Message-ID is derived from it.
    pub email: i64,
    pub addressee: Addressee,
    pub kind: EmailKind,
    /// What it is about, in the order of enqueueing.
    pub subjects: Vec<String>,
    /// Attempts so far, including this one.
    pub attempts: u32,
    /// When its first row was enqueued.
    pub pending_at: Timestamp,
    /// Whether an earlier attempt may have been accepted. The email must then be the same.
    pub is_repeat: bool,
}

/// Makes everything due that `once --all` may send now. A digest still waits for its hour, and the email about
/// an ended consent until the end is certain.
pub fn make_due(tx: &Tx<'_>, batch_window: SignedDuration) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET next_at = ?1 WHERE state = 'pending' AND next_at > ?1 AND
             CASE kind WHEN 'sign_in_again' THEN attempts > 0
                       WHEN 'news' THEN email_id IS NOT NULL
                           OR user_id IN (SELECT id FROM users WHERE frequency = 'at_once')
                       ELSE TRUE END",
        [Ms(tx.now() - batch_window)],
    )?;
    Ok(())
}

/// The emails that are due, at most `most`, those with the fewest attempts first, so that users who are hard to
/// reach do not hold up others. News for a user who withdrew their consent is not due. Immediate news waits for
/// more news for up to `batch_window`; then all of it is sent in one email, unless the server asked for a delay.
pub fn due(tx: &Tx<'_>, batch_window: SignedDuration, most: u32) -> Result<Vec<PendingEmail>> {
    let units: Vec<(Option<UserId>, String, i64, bool)> = tx.query_rows(
        "SELECT user_id, kind, coalesce(email_id, min(id)), email_id IS NOT NULL FROM outbox
         WHERE state = 'pending' AND NOT (kind = 'news' AND user_id IN
             (SELECT id FROM users WHERE end_reason = 'revoked'))
         GROUP BY user_id, kind, email_id, CASE WHEN kind = 'news' THEN 0 ELSE id END
         HAVING max(claimed_until) <= ?1 AND max(iif(attempts > 0, next_at, 0)) <= ?1
            AND min(next_at) <= iif(kind = 'news' AND email_id IS NULL AND max(attempts) = 0
                AND user_id IN (SELECT id FROM users WHERE frequency = 'at_once'), ?3, ?1)
         ORDER BY max(attempts), min(id) LIMIT ?2",
        params![Ms(tx.now()), most, Ms(tx.now() - batch_window)],
        |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let pending_email = |(user, kind, email, is_bound): (Option<UserId>, String, _, _)| {
        let kind = EmailKind::parse(&kind)?;
        let nobody = if kind == EmailKind::Goodbye { Addressee::Left } else { Addressee::Operator };
        let addressee = user.map_or(nobody, Addressee::User);
        Some(PendingEmail { addressee, kind, email, is_bound })
    };
    Ok(units.into_iter().filter_map(pending_email).collect())
}

/// Claims an email for `lease`, which must be longer than sending can take. `None` if it is no longer due, or
/// not yet.
pub fn claim(
    tx: &Tx<'_>,
    pending_email: &PendingEmail,
    lease: SignedDuration,
) -> Result<Option<Claimed>> {
    if is_before_its_hour(tx, pending_email)? {
        return Ok(None);
    }
    let until = tx.now() + lease;
    let key = params![
        pending_email.email,
        pending_email.addressee,
        pending_email.kind.as_str(),
        Ms(tx.now()),
        Ms(until),
        pending_email.is_bound
    ];
    let mut claimed: Vec<(i64, String, u32)> = tx.query_rows(
        "UPDATE outbox SET email_id = ?1, claimed_until = ?5, attempts = attempts + 1
         WHERE state = 'pending' AND user_id IS ?2 AND kind = ?3 AND claimed_until <= ?4
           AND NOT (kind = 'news' AND EXISTS
               (SELECT 1 FROM users WHERE id = outbox.user_id AND end_reason = 'revoked'))
           AND CASE WHEN ?6 THEN email_id = ?1
                    WHEN ?3 = 'news' THEN email_id IS NULL
                    ELSE email_id IS NULL AND id = ?1 END
         RETURNING id, subject, attempts",
        key,
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    // RETURNING guarantees no order.
    claimed.sort_unstable_by_key(|row| row.0);
    let Some(first) = claimed.first().map(|row| row.0) else { return Ok(None) };
    if first != pending_email.email && !pending_email.is_bound {
        // The first row was settled or claimed meanwhile, so the others are bound again next time under a
        // number of their own. By id, because another process may have claimed the email.
        let mut put_back = tx
            .conn()
            .prepare_cached("UPDATE outbox SET email_id = NULL, claimed_until = 0 WHERE id = ?1")?;
        for (id, ..) in claimed {
            put_back.execute([id])?;
        }
        return Ok(None);
    }
    // From the row whose id is the email's number, even if it is no longer part of the email.
    let sql = "SELECT enqueued_at FROM outbox WHERE id = ?1";
    let Ms(pending_at) = tx.query_row(sql, [pending_email.email], |row| row.get(0))?;
    Ok(Some(Claimed {
        email: pending_email.email,
        addressee: pending_email.addressee,
        kind: pending_email.kind,
        attempts: claimed.iter().map(|row| row.2).max().unwrap_or(1),
        subjects: claimed.into_iter().map(|row| row.1).collect(),
        pending_at,
        is_repeat: pending_email.is_bound,
    }))
}

/// Whether it is a digest for a day whose digest was sent. If so, its rows are rescheduled.
fn is_before_its_hour(tx: &Tx<'_>, pending_email: &PendingEmail) -> Result<bool> {
    let Addressee::User(user) = pending_email.addressee else { return Ok(false) };
    if pending_email.kind != EmailKind::News || pending_email.is_bound {
        return Ok(false);
    }
    let digest_schedule = preferences::of(tx, user)?.map(|wanted| wanted.digest_schedule);
    let Some(digest_schedule) = digest_schedule.filter(|table| table.frequency.is_digest()) else {
        return Ok(false);
    };
    let last = preferences::last_digest(tx, user)?;
    if digest_schedule.due(tx.now(), last).is_some() {
        return Ok(false);
    }
    preferences::reschedule_news(tx, user, &digest_schedule, last)?;
    Ok(true)
}

/// Releases every claim: those of a process that has ended.
pub(in crate::store) fn release_claims(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE outbox SET claimed_until = 0 WHERE claimed_until > 0", [])?;
    Ok(())
}
