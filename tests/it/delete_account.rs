//! Leaving: everything about a user goes, at once, and nobody else notices.

use dropday::demo::world::NewAlbum;
use dropday::domain::artist::ArtistId;
use dropday::domain::user::UserId;
use dropday::store::{Tx, preferences};
use reqwest::StatusCode;
use rusqlite::Connection;

use crate::test_app::{Listener, TestApp};

async fn leave(listener: &Listener) {
    let page = listener.browser.post("/account/leave", &[("sure", "on")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Your account has been deleted"), "{}", page.body);
}

/// The numbers that users have in the database, in the order in which they came.
fn users(db: &Connection) -> Vec<i64> {
    let mut rows = db.prepare("SELECT id FROM users ORDER BY id").unwrap();
    let ids = rows.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// How many rows each table that knows of users has for this one.
fn rows_of(db: &Connection, user: i64) -> Vec<(String, u64)> {
    let tables = "SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                  WHERE t.type = 'table' AND c.name = 'user_id'";
    let mut tables = db.prepare(tables).unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let count = |table: String| {
        let sql = format!("SELECT count(*) FROM {table} WHERE user_id = ?1");
        (table, db.query_row(&sql, [user], |row| row.get(0)).unwrap())
    };
    tables.map(|table| count(table.unwrap())).collect()
}

/// Whether any file of the database holds these bytes.
fn is_on_disk(app: &TestApp, needle: &str) -> bool {
    let files = std::fs::read_dir(app.folder.path()).unwrap();
    let mut contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    contents.any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

#[tokio::test]
async fn deleted_user_is_gone_from_tables_and_disk() {
    let app = TestApp::new().await;
    let shared = app.world.add_artist("Shared");
    let own: Vec<String> = (0..300).map(|n| app.world.add_artist(format!("Own {n}"))).collect();
    let martha = app.world.add_user("Martha Marthasdotter");
    for artist in own.iter().chain([&shared]) {
        app.world.follow(martha, artist);
    }
    let martha = app.connect(martha, "martha@example.com").await;
    let jonas = app.listener("Jonas", &[&shared]).await;
    app.round().await;
    app.world.publish(&shared, NewAlbum::titled("First"));
    app.world.publish(&own[0], NewAlbum::titled("Hers alone"));
    app.round().await;
    let muted = ArtistId::parse(&own[2]).unwrap();
    let mute = move |tx: &Tx<'_>| preferences::mute(tx, UserId(1), &muted);
    app.ctx.db.write("test", mute).await.unwrap();
    app.world.unfollow(martha.user, &own[1]);
    app.follows().await;
    martha.browser.post("/account/address", &[("email", "another@example.com")]).await;
    martha.browser.post("/feeds/atom/make", &[]).await;
    let db = Connection::open(&app.config.database).unwrap();
    let her_number = users(&db)[0];
    for (table, rows) in rows_of(&db, her_number) {
        assert!(rows > 0, "a test of nothing, as far as {table} goes");
    }

    let known = app.world.user(martha.user).unwrap();
    leave(&martha).await;
    assert!(is_on_disk(&app, &martha.address), "where the last letter goes");
    app.emails().await;
    for (table, rows) in rows_of(&db, her_number) {
        assert_eq!(rows, 0, "{table}");
    }
    assert_eq!(users(&db).len(), 1);
    let hers =
        [&known.name, &known.id, &known.account_id, &martha.address, "another@", "Hers alone"];
    for needle in hers.into_iter().chain(own.iter().map(String::as_str)) {
        assert!(!is_on_disk(&app, needle), "{needle} is still on disk");
    }
    assert!(is_on_disk(&app, &jonas.address) && is_on_disk(&app, &shared));
    app.finish().await;
}

#[tokio::test]
async fn next_start_wipes_what_another_reader_kept() {
    let mut app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let other = Connection::open(&app.config.database).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
    leave(&martha).await;
    app.emails().await;
    assert_eq!(app.status().await.users.all, 0);
    other.execute_batch("ROLLBACK").unwrap();
    app.restart().await;
    assert!(!is_on_disk(&app, &martha.address));
    app.finish().await;
}

#[tokio::test]
async fn replaced_values_are_not_on_disk() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.world.change_user(martha.user, |user| user.name = "Somebody else".into());
    martha.browser.sign_in(&app.world, martha.user).await;
    martha.browser.post("/account/address", &[("email", "newer@example.com")]).await;
    app.emails().await;
    let link = app.emails_to("newer@example.com")[0].link("/confirm/");
    martha.browser.post(&link, &[]).await;
    leave(&martha).await;
    app.emails().await;
    for needle in ["Martha", "Somebody else", "martha@example.com", "newer@example.com"] {
        assert!(!is_on_disk(&app, needle), "{needle} is still on disk");
    }
    app.finish().await;
}

#[tokio::test]
async fn deletion_keeps_follows_and_emails_of_others() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.round().await;
    app.inbox.stop().await;
    app.world.publish(&artist, NewAlbum::titled("Pending"));
    app.round().await;
    assert_eq!(app.status().await.emails.queued, 2);
    leave(&martha).await;
    let status = app.status().await;
    assert_eq!(
        (status.emails.queued, status.artists.tracked),
        (2, 1),
        "her last letter, and his news"
    );
    app.inbox.restart().await.unwrap();
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Later"));
    app.round().await;
    let emails = app.emails_to(&jonas.address);
    let subjects: Vec<_> = emails.iter().map(|email| email.subject.as_str()).collect();
    assert_eq!(subjects, ["Röyksopp: Pending", "Röyksopp: Later"]);
    let hers: Vec<_> = app.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(hers, ["Goodbye from Dropday: what we deleted"]);
    assert_eq!(jonas.browser.get("/account").await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn deleted_user_is_not_synced_any_more() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.follows().await;
    leave(&martha).await;
    app.world.forget_requests();
    app.round().await;
    assert!(app.world.requests().is_empty(), "{:?}", app.world.requests());
    assert_eq!(app.status().await.artists.tracked, 0);
    app.finish().await;
}

#[tokio::test]
async fn deletion_during_work_leaves_nothing_behind() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    tokio::join!(app.follows(), app.checks(), app.emails(), leave(&martha));
    app.round().await;
    let status = app.status().await;
    assert_eq!((status.users.all, status.artists.tracked), (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn deletion_signs_out_all_browsers_of_that_user() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let jonas = app.listener("Jonas", &[]).await;
    let telephone = app.visitor();
    telephone.sign_in(&app.world, martha.user).await;
    let cookie = martha.browser.cookie("dropday").unwrap();
    leave(&martha).await;
    assert_eq!(martha.browser.cookie("dropday").as_deref(), Some(""));
    martha.browser.set_cookie("dropday", &cookie);
    for browser in [&martha.browser, &telephone] {
        assert_eq!(browser.get("/account").await.location.as_deref(), Some("/"));
    }
    assert_eq!(jonas.browser.get("/account").await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn signing_out_ends_one_session_only() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let telephone = app.visitor();
    telephone.sign_in(&app.world, martha.user).await;
    let cookie = martha.browser.cookie("dropday").unwrap();
    let answer = martha.browser.post("/account/sign-out", &[]).await;
    assert_eq!(answer.location.as_deref(), Some("/"));
    martha.browser.set_cookie("dropday", &cookie);
    assert_eq!(martha.browser.get("/account").await.location.as_deref(), Some("/"));
    assert_eq!(telephone.get("/account").await.status, StatusCode::OK);
    assert_eq!(app.status().await.users.connected, 1);
    app.finish().await;
}

#[tokio::test]
async fn returning_user_starts_over_without_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Told before"));
    app.round().await;
    leave(&martha).await;
    app.emails().await;
    app.world.publish(&artist, NewAlbum::titled("While away"));
    app.advance_days(1);
    let page = martha.browser.get("/account").await;
    assert_eq!(page.location.as_deref(), Some("/"));
    let martha = app.connect(martha.user, "martha@example.org").await;
    app.round().await;
    assert!(app.inbox.emails().is_empty());
    app.world.publish(&artist, NewAlbum::titled("Back"));
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].subject, "Röyksopp: Back");
    app.finish().await;
}

#[tokio::test]
async fn links_of_deleted_users_are_invalid() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    martha.browser.post("/account/address", &[("email", "newer@example.com")]).await;
    app.emails().await;
    let link = app.emails_to("newer@example.com")[0].link("/confirm/");
    leave(&martha).await;
    assert_eq!(app.visitor().post(&link, &[]).await.status, StatusCode::GONE);
    app.finish().await;
}

#[tokio::test]
async fn other_sites_cannot_delete_an_account() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    for path in ["/account/leave", "/account/sign-out", "/account/address"] {
        let answer =
            martha.browser.post_from_elsewhere(path, &[("email", "eve@example.com")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(app.status().await.users.confirmed, 1);
    assert_eq!(martha.browser.get("/account").await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn formerly_followed_artists_are_deleted_with_the_user() {
    for days in [0, 5, 10, 70] {
        let mut app = TestApp::new().await;
        let artist = app.world.add_artist("Röyksopp");
        let martha = app.listener("Martha", &[&artist]).await;
        app.round().await;
        app.world.unfollow(martha.user, &artist);
        for _ in 0..5 {
            app.round().await;
            app.advance_hours(6);
        }
        app.advance_days(days);
        app.restart().await;
        martha.browser.sign_in(&app.world, martha.user).await;
        leave(&martha).await;
        app.emails().await;
        assert!(!is_on_disk(&app, &artist), "{days} days later");
        app.finish().await;
    }
}

#[tokio::test]
async fn deleting_an_account_keeps_pending_news_of_others() {
    let app = TestApp::new().await;
    let (a, c) = (app.world.add_artist("A"), app.world.add_artist("C"));
    let martha = app.listener("Martha", &[&a, &c]).await;
    let otto = app.listener("Otto", &[&c]).await;
    app.round().await;
    app.world.publish(&a, NewAlbum::titled("Pending"));
    app.checks().await;
    app.world.unfollow(martha.user, &a);
    app.follows().await;
    otto.browser.post("/account/leave", &[("sure", "on")]).await;
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}
