//! `kill -9` at any moment, and the claims that make it harmless.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use crate::test_clock::SeededRng;
use dropday::clock::{Clock, SystemClock, fraction};
use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::store::outbox::{self, PendingEmail};
use dropday::terminal::print_out;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::binary::{Machine, Running, eventually, to_its_end};
use crate::test_app::{Email, Listener, TestApp};

const ONCE_A_YEAR: &str = "0 0 0 1 1 *";

/// Three users, five artists, and all that was released since the initial scan.
struct Household {
    machine: Machine,
    listeners: Vec<(Listener, Vec<String>)>,
    artists: Vec<String>,
    /// What each user must be notified of: address and title.
    due: BTreeSet<(String, String)>,
    /// Every email so far, with its recipient.
    emails: Vec<(String, Email)>,
    rng: std::sync::Arc<SeededRng>,
    kills: Kills,
}

/// What the killed processes were doing.
#[derive(Default)]
struct Kills {
    all: usize,
    during_a_check: usize,
    during_a_refresh: usize,
    between_claim_and_mark: usize,
}

impl Household {
    async fn settled(seed: u64) -> Self {
        // Jobs run when the daemon starts, and when a page notifies them.
        let settings = [
            ("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "10000"),
            ("SCHEDULE__FOLLOWS", ONCE_A_YEAR),
            ("SCHEDULE__RELEASES", ONCE_A_YEAR),
            ("SCHEDULE__LETTERS", ONCE_A_YEAR),
        ];
        let machine = Machine::with(&settings).await;
        let artists: Vec<String> =
            (0..5).map(|n| machine.world.add_artist(format!("Artist {n}"))).collect();
        let all: Vec<&str> = artists.iter().map(String::as_str).collect();
        let users = [("Martha", &all[..]), ("Jonas", &all[..3]), ("Aino", &all[2..])];
        let listeners = machine.settle(&users).await;
        let follows = users.map(|(_, follows)| follows.iter().map(ToString::to_string).collect());
        let listeners = listeners.into_iter().zip(follows).collect();
        let (due, emails) = (BTreeSet::new(), Vec::new());
        let (rng, kills) = (SeededRng::new(seed), Kills::default());
        Self { machine, listeners, artists, due, emails, rng, kills }
    }

    /// A random number below `end`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn draw(&self, end: usize) -> usize {
        (fraction(&*self.rng) * end as f64) as usize
    }

    /// Releases one to three albums and makes everything due. Returns how much the world will see of the process
    /// that handles them: a call for each list and each artist, and an email to each reader.
    fn albums_come_out(&mut self) -> usize {
        let mut readers = BTreeSet::new();
        for _ in 0..=self.draw(3) {
            let artist = &self.artists[self.draw(self.artists.len())];
            let title = format!("Album-{:04}", self.due.len());
            self.machine.world.publish(artist, NewAlbum::titled(&title));
            for (listener, _) in self.listeners.iter().filter(|(_, all)| all.contains(artist)) {
                readers.insert(listener.address.clone());
                self.due.insert((listener.address.clone(), title.clone()));
            }
        }
        self.machine.let_everything_be_due();
        self.listeners.len() + self.artists.len() + readers.len()
    }

    /// What the world has seen so far: calls and emails.
    fn seen(&self) -> usize {
        self.machine.world.requests().len() + self.machine.inbox.emails().len()
    }

    /// Kills the process, unless it has ended, and records what it was doing.
    fn kill(&mut self, mut process: Running) {
        if process.kill() {
            self.kills.all += 1;
            let (checks, refreshes, emails) = claims(&self.machine);
            self.kills.during_a_check += usize::from(checks > 0);
            self.kills.during_a_refresh += usize::from(refreshes > 0);
            self.kills.between_claim_and_mark += usize::from(emails > 0);
        }
        self.machine.inbox.clear_script();
        self.machine.world.clear_script(Endpoint::ArtistAlbums);
        self.machine.world.clear_script(Endpoint::Token);
    }

    /// Waits for another call to the endpoint after `before` calls.
    async fn was_asked(&self, endpoint: Endpoint, before: usize) {
        eventually("a call", async || (self.machine.world.count(endpoint) > before).then_some(()))
            .await;
    }

    /// Waits for another connection to the mail server after `before` connections.
    async fn is_sending_email(&self, before: usize) {
        eventually("an email being sent", async || {
            (self.machine.inbox.connections() > before).then_some(())
        })
        .await;
    }

    /// Runs `dropday once --all` until it succeeds.
    async fn done(&self) {
        for _ in 0..3 {
            let ended = self.machine.run(&["once", "--all"]).await;
            if ended.code == Some(0) {
                return;
            }
        }
        panic!("three runs in a row failed");
    }

