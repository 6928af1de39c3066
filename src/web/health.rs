//! For whoever watches the daemon: `/healthz`, whether it is alive, and `/readyz`, whether it can do its
//! work.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::context::Ctx;
use crate::store::{self, StoreError};

/// Who asks more often is told the same again: anybody may ask.
const CACHE_TTL: SignedDuration = SignedDuration::from_secs(1);

/// Whoever watches gives up soon too.
const TIMEOUT: Duration = Duration::from_secs(2);

const SILENT: &str = "the database does not answer within 2 s: another program may hold it, or its disk \
     is very slow";

/// Whether the database can be written, or why not, for anybody to read.
type Found = Result<(), String>;

type Answer = Pin<Box<dyn Future<Output = store::Result<()>> + Send>>;

/// Asks the database, never twice at a time.
struct Probe {
    ask: Box<dyn Fn() -> Answer + Send + Sync>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

struct Known {
    is_ready: bool,
    /// What was told last, and when.
    last: Option<(Timestamp, Found)>,
    /// Says what a question that is under way finds out.
    asked: Option<watch::Receiver<Option<Found>>>,
}

/// The two addresses, on the same listener as the pages.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(ctx: Arc<Ctx>) -> Router<S> {
    let clock = Arc::clone(&ctx.clock);
    let ask = move || -> Answer {
        let db = ctx.db.clone();
        Box::pin(async move { db.can_write().await })
    };
    let probe = Arc::new(Probe::new(clock, Box::new(ask)));
    Router::new().route("/healthz", get("ok\n")).route("/readyz", get(ready)).with_state(probe)
}

/// A pause that Spotify asked for is no lack of readiness: to wait is the daemon's work then.
async fn ready(State(probe): State<Arc<Probe>>) -> Response {
    match probe.look().await {
        Ok(()) => Json(json!({ "ready": true })).into_response(),
        Err(why) => {
            let said = Json(json!({ "ready": false, "why": why }));
            (StatusCode::SERVICE_UNAVAILABLE, said).into_response()
        }
    }
}

impl Probe {
    fn new(clock: Arc<dyn Clock>, ask: Box<dyn Fn() -> Answer + Send + Sync>) -> Self {
        let known = Mutex::new(Known { is_ready: true, last: None, asked: None });
        Self { ask, clock, known }
    }

    /// Those who ask while a question is under way wait for the same answer, and none of them for long.
    async fn look(self: &Arc<Self>) -> Found {
        let mut asked = {
            let mut known = self.known();
            if let Some((at, found)) = &known.last
                && self.clock.now().duration_since(*at).abs() < CACHE_TTL
            {
                return found.clone();
            }
            known.asked.get_or_insert_with(|| self.ask()).clone()
        };
        let answer = tokio::time::timeout(TIMEOUT, asked.wait_for(Option::is_some)).await;
        match answer.map(|found| found.ok().and_then(|found| found.clone())) {
            Ok(Some(found)) => found,
            // It panicked; who asks next begins anew.
            Ok(None) => Err("the log says why".to_owned()),
            Err(_) => {
                let mut known = self.known();
                if known.is_ready {
                    tracing::error!("not ready: the database does not answer");
                }
                known.told(self.clock.now(), Err(SILENT.to_owned()))
            }
        }
    }

    /// In a task of its own: whoever asked may go away, and the next one waits for this answer.
    fn ask(self: &Arc<Self>) -> watch::Receiver<Option<Found>> {
        let (tell, asked) = watch::channel(None);
        let probe = Arc::clone(self);
        tokio::spawn(async move {
            let _end = End(&probe);
            let answer = (probe.ask)().await;
            let found = probe.found(answer);
            tell.send(Some(found)).ok();
        });
        asked
    }

    fn found(&self, answer: store::Result<()>) -> Found {
        let mut known = self.known();
        let found = answer.map_err(|error| {
            if known.is_ready {
                tracing::error!(%error, "not ready: the database cannot be written");
            }
            in_words(&error)
        });
        if found.is_ok() && !known.is_ready {
            tracing::info!("ready again");
        }
        known.told(self.clock.now(), found)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn told(&mut self, now: Timestamp, found: Found) -> Found {
        self.is_ready = found.is_ok();
        self.last = Some((now, found.clone()));
        found
    }
}

/// No question is under way any more, however it ended.
struct End<'a>(&'a Probe);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.known().asked = None;
    }
}

/// For anybody to read: what only the machine's owner should know stays in the log.
fn in_words(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt(_) => "the database is damaged; the log says how".to_owned(),
        StoreError::CannotOpen { .. } | StoreError::NotOurs(_) | StoreError::Sqlite(_) => {
            "the database cannot be written; the log says why".to_owned()
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::clock::ManualClock;

    /// A database that answers so many questions, and then hangs until it is given more.
    struct Database {
        answers: Arc<Semaphore>,
        asked: Arc<AtomicUsize>,
        clock: Arc<ManualClock>,
        probe: Arc<Probe>,
    }

    impl Database {
        fn new(answers: usize) -> Self {
            let clock = ManualClock::at("2026-11-26T12:00:00Z".parse().unwrap());
            let (answers, asked) = (Arc::new(Semaphore::new(answers)), Arc::default());
            let (given, counted) = (Arc::clone(&answers), Arc::<AtomicUsize>::clone(&asked));
            let ask = move || -> Answer {
                counted.fetch_add(1, Ordering::Relaxed);
                let given = Arc::clone(&given);
                Box::pin(async move {
                    given.acquire().await.unwrap().forget();
                    Ok(())
                })
            };
            let probe = Arc::new(Probe::new(clock.clone(), Box::new(ask)));
            Self { answers, asked, clock, probe }
        }

        async fn a_hundred_ask(&self) -> Vec<Found> {
            join_all((0..100).map(|_| self.probe.look())).await
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_hundred_who_ask_at_once_cost_one_question_and_again_one_a_second_later() {
        let database = Database::new(1000);
        for round in 1..=3 {
            for _ in 0..2 {
                assert!(database.a_hundred_ask().await.iter().all(Result::is_ok));
            }
            assert_eq!(database.asked(), round);
            database.clock.advance(Duration::from_secs(1));
        }
    }

    #[tokio::test]
    async fn a_database_that_hangs_is_not_asked_again_before_it_has_answered_whoever_goes_away() {
        let database = Database::new(0);
        let impatient = database.probe.look();
        tokio::time::timeout(Duration::from_millis(10), impatient).await.unwrap_err();
        for _ in 0..2 {
            database.clock.advance(Duration::from_secs(1));
            let told = database.a_hundred_ask().await;
            assert!(told.iter().all(|found| found.as_ref().is_err_and(|why| why == SILENT)));
        }
        assert_eq!(database.asked(), 1);
        database.answers.add_permits(1);
        while database.probe.known().asked.is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(database.probe.look().await, Ok(()), "and now it is known");
        assert_eq!(database.asked(), 1);
    }
}
