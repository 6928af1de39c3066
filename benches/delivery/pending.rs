//! Sends very many pending emails with one run of the delivery job into `smtp-sink`: throughput and memory
//! use.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dropday::app;
use dropday::clock::{SystemClock, SystemRng};
use dropday::demo::services::{environment, load_config};
use dropday::jobs::{RunControl, Scope, send_emails};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::postfix::Sink;

/// All users follow one artist, whose album is news for them. The database is in memory if possible, so
/// that the disk is not what is measured.
pub(crate) fn run(sink: &Sink, emails: usize) {
    app::install_crypto();
    let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let ctx = context(&folder, sink);
        fill(&folder.path().join("dropday.db"), emails);
        let before = resident();
        let (most, half) = (AtomicU64::new(0), AtomicU64::new(0));
        let middle = emails as u64 / 2;
        let note = |done: u64, _| {
            if done.is_multiple_of(500) {
                most.fetch_max(resident(), Ordering::Relaxed);
            }
            if done == middle {
                half.store(resident(), Ordering::Relaxed);
            }
        };
        let stop = CancellationToken::new();
        let began = Instant::now();
        let outcome =
            send_emails::run(&ctx, Scope::Due, &RunControl { stop: &stop, progress: &note }).await;
        let outcome = outcome.expect("the database works");
        let rate = outcome.sent as f64 / began.elapsed().as_secs_f64();
        println!("{outcome}: {rate:.0} emails/s");
        println!(
            "resident memory: {} MB before, {} MB in the middle, {} MB at most, {} MB after",
            before / 1_000,
            half.into_inner() / 1_000,
            most.into_inner() / 1_000,
            resident() / 1_000
        );
        assert_eq!(outcome.sent as usize, emails, "each was sent");
    });
}

fn context(folder: &TempDir, sink: &Sink) -> dropday::context::Ctx {
    let (folder, smtp_url) = (folder.path(), format!("smtp://{}", sink.address));
    let environment = environment(folder, "127.0.0.1:9", "http://127.0.0.1:9", &smtp_url);
    let config = load_config(folder, environment, &[]).expect("the settings are valid");
    app::build(&config, Arc::new(SystemClock), Arc::new(SystemRng)).expect("it can be built")
}

fn fill(database: &Path, emails: usize) {
    let mut database = Connection::open(database).expect("the database");
    let tx = database.transaction().expect("a transaction");
    tx.execute_batch(
        "INSERT INTO artists (id, name, folded, tracked_since, next_check_at)
             VALUES ('5nPOO9iTcrs9k6yFffPxjH', 'Röyksopp', 'royksopp', 1, 0);
         INSERT INTO releases (id, title, kind, artists, date, tracks, cover, link)
             VALUES ('7w4vWXxNKPRCLjQL3ciEza', 'Profound Mysteries III', 'album',
                     '[[\"5nPOO9iTcrs9k6yFffPxjH\",\"Röyksopp\"]]', '2026-11-27', 10,
                     'https://i.scdn.co/image/ab67616d00001e02', 'https://open.spotify.com/album/7w4vWXxNKPRCLjQL3ciEza');",
    )
    .expect("an album");
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {emails})"
    );
    tx.execute_batch(&format!(
        "{numbers} INSERT INTO users (id, spotify_id, display_name, address, created_at, consent,
                                         follows_next_at)
             SELECT i, 'p' || i, 'Person ' || i, 'p' || i || '@example.org', 1, 'granted', 0 FROM n;
         {numbers} INSERT INTO follows (user_id, artist, since)
             SELECT i, '5nPOO9iTcrs9k6yFffPxjH', 1 FROM n;
         INSERT INTO artist_releases (artist, release, seen_at, is_news)
             VALUES ('5nPOO9iTcrs9k6yFffPxjH', '7w4vWXxNKPRCLjQL3ciEza', 1, TRUE);
         {numbers} INSERT INTO outbox (user_id, kind, subject, next_at, enqueued_at)
             SELECT i, 'news', '7w4vWXxNKPRCLjQL3ciEza', 1, 1 FROM n;"
    ))
    .expect("users");
    tx.commit().expect("a commit");
}

/// The resident memory in kilobytes (`VmRSS`, proc(5)).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
}
