//! Nothing is kept forever, and no user is notified twice because of it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::test_clock::SeededRng;
use dropday::clock::fraction;
use dropday::demo::world::{Group, NewAlbum};
use dropday::jobs::maintenance::{self, MaintenanceReport};
use jiff::SignedDuration;
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::test_app::{Listener, Settings, TestApp};

const MANY_CALLS: Settings<'_> = &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "10000")];

async fn maintenance(app: &TestApp) -> MaintenanceReport {
    let outcome = maintenance::run(&app.ctx, &CancellationToken::new()).await.unwrap();
    outcome.unwrap_or_default()
}

fn count(app: &TestApp, sql: &str) -> i64 {
    let conn = Connection::open(&app.config.database).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Days pass, and the users sign in again so that their consent lasts.
async fn days(app: &TestApp, days: u64, listeners: &[&Listener]) {
    app.advance_days(days);
    for listener in listeners {
        listener.browser.sign_in(&app.world, listener.user).await;
    }
    app.round().await;
}

#[tokio::test]
async fn old_notifications_are_deleted_but_not_the_welcome() {
    let app = TestApp::with(MANY_CALLS).await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Old"));
    app.round().await;
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    let rows = "SELECT count(*) FROM outbox WHERE kind <> 'welcome'";
    let before = count(&app, rows);
    assert!(before >= 3, "the confirmation, the news and the sample");
    for _ in 0..13 {
        days(&app, 30, &[&martha]).await;
        maintenance(&app).await;
    }
    assert_eq!(count(&app, rows), before, "less than a year");
    app.world.publish(&artist, NewAlbum::titled("New"));
    days(&app, 30, &[&martha]).await;
    assert_eq!(maintenance(&app).await.emails, before.unsigned_abs());
    assert_eq!(count(&app, rows), 1, "the new one");
    assert_eq!(count(&app, "SELECT count(*) FROM outbox WHERE kind = 'welcome'"), 1);
    // Nothing brings the old one back: neither a check of everything nor another address.
    app.inbox.empty();
    martha.browser.post("/account/address", &[("email", "new@example.com")]).await;
    app.emails().await;
    let question = app.emails_to("new@example.com").remove(0);
    martha.browser.post(&question.link("/confirm/"), &[]).await;
    app.round().await;
    assert_eq!(app.emails_to("new@example.com").len(), 1, "no welcome, and no news");
    app.finish().await;
}

#[tokio::test]
async fn pending_notification_is_kept_however_old() {
    let app = TestApp::with(MANY_CALLS).await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Pending"));
    app.checks().await;
    let sql =
        "UPDATE outbox SET enqueued_at = 1000, next_at = 4102444800000 WHERE state = 'pending'";
    Connection::open(&app.config.database).unwrap().execute(sql, []).unwrap();
    app.advance_days(500);
    assert_eq!(maintenance(&app).await.emails, 0, "the artist was not checked for longer");
    assert_eq!(app.status().await.emails.queued, 1);
    let sql = "UPDATE outbox SET next_at = 0 WHERE state = 'pending'";
    Connection::open(&app.config.database).unwrap().execute(sql, []).unwrap();
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn maintenance_runs_daily_even_after_clock_stepped_back() {
    let app = TestApp::new().await;
    let is_done =
        async || maintenance::run(&app.ctx, &CancellationToken::new()).await.unwrap().is_some();
    assert!(is_done().await && !is_done().await);
    app.advance_hours(23);
    assert!(!is_done().await);
    app.advance_hours(2);
    assert!(is_done().await && !is_done().await);
    let sql =
        "UPDATE meta SET value = CAST('2030-01-01T00:00:00Z' AS BLOB) WHERE key = 'upkeep_at'";
    Connection::open(&app.config.database).unwrap().execute(sql, []).unwrap();
    assert!(is_done().await);
    let stop = CancellationToken::new();
    stop.cancel();
    app.advance_hours(25);
    maintenance::run(&app.ctx, &stop).await.unwrap();
    assert!(is_done().await, "an interrupted one is repeated");
    app.finish().await;
}

/// Rows that must survive a clock that is wrong for a while.
fn kept(app: &TestApp) -> Vec<i64> {
    let tables = ["outbox WHERE kind = 'news'", "unfollows", "sessions", "artists", "releases"];
    tables.map(|table| count(app, &format!("SELECT count(*) FROM {table}"))).to_vec()
}

#[tokio::test]
async fn jumped_clock_deletes_nothing_until_it_keeps_time() {
    let app = TestApp::with(MANY_CALLS).await;
    let (artist, gone) = (app.world.add_artist("Röyksopp"), app.world.add_artist("Gone"));
    let martha = app.listener("Martha", &[&artist, &gone]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Told"));
    app.world.unfollow(martha.user, &gone);
    app.round().await;
    let (right, before) = (app.now(), kept(&app));
    let is_done =
        async || maintenance::run(&app.ctx, &CancellationToken::new()).await.unwrap().is_some();
    app.clock.set(right + SignedDuration::from_hours(24 * 500));
    app.follows().await;
    app.checks().await;
    assert!(!is_done().await, "nothing expires by a clock that jumped");
    assert_eq!(kept(&app), before);
    app.clock.set(right + SignedDuration::from_hours(1));
    app.follows().await;
    assert!(is_done().await, "it was corrected");
    assert_eq!(kept(&app), before);
    app.clock.set(right + SignedDuration::from_hours(24 * 500));
    martha.browser.sign_in(&app.world, martha.user).await;
    for _ in 0..8 {
        app.follows().await;
        app.checks().await;
        assert!(!is_done().await);
        app.clock.advance(Duration::from_secs(6 * 3600));
    }
    app.follows().await;
    assert!(is_done().await, "it keeps time: the machine was off for long");
    let after = kept(&app);
    assert!(before[0] == 1 && after[0] == 0 && after[1] == 0, "{before:?} → {after:?}");
    app.finish().await;
}

#[tokio::test]
async fn old_copies_of_the_database_are_deleted() {
    let app = TestApp::new().await;
    let beside = |ending: &str, days: u64| {
        let path = app.folder.path().join(format!("dropday.db{ending}"));
        let now =
            SystemTime::UNIX_EPOCH + Duration::from_secs(app.now().as_second().unsigned_abs());
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(now - Duration::from_secs(days * 24 * 3600)).unwrap();
        path
    };
    let (old, older) = (beside(".before-0009", 31), beside(".replaced-20261020T000000Z", 40));
    let (young, cut) = (beside(".before-0010", 29), beside(".restoring.part", 2));
    assert_eq!(maintenance(&app).await.copies, 3);
    assert!(!old.exists() && !older.exists() && !cut.exists() && young.exists());
    assert!(app.config.database.exists() && app.config.database.with_extension("key").exists());
    app.finish().await;
}

#[tokio::test]
async fn many_unfollowed_artists_are_deleted_without_delaying_startup() {
    let mut app = TestApp::new().await;
    let artists = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5200)
                   INSERT INTO artists (id, name, folded, tracked_since, next_check_at, untracked_at)
                       SELECT 'a' || n, 'A', 'a', 1, 1, 1 FROM n";
    Connection::open(&app.config.database).unwrap().execute(artists, []).unwrap();
    app.restart().await;
    assert_eq!(count(&app, "SELECT count(*) FROM artists"), 5200, "startup did not wait");
    app.follows().await;
    assert_eq!(count(&app, "SELECT count(*) FROM artists"), 0, "one run finds them all");
    app.finish().await;
}

#[tokio::test]
async fn expired_sessions_are_deleted_and_used_ones_kept() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.advance_days(20);
    let browser = app.visitor();
    browser.sign_in(&app.world, martha.user).await;
    app.advance_days(15);
    app.follows().await;
    assert_eq!(count(&app, "SELECT count(*) FROM sessions"), 1);
    assert_eq!(browser.get("/account").await.status.as_u16(), 200);
    app.finish().await;
}

#[tokio::test]
async fn release_of_unfollowed_artist_is_deleted_once_sent() {
    let app = TestApp::with(MANY_CALLS).await;
    let artist = app.world.add_artist("Röyksopp");
    let (kept, other) = (app.world.add_artist("Kept"), app.world.add_artist("Other"));
    let martha = app.listener("Martha", &[&artist, &kept, &other]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Pending"));
    app.checks().await;
    let sql = "UPDATE outbox SET next_at = 4102444800000 WHERE state = 'pending'";
    Connection::open(&app.config.database).unwrap().execute(sql, []).unwrap();
    app.world.unfollow(martha.user, &artist);
    app.follows().await;
    app.advance_days(8);
    app.follows().await;
    assert_eq!(count(&app, "SELECT count(*) FROM artists"), 2);
    maintenance(&app).await;
    assert_eq!(count(&app, "SELECT count(*) FROM releases"), 1, "it is pending");
    let sql = "UPDATE outbox SET next_at = 0 WHERE state = 'pending'";
    Connection::open(&app.config.database).unwrap().execute(sql, []).unwrap();
    app.emails().await;
    app.advance_days(1);
    assert_eq!(maintenance(&app).await.releases, 1);
    assert_eq!(count(&app, "SELECT count(*) FROM releases"), 0);
    app.finish().await;
}

#[tokio::test]
async fn free_pages_are_returned_to_the_disk() {
    let app = TestApp::new().await;
    let conn = Connection::open(&app.config.database).unwrap();
    conn.execute_batch(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200000)
         INSERT INTO api_calls (bucket, at) SELECT 'following', n FROM n;
         DELETE FROM api_calls; PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .unwrap();
    drop(conn);
    let size = || app.config.database.metadata().unwrap().len();
    let before = size();
    assert!(maintenance(&app).await.pages > 0);
    assert!(size() * 2 < before, "{before} → {} bytes", size());
    assert_eq!(app.ctx.db.damage().await.unwrap(), None);
    app.finish().await;
}

/// A random year and a half with two users and some artists. What each was notified of, in order, and how many rows
/// were deleted.
async fn play(seed: u64, tidies: bool) -> (BTreeMap<String, Vec<String>>, u64) {
    let app = TestApp::with(MANY_CALLS).await;
    let rng = SeededRng::new(seed);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let draw = |end: usize| (fraction(&*rng) * end as f64) as usize;
    let artists: Vec<String> =
        (0..4).map(|n| app.world.add_artist(format!("Artist {n}"))).collect();
    let martha = app.listener("Martha", &[&artists[0], &artists[1], &artists[3]]).await;
    let jonas = app.listener("Jonas", &[&artists[1], &artists[2], &artists[3]]).await;
    martha.browser.choose(&["singles", "compilations", "appearances"]).await;
    app.round().await;
    let (mut albums, mut removed) = (Vec::new(), 0);
    for _ in 0..45 {
        for _ in 0..2 {
            let (artist, user) = (&artists[draw(4)], [&martha, &jonas][draw(2)].user);
            match draw(8) {
                0..=2 => {
                    let album = NewAlbum::titled(format!("Album-{:03}.", albums.len()));
                    albums.push(app.world.publish(artist, album));
                }
                3 => {
                    let dates = ["2024", "2026-11", "2027-01-05", "0000", "2031-05-05"];
                    let album = NewAlbum::titled(format!("Album-{:03}.", albums.len()));
                    albums.push(app.world.publish(artist, album.on(dates[draw(5)])));
                }
                // A release that was sent recently, or long ago, appears in another artist's list.
                kind @ (4 | 5) if !albums.is_empty() => {
                    let group = [Group::Album, Group::AppearsOn][draw(2)];
                    let back = if kind == 4 { albums.len().min(3) } else { albums.len() };
                    app.world.relist(&albums[albums.len() - 1 - draw(back)], artist, group);
                }
                6 => app.world.follow(user, artist),
                7 => app.world.unfollow(user, artist),
                _ => {}
            }
        }
        // Short enough for what was sent to be news still during maintenance.
        days(&app, 12, &[&martha, &jonas]).await;
        if tidies {
            removed += maintenance(&app).await.emails;
        }
    }
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for listener in [&martha, &jonas] {
        for email in app.emails_to(&listener.address) {
            let titles = email.text.split_whitespace().filter(|word| word.starts_with("Album-"));
            let all = told.entry(listener.address.clone()).or_default();
            all.extend(titles.map(str::to_owned));
        }
    }
    app.finish().await;
    (told, removed)
}

#[tokio::test]
async fn maintenance_never_changes_what_users_are_notified_of() {
    let mut removed = 0;
    for seed in 0..2 {
        let (told, none) = play(seed, false).await;
        let (told_tidied, some) = play(seed, true).await;
        assert_eq!(told_tidied, told, "seed {seed}");
        assert!(told.values().map(Vec::len).sum::<usize>() > 5, "seed {seed}: {told:?}");
        assert_eq!(none, 0);
        removed += some;
    }
    assert!(removed > 10, "only {removed} rows were deleted: that proves nothing");
}
