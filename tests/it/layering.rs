//! The way the code is laid out: dependencies point down, adapters do not know one another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each part may use of the crate, from the bottom up. A part may always use itself.
fn may_use(part: &str) -> &'static [&'static str] {
    match part {
        "domain" | "clock" | "terminal" | "logging" | "heartbeat" => &[],
        "store" | "spotify" | "hints" | "mail" => &["domain", "clock"],
        "metrics" => &["domain"],
        "access" => &["domain", "clock", "metrics", "store", "spotify"],
        "context" => &["domain", "clock", "metrics", "store", "access", "hints", "mail"],
        "accounts" => &["domain", "clock", "store", "spotify", "access", "context"],
        "pipeline" => &[
            "domain", "clock", "metrics", "store", "spotify", "hints", "mail", "access", "context",
            "accounts",
        ],
        "config" => &["domain", "logging"],
        "worker" => &["store", "context", "pipeline", "heartbeat"],
        "schedule" => &["clock", "config", "worker"],
        "web" => {
            &["domain", "clock", "store", "spotify", "access", "context", "accounts", "worker"]
        }
        // Composition knows everybody.
        "app" | "lifecycle" | "supervisor" | "cli" | "demo" | "main" | "lib" => &["*"],
        other => panic!("src/{other} has no place in the layers: see ARCHITECTURE.md"),
    }
}

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for (part, file, text) in sources() {
        for used in uses(&text) {
            let allowed = may_use(&part);
            if used != part && !allowed.contains(&"*") && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {part} must not use {used}", file.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_fake_world_knows_nothing_of_the_rest() {
    for (_, file, text) in sources() {
        let inside = file
            .components()
            .any(|c| ["world", "spotify", "inbox", "hints.rs"].iter().any(|p| c.as_os_str() == *p));
        if file.starts_with(source().join("demo")) && inside {
            let strangers: Vec<_> = uses(&text)
                .into_iter()
                .filter(|part| !["clock", "domain", "demo"].contains(&part.as_str()))
                .collect();
            assert!(strangers.is_empty(), "{}: {strangers:?}", file.display());
        }
    }
}

#[test]
fn only_the_store_speaks_sql() {
    for (part, file, text) in sources() {
        assert!(part == "store" || !text.contains("rusqlite"), "{}", file.display());
    }
}

#[test]
fn the_bell_ringers_await_no_work() {
    let schedule = std::fs::read_to_string(source().join("schedule.rs")).unwrap();
    assert!(!schedule.contains("new_async"), "a cron body that awaits may overlap itself");
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Part, file and text of every source file.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let with_part = |file: PathBuf| {
        let first = file.strip_prefix(source()).unwrap().components().next().unwrap();
        let part = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        (part, file, text)
    };
    files.into_iter().map(with_part).collect()
}

/// The parts of the crate that a text names, in `use crate::part…` and in `crate::part::…`; doc
/// links do not count.
fn uses(text: &str) -> Vec<String> {
    let mut parts = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            let names = rest.trim_start_matches('{').split(['}', ';']).next().unwrap_or_default();
            let names: Vec<&str> =
                if rest.starts_with('{') { names.split(',').collect() } else { vec![names] };
            for name in names {
                let part: String = name
                    .trim()
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                if !part.is_empty() {
                    parts.insert(part, ());
                }
            }
        }
    }
    parts.into_keys().collect()
}
