//! What a person wants to be told, and when; and whom they do not want to hear of.

use crate::ctx::Ctx;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::preferences::Preferences;
use crate::domain::user::UserId;
use crate::store::{StoreError, preferences};

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

/// What a person wants, and whom they have muted; `None` if they have left.
///
/// # Errors
/// [`StoreError`]
pub async fn of(
    ctx: &Ctx,
    person: UserId,
) -> Result<Option<(Preferences, Vec<Artist>)>, StoreError> {
    ctx.db
        .read("preferences", move |tx| {
            let Some(wanted) = preferences::of(tx, person)? else { return Ok(None) };
            Ok(Some((wanted, preferences::muted(tx, person)?)))
        })
        .await
}
