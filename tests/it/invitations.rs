//! Sign-up policies: open, invitation, closed. Existing users can always sign in.

use dropday::accounts::invitations::{self, NewInvitation};
use dropday::domain::signup_policy::SignUpPolicy;
use dropday::store::invitations::{Invitation, Withdrawal};
use dropday::store::{Tx, invitations as store};
use jiff::SignedDuration;

use crate::binary::Machine;
use crate::test_app::TestApp;
use crate::visitor::{Answer, Visitor};

const BY_INVITATION: (&str, &str) = ("WEB__SIGN_UP", "invitation");

async fn invite(app: &TestApp, note: &str) -> NewInvitation {
    let good_for = SignedDuration::from_hours(14 * 24);
    invitations::make(&app.ctx.db, &*app.ctx.rng, note, good_for).await.unwrap()
}

async fn remembered(app: &TestApp) -> Vec<Invitation> {
    app.ctx.db.read("test", |tx: &Tx<'_>| store::list(tx)).await.unwrap()
}

/// Clicks the button of an invitation's page; returns the URL at Spotify.
async fn set_out(visitor: &Visitor, made: &NewInvitation) -> String {
    let page = visitor.get(&made.path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let token = made.path.rsplit('/').next().unwrap();
    let button = format!("/login?invitation={token}");
    assert!(page.body.contains(&format!(r#"href="{button}""#)), "{}", page.body);
    visitor.get(&button).await.location.expect("a redirect to Spotify")
}

/// A new user of this name signs in, with or without an invitation.
async fn come(app: &TestApp, name: &str, made: Option<&NewInvitation>) -> (Visitor, Answer) {
    let (visitor, user) = (app.visitor(), app.world.add_user(name));
    let to = match made {
        Some(made) => set_out(&visitor, made).await,
        None => visitor.to_spotify().await,
    };
    let back = app.world.consent(&to, user).unwrap();
    let answer = visitor.get(&back).await;
    (visitor, answer)
}

fn is_in((visitor, answer): &(Visitor, Answer)) -> bool {
    let is_in = answer.location.as_deref() == Some("/account");
    assert_eq!(visitor.cookie("dropday").is_some(), is_in, "{}", answer.body);
    is_in
}

#[tokio::test]
async fn invitation_admits_one_user() {
    let app = TestApp::with(&[BY_INVITATION]).await;
    let made = invite(&app, "Aino").await;
    for _ in 0..3 {
        assert_eq!(app.visitor().get(&made.path).await.status, 200, "looking uses nothing up");
    }
    assert!(is_in(&come(&app, "Aino", Some(&made)).await));
    let [used] = &remembered(&app).await[..] else { panic!("one invitation") };
    assert_eq!((used.note.as_str(), used.used.as_ref().unwrap().1.as_str()), ("Aino", "Aino"));
    let page = app.visitor().get(&made.path).await;
    assert_eq!(page.status, 410);
    assert!(page.body.contains("no longer valid"), "{}", page.body);
    let token = made.path.rsplit('/').next().unwrap();
    let (visitor, jonas) = (app.visitor(), app.world.add_user("Jonas"));
    let to = visitor.get(&format!("/login?invitation={token}")).await.location.unwrap();
    let answer = visitor.get(&app.world.consent(&to, jonas).unwrap()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("has been used"), "{}", answer.body);
    assert!(!is_in(&(visitor, answer)));
    assert_eq!(app.status().await.users.all, 1);
    app.finish().await;
}

#[tokio::test]
async fn sign_up_without_invitation_stores_nothing() {
    for (sign_up, words) in [("invitation", "by invitation"), ("closed", "accepting new people")] {
        let contact = ("WEB__CONTACT", "martha@example.org");
        let app = TestApp::with(&[("WEB__SIGN_UP", sign_up), contact]).await;
        let came = come(&app, "Mallory", None).await;
        assert_eq!(came.1.status, 403);
        let body = came.1.body.replace('\n', " ");
        assert!(body.contains(words) && body.contains("Nothing about you was stored"), "{body}");
        assert!(body.contains("mailto:martha@example.org"), "{body}");
        assert!(!is_in(&came));
        assert_eq!(app.status().await.users.all, 0);
        assert_eq!(app.follows().await.applied, 0, "no tokens are kept");
        app.ctx.db.checkpoint().await.unwrap();
        let kept = std::fs::read(&app.config.database).unwrap();
        let name = |what: &[u8]| kept.windows(what.len()).any(|window| window == what);
        assert!(!name(b"Mallory"), "the name is nowhere on the disk");
        app.finish().await;
    }
}

#[tokio::test]
async fn existing_user_signs_in_without_invitation() {
    let mut app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    for sign_up in [SignUpPolicy::Invitation, SignUpPolicy::Closed] {
        app.config.web.instance.sign_up = sign_up;
        app.restart().await;
        app.visitor().sign_in(&app.world, martha.user).await;
    }
    app.config.web.instance.sign_up = SignUpPolicy::Invitation;
    app.restart().await;
    let made = invite(&app, "").await;
    let visitor = app.visitor();
    let back = app.world.consent(&set_out(&visitor, &made).await, martha.user).unwrap();
    assert_eq!(visitor.get(&back).await.location.as_deref(), Some("/account"));
    assert!(remembered(&app).await[0].used.is_none());
    assert!(is_in(&come(&app, "Jonas", Some(&made)).await));
    assert_eq!(app.status().await.users.all, 2);
    app.finish().await;
}

#[tokio::test]
async fn concurrent_sign_ups_use_invitation_once() {
    let app = TestApp::with(&[BY_INVITATION]).await;
    for round in 0..5 {
        let made = invite(&app, "").await;
        let both = [app.visitor(), app.visitor()];
        let mut backs = Vec::new();
        for visitor in &both {
            let user = app.world.add_user(format!("Twin {round}"));
            backs.push(app.world.consent(&set_out(visitor, &made).await, user).unwrap());
        }
        let (one, other) = tokio::join!(both[0].get(&backs[0]), both[1].get(&backs[1]));
        let [a, b] = both;
        assert_ne!(is_in(&(a, one)), is_in(&(b, other)));
        assert_eq!(app.status().await.users.all, round + 1);
        app.clock.advance(std::time::Duration::from_secs(60));
    }
    app.finish().await;
}

#[tokio::test]
async fn expired_or_withdrawn_invitation_admits_nobody() {
    let app = TestApp::with(&[BY_INVITATION]).await;
    let withdrawn = invite(&app, "").await;
    let (visitor, aino) = (app.visitor(), app.world.add_user("Aino"));
    let back = app.world.consent(&set_out(&visitor, &withdrawn).await, aino).unwrap();
    let number = withdrawn.invitation.number;
    let withdraw = move |tx: &Tx<'_>| store::withdraw(tx, number);
    assert_eq!(app.ctx.db.write("test", withdraw).await.unwrap(), Withdrawal::Done);
    let answer = visitor.get(&back).await;
    assert_eq!((answer.status.as_u16(), app.status().await.users.all), (403, 0));
    assert_eq!(visitor.get(&withdrawn.path).await.status, 410);

    let over = invite(&app, "").await;
    app.clock.advance(std::time::Duration::from_secs(14 * 24 * 3600 - 60));
    let back = app.world.consent(&set_out(&visitor, &over).await, aino).unwrap();
    app.clock.advance(std::time::Duration::from_secs(60));
    let answer = visitor.get(&back).await;
    assert_eq!((answer.status.as_u16(), app.status().await.users.all), (403, 0));
    assert_eq!(visitor.get(&over.path).await.status, 410);
    app.advance_days(31);
    app.follows().await;
    assert_eq!(remembered(&app).await, [], "and is forgotten a month later");
    app.finish().await;
}

#[tokio::test]
async fn closed_instance_ignores_invitations_and_open_needs_none() {
    let mut app = TestApp::with(&[BY_INVITATION]).await;
    let made = invite(&app, "").await;
    let (visitor, aino) = (app.visitor(), app.world.add_user("Aino"));
    let to = set_out(&visitor, &made).await;
    let back = app.world.consent(&to, aino).unwrap();
    app.config.web.instance.sign_up = SignUpPolicy::Closed;
    app.restart().await;
    assert_eq!(visitor.get(&back).await.status, 403);
    assert_eq!(visitor.get(&made.path).await.status, 403);
    assert!(remembered(&app).await[0].used.is_none());
    app.config.web.instance.sign_up = SignUpPolicy::Open;
    app.restart().await;
    assert!(is_in(&come(&app, "Jonas", None).await));
    app.finish().await;
}

#[tokio::test]
async fn deleted_account_deletes_its_invitation() {
    let app = TestApp::with(&[BY_INVITATION]).await;
    let made = invite(&app, "Aino from next door").await;
    let (visitor, _) = come(&app, "Aino", Some(&made)).await;
    visitor.post("/account/leave", &[("sure", "on")]).await;
    assert_eq!(remembered(&app).await, []);
    assert_eq!(visitor.get(&made.path).await.status, 410);
    app.finish().await;
}

#[tokio::test]
async fn forged_invitation_link_is_rejected() {
    let app = TestApp::with(&[BY_INVITATION]).await;
    let made = invite(&app, "").await;
    let cut = &made.path[..made.path.len() - 1];
    let long = format!("/invitation/{}", "a".repeat(5_000));
    for path in
        [cut, "/invitation/1", "/invitation/%22%3E%3Cb%3E", "/invitation/%F0%9F%92%A9", &long]
    {
        let page = app.visitor().get(path).await;
        assert_eq!(page.status, 410, "{path}");
        assert!(!page.body.contains("<b>"), "{path}");
    }
    for query in ["invitation=nobody", "invitation=", "invitation=%FF", "invitation=a&invitation=b"]
    {
        let visitor = app.visitor();
        let user = app.world.add_user("Mallory");
        let to =
            visitor.get(&format!("/login?{query}")).await.location.expect("a trip all the same");
        let answer = visitor.get(&app.world.consent(&to, user).unwrap()).await;
        assert_eq!(answer.status, 403, "{query}");
    }
    assert_eq!(app.status().await.users.all, 0);
    app.finish().await;
}

#[tokio::test]
async fn invite_command_creates_lists_and_withdraws() {
    let machine = Machine::with(&[BY_INVITATION]).await;
    let none = machine.run(&["invite"]).await;
    assert!(none.code == Some(1) && none.err.contains("no database"), "{none:?}");
    machine.run(&["once"]).await;
    assert_eq!(machine.run(&["invite", "--list"]).await.out.trim(), "There are no invitations.");
    let made = machine.run(&["invite", "--for", "Aino\n<b>", "--days", "7"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let link = made.out.trim();
    let token = link.strip_prefix(&format!("http://{}/invitation/", machine.address)).unwrap();
    assert!(token.len() == 43 && made.err.contains("--withdraw 1"), "{made:?}");
    assert_ne!(machine.run(&["invite"]).await.out, made.out);
    let list = machine.run(&["invite", "--list"]).await.out;
    assert!(list.contains("Aino <b>") && list.contains("valid until"), "{list}");
    assert!(!list.contains(token));
    for file in ["dropday.db", "dropday.db-wal"] {
        let Ok(kept) = std::fs::read(machine.folder.path().join(file)) else { continue };
        let is_there = kept.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!is_there, "the link stands in {file}");
    }
    let taken = machine.run(&["invite", "--withdraw", "1"]).await;
    assert_eq!(taken.code, Some(0), "{taken:?}");
    let again = machine.run(&["invite", "--withdraw", "1"]).await;
    assert!(again.code == Some(1) && again.err.contains("no invitation 1"), "{again:?}");
    for wrong in [&["--days", "0"][..], &["--days", "366"], &["--list", "--for", "Aino"]] {
        let ended = machine.run(&[&["invite"], wrong].concat()).await;
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:?}");
    }
    machine.finish().await;
}

#[tokio::test]
async fn check_warns_when_nobody_can_sign_up() {
    let machine = Machine::new().await;
    for (sign_up, words) in
        [("closed", "so nobody can sign in"), ("invitation", "no valid invitations")]
    {
        let ended = machine.run_with(&[("WEB__SIGN_UP", sign_up)], &["check"]).await;
        assert!(ended.code == Some(0) && ended.out.contains(words), "{ended:?}");
    }
    machine.run(&["invite"]).await;
    let ended = machine.run_with(&[BY_INVITATION], &["check"]).await;
    assert!(!ended.out.contains("no valid invitations"), "{ended:?}");
    machine.finish().await;
}
