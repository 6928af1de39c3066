//! The artists that a user follows: looking at them, muting them, and asking for changes.

use jiff::Timestamp;

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::check_planner::forecast::{Asked, CheckRate};
use crate::domain::preferences::Preferences;
use crate::domain::quota::{Bucket, Pause};
use crate::domain::user::UserId;
use crate::store::following::{self, Followed, Wanted};
use crate::store::overdue::{self, Why};
use crate::store::users::User;
use crate::store::{StoreError, Tx, allowance, follows, ledger, preferences, users};

/// What a page of somebody's artists is made of.
#[derive(Debug, Clone)]
pub struct Artists {
    /// How many they follow.
    pub all: u64,
    /// How many are found.
    pub found: u64,
    /// The page, from 0; the last one where there are fewer than were asked for.
    pub page: u32,
    /// The artists, each with when they are asked about next.
    pub artists: Vec<(Followed, NextCheck)>,
    /// Why nobody is asked about at present.
    pub rests: Option<Why>,
    /// When the user last asked to look for changes, within the hour.
    pub hurried_at: Option<Timestamp>,
    /// Why their list is not read at present, whenever it is due.
    pub unread: Option<Unread>,
    /// When their list was last read.
    pub read_at: Option<Timestamp>,
    /// What they want, the time zone among it.
    pub wanted: Preferences,
}

/// When an artist is asked about next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextCheck {
    /// About then.
    About(Timestamp),
    /// As soon as there is a call.
    AnyTime,
    /// The first look is still to come; whoever came first is asked about first.
    First,
    /// Nobody is asked about at present.
    Resting,
    /// All calls go to others at present.
    Unknown,
}

/// Why a list of follows is not read at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The user must sign in again.
    MustSignIn,
    /// Spotify refuses the user, in these words.
    Refused(String),
    /// No list is read until a pause is over.
    Paused(Pause),
}

/// What came of asking for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hurried {
    /// The list is read at once.
    Now,
    /// It was asked for within the hour.
    TooSoon,
    /// Nothing can be read at present.
    Unread(Unread),
}

/// A page of somebody's artists; `None` if they have left.
///
/// # Errors
/// [`StoreError`]
pub async fn list(ctx: &Ctx, user: UserId, wanted: Wanted) -> Result<Option<Artists>, StoreError> {
    let settings = ctx.cadence.clone();
    let read = move |tx: &Tx<'_>| {
        let Some(who) = users::find(tx, user)? else { return Ok(None) };
        let Some(chosen) = preferences::of(tx, user)? else { return Ok(None) };
        let count = following::count(tx, user, &wanted.search)?;
        let last = u32::try_from(count.found.saturating_sub(1) / u64::from(following::PAGE_SIZE));
        let wanted = Wanted { page: wanted.page.min(last.unwrap_or(u32::MAX)), ..wanted };
        let budget = allowance::budget(tx, settings.calls_per_day)?;
        let pace = CheckRate::of(&following::crowd(tx)?, &budget, &settings);
        let why = overdue::why_in_general(tx, &settings)?;
        let rests = matches!(why, Why::Paused(_) | Why::Outage(_) | Why::NobodyConnected);
        let artists = following::page(tx, user, &wanted, count, pace.as_ref())?;
        let artists = artists.into_iter().map(|artist| {
            let next = if rests { NextCheck::Resting } else { next(&artist, pace, tx.now()) };
            (artist, next)
        });
        Ok(Some(Artists {
            all: count.all,
            found: count.found,
            page: wanted.page,
            artists: artists.collect(),
            rests: rests.then_some(why),
            hurried_at: following::hurried_at(tx, user)?,
            unread: unread(tx, &who)?,
            read_at: who.follows_read_at,
            wanted: chosen,
        }))
    };
    ctx.db.read("artists", read).await
}

fn next(artist: &Followed, pace: Option<CheckRate>, now: Timestamp) -> NextCheck {
    let Some(checked_at) = artist.checked_at else { return NextCheck::First };
    let Some(pace) = pace else { return NextCheck::Unknown };
    let asked = Asked { checked_at, next_check_at: artist.next_check_at, rate: artist.rate };
    match pace.next_check(&asked, now) {
        at if at <= now => NextCheck::AnyTime,
        at => NextCheck::About(at),
    }
}

/// Tells a user nothing of an artist any more, or again. Returns the name; `None` where they do not
/// follow the artist.
///
/// # Errors
/// [`StoreError`]
pub async fn set_muted(
    ctx: &Ctx,
    user: UserId,
    artist: ArtistId,
    is_muted: bool,
) -> Result<Option<String>, StoreError> {
    let change = move |tx: &Tx<'_>| {
        let Some(followed) = following::find(tx, user, &artist)? else { return Ok(None) };
        match is_muted {
            true => preferences::mute(tx, user, &artist)?,
            false => preferences::unmute(tx, user, &artist)?,
        }
        Ok(Some(followed.name))
    };
    ctx.db.write("mute", change).await
}

/// What an artist is called that a user follows.
///
/// # Errors
/// [`StoreError`]
pub async fn find(
    ctx: &Ctx,
    user: UserId,
    artist: ArtistId,
) -> Result<Option<Followed>, StoreError> {
    ctx.db.read("artist", move |tx| following::find(tx, user, &artist)).await
}

/// Makes a user's list of follows due at once, once an hour. Whoever rings for it is the caller's
/// business.
///
/// # Errors
/// [`StoreError`]
pub async fn hurry(ctx: &Ctx, user: UserId) -> Result<Hurried, StoreError> {
    let hurry = move |tx: &Tx<'_>| {
        let why = match users::find(tx, user)? {
            Some(who) => unread(tx, &who)?,
            None => Some(Unread::MustSignIn),
        };
        if let Some(why) = why {
            return Ok(Hurried::Unread(why));
        }
        if following::hurried_at(tx, user)?.is_some() {
            return Ok(Hurried::TooSoon);
        }
        following::hurry(tx, user)?;
        Ok(Hurried::Now)
    };
    ctx.db.write("look for changes now", hurry).await
}

fn unread(tx: &Tx<'_>, who: &User) -> Result<Option<Unread>, StoreError> {
    if who.must_sign_in {
        return Ok(Some(Unread::MustSignIn));
    }
    if let Some(why) = follows::refused(tx, who.id)? {
        return Ok(Some(Unread::Refused(why)));
    }
    Ok(ledger::pause_of(tx, Bucket::Following)?.map(Unread::Paused))
}
