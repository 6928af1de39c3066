//! What users take along: everything about them, nothing about anybody else, and no secrets.

use dropday::demo::world::NewAlbum;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use rusqlite::Connection;
use serde_json::Value;

use crate::binary::Machine;
use crate::test_app::{Listener, TestApp};

async fn download(listener: &Listener) -> (String, Value) {
    let file = listener.browser.get("/leave/everything.json").await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.body);
    assert_eq!(file.headers[CONTENT_TYPE], "application/json");
    assert_eq!(file.headers[CONTENT_DISPOSITION], "attachment; filename=\"dropday.json\"");
    let value = serde_json::from_str(&file.body).unwrap();
    (file.body, value)
}

/// Every secret in the database, as far as it can be written down.
fn secrets(db: &Connection) -> Vec<Vec<u8>> {
    let sql = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
               WHERE t.type = 'table' AND c.type = 'BLOB'";
    let mut columns = db.prepare(sql).unwrap();
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut secrets = Vec::new();
    for (table, column) in columns.map(Result::<(String, String), _>::unwrap) {
        let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
        let mut rows = db.prepare(&sql).unwrap();
        secrets.extend(rows.query_map([], |row| row.get(0)).unwrap().map(|s| s.unwrap()));
    }
    secrets
}

#[tokio::test]
async fn export_has_all_of_one_user_and_no_secrets() {
    let app = TestApp::new().await;
    let (shared, own) = (app.world.add_artist("Röyksopp"), app.world.add_artist("Robyn"));
    let martha = app.listener("Martha", &[&shared, &own]).await;
    let jonas = app.listener("Jonas", &[&shared]).await;
    app.round().await;
    app.world.publish(&shared, NewAlbum::titled("Junior"));
    app.round().await;
    martha.browser.post(&format!("/artists/{own}/mute"), &[]).await;
    martha.browser.post("/artists/sync", &[]).await;
    let feed = martha.browser.post("/feeds/atom/make", &[]).await.body;
    martha.browser.post("/account/address", &[("email", "newer@example.com")]).await;
    app.emails().await;
    app.world.unfollow(martha.user, &own);
    app.follows().await;
    let (raw, all) = download(&martha).await;
    assert_eq!(all["profile"]["name_at_spotify"], "Martha");
    assert_eq!(all["profile"]["address"], "martha@example.com");
    assert_eq!(all["profile"]["sync_requested_now_at"], "2026-11-23T12:00:00Z");
    assert_eq!(all["preferences"]["wants_albums"], true);
    assert_eq!(all["consent"]["state"], "granted");
    assert_eq!(all["consent"]["given_at"], "2026-11-23T12:00:00Z");
    assert_eq!(all["follows"][0]["artist"], "Röyksopp");
    assert_eq!(all["follows"].as_array().unwrap().len(), 1);
    assert_eq!(all["followed_until_lately"][0]["artist"], "Robyn");
    assert_eq!(all["mutes"][0]["artist"], "Robyn");
    let emails = all["emails"].as_array().unwrap();
    let told = emails.iter().find(|email| email["kind"] == "news").unwrap();
    assert_eq!((&told["title"], &told["artists"]), (&"Junior".into(), &"Röyksopp".into()));
    assert_eq!(told["state"], "sent");
    assert_eq!(all["links_in_emails"][1]["address"], "newer@example.com");
    assert_eq!(all["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(all["feeds"][0]["kind"], "atom");
    // Nothing of Jonas, and nothing that opens anything.
    let his = app.world.user(jonas.user).unwrap();
    for needle in ["Jonas", &jonas.address, &his.id, &his.account_id] {
        assert!(!raw.contains(needle), "{needle}");
    }
    let token = feed.split("/feed/").nth(1).unwrap().split(".atom").next().unwrap();
    let session = martha.browser.cookie("dropday").unwrap();
    assert!(!raw.contains(token) && !raw.contains(&session));
    let db = Connection::open(&app.config.database).unwrap();
    let secrets = secrets(&db);
    assert!(secrets.len() > 5, "a test of nothing");
    for secret in secrets.iter().filter(|secret| secret.len() >= 16) {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!raw.to_lowercase().contains(&hex), "a secret is in the file");
    }
    app.finish().await;
}

#[tokio::test]
async fn deletion_form_requires_the_checkbox() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let page = martha.browser.get("/leave").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("https://www.spotify.com/account/apps/"));
    let slip = martha.browser.post("/account/leave", &[]).await;
    assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(slip.body.contains("Nothing was deleted"), "{}", slip.body);
    assert_eq!(app.status().await.users.all, 1);
    let meant = martha.browser.post("/account/leave", &[("sure", "on")]).await;
    assert_eq!(meant.status, StatusCode::OK);
    assert_eq!(app.status().await.users.all, 0);
    let after = martha.browser.get("/leave/everything.json").await;
    assert_eq!(after.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn export_command_prints_the_same() {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    let martha = machine.settle(&[("Martha", &[&artist])]).await.remove(0);
    let id = machine.world.user(martha.user).unwrap().id;
    for named in ["1", &martha.address, &id] {
        let ended = machine.run(&["export", named]).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
        let all: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(all["follows"][0]["artist"], "Röyksopp");
    }
    let file = machine.folder.path().join("martha.json");
    let path = file.to_str().unwrap();
    assert_eq!(machine.run(&["export", "1", path]).await.code, Some(0));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = machine.run(&["export", "1", path]).await;
    assert_eq!(again.code, Some(1), "no file is written over");
    let nobody = machine.run(&["export", "eve@example.com"]).await;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("no user has that number"), "{}", nobody.err);
    machine.finish().await;
}
