//! The emails to a user, one by one: what each told, and whether it left.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::Kind;
use crate::domain::preferences::Preferences;
use crate::domain::release::ReleaseId;
use crate::domain::release_filter;
use crate::domain::user::UserId;
use crate::store::columns::{Ms, unreadable};
use crate::store::users::User;
use crate::store::{Result, Tx, editions, preferences, releases};

/// So many of its releases are named for an email.
const NAMED: usize = 2;

/// An email to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lately {
    /// Of what kind.
    pub kind: Kind,
    /// Titles of what it told, the first few, where it is one with news.
    pub titles: Vec<String>,
    /// How many things it told.
    pub told: usize,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It left then.
    Sent(Timestamp),
    /// It was given up then, for this reason.
    Refused(Timestamp, String),
    /// It was tried and put off for this reason, to be tried again then.
    PutOff(Timestamp, String),
    /// It leaves then, or soon after.
    Waiting(Timestamp),
}

/// A row, with what tells one email from another.
struct Line {
    email: (String, i64),
    kind: Kind,
    subject: String,
    fate: Fate,
}

/// The emails to a user, those that are owed first and then the ones settled last, `most` of them.
/// What was not wanted any more before it left is no email, nor are news that will not leave as things stand.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn lately(tx: &Tx<'_>, user: &User, most: usize) -> Result<Vec<Lately>> {
    let mut emails = Vec::new();
    let wanted = news_wanted(tx, user)?;
    let leaves = |line: &Line| will_leave(tx, user.id, wanted.as_ref(), line);
    let user = user.id;
    // All news that no email has yet leaves together.
    gather(
        tx,
        user,
        most,
        &mut emails,
        &leaves,
        "state = 'owed'",
        "coalesce(letter, iif(kind = 'news', 0, id)) DESC, id",
    )?;
    gather(
        tx,
        user,
        most,
        &mut emails,
        &|_| Ok(true),
        "state IN ('sent', 'refused')",
        "settled_at DESC, letter DESC, id",
    )?;
    Ok(emails)
}

/// What the user wants of news, where any can leave to them at all.
fn news_wanted(tx: &Tx<'_>, user: &User) -> Result<Option<Preferences>> {
    let is_reached =
        user.address.is_some() && user.bouncing_since.is_none() && user.deleted_at.is_none();
    Ok(preferences::of(tx, user.id)?.filter(|wanted| is_reached && wanted.is_subscribed))
}

/// Whether what is owed leaves as things stand: what is told is settled when its email is written.
fn will_leave(
    tx: &Tx<'_>,
    user: UserId,
    wanted: Option<&Preferences>,
    line: &Line,
) -> Result<bool> {
    if line.kind != Kind::News {
        return Ok(true);
    }
    let (Some(wanted), Some(id)) = (wanted, ReleaseId::parse(&line.subject)) else {
        return Ok(false);
    };
    let Some(release) = releases::find(tx, &id)? else { return Ok(false) };
    let is_unwanted = !wanted.editions && editions::is_one(tx, &id)?;
    let reasons = releases::reasons(tx, &id, user)?;
    Ok(!is_unwanted && release_filter::evaluate(&release, &reasons, wanted.kinds).is_ok())
}

/// Reads rows until there are `most` emails; those of one email lie together.
fn gather(
    tx: &Tx<'_>,
    user: UserId,
    most: usize,
    emails: &mut Vec<Lately>,
    counts: &dyn Fn(&Line) -> Result<bool>,
    which: &str,
    order: &str,
) -> Result<()> {
    let sql = format!(
        "SELECT state, coalesce(letter, iif(kind = 'news', 0, id)), kind, subject, settled_at, next_at, reason
         FROM outbox WHERE person = ?1 AND {which} ORDER BY {order}"
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
            emails.push(Lately { kind: line.kind, titles: vec![], told: 0, fate: line.fate });
            last = Some(line.email);
        }
        let Some(email) = emails.last_mut() else { continue };
        email.told += 1;
        if line.kind == Kind::News && email.titles.len() < NAMED {
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
    let fate = match (state.as_str(), reason) {
        ("sent", _) => Fate::Sent(at(4)?),
        ("refused", reason) => Fate::Refused(at(4)?, reason.unwrap_or_default()),
        (_, Some(reason)) => Fate::PutOff(at(5)?, reason),
        (_, None) => Fate::Waiting(at(5)?),
    };
    let kind = Kind::parse(&kind).ok_or_else(|| unreadable("a kind of letter"))?;
    Ok(Line { email: (state, row.get(1)?), kind, subject: row.get(3)?, fate })
}

fn title(tx: &Tx<'_>, subject: &str) -> Result<Option<String>> {
    let release =
        ReleaseId::parse(subject).map(|id| releases::find(tx, &id)).transpose()?.flatten();
    Ok(release.map(|release| release.shown_title().to_owned()))
}
