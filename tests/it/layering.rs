//! Dependencies point down, adapters do not know one another, and nothing imports in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each part of the crate may use, from the bottom up. A part may always use itself.
fn may_use(part: &str) -> &'static [&'static str] {
    match part {
        "domain" | "clock" | "terminal" | "logging" => &[],
        "store" | "spotify" | "hints" | "email" => &["domain", "clock"],
        "metrics" => &["domain"],
        "gateway" => &["domain", "clock", "metrics", "store", "spotify"],
        "context" => &["domain", "clock", "metrics", "store", "gateway", "hints", "email"],
        "accounts" => &["domain", "clock", "store", "spotify", "gateway", "context"],
        "jobs" => &[
            "domain", "clock", "metrics", "store", "spotify", "hints", "email", "gateway",
            "context", "accounts",
        ],
        "config" => &["domain", "logging"],
        "jobs::worker" => &["clock", "store", "context", "jobs"],
        "jobs::scheduler" => &["clock", "config", "jobs::worker"],
        "web" => &[
            "domain",
            "clock",
            "store",
            "spotify",
            "gateway",
            "context",
            "accounts",
            "jobs::worker",
        ],
        // Composition may use everything.
        "app" | "daemon" | "cli" | "demo" | "main" | "lib" => &["*"],
        other => panic!("src/{other} belongs to no layer: see ARCHITECTURE.md"),
    }
}

/// The part that a path belongs to, such as `store` or `jobs::worker`.
fn part_of(path: &[String]) -> String {
    let names: Vec<&str> = path.iter().take(2).map(String::as_str).collect();
    match names[..] {
        ["jobs", "worker" | "scheduler"] => names.join("::"),
        [first, ..] => first.to_owned(),
        [] => unreachable!("a path names something"),
    }
}

#[test]
fn dependencies_point_down() {
    let mut wrong = BTreeSet::new();
    for source in sources() {
        let (part, allowed) = (source.part(), may_use(&source.part()));
        for used in source.parts_used() {
            if used != part && !allowed.contains(&"*") && !allowed.contains(&used.as_str()) {
                wrong.insert(format!("{} must not use {used}", source.path.join("::")));
            }
        }
    }
    assert_eq!(wrong, BTreeSet::new());
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
    let in_cycles = folders.iter().flat_map(|(folder, imports)| {
        in_cycles(imports).into_iter().map(move |module| format!("{folder}/{module}"))
    });
    assert_eq!(in_cycles.collect::<Vec<_>>(), Vec::<String>::new());
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
            let mut others = source.parts_used();
            others.retain(|part| !["clock", "domain", "demo"].contains(&part.as_str()));
            assert!(others.is_empty(), "{:?}: {others:?}", source.path);
        }
    }
}

#[test]
fn only_store_uses_sqlite() {
    for source in sources() {
        let uses_sqlite = source.text.contains("rusqlite");
        assert!(source.part() == "store" || !uses_sqlite, "{:?}", source.path);
    }
}

#[test]
fn cron_bodies_await_nothing() {
    let scheduler = std::fs::read_to_string(src().join("jobs/scheduler.rs")).unwrap();
    assert!(!scheduler.contains("new_async"), "a cron body that awaits may overlap itself");
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

    fn part(&self) -> String {
        part_of(&self.path)
    }

    /// The parts of the crate that the code names, in `use` declarations and elsewhere, tests included.
    fn parts_used(&self) -> BTreeSet<String> {
        let code = without_comments(&self.text);
        let inline = code.split("crate::").skip(1).filter(|rest| !rest.starts_with('{'));
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let inline = inline.map(|rest| {
            let names = rest.split("::").take(2);
            names.map(|name| name.chars().take_while(|c| is_name(*c)).collect()).collect()
        });
        let imported = self.imported(&code, &["use crate::"]).into_iter().chain(self.imports());
        inline.chain(imported).map(|path: Vec<String>| part_of(&path)).collect()
    }

    /// The full paths that `use` declarations outside of tests bring in from this crate.
    fn imports(&self) -> Vec<Vec<String>> {
        let code = self.text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
        self.imported(&without_comments(code), &["use crate::", "use super::", "use self::"])
    }

    fn imported(&self, code: &str, starts: &[&str]) -> Vec<Vec<String>> {
        let declarations = code.split(';').filter_map(|declaration| {
            let start = starts.iter().filter_map(|start| declaration.rfind(start)).next()?;
            Some(&declaration[start + "use ".len()..])
        });
        declarations.flat_map(expand).map(|path| self.resolve(&path)).collect()
    }

    fn resolve(&self, path: &str) -> Vec<String> {
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
    }
}

fn without_comments(code: &str) -> String {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect()
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

#[test]
fn use_trees_expand_to_paths() {
    assert_eq!(
        expand("crate::a::{b, c::{d, e}}"),
        ["crate::a::b", "crate::a::c::d", "crate::a::c::e"]
    );
}
