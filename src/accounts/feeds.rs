//! Private addresses of feeds: made, renewed, revoked, and read by programs without a sign-in.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::secret;
use crate::context::Ctx;
use crate::domain::feed::{Entry, Form};
use crate::domain::user::UserId;
use crate::store::feeds::{self, Made};
use crate::store::{StoreError, Tx, preferences};

/// Counts up where the same entries are written in another way, so that programs read them anew.
const WRITTEN: u8 = 1;

/// What a user has made, and in which zone they live; `None` if they have left.
///
/// # Errors
/// [`StoreError`]
pub async fn of(ctx: &Ctx, user: UserId) -> Result<Option<(Vec<Made>, TimeZone)>, StoreError> {
    let read = move |tx: &Tx<'_>| {
        let Some(wanted) = preferences::of(tx, user)? else { return Ok(None) };
        Ok(Some((feeds::of(tx, user)?, wanted.digest_schedule.zone)))
    };
    ctx.db.read("feeds", read).await
}

/// Makes a new address, and ends the one before it. The secret in it is told this once.
///
/// # Errors
/// [`StoreError`]
pub async fn make(ctx: &Ctx, user: UserId, form: Form) -> Result<String, StoreError> {
    let token = secret::new(&*ctx.chance);
    let hash = secret::hash(&token);
    ctx.db.write("make feed", move |tx| feeds::make(tx, user, form, hash)).await?;
    tracing::info!(user = user.0, form = form.as_str(), "a private address was made");
    Ok(token)
}

/// Ends an address.
///
/// # Errors
/// [`StoreError`]
pub async fn revoke(ctx: &Ctx, user: UserId, form: Form) -> Result<(), StoreError> {
    ctx.db.write("revoke feed", move |tx| feeds::revoke(tx, user, form)).await
}

/// A feed as it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Whose it is.
    pub user: UserId,
    /// The same as long as the feed is the same.
    pub version: [u8; 32],
    /// Since when it is that, to the second.
    pub changed_at: Timestamp,
}

/// How the feed with this token stands, at the cost of a look: what is in it is read by [`entries`].
/// `None` where there is no such feed; that is found out by the hash alone, whatever the token.
///
/// # Errors
/// [`StoreError`]
pub async fn look_up(ctx: &Ctx, form: Form, token: &str) -> Result<Option<Standing>, StoreError> {
    let hash = secret::hash(token);
    let look = move |tx: &Tx<'_>| {
        let Some(held) = feeds::whose(tx, form, hash)? else { return Ok(None) };
        let words = format!("{WRITTEN} {} {}", form.as_str(), feeds::fingerprint(tx, held.user)?);
        Ok(Some((held, words)))
    };
    let Some((held, words)) = ctx.db.read("look up feed", look).await? else { return Ok(None) };
    // With the token's hash: a renewed address begins anew.
    let version: [u8; 32] = Sha256::new().chain_update(hash).chain_update(words).finalize().into();
    let is_known = held.version.as_deref() == Some(&version);
    let changed_at = match held.changed_at.filter(|_| is_known && !held.is_worth_noting) {
        Some(changed_at) => changed_at,
        None => {
            let note = move |tx: &Tx<'_>| feeds::note_reading(tx, hash, version);
            ctx.db.write("note reading", note).await?
        }
    };
    Ok(Some(Standing { user: held.user, version, changed_at }))
}

/// What a user's feeds tell, the newest first.
///
/// # Errors
/// [`StoreError`]
pub async fn entries(ctx: &Ctx, user: UserId) -> Result<Vec<Entry>, StoreError> {
    ctx.db.read("feed", move |tx| feeds::entries(tx, user)).await
}
