//! `wrk`, and what it says.

use std::process::Command;

/// A page to ask for.
pub(crate) struct Page {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// Its whole address.
    pub(crate) url: String,
    /// The session's cookie, where somebody is signed in.
    pub(crate) cookie: Option<String>,
}

/// How it is asked for.
pub(crate) struct Load {
    /// Connections at once.
    pub(crate) connections: u32,
    /// For how long.
    pub(crate) seconds: u32,
}

/// What came of it.
pub(crate) struct Measured {
    /// Answers a second.
    pub(crate) per_second: f64,
    /// Median time to an answer, in milliseconds; with one connection that is the time to its first byte and
    /// the little that it takes to send the rest over loopback.
    pub(crate) latency_ms: f64,
}

pub(crate) fn is_there() -> bool {
    Command::new("wrk").arg("--version").output().is_ok()
}

/// Bytes of the page.
pub(crate) fn size(page: &Page) -> usize {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", &page.url]);
    if let Some(cookie) = &page.cookie {
        curl.args(["--header", &format!("Cookie: {cookie}")]);
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
    if let Some(cookie) = &page.cookie {
        wrk.args(["--header", &format!("Cookie: {cookie}")]);
    }
    let said = wrk.arg(&page.url).output().expect("wrk");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let per_second = after(&said, "Requests/sec:").and_then(|word| word.parse().ok());
    let latency_ms = after(&said, "50%").and_then(|word| milliseconds(&word));
    Measured {
        per_second: per_second.unwrap_or_else(|| panic!("{said}")),
        latency_ms: latency_ms.unwrap_or_else(|| panic!("{said}")),
    }
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
