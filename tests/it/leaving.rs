//! Leaving: everything about a user goes, at once, and nobody else notices.

use dropday::demo::world::NewAlbum;
use dropday::domain::artist::ArtistId;
use dropday::domain::user::UserId;
use dropday::store::{Tx, preferences};
use reqwest::StatusCode;
use rusqlite::Connection;

use crate::home::{Home, Listener};

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
fn is_on_disk(home: &Home, needle: &str) -> bool {
    let files = std::fs::read_dir(home.folder.path()).unwrap();
    let mut contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    contents.any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

#[tokio::test]
async fn deleted_user_is_gone_from_tables_and_disk() {
    let home = Home::new().await;
    let shared = home.world.add_artist("Shared");
    let own: Vec<String> = (0..300).map(|n| home.world.add_artist(format!("Own {n}"))).collect();
    let martha = home.world.add_user("Martha Marthasdotter");
    for artist in own.iter().chain([&shared]) {
        home.world.follow(martha, artist);
    }
    let martha = home.connect(martha, "martha@example.com").await;
    let jonas = home.listener("Jonas", &[&shared]).await;
    home.round().await;
    home.world.publish(&shared, NewAlbum::titled("First"));
    home.world.publish(&own[0], NewAlbum::titled("Hers alone"));
    home.round().await;
    let muted = ArtistId::parse(&own[2]).unwrap();
    let mute = move |tx: &Tx<'_>| preferences::mute(tx, UserId(1), &muted);
    home.ctx.db.write("test", mute).await.unwrap();
    home.world.unfollow(martha.user, &own[1]);
    home.follows().await;
    martha.browser.post("/account/address", &[("email", "another@example.com")]).await;
    martha.browser.post("/feeds/atom/make", &[]).await;
    let db = Connection::open(&home.config.database).unwrap();
    let her_number = users(&db)[0];
    for (table, rows) in rows_of(&db, her_number) {
        assert!(rows > 0, "a test of nothing, as far as {table} goes");
    }

    let known = home.world.user(martha.user).unwrap();
    leave(&martha).await;
    assert!(is_on_disk(&home, &martha.address), "where the last letter goes");
    home.emails().await;
    for (table, rows) in rows_of(&db, her_number) {
        assert_eq!(rows, 0, "{table}");
    }
    assert_eq!(users(&db).len(), 1);
    let hers =
        [&known.name, &known.id, &known.account_id, &martha.address, "another@", "Hers alone"];
    for needle in hers.into_iter().chain(own.iter().map(String::as_str)) {
        assert!(!is_on_disk(&home, needle), "{needle} is still on disk");
    }
    assert!(is_on_disk(&home, &jonas.address) && is_on_disk(&home, &shared));
    home.finish().await;
}

#[tokio::test]
async fn next_start_wipes_what_another_reader_kept() {
    let mut home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    let other = Connection::open(&home.config.database).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
    leave(&martha).await;
    home.emails().await;
    assert_eq!(home.status().await.users.all, 0);
    other.execute_batch("ROLLBACK").unwrap();
    home.restart().await;
    assert!(!is_on_disk(&home, &martha.address));
    home.finish().await;
}

#[tokio::test]
async fn replaced_values_are_not_on_disk() {
    let home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    home.world.change_user(martha.user, |user| user.name = "Somebody else".into());
    martha.browser.sign_in(&home.world, martha.user).await;
    martha.browser.post("/account/address", &[("email", "newer@example.com")]).await;
    home.emails().await;
    let link = home.emails_to("newer@example.com")[0].link("/confirm/");
    martha.browser.post(&link, &[]).await;
    leave(&martha).await;
    home.emails().await;
    for needle in ["Martha", "Somebody else", "martha@example.com", "newer@example.com"] {
        assert!(!is_on_disk(&home, needle), "{needle} is still on disk");
    }
    home.finish().await;
}

#[tokio::test]
async fn deletion_keeps_follows_and_emails_of_others() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.round().await;
    home.inbox.stop().await;
    home.world.publish(&artist, NewAlbum::titled("Owed"));
    home.round().await;
    assert_eq!(home.status().await.emails.queued, 2);
    leave(&martha).await;
    let status = home.status().await;
    assert_eq!(
        (status.emails.queued, status.artists.watched),
        (2, 1),
        "her last letter, and his news"
    );
    home.inbox.restart().await.unwrap();
    home.round().await;
    home.world.publish(&artist, NewAlbum::titled("Later"));
    home.round().await;
    let emails = home.emails_to(&jonas.address);
    let subjects: Vec<_> = emails.iter().map(|email| email.subject.as_str()).collect();
    assert_eq!(subjects, ["Röyksopp: Owed", "Röyksopp: Later"]);
    let hers: Vec<_> = home.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(hers, ["Goodbye from Dropday: what we deleted"]);
    assert_eq!(jonas.browser.get("/account").await.status, StatusCode::OK);
    home.finish().await;
}