    /// Moves new emails out of the inbox. Returns how many of them are repeats.
    fn take_emails(&mut self) -> usize {
        let mut known: BTreeSet<String> =
            self.emails.iter().map(|(_, email)| email.message_id.clone()).collect();
        let came = self.machine.inbox.emails().into_iter();
        let came: Vec<_> =
            came.map(|received| (received.to[0].clone(), Email::parse(&received.raw))).collect();
        self.machine.inbox.empty();
        let is_repeat = |(_, email): &&(String, Email)| !known.insert(email.message_id.clone());
        let repeats = came.iter().filter(is_repeat).count();
        self.emails.extend(came);
        repeats
    }

    /// Counts lost and repeated notifications, and checks them against the promise.
    async fn account(mut self, what: &str) {
        self.take_emails();
        let mut told = BTreeMap::<(String, String), Vec<String>>::new();
        let mut texts = BTreeMap::new();
        for (to, email) in &self.emails {
            let text = texts.entry(&email.message_id).or_insert(&email.text);
            assert_eq!(*text, &email.text, "a repeat must be identical");
            for title in email.text.split_whitespace().filter(|word| word.starts_with("Album-")) {
                let pair = (to.clone(), title.to_owned());
                told.entry(pair).or_default().push(email.message_id.clone());
            }
        }
        let lost = self.due.iter().filter(|pair| !told.contains_key(*pair)).count();
        let doubled: Vec<_> = told.values().filter(|ids| ids.len() > 1).collect();
        let repeated = doubled.iter().filter(|ids| ids.iter().all(|id| *id == ids[0])).count();
        print_out(&format!(
            "{what}: {} kills ({} during a check, {} during a refresh, {} between claim and mark); \
             of {} notifications {lost} lost, {} repeated, {repeated} of these with the same \
             Message-ID",
            self.kills.all,
            self.kills.during_a_check,
            self.kills.during_a_refresh,
            self.kills.between_claim_and_mark,
            self.due.len(),
            doubled.len(),
        ));
        assert_eq!(lost, 0);
        assert_eq!(doubled.len(), repeated);
        assert!(told.keys().all(|pair| self.due.contains(pair)), "{:?}", told.keys());
        let status = self.machine.status().await;
        assert_eq!(status["users"]["connected"], self.listeners.len(), "{status}");
        let booked = status["calls"]["used"]["artist_albums"].as_u64().unwrap();
        let made = self.machine.world.count(Endpoint::ArtistAlbums) as u64;
        assert!(made <= booked, "{made} calls were made, but {booked} booked");
        self.machine.finish().await;
    }
}

/// What a killed process had claimed: artists, token refreshes, emails. Reads from a copy, so that the next
/// process finds the files as they were left.
fn claims(machine: &Machine) -> (u64, u64, u64) {
    let copy = TempDir::new().unwrap();
    for name in ["dropday.db", "dropday.db-wal"] {
        std::fs::copy(machine.folder.path().join(name), copy.path().join(name)).ok();
    }
    let database = Connection::open(copy.path().join("dropday.db")).unwrap();
    let count = |of: &str| database.query_row(of, [], |row| row.get(0)).unwrap();
    (
        count("SELECT count(*) FROM artists WHERE claimed_until > 0"),
        count("SELECT count(*) FROM tokens WHERE refreshing_until > 0"),
        count("SELECT count(*) FROM outbox WHERE claimed_until > 0 AND state = 'pending'"),
    )
}

/// Waits until the process has made so many calls and emails, and a few milliseconds more.
async fn moment(instance: &Household, process: &mut Running, after: usize) {
    let from = instance.seen();
    eventually("some work to be done", async || {
        (instance.seen() >= from + after || !process.is_running()).then_some(())
    })
    .await;
    SystemClock.sleep(Duration::from_millis(instance.draw(25) as u64)).await;
}

#[tokio::test]
async fn kill_at_any_moment_loses_nothing_and_repeats_only_email_in_flight() {
    let mut instance = Household::settled(1).await;
    let mut round = 0;
    while instance.kills.all < 40 {
        round += 1;
        let visible = instance.albums_come_out();
        let kills = instance.kills.all;
        let verb: &[&str] = if round % 4 == 3 { &["serve"] } else { &["once", "--all"] };
        let hangs = round % 5 == 4;
        let connections = instance.machine.inbox.connections();
        if hangs {
            instance.machine.inbox.script(SmtpFault::HangAfterData { keep: round % 2 == 0 });
        }
        let after = if hangs { 0 } else { instance.draw(visible + 1) };
        let mut process = instance.machine.start(verb);
        if hangs {
            instance.is_sending_email(connections).await;
        }
        moment(&instance, &mut process, after).await;
        instance.kill(process);
        instance.done().await;
        // At most one email per connection.
        let in_hand = 4 * (instance.kills.all - kills);
        assert!(instance.take_emails() <= in_hand, "more repeats than connections");
    }
    assert!(instance.kills.between_claim_and_mark >= 8);
    instance.account("killed at any moment").await;
}

