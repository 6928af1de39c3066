//! `/healthz` and `/readyz` are right and have no side effects.

use std::path::Path;
use std::time::Duration;

use dropday::domain::quota::{Bucket, Cause};
use dropday::store::api_calls::{self, Scope};
use reqwest::StatusCode;
use rusqlite::Connection;

use crate::test_app::TestApp;
use crate::visitor::Answer;

const READY: &str = r#"{"ready":true}"#;

async fn ready(app: &TestApp) -> Answer {
    app.visitor().get("/readyz").await
}

/// The answer after the cached one has expired.
async fn ready_later(app: &TestApp) -> Answer {
    app.clock.advance(Duration::from_secs(2));
    ready(app).await
}

fn rows(database: &Path) -> i64 {
    let conn = Connection::open(database).unwrap();
    conn.query_row("SELECT count(*) FROM meta", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn readiness_query_leaves_no_trace() {
    let app = TestApp::new().await;
    let (size, rows_before) =
        (|| app.config.database.metadata().unwrap().len(), rows(&app.config.database));
    let before = size();
    for _ in 0..3 {
        let answer = ready(&app).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, READY));
        assert_eq!(answer.headers["cache-control"], "no-store");
        app.clock.advance(Duration::from_secs(2));
    }
    assert_eq!((size(), rows(&app.config.database)), (before, rows_before));
    app.finish().await;
}

#[tokio::test]
async fn spotify_pause_does_not_affect_readiness() {
    let app = TestApp::new().await;
    let pause = |scope, cause| {
        app.ctx.db.write("test", move |tx| {
            api_calls::pause(tx, scope, Duration::from_secs(86_400), cause)
        })
    };
    pause(Scope::All, Cause::RateLimit).await.unwrap();
    pause(Scope::One(Bucket::ArtistAlbums), Cause::Quota).await.unwrap();
    assert_eq!(ready(&app).await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn locked_database_is_alive_but_not_ready() {
    let app = TestApp::new().await;
    let other = Connection::open(&app.config.database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = ready(&app).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("the database did not respond within 2 s"), "{}", answer.body);
    let alive = app.visitor().get("/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (StatusCode::OK, "ok\n"));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ready_later(&app).await.body, READY);
    app.finish().await;
}

#[tokio::test]
async fn database_of_newer_version_is_not_ready() {
    let app = TestApp::new().await;
    let other = Connection::open(&app.config.database).unwrap();
    let version: i64 = other.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let answer = ready(&app).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("knows versions up to"), "{}", answer.body);
    other.pragma_update(None, "user_version", version).unwrap();
    assert_eq!(ready_later(&app).await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn concurrent_readiness_queries_share_one_answer() {
    let app = TestApp::new().await;
    ready(&app).await;
    let other = Connection::open(&app.config.database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    app.clock.advance(Duration::from_secs(2));
    let (one, two, three) = tokio::join!(ready(&app), ready(&app), ready(&app));
    for answer in [one, two, three] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    }
    other.execute_batch("ROLLBACK").unwrap();
    app.finish().await;
}