#[tokio::test]
async fn deleted_user_is_not_synced_any_more() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.follows().await;
    leave(&martha).await;
    home.world.forget_requests();
    home.round().await;
    assert!(home.world.requests().is_empty(), "{:?}", home.world.requests());
    assert_eq!(home.status().await.artists.watched, 0);
    home.finish().await;
}

#[tokio::test]
async fn deletion_during_work_leaves_nothing_behind() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    tokio::join!(home.follows(), home.checks(), home.emails(), leave(&martha));
    home.round().await;
    let status = home.status().await;
    assert_eq!((status.users.all, status.artists.watched), (0, 0));
    home.finish().await;
}

#[tokio::test]
async fn deletion_signs_out_all_browsers_of_that_user() {
    let home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    let jonas = home.listener("Jonas", &[]).await;
    let telephone = home.visitor();
    telephone.sign_in(&home.world, martha.user).await;
    let cookie = martha.browser.cookie("dropday").unwrap();
    leave(&martha).await;
    assert_eq!(martha.browser.cookie("dropday").as_deref(), Some(""));
    martha.browser.set_cookie("dropday", &cookie);
    for browser in [&martha.browser, &telephone] {
        assert_eq!(browser.get("/account").await.location.as_deref(), Some("/"));
    }
    assert_eq!(jonas.browser.get("/account").await.status, StatusCode::OK);
    home.finish().await;
}

#[tokio::test]
async fn signing_out_ends_one_session_only() {
    let home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    let telephone = home.visitor();
    telephone.sign_in(&home.world, martha.user).await;
    let cookie = martha.browser.cookie("dropday").unwrap();
    let answer = martha.browser.post("/account/sign-out", &[]).await;
    assert_eq!(answer.location.as_deref(), Some("/"));
    martha.browser.set_cookie("dropday", &cookie);
    assert_eq!(martha.browser.get("/account").await.location.as_deref(), Some("/"));
    assert_eq!(telephone.get("/account").await.status, StatusCode::OK);
    assert_eq!(home.status().await.users.connected, 1);
    home.finish().await;
}

#[tokio::test]
async fn returning_user_starts_over_without_news() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, NewAlbum::titled("Told before"));
    home.round().await;
    leave(&martha).await;
    home.emails().await;
    home.world.publish(&artist, NewAlbum::titled("While away"));
    home.advance_days(1);
    let page = martha.browser.get("/account").await;
    assert_eq!(page.location.as_deref(), Some("/"));
    let martha = home.connect(martha.user, "martha@example.org").await;
    home.round().await;
    assert!(home.inbox.emails().is_empty());
    home.world.publish(&artist, NewAlbum::titled("Back"));
    home.round().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].subject, "Röyksopp: Back");
    home.finish().await;
}

#[tokio::test]
async fn links_of_deleted_users_are_invalid() {
    let home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    martha.browser.post("/account/address", &[("email", "newer@example.com")]).await;
    home.emails().await;
    let link = home.emails_to("newer@example.com")[0].link("/confirm/");
    leave(&martha).await;
    assert_eq!(home.visitor().post(&link, &[]).await.status, StatusCode::GONE);
    home.finish().await;
}

#[tokio::test]
async fn other_sites_cannot_delete_an_account() {
    let home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    for path in ["/account/leave", "/account/sign-out", "/account/address"] {
        let answer =
            martha.browser.post_from_elsewhere(path, &[("email", "eve@example.com")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(home.status().await.users.confirmed, 1);
    assert_eq!(martha.browser.get("/account").await.status, StatusCode::OK);
    home.finish().await;
}

#[tokio::test]
async fn formerly_followed_artists_are_deleted_with_the_user() {
    for days in [0, 5, 10, 70] {
        let mut home = Home::new().await;
        let artist = home.world.add_artist("Röyksopp");
        let martha = home.listener("Martha", &[&artist]).await;
        home.round().await;
        home.world.unfollow(martha.user, &artist);
        for _ in 0..5 {
            home.round().await;
            home.advance_hours(6);
        }
        home.advance_days(days);
        home.restart().await;
        martha.browser.sign_in(&home.world, martha.user).await;
        leave(&martha).await;
        home.emails().await;
        assert!(!is_on_disk(&home, &artist), "{days} days later");
        home.finish().await;
    }
}

#[tokio::test]
async fn deleting_an_account_keeps_pending_news_of_others() {
    let home = Home::new().await;
    let (a, c) = (home.world.add_artist("A"), home.world.add_artist("C"));
    let martha = home.listener("Martha", &[&a, &c]).await;
    let otto = home.listener("Otto", &[&c]).await;
    home.round().await;
    home.world.publish(&a, NewAlbum::titled("Owed"));
    home.checks().await;
    home.world.unfollow(martha.user, &a);
    home.follows().await;
    otto.browser.post("/account/leave", &[("sure", "on")]).await;
    home.emails().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}