#[tokio::test]
async fn kill_while_spotify_hangs_repeats_the_check() {
    let mut instance = Household::settled(2).await;
    for kill in 1..=8 {
        instance.albums_come_out();
        instance.machine.world.script(Endpoint::ArtistAlbums, [Fault::Hang]);
        let asked = instance.machine.world.count(Endpoint::ArtistAlbums);
        let process =
            instance.machine.start(if kill % 2 == 0 { &["serve"] } else { &["once", "--all"] });
        instance.was_asked(Endpoint::ArtistAlbums, asked).await;
        instance.kill(process);
        assert_eq!(instance.kills.during_a_check, kill);
        instance.done().await;
    }
    instance.account("killed while Spotify hangs").await;
}

#[tokio::test]
async fn kill_during_token_refresh_keeps_users_signed_in() {
    let mut instance = Household::settled(3).await;
    for kill in 1..=16 {
        instance.albums_come_out();
        instance.machine.world.expire_access_tokens();
        // Half of them before the response, the others around the time it arrives.
        instance.machine.world.script(Endpoint::Token, (kill % 2 == 0).then_some(Fault::Hang));
        let asked = instance.machine.world.count(Endpoint::Token);
        let process = instance.machine.start(&["once", "--all"]);
        instance.was_asked(Endpoint::Token, asked).await;
        SystemClock.sleep(Duration::from_millis(instance.draw(4) as u64)).await;
        instance.kill(process);
        instance.done().await;
    }
    assert!(instance.kills.during_a_refresh >= 8);
    instance.account("killed during a refresh").await;
}

#[tokio::test]
async fn once_killed_beside_daemon_loses_nothing() {
    let mut instance = Household::settled(4).await;
    // Otherwise the daemon may be the one that finds the album and sends the email.
    let mut daemon = instance.machine.serve_at_rest().await;
    instance.albums_come_out();
    instance.machine.inbox.script(SmtpFault::HangAfterData { keep: false });
    let connections = instance.machine.inbox.connections();
    let helper = instance.machine.start(&["once", "--all"]);
    instance.is_sending_email(connections).await;
    instance.kill(helper);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    instance.done().await;
    instance.account("a helper killed beside a daemon").await;
}

#[tokio::test]
async fn first_start_recovers_after_kill_at_any_write() {
    for blocks in [0, 1, 2, 8, 16, 32, 48, 64, 96, 128, 192] {
        let machine = Machine::new().await;
        // The kernel kills a process whose files grow beyond the limit (SIGXFSZ).
        let once = machine.command(&["once"]);
        let limits = format!("ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut limited = Command::new("sh");
        limited.args(["-c", &limits]).arg(once.get_program()).args(once.get_args());
        limited.envs(once.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.current_dir(machine.folder.path());
        let cut = to_its_end(limited).await;
        let next = machine.run(&["once"]).await;
        assert_eq!(next.code, Some(0), "after {blocks} blocks: {cut:?}, {next:?}");
        machine.finish().await;
    }
}

#[tokio::test]
async fn claimed_email_cannot_be_claimed_again() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("In-hand"));
    app.checks().await;
    let due = app
        .ctx
        .db
        .read("test", |tx| outbox::due(tx, jiff::SignedDuration::ZERO, 10))
        .await
        .unwrap()
        .remove(0);
    let claim = async |unit: PendingEmail| {
        let lease = jiff::SignedDuration::from_mins(5);
        app.ctx.db.write("test", move |tx| outbox::claim(tx, &unit, lease)).await.unwrap()
    };
    let in_hand = claim(due.clone()).await.unwrap();
    app.world.publish(&artist, NewAlbum::titled("Out-meanwhile"));
    app.checks().await;
    // A process that read it before the claim comes too late.
    assert!(claim(due).await.is_none());
    app.ctx.db.write("test", move |tx| outbox::mark_sent(tx, in_hand.email)).await.unwrap();
    app.emails().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert!(emails[0].text.contains("Out-meanwhile"), "{}", emails[0].text);
    assert!(!emails[0].text.contains("In-hand"), "{}", emails[0].text);
    app.finish().await;
}

#[tokio::test]
async fn email_that_lost_an_item_repeats_the_rest() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    for title in ["Gone", "Kept"] {
        app.world.publish(&artist, NewAlbum::titled(title));
        app.checks().await;
        app.advance_hours(1);
    }
    let sql = "PRAGMA foreign_keys = OFF; DELETE FROM releases WHERE title = 'Gone'";
    Connection::open(&app.config.database).unwrap().execute_batch(sql).unwrap();
    app.inbox.script(SmtpFault::DropAfterData { keep: true });
    for _ in 0..2 {
        app.emails().await;
        app.advance_hours(1);
    }
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 2, "it was unknown whether the first had arrived");
    assert_eq!(emails[0].message_id, emails[1].message_id);
    assert!(emails[1].text.contains("Kept"), "{}", emails[1].text);
    app.finish().await;
}
