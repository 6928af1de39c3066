//! A user's preferences and muted artists.

use jiff::Timestamp;

use crate::context::Ctx;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::digest::DigestSchedule;
use crate::domain::preferences::Preferences;
use crate::domain::user::UserId;
use crate::store::{StoreError, Tx, preferences};

/// Saves preferences and unmutes artists.
pub async fn choose(
    ctx: &Ctx,
    user: UserId,
    wanted: Preferences,
    unmuted: Vec<ArtistId>,
) -> Result<(), StoreError> {
    ctx.db
        .write("preferences", move |tx| {
            unmuted.iter().try_for_each(|artist| preferences::unmute(tx, user, artist))?;
            preferences::set(tx, user, &wanted)
        })
        .await
}

#[derive(Debug, Clone)]
pub struct UserPreferences {
    pub wanted: Preferences,
    pub muted: Vec<Artist>,
    /// When the next email is sent, if there is news.
    pub next_send_time: Timestamp,
}

/// `None` if the user is gone.
pub async fn of(ctx: &Ctx, user: UserId) -> Result<Option<UserPreferences>, StoreError> {
    ctx.db
        .read("preferences", move |tx| {
            let Some(wanted) = preferences::of(tx, user)? else { return Ok(None) };
            let next_send_time = preferences::next_send_time(tx, user, &wanted.digest_schedule)?;
            Ok(Some(UserPreferences {
                wanted,
                muted: preferences::muted(tx, user)?,
                next_send_time,
            }))
        })
        .await
}

/// When the user's next email would be sent under another schedule.
pub async fn preview_send_time(
    ctx: &Ctx,
    user: UserId,
    digest_schedule: DigestSchedule,
) -> Result<Timestamp, StoreError> {
    let next_send_time = move |tx: &Tx<'_>| preferences::next_send_time(tx, user, &digest_schedule);
    ctx.db.read("preview send time", next_send_time).await
}
