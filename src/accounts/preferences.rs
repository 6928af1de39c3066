//! What a person wants to be told, and when; and whom they do not want to hear of.

use jiff::Timestamp;

use crate::context::Ctx;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::digest::Timetable;
use crate::domain::preferences::Preferences;
use crate::domain::user::UserId;
use crate::store::{StoreError, Tx, preferences};

/// Tells a person of just that from now on, and then.
///
/// # Errors
/// [`StoreError`]
pub async fn choose(
    ctx: &Ctx,
    person: UserId,
    wanted: Preferences,
    unmuted: Vec<ArtistId>,
) -> Result<(), StoreError> {
    ctx.db
        .write("preferences", move |tx| {
            unmuted.iter().try_for_each(|artist| preferences::unmute(tx, person, artist))?;
            preferences::set(tx, person, &wanted)
        })
        .await
}

/// What a person has chosen.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What they want.
    pub wanted: Preferences,
    /// Whom they have muted.
    pub muted: Vec<Artist>,
    /// When their next letter leaves, if there is news.
    pub leaves_at: Timestamp,
}

/// What a person has chosen; `None` if they have left.
///
/// # Errors
/// [`StoreError`]
pub async fn of(ctx: &Ctx, person: UserId) -> Result<Option<Chosen>, StoreError> {
    ctx.db
        .read("preferences", move |tx| {
            let Some(wanted) = preferences::of(tx, person)? else { return Ok(None) };
            let leaves_at = preferences::leaves_at(tx, person, &wanted.timetable)?;
            Ok(Some(Chosen { wanted, muted: preferences::muted(tx, person)?, leaves_at }))
        })
        .await
}

/// When a person's next letter would leave by this timetable; changes nothing.
///
/// # Errors
/// [`StoreError`]
pub async fn would_leave_at(
    ctx: &Ctx,
    person: UserId,
    timetable: Timetable,
) -> Result<Timestamp, StoreError> {
    let leaves_at = move |tx: &Tx<'_>| preferences::leaves_at(tx, person, &timetable);
    ctx.db.read("when the next letter would leave", leaves_at).await
}
