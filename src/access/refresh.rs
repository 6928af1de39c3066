//! Refreshing tokens: one at a time for each person, across tasks and processes, and none lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::gate::{Call, Waiting};
use super::{AccessError, Gate};
use crate::clock::Clock;
use crate::domain::quota::Bucket;
use crate::domain::token::Grant;
use crate::domain::user::UserId;
use crate::spotify::{self, Accounts};
use crate::store::outbox::{self, Kind};
use crate::store::tokens::{self, Kept, RefreshClaim};
use crate::store::{Db, StoreError, people};

/// How often to look whether another process has finished its refresh.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often to look before giving up: a refresh that hangs is cut off sooner.
const LOOKS: u32 = 350;

/// Refreshes people's tokens.
pub(super) struct Refresher {
    db: Db,
    clock: Arc<dyn Clock>,
    gate: Arc<Gate>,
    accounts: Accounts,
    lanes: Mutex<HashMap<UserId, Arc<Mutex<Lane>>>>,
}

/// One person's lane. It holds what Spotify granted for a version of the tokens while the database
/// could not keep it: where refresh tokens rotate, it is the only copy of the only good one.
#[derive(Default)]
struct Lane {
    unkept: Option<(i64, Grant)>,
}

impl Refresher {
    pub(super) fn new(db: Db, clock: Arc<dyn Clock>, gate: Arc<Gate>, accounts: Accounts) -> Self {
        Self { db, clock, gate, accounts, lanes: Mutex::default() }
    }

    /// Refreshes the tokens seen at `version`, unless somebody else did or does: a refresh token
    /// that rotates is good once.
    pub(super) async fn refresh(&self, person: UserId, version: i64) -> Result<Kept, AccessError> {
        let mut lane = self.lane(person).await;
        if let Some((version, grant)) = lane.unkept.take() {
            self.keep(person, version, grant, &mut lane).await?;
        }
        for _ in 0..LOOKS {
            let claim = self
                .db
                .write("claim refresh", move |tx| tokens::claim_refresh(tx, person, version))
                .await?;
            match claim {
                RefreshClaim::Ours(kept) => {
                    return self.refresh_claimed(person, kept, &mut lane).await;
                }
                RefreshClaim::Newer(kept) => return Ok(kept),
                RefreshClaim::Gone => return Err(ended(person)),
                RefreshClaim::Busy => self.clock.sleep(LOOK_AGAIN).await,
            }
        }
        let why = spotify::Error::Temporary(
            "another process does not finish refreshing the token".into(),
        );
        Err(AccessError::Person { person, why })
    }

    async fn lane(&self, person: UserId) -> OwnedMutexGuard<Lane> {
        let lane = Arc::clone(self.lanes.lock().await.entry(person).or_default());
        lane.lock_owned().await
    }

    async fn refresh_claimed(
        &self,
        person: UserId,
        kept: Kept,
        lane: &mut Lane,
    ) -> Result<Kept, AccessError> {
        let version = kept.version;
        let ask = self.accounts.refresh(&kept.tokens.refresh, self.clock.now());
        match self.gate.call(Call::of(Bucket::Tokens, Waiting::Worker), ask).await {
            Ok(grant) => {
                self.keep(person, version, grant, lane).await?;
                let kept = self.db.read("find tokens", move |tx| tokens::find(tx, person)).await?;
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
                Err(of_person(person, error))
            }
        }
    }

    async fn keep(
        &self,
        person: UserId,
        version: i64,
        grant: Grant,
        lane: &mut Lane,
    ) -> Result<(), StoreError> {
        let granted = grant.clone();
        let kept = self
            .db
            .write("keep refreshed tokens", move |tx| {
                tokens::refreshed(tx, person, version, &granted)
            })
            .await;
        match kept {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::info!(
                    person = person.0,
                    "tokens were renewed or deleted while they were refreshed"
                );
                Ok(())
            }
            Err(error) => {
                lane.unkept = Some((version, grant));
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
}

fn ended(person: UserId) -> AccessError {
    AccessError::Person { person, why: spotify::Error::SignInAgain }
}

/// A refresh that failed concerns this person's token; another's may be alive.
fn of_person(person: UserId, error: AccessError) -> AccessError {
    match error {
        AccessError::Spotify(
            why @ (spotify::Error::Temporary(_) | spotify::Error::Malformed(_)),
        ) => AccessError::Person { person, why },
        error => error,
    }
}
