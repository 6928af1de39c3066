//! The artists that a user follows: list them, mute them, request a sync.

use jiff::{SignedDuration, Timestamp};

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::overdue::WhyOverdue;
use crate::domain::preferences::Preferences;
use crate::domain::quota::{Bucket, Pause};
use crate::domain::user::UserId;
use crate::store::followed_artists::{self, ArtistQuery, Followed};
use crate::store::users::User;
use crate::store::{StoreError, Tx, api_calls, follows, overdue, preferences, users};

/// One page of the artists that a user follows.
#[derive(Debug, Clone)]
pub struct Artists {
    /// How many artists they follow.
    pub all: u64,
    /// How many match the search.
    pub found: u64,
    /// Counted from 0; the last page if a later one was requested.
    pub page: u32,
    /// Each with the reason if it is overdue.
    pub artists: Vec<(Followed, Option<WhyOverdue>)>,
    /// Why no artist is checked at present, if none is.
    pub rests: Option<WhyOverdue>,
    /// When the user last requested a sync, if they may not request another one yet.
    pub sync_requested_at: Option<Timestamp>,
    /// Why their follow list cannot be synced at present, if it cannot.
    pub unread: Option<Unread>,
    /// When it was last synced.
    pub read_at: Option<Timestamp>,
    pub wanted: Preferences,
}

/// Why a follow list is not synced at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The user must sign in again.
    MustSignIn,
    /// Spotify rejects the user, with this message.
    Refused(String),
    /// Requests for follow lists are paused.
    Paused(Pause),
}

/// The result of a request to sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncRequest {
    Now,
    /// There was another request within the hour.
    TooSoon,
    /// The list cannot be synced at present.
    Unread(Unread),
}

/// A page of the artists that a user follows; `None` if the user is gone.
pub async fn list(
    ctx: &Ctx,
    user: UserId,
    wanted: ArtistQuery,
) -> Result<Option<Artists>, StoreError> {
    let settings = ctx.cadence.clone();
    let read = move |tx: &Tx<'_>| {
        let Some(who) = users::find(tx, user)? else { return Ok(None) };
        let Some(chosen) = preferences::of(tx, user)? else { return Ok(None) };
        let all = follows::count(tx, user)?;
        let found = match wanted.search.is_empty() {
            true => all,
            false => followed_artists::count_found(tx, user, &wanted.search)?,
        };
        let last = u32::try_from(found.saturating_sub(1) / u64::from(followed_artists::PAGE_SIZE));
        let wanted = ArtistQuery { page: wanted.page.min(last.unwrap_or(u32::MAX)), ..wanted };
        let why = overdue::why_in_general(tx, &settings)?;
        let artists = followed_artists::page(tx, user, &wanted)?.into_iter().map(|artist| {
            let overdue = why_overdue(&artist, &why, settings.max_check_interval, tx.now());
            (artist, overdue)
        });
        Ok(Some(Artists {
            all,
            found,
            page: wanted.page,
            artists: artists.collect(),
            rests: why.stops_all_checks().then_some(why),
            sync_requested_at: followed_artists::sync_requested_at(tx, user)?,
            unread: unread(tx, &who)?,
            read_at: who.follows_read_at,
            wanted: chosen,
        }))
    };
    ctx.db.read("load artists page", read).await
}

/// Mutes or unmutes an artist; `false` if the user does not follow it.
pub async fn set_muted(
    ctx: &Ctx,
    user: UserId,
    artist: ArtistId,
    is_muted: bool,
) -> Result<bool, StoreError> {
    let change = move |tx: &Tx<'_>| {
        if followed_artists::find(tx, user, &artist)?.is_none() {
            return Ok(false);
        }
        match is_muted {
            true => preferences::mute(tx, user, &artist)?,
            false => preferences::unmute(tx, user, &artist)?,
        }
        Ok(true)
    };
    ctx.db.write("mute artist", change).await
}

/// An artist, if the user follows it.
pub async fn find(
    ctx: &Ctx,
    user: UserId,
    artist: ArtistId,
) -> Result<Option<Followed>, StoreError> {
    ctx.db.read("load artist", move |tx| followed_artists::find(tx, user, &artist)).await
}

/// Makes the user's follow list due now, at most once an hour. The caller notifies the job.
pub async fn request_sync(ctx: &Ctx, user: UserId) -> Result<SyncRequest, StoreError> {
    let request_sync = move |tx: &Tx<'_>| {
        let why = match users::find(tx, user)? {
            Some(who) => unread(tx, &who)?,
            None => Some(Unread::MustSignIn),
        };
        if let Some(why) = why {
            return Ok(SyncRequest::Unread(why));
        }
        if followed_artists::sync_requested_at(tx, user)?.is_some() {
            return Ok(SyncRequest::TooSoon);
        }
        followed_artists::record_sync_request(tx, user)?;
        Ok(SyncRequest::Now)
    };
    ctx.db.write("request sync", request_sync).await
}

fn unread(tx: &Tx<'_>, who: &User) -> Result<Option<Unread>, StoreError> {
    if who.must_sign_in {
        return Ok(Some(Unread::MustSignIn));
    }
    if let Some(why) = follows::refused(tx, who.id)? {
        return Ok(Some(Unread::Refused(why)));
    }
    Ok(api_calls::pause_of(tx, Bucket::Following)?.map(Unread::Paused))
}

/// `general` is the reason for any artist whose own last check did not fail.
fn why_overdue(
    artist: &Followed,
    general: &WhyOverdue,
    max_check_interval: SignedDuration,
    now: Timestamp,
) -> Option<WhyOverdue> {
    if let Some(failure) = &artist.failure {
        return Some(WhyOverdue::CheckFailed(failure.clone()));
    }
    let since = artist.checked_at.unwrap_or(artist.tracked_since);
    (since < now - max_check_interval).then(|| general.clone())
}
