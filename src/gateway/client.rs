//! Asking Spotify: with a user's token, or with the app's own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::rate_limiter::{Call, Caller};
use super::token_refresh::Refresher;
use super::{GatewayError, RateLimiter};
use crate::clock::Clock;
use crate::domain::artist::ArtistId;
use crate::domain::check_planner::PlannedCheck;
use crate::domain::consent::Ending;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::quota::Bucket;
use crate::domain::release_query::ReleaseQuery;
use crate::domain::secondary_list::SecondaryList;
use crate::domain::token::{AccessToken, Grant};
use crate::domain::user::{Profile, UserId};
use crate::spotify::{self, Accounts, AlbumsPage, Client, FollowingPage};
use crate::store::tokens::{self, StoredTokens};
use crate::store::{Db, StoreError, Tx, users};

/// A token is refreshed when it has no more than this to live.
pub(super) const REFRESH_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// How long a user whom Spotify refuses is left alone.
const USER_ERROR_BACKOFF: SignedDuration = SignedDuration::from_hours(6);

/// Whose token the catalogue is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// That of connected users, by turns.
    User,
    /// The app's own, which must name a market.
    App {
        /// ISO 3166-1 alpha-2.
        market: String,
    },
}

/// Who lends their token for asking about one artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// A connected user.
    User(UserId),
    /// The app itself.
    App,
}

/// Asks Spotify, with the right token, past the rate limiter.
pub struct Gateway {
    db: Db,
    clock: Arc<dyn Clock>,
    rate_limiter: Arc<RateLimiter>,
    client: Client,
    accounts: Accounts,
    catalogue: TokenSource,
    app_token: Mutex<Option<Grant>>,
    refresher: Refresher,
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        rate_limiter: RateLimiter,
        client: Client,
        accounts: Accounts,
        catalogue: TokenSource,
    ) -> Self {
        let rate_limiter = Arc::new(rate_limiter);
        let refresher = Refresher::new(
            db.clone(),
            Arc::clone(&clock),
            Arc::clone(&rate_limiter),
            accounts.clone(),
        );
        Self {
            db,
            clock,
            rate_limiter,
            client,
            accounts,
            catalogue,
            app_token: Mutex::default(),
            refresher,
        }
    }

    /// The accounts service, for the address to send users to.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Exchanges the code of a sign-in, and asks who it is.
    ///
    /// # Errors
    /// [`GatewayError`]; [`spotify::Error::InvalidGrant`] for a code that is used or stale.
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

    /// One page of whom `user` follows.
    ///
    /// # Errors
    /// [`GatewayError`]
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

    /// Whose turn it is to lend a token for asking about `artist`, `except` for some.
    ///
    /// # Errors
    /// [`GatewayError::NobodyConnected`] where there is nobody left.
    pub async fn token_owner(
        &self,
        artist: &ArtistId,
        except: &[UserId],
    ) -> Result<TokenOwner, GatewayError> {
        if self.catalogue != TokenSource::User {
            return Ok(TokenOwner::App);
        }
        let (artist, except) = (artist.clone(), except.to_vec());
        let take_turn = move |tx: &Tx<'_>| users::take_turn(tx, &artist, &except);
        let turn = self.db.write_unsynced("take a turn", take_turn).await?;
        turn.map(TokenOwner::User).ok_or(GatewayError::NobodyConnected)
    }

    /// One page of the albums of the errand's artist, of the singles, of both, one after the other, or
    /// of a list beside these. Only the very first page leaves the calls alone that are kept back from
    /// the errand: what was begun is finished, unless it is such a list.
    ///
    /// # Errors
    /// [`GatewayError`]
    pub async fn albums_page(
        &self,
        token_owner: TokenOwner,
        planned_check: &PlannedCheck,
        query: ReleaseQuery,
        offset: u32,
    ) -> Result<AlbumsPage, GatewayError> {
        let PlannedCheck { artist, purpose, reserved } = planned_check;
        let may_stop = offset == 0 || matches!(query, ReleaseQuery::Secondary(_));
        let reserved = if may_stop { *reserved } else { 0 };
        let (bucket, caller) = (Bucket::ArtistAlbums, Caller::Background);
        let call = Call { bucket, purpose: *purpose, reserved, caller };
        let groups = match query {
            ReleaseQuery::Albums => "album",
            ReleaseQuery::Singles => "single",
            ReleaseQuery::AlbumsAndSingles => "album,single",
            ReleaseQuery::Secondary(SecondaryList::Compilations) => "compilation",
            ReleaseQuery::Secondary(SecondaryList::Appearances) => "appears_on",
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

    /// Makes `ask` with the user's token; if it is refused, once more with a fresh one.
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
            let kept = self.refresher.refresh(user, kept.version).await?;
            answer = self.rate_limiter.call(call, ask(kept.tokens.access)).await;
        }
        match answer {
            Ok(answer) => {
                self.db.write("clear trouble", move |tx| users::clear_trouble(tx, user)).await?;
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
            .write("note trouble", move |tx| {
                users::set_trouble(tx, user, &why, tx.now() + USER_ERROR_BACKOFF)?;
                if is_unlisted {
                    operator.enqueue_alert(tx, OperatorAlert::NotOnAllowList(user))?;
                }
                Ok(())
            })
            .await
    }

    /// The user's tokens, good for some minutes at least.
    async fn fresh_tokens(&self, user: UserId) -> Result<StoredTokens, GatewayError> {
        let kept = self.db.read("find tokens", move |tx| tokens::find(tx, user)).await?;
        let why = spotify::Error::InvalidGrant(Ending::Unknown);
        let Some(kept) = kept else { return Err(GatewayError::User { user, why }) };
        if self.has_long_to_live(kept.tokens.expires_at) {
            return Ok(kept);
        }
        match self.refresher.refresh(user, kept.version).await {
            // Five minutes ahead there is no hurry: the old token serves while Spotify recovers.
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

/// What the user's own page says of their trouble, without the full stop.
fn user_message(why: &spotify::Error) -> String {
    match why {
        spotify::Error::NotOnAllowList => {
            "Spotify doesn’t let you use this app right now. Ask the operator to add you at \
             developer.spotify.com/dashboard (Settings, User Management). We’ll try again every \
             few hours"
                .into()
        }
        spotify::Error::MissingScope => {
            "Your Spotify access doesn’t cover everything Dropday needs. Please sign in with \
             Spotify again"
                .into()
        }
        other => other.to_string(),
    }
}
