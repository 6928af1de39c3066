//! Measures pages per second and time to the first byte with `wrk`, beside a bare "hello" of axum in the
//! same run.
//!
//! `cargo bench --bench pages` prints the table of docs/pages.md for a user who follows 10,000 artists;
//! `-- --artists N --seconds S --rounds N` change that. Needs the Debian package wrk.

#![expect(clippy::print_stdout, reason = "a table is what this is for")]

mod instance;
#[path = "../../tests/support/clock.rs"]
mod test_clock;
mod wrk;

use instance::Instance;
use wrk::{Load, Measured};

/// Concurrent connections for the measurement of throughput.
const CONNECTIONS: u32 = 64;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |name: &str, usual: u32| {
        let given = words.iter().skip_while(|word| *word != name).nth(1);
        given.and_then(|given| given.parse().ok()).unwrap_or(usual)
    };
    if !wrk::is_there() {
        println!("SKIPPED: wrk is not installed (apt-get install wrk)");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let artists = number("--artists", 10_000);
    let instance = runtime.block_on(Instance::build(artists as usize));
    compare(&instance, artists, number("--rounds", 3), number("--seconds", 3));
}

fn compare(instance: &Instance, artists: u32, rounds: u32, seconds: u32) {
    println!("One user follows {artists} artists. Medians of {rounds} rounds of {seconds} s.\n");
    println!(
        "| page | bytes | first byte, one at a time | processor time | pages/s, {CONNECTIONS} at once | of hello |"
    );
    println!("|---|---|---|---|---|---|");
    let mut hello = None;
    for page in instance.pages() {
        let bytes = wrk::size(&page);
        let alone = median(rounds, &page, &Load { connections: 1, seconds });
        let crowd = median(rounds, &page, &Load { connections: CONNECTIONS, seconds });
        let of_hello = *hello.get_or_insert(crowd.per_second);
        println!(
            "| {} | {bytes} | {:.2} ms | {:.2} ms | {:.0} | {:.3} |",
            page.name,
            alone.latency_ms,
            alone.processor_ms,
            crowd.per_second,
            crowd.per_second / of_hello
        );
    }
}

fn median(rounds: u32, page: &wrk::Page, load: &Load) -> Measured {
    let mut measured: Vec<_> = (0..rounds).map(|_| wrk::measure(page, load)).collect();
    measured.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    measured.swap_remove(measured.len() / 2)
}
