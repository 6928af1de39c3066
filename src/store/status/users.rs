//! Users and how each stands, without their addresses: whoever runs this Dropday needs none.

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::domain::consent::{DELETION_DELAY, Ending, ends_at};
use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// How somebody stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Our number.
    pub id: UserId,
    /// The name they show at Spotify; may be empty.
    pub name: String,
    /// Their `id` at Spotify.
    pub spotify_id: String,
    /// When they first signed in.
    pub since: Timestamp,
    /// How their consent stands.
    pub consent: Consent,
    /// How their address stands.
    pub mailbox: Mailbox,
    /// Artists that they follow.
    pub artists: u64,
    /// When they were last here, to the hour, as far as a session of theirs says so.
    pub last_visit: Option<Timestamp>,
}

/// How a consent stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Good until then.
    Good(Timestamp),
    /// Spotify refuses the user at present, for this reason.
    Refused(String),
    /// Spotify says that it has ended, of so many users at once that it is not believed.
    Suspended,
    /// Ended: the user must sign in again.
    Ended,
    /// Taken back: everything about the user is deleted then.
    Withdrawn(Timestamp),
}

/// How an address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailbox {
    /// None was typed yet, or the link that confirms it is over.
    None,
    /// Its confirmation is awaited.
    Awaiting,
    /// Confirmed.
    Confirmed,
    /// Confirmed, and emails come back since then.
    Bouncing(Timestamp),
}

impl Consent {
    /// The word in `dropday status --json`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Refused(_) => "refused",
            Self::Suspended => "held_by_the_brake",
            Self::Ended => "must_sign_in_again",
            Self::Withdrawn(_) => "withdrawn",
        }
    }
}

impl Mailbox {
    /// The word in `dropday status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Awaiting => "awaiting",
            Self::Confirmed => "confirmed",
            Self::Bouncing(_) => "bouncing",
        }
    }
}

/// Which users to list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// So many come before; beyond the end it is the last page.
    pub skip: u64,
    /// So many at most.
    pub most: u32,
}

impl Page {
    /// Everybody.
    pub const WHOLE: Self = Self { skip: 0, most: u32::MAX };
}

/// Users, those first with whom something is amiss, else in the order in which they came.
///
/// # Errors
/// [`crate::store::StoreError`]
pub(super) fn standings(tx: &Tx<'_>, page: Page) -> Result<Vec<Standing>> {
    // The page is cut first: only its users' artists and sessions are counted.
    let mut rows = tx.conn().prepare_cached(
        "WITH page AS MATERIALIZED (
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
         ORDER BY page.is_well, p.id",
    )?;
    let rows = rows.query_map(params![Ms(tx.now()), page.most, page.skip], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let time = |n| Ok::<_, rusqlite::Error>(row.get::<_, Option<Ms>>(n)?.map(|at| at.0));
    let mailbox = match (time(10)?, row.get(11)?, row.get(12)?) {
        (Some(since), ..) => Mailbox::Bouncing(since),
        (None, true, _) => Mailbox::Confirmed,
        (None, false, true) => Mailbox::Awaiting,
        (None, false, false) => Mailbox::None,
    };
    Ok(Standing {
        id: row.get(0)?,
        name: row.get(1)?,
        spotify_id: row.get(2)?,
        since: row.get::<_, Ms>(3)?.0,
        consent: read_consent(row)?,
        mailbox,
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
        return Ok(deleted_at.map_or(Consent::Ended, Consent::Withdrawn));
    }
    if refused_since.is_some() {
        return Ok(Consent::Suspended);
    }
    Ok(match (row.get::<_, Option<String>>(6)?, time(4)?) {
        (Some(why), _) => Consent::Refused(why),
        (None, Some(authorized_at)) => Consent::Good(ends_at(authorized_at)),
        (None, None) => Consent::Ended,
    })
}
