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
        let delays = runtime.block_on(play.run());
        println!("{}", delays.row(&play, began.elapsed()));
    }
}

/// The table, and below it what else was worth a play.
fn plays() -> Vec<Play> {
    let mut plays = Vec::new();
    for artists in [150, 500, 1_500] {
        let play = Play { artists, rule: Rule::RoundRobin, seed: SEED, ..Play::default() };
        for rule in Rule::ALL {
            plays.push(Play { rule, ..play.clone() });
        }
    }
    for artists in [150, 500, 1_500] {
        let play = Play { artists, seed: SEED, ..Play::default() };
        plays.push(Play { knows_zone: false, ..play.clone() });
        plays.push(Play { max_wait_days: 60, ..play.clone() });
        plays.push(Play { rule: Rule::ListenBrainz, max_wait_days: 60, ..play.clone() });
        plays.push(Play { rule: Rule::Deezer, max_wait_days: 60, ..play.clone() });
        plays.push(Play { differ: true, ..play.clone() });
        plays.push(Play { differ: true, rule: Rule::RoundRobin, ..play });
    }
    plays
}

fn is_meant(play: &Play, words: &[String]) -> bool {
    let name = play.name();
    words.iter().all(|word| name.split(' ').any(|part| part == word))
}
