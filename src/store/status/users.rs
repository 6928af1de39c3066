//! The list of users, without their email addresses: the operator does not need them.

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::Serialize;

use crate::domain::consent::{DELETION_DELAY, Ending, ends_at};
use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx, consents};

/// Users in numbers, and some of them by name.
#[derive(Debug, Clone, Serialize)]
pub struct Users {
    pub all: u64,
    /// With valid Spotify access.
    pub connected: u64,
    #[serde(rename = "must_reconnect")]
    pub must_sign_in_again: u64,
    /// With a confirmed email address.
    pub confirmed: u64,
    /// Spotify currently rejects requests for them, `suspended` included.
    pub rejected: u64,
    /// Spotify answered `invalid_grant` for too many users at once to believe it.
    pub suspended: u64,
    pub bouncing: u64,
    pub list: Vec<UserStatus>,
}

/// A user as the operator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserStatus {
    #[serde(skip)]
    pub id: UserId,
    /// The display name at Spotify; may be empty.
    pub name: String,
    pub spotify_id: String,
    /// The first sign-in.
    pub since: Timestamp,
    pub consent: Consent,
    pub email: Mailbox,
    /// Followed artists.
    pub artists: u64,
    /// To the hour, as far as a session is left that tells.
    pub last_visit: Option<Timestamp>,
}

/// The state of a user's Spotify access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Consent {
    Valid {
        until: Timestamp,
    },
    /// Spotify currently rejects requests for this user.
    Rejected {
        reason: String,
    },
    /// Spotify answered `invalid_grant` for too many users at once to believe it.
    Suspended,
    Ended,
    Revoked {
        deleted_at: Timestamp,
    },
}

/// The state of a user's email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Mailbox {
    /// No address was entered, or its confirmation link has expired.
    None,
    AwaitingConfirmation,
    Confirmed,
    Bouncing {
        since: Timestamp,
    },
}

/// A range of the list of users.
#[derive(Debug, Clone, Copy)]
pub struct UserPage {
    /// Beyond the end, the last page is returned.
    pub skip: u64,
    pub most: u32,
}

impl UserPage {
    pub const WHOLE: Self = Self { skip: 0, most: u32::MAX };
}

pub(super) fn load(tx: &Tx<'_>, page: UserPage) -> Result<Users> {
    let list = load_list(tx, page)?;
    Ok(Users { list, ..count_users(tx)? })
}

/// The counts, without the list.
pub(in crate::store) fn count_users(tx: &Tx<'_>) -> Result<Users> {
    let sql = "SELECT count(*), count(*) FILTER (WHERE consent = 'granted'),
                      count(*) FILTER (WHERE consent = 'ended'),
                      count(*) FILTER (WHERE address IS NOT NULL),
                      count(*) FILTER (WHERE spotify_error IS NOT NULL),
                      count(*) FILTER (WHERE bouncing_since IS NOT NULL)
               FROM users";
    let suspended = consents::count_held(tx)?;
    Ok(tx.query_row(sql, [], |row| {
        Ok(Users {
            all: row.get(0)?,
            connected: row.get(1)?,
            must_sign_in_again: row.get(2)?,
            confirmed: row.get(3)?,
            rejected: row.get(4)?,
            bouncing: row.get(5)?,
            suspended,
            list: Vec::new(),
        })
    })?)
}

/// Users with a problem first, otherwise in the order in which they joined.
fn load_list(tx: &Tx<'_>, page: UserPage) -> Result<Vec<UserStatus>> {
    // Cut the page first, so that only its users' artists and sessions are counted.

    tx.query_rows("WITH page AS MATERIALIZED (
             SELECT id, consent = 'granted' AND spotify_error IS NULL AND bouncing_since IS NULL AS is_well
             FROM users ORDER BY is_well, id LIMIT ?2
             OFFSET min(?3, max((SELECT count(*) FROM users) - 1, 0) / ?2 * ?2))
         SELECT p.id, p.display_name, p.spotify_id, p.created_at, t.authorized_at, p.consent = 'ended',
             p.spotify_error, p.end_reason, p.refused_since, p.ended_at, p.bouncing_since, p.address IS NOT NULL,
             EXISTS (SELECT 1 FROM confirmation_links l WHERE l.user_id = p.id AND l.purpose = 'confirm'
                         AND l.used_at IS NULL AND l.expires_at > ?1),
             (SELECT count(*) FROM follows f WHERE f.user_id = p.id),
             (SELECT max(seen_at) FROM sessions s WHERE s.user_id = p.id)
         FROM page JOIN users p ON p.id = page.id
         LEFT JOIN tokens t ON t.user_id = p.id AND t.expired_since IS NULL
         ORDER BY page.is_well, p.id", params![Ms(tx.now()), page.most, page.skip], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<UserStatus> {
    let time = |n| Ok::<_, rusqlite::Error>(row.get::<_, Option<Ms>>(n)?.map(|at| at.0));
    let email = match (time(10)?, row.get(11)?, row.get(12)?) {
        (Some(since), ..) => Mailbox::Bouncing { since },
        (None, true, _) => Mailbox::Confirmed,
        (None, false, true) => Mailbox::AwaitingConfirmation,
        (None, false, false) => Mailbox::None,
    };
    Ok(UserStatus {
        id: row.get(0)?,
        name: row.get(1)?,
        spotify_id: row.get(2)?,
        since: row.get::<_, Ms>(3)?.0,
        consent: read_consent(row)?,
        email,
        artists: row.get(13)?,
        last_visit: time(14)?,
    })
}

fn read_consent(row: &Row<'_>) -> rusqlite::Result<Consent> {
    let time = |n| Ok::<_, rusqlite::Error>(row.get::<_, Option<Ms>>(n)?.map(|at| at.0));
    let refused_since = time(8)?;
    if row.get(5)? {
        let since = refused_since.or(time(9)?);
        let is_revoked = row.get::<_, Option<Ending>>(7)? == Some(Ending::Revoked);
        let deleted_at = since.filter(|_| is_revoked).map(|since| since + DELETION_DELAY);
        return Ok(deleted_at.map_or(Consent::Ended, |deleted_at| Consent::Revoked { deleted_at }));
    }
    if refused_since.is_some() {
        return Ok(Consent::Suspended);
    }
    Ok(match (row.get::<_, Option<String>>(6)?, time(4)?) {
        (Some(reason), _) => Consent::Rejected { reason },
        (None, Some(authorized_at)) => Consent::Valid { until: ends_at(authorized_at) },
        (None, None) => Consent::Ended,
    })
}
