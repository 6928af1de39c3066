//! Refreshes tokens: one refresh per user at a time, across tasks and processes, without losing a grant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::invalid_grant;
use super::rate_limiter::{Call, Caller};
use super::{Gateway, GatewayError};
use crate::domain::consent::{Ending, Verdict};
use crate::domain::quota::Bucket;
use crate::domain::token::Grant;
use crate::domain::user::UserId;
use crate::spotify;
use crate::store::tokens::{self, RefreshClaim, StoredTokens};
use crate::store::{StoreError, consents};

/// How often to check whether another process has finished its refresh.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How many checks before giving up; a refresh that hangs times out sooner.
const MAX_POLLS: u32 = 350;

pub(super) type RefreshStates = Mutex<HashMap<UserId, Arc<Mutex<UserRefreshState>>>>;

/// The state of one user's refresh. Holds a grant, with the version of the tokens it replaces, that could
/// not be saved: if refresh tokens rotate, this is the only copy of the only valid one.
#[derive(Default)]
pub(super) struct UserRefreshState {
    unsaved_grant: Option<(i64, Grant)>,
}

impl Gateway {
    /// Refreshes the tokens seen at `version`, unless another task or process does: a rotating refresh
    /// token works only once.
    pub(super) async fn refresh(
        &self,
        user: UserId,
        version: i64,
    ) -> Result<StoredTokens, GatewayError> {
        let mut state = self.state(user).await;
        if let Some((version, grant)) = state.unsaved_grant.take() {
            self.keep(user, version, grant, &mut state).await?;
        }
        for _ in 0..MAX_POLLS {
            let claim = self
                .db
                .write("claim refresh", move |tx| tokens::claim_refresh(tx, user, version))
                .await?;
            match claim {
                RefreshClaim::Acquired(kept) => {
                    return self.refresh_claimed(user, kept, &mut state).await;
                }
                RefreshClaim::Newer(kept) => return Ok(kept),
                RefreshClaim::Gone => return Err(ended(user, Ending::Unknown)),
                RefreshClaim::Busy => self.clock.sleep(POLL_INTERVAL).await,
            }
        }
        let why = spotify::Error::Temporary(
            "another process has not finished refreshing the token".into(),
        );
        Err(GatewayError::User { user, why })
    }

    async fn state(&self, user: UserId) -> OwnedMutexGuard<UserRefreshState> {
        let state = Arc::clone(self.refresh_states.lock().await.entry(user).or_default());
        state.lock_owned().await
    }

    async fn refresh_claimed(
        &self,
        user: UserId,
        kept: StoredTokens,
        state: &mut UserRefreshState,
    ) -> Result<StoredTokens, GatewayError> {
        let version = kept.version;
        let ask = self.accounts.refresh(&kept.tokens.refresh, self.clock.now());
        match self.rate_limiter.call(Call::of(Bucket::Tokens, Caller::Background), ask).await {
            Ok(grant) => {
                self.keep(user, version, grant, state).await?;
                let kept = self.db.read("find tokens", move |tx| tokens::find(tx, user)).await?;
                kept.ok_or_else(|| ended(user, Ending::Unknown))
            }
            Err(GatewayError::Spotify(spotify::Error::InvalidGrant(how))) => {
                self.refused(user, version, how).await?;
                Err(ended(user, how))
            }
            Err(error) => {
                self.db
                    .write("release refresh", move |tx| tokens::release_refresh(tx, user, version))
                    .await?;
                Err(of_user(user, error))
            }
        }
    }

    async fn keep(
        &self,
        user: UserId,
        version: i64,
        grant: Grant,
        state: &mut UserRefreshState,
    ) -> Result<(), StoreError> {
        let granted = grant.clone();
        let kept = self
            .db
            .write("save refreshed tokens", move |tx| {
                // Otherwise the user has signed in again during the refresh.
                if tokens::refreshed(tx, user, version, &granted)? {
                    consents::clear_refusal(tx, user)?;
                }
                Ok(())
            })
            .await;
        if kept.is_err() {
            state.unsaved_grant = Some((version, grant));
        }
        kept
    }

    async fn refused(&self, user: UserId, version: i64, how: Ending) -> Result<(), StoreError> {
        let operator = self.rate_limiter.operator();
        let verdict = self
            .db
            .write("record refused consent", move |tx| {
                invalid_grant::handle_invalid_grant(tx, user, version, how, operator)
            })
            .await?;
        let (user, how) = (user.0, how.as_str());
        match verdict {
            None => {}
            Some(Verdict::Suspended) => {
                tracing::warn!(user, "suspending consent: Spotify rejects many users at once");
            }
            Some(_) => tracing::info!(user, how, "consent ended; user must sign in again"),
        }
        Ok(())
    }
}

fn ended(user: UserId, how: Ending) -> GatewayError {
    GatewayError::User { user, why: spotify::Error::InvalidGrant(how) }
}

/// A failed refresh concerns only this user's token.
fn of_user(user: UserId, error: GatewayError) -> GatewayError {
    match error {
        GatewayError::Spotify(
            why @ (spotify::Error::Temporary(_) | spotify::Error::Malformed(_)),
        ) => GatewayError::User { user, why },
        error => error,
    }
}
