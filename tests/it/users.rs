//! What the operator can do for users by hand.

use dropday::demo::world::NewAlbum;
use serde_json::json;

use crate::binary::{Machine, eventually};

#[tokio::test]
async fn users_list_shows_everyone_and_their_state() {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.settle(&[("Martha", &[artist.as_str()]), ("Jonas", &[])]).await;
    let ended = machine.run(&["users", "list"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.out);
    for word in ["1", "Martha", "connected", "martha@example.com"] {
        assert!(lines[1].contains(word), "no {word} in {}", lines[1]);
    }
    let ended = machine.run(&["users", "list", "--json"]).await;
    let users: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(users[1]["number"], json!(2));
    assert_eq!(users[1]["address"], json!("jonas@example.com"));
    assert_eq!(users[0]["artists"], json!(1));
    assert_eq!(users[0]["state"], json!("connected"));
    machine.finish().await;
}

#[tokio::test]
async fn removed_user_is_deleted_and_gets_goodbye_email() {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    let users = [("Martha", &[artist.as_str()][..]), ("Jonas", &[artist.as_str()][..])];
    let listeners = machine.settle(&users).await;
    let ended = machine.run(&["users", "remove", "martha@example.com"]).await;
    assert_eq!(ended.code, Some(1), "nobody could be asked");
    assert!(ended.err.contains("--yes"), "{ended:?}");
    let ended = machine.run(&["users", "remove", "nobody"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("no such user"), "{ended:?}");
    assert_eq!(machine.status().await["users"]["all"], 2);
    // Beside a daemon too.
    let mut daemon = machine.serve().await;
    let ended = machine.run(&["users", "remove", "1", "--yes"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(machine.status().await["users"]["all"], 1);
    assert_eq!(listeners[0].browser.get("/account").await.location.as_deref(), Some("/"));
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    let emails = machine.emails_to("martha@example.com");
    assert_eq!(emails.len(), 1, "the last letter");
    machine.finish().await;
}

#[tokio::test]
async fn address_confirmed_by_admin_gets_news() {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    let user = machine.world.add_user("Martha");
    machine.world.follow(user, &artist);
    let mut daemon = machine.serve().await;
    let browser = machine.visitor();
    browser.sign_in(&machine.world, user).await;
    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    let email = eventually("a letter", async || machine.emails_to("martha@example.com").pop());
    let email = email.await;
    machine.looked_at_everything().await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0));
    let ended = machine.run(&["users", "confirm", "1"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    machine.world.publish(&artist, NewAlbum::titled("New"));
    assert_eq!(machine.run(&["once", "--all"]).await.code, Some(0));
    let emails = machine.emails_to("martha@example.com");
    assert_eq!(emails.len(), 3, "the question, a welcome, and the news");
    // The link that was sent has nothing left to confirm.
    let mut daemon = machine.serve().await;
    let page = machine.visitor().get(&email.link("/confirm/")).await;
    assert!(!page.body.contains("<form"), "{}", page.body);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0));
    let ended = machine.run(&["users", "confirm", "1", "no address"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("is not a valid address"), "{ended:?}");
    let ended = machine.run(&["users", "confirm", "1", "new@example.com"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = machine.run(&["users", "list"]).await;
    assert!(ended.out.contains("new@example.com"), "{}", ended.out);
    machine.finish().await;
}

#[tokio::test]
async fn test_email_goes_to_the_named_address() {
    let machine = Machine::new().await;
    let ended = machine.run(&["send-test", "operator@example.com"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("the mail server accepted it"), "{}", ended.out);
    assert_eq!(machine.emails_to("operator@example.com").len(), 1);
    let ended = machine.run(&["send-test", "operator"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("is not a valid address"), "{ended:?}");
    machine.inbox.stop().await;
    let ended = machine.run(&["send-test", "operator@example.com"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    machine.finish().await;
}
