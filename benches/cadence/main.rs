//! Simulates a year of releases on a manual clock, through the real planner, quota, client and store,
//! against the fake Spotify: how long does it take until an album is detected?
//!
//! `cargo bench --bench cadence` runs all simulations and prints the table of docs/cadence.md;
//! `cargo bench --bench cadence -- 500 hints` runs those with all of these words in their name.

#![expect(clippy::print_stdout, reason = "a table is what this is for")]

mod catalogue;
mod delays;
mod play;
#[path = "../../tests/support/clock.rs"]
mod test_clock;

use std::time::Instant;

use play::{Play, Rule};

const SEED: u64 = 20_261_123;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let chosen = plays().into_iter().filter(|play| matches(play, &words));
    println!("{}", delays::HEAD);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    for play in chosen {
        let began = Instant::now();
        let delays = runtime.block_on(play.run_all());
        println!("{}", delays.row(play.artists, &play.title(), play.years, began.elapsed()));
    }
}

/// The simulations. With few artists there are few albums a year, so that more years are simulated.
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

fn matches(play: &Play, words: &[String]) -> bool {
    let name = play.name();
    words.iter().all(|word| name.split(' ').any(|part| part == word))
}
