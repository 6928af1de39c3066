//! Dependencies point down, adapters do not know one another, and nothing imports in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each part of the crate may use, from the bottom up. A part may always use itself.
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
        "worker" => &["clock", "store", "context", "pipeline", "heartbeat"],
        "schedule" => &["clock", "config", "worker"],
        "web" => {
            &["domain", "clock", "store", "spotify", "access", "context", "accounts", "worker"]
        }
        // Composition may use everything.
        "app" | "daemon" | "cli" | "demo" | "main" | "lib" => &["*"],
        other => panic!("src/{other} belongs to no layer: see ARCHITECTURE.md"),
    }
}

/// The cycles that remain, by folder.
const KNOWN_CYCLES: &[(&str, &[&str])] = &[
    ("access", &["ask", "refresh", "refusal"]),
    ("email/messages", &["news", "row"]),
    ("jobs/compose", &["facts", "news"]),
    ("spotify", &["http", "refusal"]),
    ("store", &["allowance", "farewells", "ledger", "outbox", "people", "preferences"]),
];

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        for used in parts_used(&source.text) {
            let allowed = may_use(source.part());
            if used != source.part() && !allowed.contains(&"*") && !allowed.contains(&used.as_str())
            {
                wrong.push(format!("{} must not use {used}", source.module()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Within each folder, counting a subfolder as one with all that is in it. A module and its parent may use each
/// other.
#[test]
fn imports_form_no_cycles() {
    let sources = sources();
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| &*source.path).collect();
    let mut folders = BTreeMap::<String, BTreeMap<&str, BTreeSet<&str>>>::new();
    for source in sources.iter().filter(|source| !source.path.contains(&"tests".to_owned())) {
        for import in source.imports() {
            let lengths = (1..=import.len()).rev();
            let target = lengths.filter_map(|length| modules.get(&import[..length])).next();
            let Some(target) = target else { continue };
            let shared = source.path.iter().zip(*target).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (source.path.get(shared), target.get(shared)) {
                let folder = folders.entry(source.path[..shared].join("/")).or_default();
                folder.entry(from).or_default().insert(to);
            }
        }
    }
    let cycles: Vec<(&str, Vec<&str>)> = folders
        .iter()
        .map(|(folder, imports)| (folder.as_str(), in_cycles(imports)))
        .filter(|(_, cycle)| !cycle.is_empty())
        .collect();
    let known: Vec<_> =
        KNOWN_CYCLES.iter().map(|(folder, modules)| (*folder, modules.to_vec())).collect();
    assert_eq!(cycles, known);
}

/// The modules that import themselves through others.
fn in_cycles<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<&'a str> {
    let is_in_cycle = |start: &&&str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![**start]);
        while let Some(module) = next.pop() {
            let imported = imports.get(module).into_iter().flatten();
            next.extend(imported.filter(|imported| seen.insert(**imported)));
        }
        seen.contains(**start)
    };
    imports.keys().filter(is_in_cycle).copied().collect()
}

#[test]
fn fake_world_uses_nothing_of_dropday() {
    let inside = ["world", "spotify", "inbox", "hints"].map(str::to_owned);
    for source in sources() {
        if source.part() == "demo" && source.path.iter().any(|name| inside.contains(name)) {
            let others: Vec<_> = parts_used(&source.text)
                .into_iter()
                .filter(|part| !["clock", "domain", "demo"].contains(&part.as_str()))
                .collect();
            assert!(others.is_empty(), "{}: {others:?}", source.module());
        }
    }
}

#[test]
fn only_store_uses_sqlite() {
    for source in sources() {
        assert!(
            source.part() == "store" || !source.text.contains("rusqlite"),
            "{}",
            source.module()
        );
    }
}

#[test]
fn cron_bodies_await_nothing() {
    let schedule = std::fs::read_to_string(src().join("schedule.rs")).unwrap();
    assert!(!schedule.contains("new_async"), "a cron body that awaits may overlap itself");
}

/// A file of `src`.
struct Source {
    /// Such as `["store", "outbox"]`, for `store/outbox.rs` and `store/outbox/mod.rs` alike.
    path: Vec<String>,
    text: String,
}

impl Source {
    fn read(file: &Path) -> Self {
        let inside = file.strip_prefix(src()).unwrap().with_extension("");
        let names = inside.iter().map(|name| name.to_str().unwrap().to_owned());
        let path = names.filter(|name| name != "mod").collect();
        Self { path, text: std::fs::read_to_string(file).unwrap() }
    }

    fn part(&self) -> &str {
        &self.path[0]
    }

    fn module(&self) -> String {
        self.path.join("::")
    }

    /// The full path of everything that `use` declarations outside of tests bring in from this crate.
    fn imports(&self) -> Vec<Vec<String>> {
        let code = self.text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let starts = ["use crate::", "use super::", "use self::"];
        let declarations = lines.split(';').filter_map(|declaration| {
            let start = starts.iter().filter_map(|start| declaration.rfind(start)).next()?;
            Some(declaration[start + "use ".len()..].to_owned())
        });
        declarations
            .flat_map(|tree| expand(&tree))
            .map(|path| {
                let mut full = self.path.clone();
                for name in path.split("::").map(str::trim) {
                    match name {
                        "crate" => full.clear(),
                        "self" => {}
                        "super" => _ = full.pop(),
                        name => full.push(name.to_owned()),
                    }
                }
                full
            })
            .collect()
    }
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let (mut depth, mut branches) = (0, vec![String::new()]);
    for c in rest.trim_end().trim_end_matches('}').chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 0 => branches.push(String::new()),
            c => branches.last_mut().unwrap().push(c),
        }
    }
    let named = branches.iter().filter(|branch| !branch.trim().is_empty());
    named
        .flat_map(|branch| expand(branch))
        .map(|path| format!("{}{}", prefix.trim(), path.trim()))
        .collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let (mut sources, mut folders) = (Vec::new(), vec![src()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(Source::read(&path));
            }
        }
    }
    sources
}

/// The parts of the crate that a text names, in `use crate::part…` and in `crate::part::…`. Doc links do not count.
fn parts_used(text: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            let names = rest.trim_start_matches('{').split(['}', ';']).next().unwrap_or_default();
            let names: Vec<&str> =
                if rest.starts_with('{') { names.split(',').collect() } else { vec![names] };
            let is_name = |c: &char| c.is_ascii_lowercase() || *c == '_';
            let names = names
                .iter()
                .map(|name| name.trim().chars().take_while(is_name).collect::<String>());
            parts.extend(names.filter(|name| !name.is_empty()));
        }
    }
    parts
}

#[test]
fn use_trees_expand_to_paths() {
    assert_eq!(
        expand("crate::a::{b, c::{d, e}}"),
        ["crate::a::b", "crate::a::c::d", "crate::a::c::e"]
    );
}
