//! Live tokens: a person's, refreshed one at a time and never lost, or the app's own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{AccessError, Gate};
use crate::clock::Clock;
use crate::domain::artist::ArtistId;
use crate::domain::quota::Bucket;
use crate::domain::token::{AccessToken, Grant};
use crate::domain::user::{Profile, UserId};
use crate::spotify::{self, Accounts, AlbumsPage, Client, FollowingPage};
use crate::store::outbox::{self, Kind};
use crate::store::tokens::{self, Kept, RefreshClaim};
use crate::store::{Db, StoreError, people};

/// A token is refreshed when it has no more than this to live.
const REFRESH_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// How long a person whom Spotify refuses is left alone.
const TROUBLE_LASTS: SignedDuration = SignedDuration::from_hours(6);

/// How often to look whether another process has finished its refresh.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often to look before giving up: a refresh that hangs is cut off sooner.
const LOOKS: u32 = 350;

/// Whose token the catalogue is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Catalogue {
    /// That of connected people, by turns.
    Person,
    /// The app's own, which must name a market.
    App {
        /// ISO 3166-1 alpha-2.
        market: String,
    },
}

/// Who lends their token for asking about one artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lender {
    /// A connected person.
    Person(UserId),
    /// The app itself.
    App,
}

/// Asks Spotify, with the right token, past the gate.
pub struct Access {
    db: Db,
    clock: Arc<dyn Clock>,
    gate: Gate,
    client: Client,
    accounts: Accounts,
    catalogue: Catalogue,
    app_token: Mutex<Option<Grant>>,
    refreshing: Mutex<HashMap<UserId, Arc<Mutex<()>>>>,
}

