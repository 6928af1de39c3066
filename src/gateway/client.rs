//! Calls Spotify with a user's token or with the app's own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::rate_limiter::{Call, Caller};
use super::token_refresh::RefreshStates;
use super::{GatewayError, RateLimiter};
use crate::clock::Clock;
use crate::domain::artist::ArtistId;
use crate::domain::artist_list::ListKind;
use crate::domain::check_planner::PlannedCheck;
use crate::domain::consent::Ending;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::quota::Bucket;
use crate::domain::release_query::ReleaseQuery;
use crate::domain::token::{AccessToken, Grant, REFRESH_AHEAD};
use crate::domain::user::{Profile, UserId};
use crate::spotify::{self, Accounts, AlbumsPage, Client, FollowingPage};
use crate::store::tokens::{self, StoredTokens};
use crate::store::{Db, StoreError, Tx, users};

/// How long a user that Spotify rejects is not tried again.
const USER_ERROR_BACKOFF: SignedDuration = SignedDuration::from_hours(6);

/// Whose tokens are used to fetch releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// Those of connected users, in turn.
    User,
    /// The app's own, which must name a market.
    App {
        /// ISO 3166-1 alpha-2.
        market: String,
    },
}

/// Whose token is used for one artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    User(UserId),
    App,
}

/// Calls Spotify with a valid token, through the rate limiter.
pub struct Gateway {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rate_limiter: RateLimiter,
    client: Client,
    pub(super) accounts: Accounts,
    catalogue: TokenSource,
    app_token: Mutex<Option<Grant>>,
    pub(super) refresh_states: RefreshStates,
}

