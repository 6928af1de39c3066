//! The emails of a user, with their notified.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{EmailKind, evaluate};
use crate::domain::preferences::Preferences;
use crate::domain::release::ReleaseId;
use crate::domain::user::UserId;
use crate::store::columns::{Ms, unreadable};
use crate::store::{Result, Tx, preferences, releases};

/// Titles that are listed per email.
const NAMED: usize = 2;

/// An email to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentEmail {
    pub kind: EmailKind,
    /// The first few titles, if it is an email with news.
    pub titles: Vec<String>,
    /// How many outbox rows it consists of.
    pub notified: usize,
    pub delivery: EmailState,
}

/// The notified of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailState {
    /// Sent at this time.
    Sent(Timestamp),
    /// Given up at this time, for this reason.
    Rejected(Timestamp, String),
    /// Deferred for this reason; the next attempt is at this time.
    Deferred(Timestamp, String),
    /// Will be sent at this time or shortly after.
    Pending(Timestamp),
}

/// A row, with the key of the email that it belongs to.
struct Line {
    email: (String, i64),
    kind: EmailKind,
    subject: String,
    delivery: EmailState,
}

/// The emails of a user, pending ones first, then the most recently settled, at most `most`. Emails that were
/// dropped before sending are left out, and so is news that will not be sent with the current preferences.
pub fn recent_emails(tx: &Tx<'_>, user: UserId, most: usize) -> Result<Vec<RecentEmail>> {
    let mut emails = Vec::new();
    let wanted = news_wanted(tx, user)?;
    let leaves = |line: &Line| will_be_sent(tx, user, wanted.as_ref(), line);
    // News that is not bound to an email yet is sent in one.
    load(
        tx,
        user,
        most,
        &mut emails,
        &leaves,
        "state = 'pending'",
        "coalesce(email_id, iif(kind = 'news', 0, id)) DESC, id",
    )?;
    load(
        tx,
        user,
        most,
        &mut emails,
        &|_| Ok(true),
        "state IN ('sent', 'rejected')",
        "finished_at DESC, email_id DESC, id",
    )?;
    Ok(emails)
}

/// The user's preferences, if news can be sent to them at all.
fn news_wanted(tx: &Tx<'_>, user: UserId) -> Result<Option<Preferences>> {
    let sql =
        "SELECT address IS NOT NULL AND bouncing_since IS NULL AND end_reason IS NOT 'revoked'
               FROM users WHERE id = ?1";
    let is_reached: bool = tx.query_row(sql, [user], |row| row.get(0))?;
    Ok(preferences::of(tx, user)?.filter(|wanted| is_reached && wanted.is_subscribed))
}

/// Whether a pending row will be sent with the current preferences. The final decision is made when the email
/// is composed.
fn will_be_sent(
    tx: &Tx<'_>,
    user: UserId,
    wanted: Option<&Preferences>,
    line: &Line,
) -> Result<bool> {
    if line.kind != EmailKind::News {
        return Ok(true);
    }
    let (Some(wanted), Some(id)) = (wanted, ReleaseId::parse(&line.subject)) else {
        return Ok(false);
    };
    let Some(release) = releases::find(tx, &id)? else { return Ok(false) };
    Ok(evaluate(tx, user, wanted, &release)?.is_ok())
}

/// Reads rows until there are `most` emails; the rows of an email are adjacent.
fn load(
    tx: &Tx<'_>,
    user: UserId,
    most: usize,
    emails: &mut Vec<RecentEmail>,
    counts: &dyn Fn(&Line) -> Result<bool>,
    which: &str,
    order: &str,
) -> Result<()> {
    let sql = format!(
        "SELECT state, coalesce(email_id, iif(kind = 'news', 0, id)), kind, subject, finished_at, next_at, reason
         FROM outbox WHERE user_id = ?1 AND {which} ORDER BY {order}"
    );
    let mut rows = tx.conn().prepare_cached(&sql)?;
    let mut last = None;
    for line in rows.query_map(params![user], read)? {
        let line = line?;
        if !counts(&line)? {
            continue;
        }
        if last.as_ref() != Some(&line.email) {
            if emails.len() == most {
                break;
            }
            emails.push(RecentEmail {
                kind: line.kind,
                titles: vec![],
                notified: 0,
                delivery: line.delivery,
            });
            last = Some(line.email);
        }
        let Some(email) = emails.last_mut() else { continue };
        email.notified += 1;
        if line.kind == EmailKind::News && email.titles.len() < NAMED {
            email.titles.extend(title(tx, &line.subject)?);
        }
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Line> {
    let (state, kind): (String, String) = (row.get(0)?, row.get(2)?);
    let at = |column| {
        row.get::<_, Option<Ms>>(column).map(|at| at.map_or(Timestamp::UNIX_EPOCH, |at| at.0))
    };
    let reason: Option<String> = row.get(6)?;
    let delivery = match (state.as_str(), reason) {
        ("sent", _) => EmailState::Sent(at(4)?),
        ("rejected", reason) => EmailState::Rejected(at(4)?, reason.unwrap_or_default()),
        (_, Some(reason)) => EmailState::Deferred(at(5)?, reason),
        (_, None) => EmailState::Pending(at(5)?),
    };
    let kind = EmailKind::parse(&kind).ok_or_else(|| unreadable("a kind of letter"))?;
    Ok(Line { email: (state, row.get(1)?), kind, subject: row.get(3)?, delivery })
}

fn title(tx: &Tx<'_>, subject: &str) -> Result<Option<String>> {
    let release =
        ReleaseId::parse(subject).map(|id| releases::find(tx, &id)).transpose()?.flatten();
    Ok(release.map(|release| release.shown_title().to_owned()))
}
