//! A year of releases on the manual clock, through the real scheduler, ledger, hint code, client and
//! store, against the fake world: how long does an album wait to be seen?
//!
//! `cargo bench --bench cadence` plays everything and prints the table of docs/cadence.md;
//! `cargo bench --bench cadence -- 500 hints` plays what has all of these words in its name.

#![expect(clippy::print_stdout, reason = "a table is what this is for")]

mod catalogue;
mod delays;
mod play;

use std::time::Instant;

use play::{Play, Rule};

const SEED: u64 = 20_261_123;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let chosen = plays().into_iter().filter(|play| is_meant(play, &words));
    println!("{}", delays::HEAD);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    for play in chosen {
        let began = Instant::now();
        let delays = runtime.block_on(play.run_all());
        println!("{}", delays.row(&play, began.elapsed()));
    }
}

/// The table, and below it what else was worth a play. The fewer the artists, the fewer albums a year
/// has, and the more years are played.
fn plays() -> Vec<Play> {
    let sizes = [(150, 4), (500, 2), (1_500, 1)];
    let plain = |(artists, years)| Play { artists, years, seed: SEED, ..Play::default() };
    let mut plays = Vec::new();
    for size in sizes {
        plays.extend(Rule::ALL.map(|rule| Play { rule, ..plain(size) }));
    }
    for size in sizes {
        plays.push(Play { knows_zone: false, ..plain(size) });
    }
    for size in &sizes[1..] {
        let play = Play { years: 1, ..plain(*size) };
        for rule in [Rule::Choosing, Rule::ListenBrainz, Rule::Deezer] {
            plays.push(Play { rule, max_wait_days: 60, ..play.clone() });
        }
        for rule in [Rule::RoundRobin, Rule::Choosing] {
            plays.push(Play { rule, differ: true, ..play.clone() });
        }
    }
    plays
}

fn is_meant(play: &Play, words: &[String]) -> bool {
    let name = play.name();
    words.iter().all(|word| name.split(' ').any(|part| part == word))
}
