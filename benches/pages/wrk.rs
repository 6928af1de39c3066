//! Runs `wrk` and parses its output.

use std::process::Command;

/// A page to measure.
pub(crate) struct Page {
    /// The name in the table.
    pub(crate) name: &'static str,
    /// The URL.
    pub(crate) url: String,
    /// A request header: the session cookie, or a validator.
    pub(crate) header: Option<String>,
}

/// How a page is requested.
pub(crate) struct Load {
    /// Concurrent connections.
    pub(crate) connections: u32,
    /// Duration.
    pub(crate) seconds: u32,
}

/// A measurement.
pub(crate) struct Measured {
    /// Responses per second.
    pub(crate) per_second: f64,
    /// The median response time in milliseconds. With one connection this is close to the time to the first
    /// byte.
    pub(crate) latency_ms: f64,
    /// The CPU time of this process per response, in milliseconds. It does not depend on how busy the machine
    /// is.
    pub(crate) processor_ms: f64,
}

pub(crate) fn is_there() -> bool {
    Command::new("wrk").arg("--version").output().is_ok()
}

/// The size of the page in bytes.
pub(crate) fn size(page: &Page) -> usize {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", &page.url]);
    if let Some(header) = &page.header {
        curl.args(["--header", header]);
    }
    let answer = curl.output().expect("curl");
    assert!(answer.status.success(), "{} does not answer as it should", page.url);
    answer.stdout.len()
}

pub(crate) fn measure(page: &Page, load: &Load) -> Measured {
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--latency", "--timeout", "10s"])
        .args(["--connections", &load.connections.to_string()])
        .args(["--duration", &format!("{}s", load.seconds)]);
    if let Some(header) = &page.header {
        wrk.args(["--header", header]);
    }
    let before = processor_ms();
    let said = wrk.arg(&page.url).output().expect("wrk");
    let spent = processor_ms() - before;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let per_second = after(&said, "Requests/sec:").and_then(|word| word.parse().ok());
    // An earlier line may contain another "50%".
    let times = said.split_once("Latency Distribution").map_or("", |(_, times)| times);
    let latency_ms = after(times, "50%").and_then(|word| milliseconds(&word));
    // "1234 requests in 2.00s, 5.6MB read"
    let answers = said
        .split_once(" requests in")
        .and_then(|(before, _)| before.split_whitespace().next_back()?.parse::<f64>().ok());
    Measured {
        per_second: per_second.unwrap_or_else(|| panic!("{said}")),
        latency_ms: latency_ms.unwrap_or_else(|| panic!("{said}")),
        processor_ms: spent / answers.unwrap_or_else(|| panic!("{said}")).max(1.0),
    }
}

/// The CPU time of this process so far, with Linux's resolution of ten milliseconds
/// (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>).
fn processor_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux's /proc");
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn after(said: &str, label: &str) -> Option<String> {
    Some(said.split_once(label)?.1.split_whitespace().next()?.to_owned())
}

/// `850.00us`, `1.20ms`, `2.00s`.
fn milliseconds(word: &str) -> Option<f64> {
    for (unit, factor) in [("us", 1e-3), ("ms", 1.0), ("s", 1e3)] {
        if let Some(number) = word.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok())
        {
            return Some(number * factor);
        }
    }
    None
}