impl Gateway {
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        rate_limiter: RateLimiter,
        client: Client,
        accounts: Accounts,
        catalogue: TokenSource,
    ) -> Self {
        Self {
            db,
            clock,
            rate_limiter,
            client,
            accounts,
            catalogue,
            app_token: Mutex::default(),
            refresh_states: Mutex::default(),
        }
    }

    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Exchanges the code of a sign-in and fetches the profile. Fails with
    /// [`spotify::Error::InvalidGrant`] if the code was already used or has expired.
    pub async fn exchange_code(
        &self,
        code: &str,
        verifier: &SecretString,
    ) -> Result<(Profile, Grant), GatewayError> {
        let exchange = self.accounts.exchange(code, verifier, self.clock.now());
        let call = Call::of(Bucket::Tokens, Caller::Interactive);
        let grant = self.rate_limiter.call(call, exchange).await?;
        let profile = self.client.profile(&grant.access, self.clock.now());
        let call = Call::of(Bucket::Profile, Caller::Interactive);
        let profile = self.rate_limiter.call(call, profile).await?;
        Ok((profile, grant))
    }

    /// One page of the artists that `user` follows.
    pub async fn following_page(
        &self,
        user: UserId,
        after: Option<&str>,
    ) -> Result<FollowingPage, GatewayError> {
        let ask = |token: AccessToken| async move {
            self.client.following_page(&token, after, self.clock.now()).await
        };
        self.with_user_token(user, Call::of(Bucket::Following, Caller::Background), ask).await
    }

    /// The user whose token is used next for `artist`, except for some users. Fails with
    /// [`GatewayError::NobodyConnected`] if nobody is left.
    pub async fn token_owner(
        &self,
        artist: &ArtistId,
        except: &[UserId],
    ) -> Result<TokenOwner, GatewayError> {
        if self.catalogue != TokenSource::User {
            return Ok(TokenOwner::App);
        }
        let (artist, except) = (artist.clone(), except.to_vec());
        let next_token_owner = move |tx: &Tx<'_>| users::next_token_owner(tx, &artist, &except);
        let turn = self.db.write_unsynced("pick token owner", next_token_owner).await?;
        turn.map(TokenOwner::User).ok_or(GatewayError::NobodyConnected)
    }

    /// One page of the releases of the artist to check.
    pub async fn albums_page(
        &self,
        token_owner: TokenOwner,
        planned_check: &PlannedCheck,
        query: ReleaseQuery,
        offset: u32,
    ) -> Result<AlbumsPage, GatewayError> {
        let PlannedCheck { artist, purpose, reserved } = planned_check;
        let (bucket, caller) = (Bucket::ArtistAlbums, Caller::Background);
        let call = Call { bucket, purpose: *purpose, reserved: *reserved, caller };
        let groups = match query {
            ReleaseQuery::AlbumsAndSingles => "album,single",
            ReleaseQuery::Only(ListKind::Albums) => "album",
            ReleaseQuery::Only(ListKind::Singles) => "single",
            ReleaseQuery::Only(ListKind::Compilations) => "compilation",
            ReleaseQuery::Only(ListKind::Appearances) => "appears_on",
        };
        let answer = self.catalogue_page(token_owner, call, artist, groups, offset).await;
        answer.map_err(|error| match error {
            GatewayError::QuotaExhausted(free_at) if offset > 0 => {
                GatewayError::QuotaExhaustedMidCheck(free_at)
            }
            error => error,
        })
    }

    async fn catalogue_page(
        &self,
        token_owner: TokenOwner,
        call: Call,
        artist: &ArtistId,
        groups: &str,
        offset: u32,
    ) -> Result<AlbumsPage, GatewayError> {
        let market = match &self.catalogue {
            TokenSource::User => None,
            TokenSource::App { market } => Some(market.as_str()),
        };
        let ask = |token: AccessToken| async move {
            let now = self.clock.now();
            self.client.artist_albums_page(&token, artist, groups, offset, market, now).await
        };
        match token_owner {
            TokenOwner::User(user) => self.with_user_token(user, call, ask).await,
            TokenOwner::App => {
                let token = self.app_token().await?;
                let answer = self.rate_limiter.call(call, ask(token)).await;
                if matches!(answer, Err(GatewayError::Spotify(spotify::Error::Unauthorized))) {
                    *self.app_token.lock().await = None;
                }
                answer
            }
        }
    }

    /// Calls `ask` with the user's token and, if Spotify rejects it, once more with a fresh one.
    async fn with_user_token<T, F>(
        &self,
        user: UserId,
        call: Call,
        ask: impl Fn(AccessToken) -> F,
    ) -> Result<T, GatewayError>
    where
        F: Future<Output = Result<T, spotify::Error>>,
    {
        let kept = self.fresh_tokens(user).await?;
        let mut answer = self.rate_limiter.call(call, ask(kept.tokens.access)).await;
        if matches!(answer, Err(GatewayError::Spotify(spotify::Error::Unauthorized))) {
            let kept = self.refresh(user, kept.version).await?;
            answer = self.rate_limiter.call(call, ask(kept.tokens.access)).await;
        }
        match answer {
            Ok(answer) => {
                self.db.write("clear user error", move |tx| users::clear_trouble(tx, user)).await?;
                Ok(answer)
            }
            Err(GatewayError::Spotify(why)) if why.is_about_the_user() => {
                self.record_user_error(user, &why).await?;
                Err(GatewayError::User { user, why })
            }
            Err(error) => Err(error),
        }
    }

    async fn record_user_error(
        &self,
        user: UserId,
        why: &spotify::Error,
    ) -> Result<(), StoreError> {
        let is_unlisted = *why == spotify::Error::NotOnAllowList;
        let (why, operator) = (user_message(why), self.rate_limiter.operator());
        self.db
            .write("record user error", move |tx| {
                users::set_trouble(tx, user, &why, tx.now() + USER_ERROR_BACKOFF)?;
                if is_unlisted {
                    operator.enqueue_alert(tx, OperatorAlert::NotOnAllowList(user))?;
                }
                Ok(())
            })
            .await
    }

    /// The user's tokens, valid for at least some minutes.
    async fn fresh_tokens(&self, user: UserId) -> Result<StoredTokens, GatewayError> {
        let kept = self.db.read("find tokens", move |tx| tokens::find(tx, user)).await?;
        let why = spotify::Error::InvalidGrant(Ending::Unknown);
        let Some(kept) = kept else { return Err(GatewayError::User { user, why }) };
        if self.has_long_to_live(kept.tokens.expires_at) {
            return Ok(kept);
        }
        match self.refresh(user, kept.version).await {
            // The old token is still valid, so use it while Spotify recovers.
            Err(GatewayError::User { why, .. })
                if !why.is_about_the_user() && kept.tokens.expires_at > self.clock.now() =>
            {
                Ok(kept)
            }
            refreshed => refreshed,
        }
    }

    fn has_long_to_live(&self, expires_at: Timestamp) -> bool {
        expires_at.duration_since(self.clock.now()) > REFRESH_AHEAD
    }

    async fn app_token(&self) -> Result<AccessToken, GatewayError> {
        let mut kept = self.app_token.lock().await;
        if let Some(grant) = kept.as_ref().filter(|grant| self.has_long_to_live(grant.expires_at)) {
            return Ok(grant.access.clone());
        }
        let ask = self.accounts.app_token(self.clock.now());
        let grant =
            self.rate_limiter.call(Call::of(Bucket::Tokens, Caller::Background), ask).await?;
        let token = grant.access.clone();
        *kept = Some(grant);
        Ok(token)
    }
}

/// Shown on the user's account page; without the full stop.
fn user_message(why: &spotify::Error) -> String {
    match why {
        spotify::Error::NotOnAllowList => {
            "Spotify does not let you use this app. Ask the operator of this Dropday to add you at \
             developer.spotify.com/dashboard under Settings, User Management; Dropday tries again \
             every few hours"
                .into()
        }
        spotify::Error::MissingScope => {
            "Your Spotify access does not cover everything that Dropday needs. Please sign in with \
             Spotify again"
                .into()
        }
        other => other.to_string(),
    }
}
