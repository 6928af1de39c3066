//! Measures emails per second through the real mailer into Postfix's `smtp-sink`, beside Postfix's
//! `smtp-source` with the same number of sessions and size of messages, alternating in one run.
//!
//! `cargo bench --bench delivery` prints the table of docs/delivery.md; `-- --rounds N --emails N`
//! change how long it takes. `-- pending [N]` sends N pending emails (by default 100,000) with one run of the
//! delivery job, and prints its memory use. Needs the Debian package postfix.

#![expect(clippy::print_stdout, reason = "a table is what this is for")]

mod pending;
mod postfix;
#[path = "../../tests/support/email_samples.rs"]
mod samples;
mod sending;

use postfix::Sink;
use sending::Sending;

/// How connections are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// One for each message.
    Fresh,
    /// One for each session, for all messages.
    Kept,
}

impl Connections {
    fn words(self) -> &'static str {
        match self {
            Self::Fresh => "one for each message",
            Self::Kept => "kept",
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |name: &str, usual: usize| {
        let given = words.iter().skip_while(|word| *word != name).nth(1);
        given.and_then(|given| given.parse().ok()).unwrap_or(usual)
    };
    let Some(sink) = Sink::start() else {
        println!("SKIPPED: smtp-sink and smtp-source are not installed (apt-get install postfix)");
        return;
    };
    if words.iter().any(|word| word == "pending") {
        return pending::run(&sink, number("pending", 100_000));
    }
    compare(&sink, number("--rounds", 7), number("--emails", 4_000));
}

fn compare(sink: &Sink, rounds: usize, emails: usize) {
    let alone = Sending::new(sink, 1, Connections::Kept);
    let (size, composing) = (alone.size(), alone.composing());
    println!("Letters of {size} bytes, composed in {composing:.0?} each;");
    println!("medians of {rounds} rounds of {emails} emails each.\n");
    println!("| connections | sessions | Dropday, emails/s | smtp-source, emails/s | ratio |");
    println!("|---|---|---|---|---|");
    for connections in [Connections::Kept, Connections::Fresh] {
        for sessions in [1, 4, 10] {
            let sending = Sending::new(sink, sessions, connections);
            let mut rates = [Vec::new(), Vec::new()];
            for _ in 0..rounds {
                rates[0].push(sending.rate(emails));
                rates[1].push(sink.source_rate(emails, sessions, size, connections));
            }
            let [ours, theirs] = rates.map(median);
            println!(
                "| {} | {sessions} | {ours:.0} | {theirs:.0} | {:.2} |",
                connections.words(),
                ours / theirs
            );
        }
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
