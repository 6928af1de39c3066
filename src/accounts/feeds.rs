//! Private feed URLs: create, replace, revoke, and serve without a sign-in.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::secret;
use crate::context::Ctx;
use crate::domain::feed::{Entry, Form};
use crate::domain::user::UserId;
use crate::store::feeds::{self, Feed};
use crate::store::{StoreError, Tx, preferences};

/// Increment it when the format of feeds changes, so that programs fetch them again.
const WRITTEN: u8 = 1;

/// The user's feed URLs and time zone; `None` if the user is gone.
pub async fn of(ctx: &Ctx, user: UserId) -> Result<Option<(Vec<Feed>, TimeZone)>, StoreError> {
    let read = move |tx: &Tx<'_>| {
        let Some(wanted) = preferences::of(tx, user)? else { return Ok(None) };
        Ok(Some((feeds::of(tx, user)?, wanted.digest_schedule.zone)))
    };
    ctx.db.read("load feeds", read).await
}

/// Creates a feed URL, which replaces the previous one. Returns its token, of which only a hash is stored.
pub async fn make(ctx: &Ctx, user: UserId, form: Form) -> Result<String, StoreError> {
    let token = secret::new(&*ctx.rng);
    let hash = secret::hash(&token);
    ctx.db.write("create feed", move |tx| feeds::make(tx, user, form, hash)).await?;
    tracing::info!(user = user.0, form = form.as_str(), "created feed URL");
    Ok(token)
}

pub async fn revoke(ctx: &Ctx, user: UserId, form: Form) -> Result<(), StoreError> {
    ctx.db.write("revoke feed", move |tx| feeds::revoke(tx, user, form)).await
}

/// The current version of a feed.
#[derive(Debug, Clone)]
pub struct FeedState {
    pub user: UserId,
    /// Changes with the content.
    pub version: [u8; 32],
    /// When this version was first served, in whole seconds.
    pub changed_at: Timestamp,
}

/// The current version of the feed with this token, if there is one, without loading its entries.
pub async fn look_up(ctx: &Ctx, form: Form, token: &str) -> Result<Option<FeedState>, StoreError> {
    let hash = secret::hash(token);
    let look = move |tx: &Tx<'_>| {
        let Some(held) = feeds::find_by_token(tx, form, hash)? else { return Ok(None) };
        let words = format!("{WRITTEN} {} {}", form.as_str(), feeds::fingerprint(tx, held.user)?);
        Ok(Some((held, words)))
    };
    let Some((held, words)) = ctx.db.read("find feed", look).await? else { return Ok(None) };
    // The token's hash is part of the version, so that a replaced URL starts a new one.
    let version: [u8; 32] = Sha256::new().chain_update(hash).chain_update(words).finalize().into();
    let is_known = held.version.as_deref() == Some(&version);
    let changed_at = match held.changed_at.filter(|_| is_known && !held.should_record) {
        Some(changed_at) => changed_at,
        None => {
            let note = move |tx: &Tx<'_>| feeds::record_reading(tx, hash, version);
            ctx.db.write("record feed fetch", note).await?
        }
    };
    Ok(Some(FeedState { user: held.user, version, changed_at }))
}

/// The entries of a user's feeds, newest first.
pub async fn entries(ctx: &Ctx, user: UserId) -> Result<Vec<Entry>, StoreError> {
    ctx.db.read("load feed", move |tx| feeds::entries(tx, user)).await
}