impl Access {
    /// Puts the parts together.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        gate: Gate,
        client: Client,
        accounts: Accounts,
        catalogue: Catalogue,
    ) -> Self {
        let (app_token, refreshing) = (Mutex::default(), Mutex::default());
        Self { db, clock, gate, client, accounts, catalogue, app_token, refreshing }
    }

    /// The accounts service, for the address to send people to.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Exchanges the code of a sign-in, and asks who it is.
    ///
    /// # Errors
    /// [`AccessError`]; [`spotify::Error::SignInAgain`] for a code that is used or stale.
    pub async fn introduce(
        &self,
        code: &str,
        verifier: &secrecy::SecretString,
    ) -> Result<(Profile, Grant), AccessError> {
        let exchange = self.accounts.exchange(code, verifier, self.clock.now());
        let grant = self.gate.call(Bucket::Tokens, exchange).await?;
        let profile = self.client.profile(&grant.access, self.clock.now());
        let profile = self.gate.call(Bucket::Profile, profile).await?;
        Ok((profile, grant))
    }

    /// One page of whom `person` follows.
    ///
    /// # Errors
    /// [`AccessError`]
    pub async fn following_page(
        &self,
        person: UserId,
        after: Option<&str>,
    ) -> Result<FollowingPage, AccessError> {
        let ask = |token: AccessToken| async move {
            self.client.following_page(&token, after, self.clock.now()).await
        };
        self.as_person(person, Bucket::Following, ask).await
    }

    /// Whose turn it is to lend a token for asking about `artist`, `except` for some.
    ///
    /// # Errors
    /// [`AccessError::NobodyConnected`] where there is nobody left.
    pub async fn lender(
        &self,
        artist: &ArtistId,
        except: &[UserId],
    ) -> Result<Lender, AccessError> {
        if self.catalogue != Catalogue::Person {
            return Ok(Lender::App);
        }
        let (artist, except) = (artist.clone(), except.to_vec());
        let turn =
            self.db.write("take a turn", move |tx| people::take_turn(tx, &artist, &except)).await?;
        turn.map(Lender::Person).ok_or(AccessError::NobodyConnected)
    }

    /// One page of the albums of `artist`.
    ///
    /// # Errors
    /// [`AccessError`]
    pub async fn albums_page(
        &self,
        lender: Lender,
        artist: &ArtistId,
        offset: u32,
    ) -> Result<AlbumsPage, AccessError> {
        let market = match &self.catalogue {
            Catalogue::Person => None,
            Catalogue::App { market } => Some(market.as_str()),
        };
        let ask = |token: AccessToken| async move {
            let now = self.clock.now();
            self.client.artist_albums_page(&token, artist, "album", offset, market, now).await
        };
        match lender {
            Lender::Person(person) => self.as_person(person, Bucket::ArtistAlbums, ask).await,
            Lender::App => {
                let token = self.app_token().await?;
                let answer = self.gate.call(Bucket::ArtistAlbums, ask(token)).await;
                if matches!(answer, Err(AccessError::Spotify(spotify::Error::AccessRefused))) {
                    *self.app_token.lock().await = None;
                }
                answer
            }
        }
    }

    /// Makes `ask` with the person's token; if it is refused, once more with a fresh one.
    async fn as_person<T, F>(
        &self,
        person: UserId,
        bucket: Bucket,
        ask: impl Fn(AccessToken) -> F,
    ) -> Result<T, AccessError>
    where
        F: Future<Output = Result<T, spotify::Error>>,
    {
        let kept = self.live(person).await?;
        let mut answer = self.gate.call(bucket, ask(kept.tokens.access)).await;
        if matches!(answer, Err(AccessError::Spotify(spotify::Error::AccessRefused))) {
            let kept = self.refresh(person, kept.version).await?;
            answer = self.gate.call(bucket, ask(kept.tokens.access)).await;
        }
        match answer {
            Ok(answer) => {
                self.db.write("clear trouble", move |tx| people::clear_trouble(tx, person)).await?;
                Ok(answer)
            }
            Err(AccessError::Spotify(
                why @ (spotify::Error::NotOnAllowList | spotify::Error::AccessRefused),
            )) => {
                self.note_trouble(person, &why).await?;
                Err(AccessError::Person { person, why })
            }
            Err(error) => Err(error),
        }
    }

    async fn note_trouble(&self, person: UserId, why: &spotify::Error) -> Result<(), StoreError> {
        let why = why.to_string();
        self.db
            .write("note trouble", move |tx| {
                people::set_trouble(tx, person, &why, tx.now() + TROUBLE_LASTS)
            })
            .await
    }

    /// The person's tokens, good for some minutes at least.
    async fn live(&self, person: UserId) -> Result<Kept, AccessError> {
        let kept = self.db.read("find tokens", move |tx| tokens::find(tx, person)).await?;
        let Some(kept) = kept else { return Err(ended(person)) };
        if self.has_long_to_live(kept.tokens.expires_at) {
            return Ok(kept);
        }
        match self.refresh(person, kept.version).await {
            // Five minutes ahead there is no hurry: the old token serves while Spotify recovers.
            Err(AccessError::Spotify(_)) if kept.tokens.expires_at > self.clock.now() => Ok(kept),
            Err(AccessError::Spotify(
                why @ (spotify::Error::Temporary(_) | spotify::Error::Malformed(_)),
            )) => Err(AccessError::Person { person, why }),
            refreshed => refreshed,
        }
    }

    fn has_long_to_live(&self, expires_at: Timestamp) -> bool {
        expires_at.duration_since(self.clock.now()) > REFRESH_AHEAD
    }

    /// Refreshes the tokens seen at `version`, unless somebody else did or does: one at a time,
    /// since a refresh token that rotates is good once.
    async fn refresh(&self, person: UserId, version: i64) -> Result<Kept, AccessError> {
        let lane = Arc::clone(self.refreshing.lock().await.entry(person).or_default());
        let _one_at_a_time = lane.lock().await;
        for _ in 0..LOOKS {
            let claim = self
                .db
                .write("claim refresh", move |tx| tokens::claim_refresh(tx, person, version))
                .await?;
            match claim {
                RefreshClaim::Ours(kept) => return self.refresh_claimed(person, kept).await,
                RefreshClaim::Newer(kept) => return Ok(kept),
                RefreshClaim::Gone => return Err(ended(person)),
                RefreshClaim::Busy => self.clock.sleep(LOOK_AGAIN).await,
            }
        }
        Err(spotify::Error::Temporary(
            "another process does not finish refreshing the token".into(),
        )
        .into())
    }

    async fn refresh_claimed(&self, person: UserId, kept: Kept) -> Result<Kept, AccessError> {
        let version = kept.version;
        let refresh = self.accounts.refresh(&kept.tokens.refresh, self.clock.now());
        match self.gate.call(Bucket::Tokens, refresh).await {
            Ok(grant) => {
                let kept = self
                    .db
                    .write("keep refreshed tokens", move |tx| {
                        tokens::refreshed(tx, person, version, &grant)?;
                        tokens::find(tx, person)
                    })
                    .await?;
                kept.ok_or_else(|| ended(person))
            }
            Err(AccessError::Spotify(spotify::Error::SignInAgain)) => {
                self.end_consent(person, version).await?;
                Err(ended(person))
            }
            Err(error) => {
                self.db
                    .write("release refresh", move |tx| {
                        tokens::release_refresh(tx, person, version)
                    })
                    .await?;
                Err(error)
            }
        }
    }

    /// Ends the consent that Spotify says is over, and owes the person the one letter about it.
    async fn end_consent(&self, person: UserId, version: i64) -> Result<(), StoreError> {
        let ended = self
            .db
            .write("end consent", move |tx| {
                let Some(given_at) = tokens::end_consent(tx, person, version)? else {
                    return Ok(false);
                };
                if people::find(tx, person)?.is_some_and(|p| p.address.is_some()) {
                    outbox::owe(
                        tx,
                        person,
                        Kind::SignInAgain,
                        &given_at.as_millisecond().to_string(),
                    )?;
                }
                Ok(true)
            })
            .await?;
        if ended {
            tracing::info!(
                person = person.0,
                "Spotify ended the consent; the person must sign in again"
            );
        }
        Ok(())
    }

    async fn app_token(&self) -> Result<AccessToken, AccessError> {
        let mut kept = self.app_token.lock().await;
        if let Some(grant) = kept.as_ref().filter(|grant| self.has_long_to_live(grant.expires_at)) {
            return Ok(grant.access.clone());
        }
        let grant =
            self.gate.call(Bucket::Tokens, self.accounts.app_token(self.clock.now())).await?;
        let token = grant.access.clone();
        *kept = Some(grant);
        Ok(token)
    }
}

fn ended(person: UserId) -> AccessError {
    AccessError::Person { person, why: spotify::Error::SignInAgain }
}
