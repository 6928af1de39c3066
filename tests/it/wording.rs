//! Code and texts use the words of the field, and none that only this project would understand.

use std::path::{Path, PathBuf};

/// Words that no identifier is made of.
const NOT_IN_IDENTIFIERS: &[&str] = &[
    "anew",
    "bell",
    "bells",
    "comer",
    "errand",
    "errands",
    "house",
    "lender",
    "lesson",
    "lessons",
    "letter",
    "owe",
    "owed",
    "owes",
    "people",
    "reckon",
    "ringer",
    "sightings",
    "told",
    "watched",
    "whoever",
    "whom",
];

/// Phrases that no page, email or output of a command contains.
const NOT_IN_TEXT: &[&str] =
    &["anew", "comer", "errand", "reckon", "the brake", "the house", "whom"];

#[test]
fn identifiers_contain_no_private_language() {
    let mut found = Vec::new();
    for file in files("src", &["rs"]) {
        let text = std::fs::read_to_string(&file).unwrap();
        for identifier in code(&text).split(|c: char| !c.is_alphanumeric() && c != '_') {
            if words(identifier).any(|word| NOT_IN_IDENTIFIERS.contains(&word.as_str())) {
                found.push(format!("{}: {identifier}", file.display()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn texts_for_users_contain_no_private_language() {
    let mut found = Vec::new();
    let templates = ["src/web/templates", "src/email/templates"];
    let templates = templates.iter().flat_map(|folder| files(folder, &["html", "mjml", "txt"]));
    for file in templates.chain(files("src/cli", &["rs"])) {
        let text = std::fs::read_to_string(&file).unwrap();
        let is_code = file.extension().is_some_and(|extension| extension == "rs");
        let text = if is_code { strings(&text) } else { text };
        let text = text.to_lowercase();
        for phrase in NOT_IN_TEXT {
            let is_word = |at: usize| {
                let is_letter = |c: char| c.is_alphanumeric() || c == '_';
                !text[..at].ends_with(is_letter)
                    && !text[at + phrase.len()..].starts_with(is_letter)
            };
            if text.match_indices(phrase).any(|(at, _)| is_word(at)) {
                found.push(format!("{}: {phrase}", file.display()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn identifiers_are_split_into_words() {
    let split = |identifier| words(identifier).collect::<Vec<_>>();
    assert_eq!(split("list_Comer"), ["list", "comer"]);
    assert_eq!(split("LastErrand"), ["last", "errand"]);
    assert_eq!(split("MAX_LESSONS"), ["max", "lessons"]);
    assert_eq!(code("let a = \"owed \\\" owed\"; // owed\n/// owed\nb\n"), "let a = ; \nb\n");
    assert_eq!(strings("say(\"whom \\\" it\", errand) // anew").trim(), "whom  it");
}

/// The words of an identifier in snake case or camel case, in lower case.
fn words(identifier: &str) -> impl Iterator<Item = String> {
    let mut all = vec![String::new()];
    let mut was_lower = false;
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && was_lower) {
            all.push(String::new());
        }
        was_lower = c.is_lowercase();
        all.last_mut().unwrap().extend(c.to_lowercase().filter(|c| *c != '_'));
    }
    all.into_iter()
}

/// A source file without its comments, its strings and its tests.
fn code(text: &str) -> String {
    parts(text.split("\n#[cfg(test)]\nmod tests").next().unwrap(), 0)
}

/// What its strings say.
fn strings(text: &str) -> String {
    parts(text, 1)
}

/// Every other part between quotation marks, from the first or from the second on.
fn parts(text: &str, first: usize) -> String {
    let without_comments: String = text
        .split_inclusive('\n')
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| match line.split_once(" // ") {
            Some((code, _)) => format!("{code} \n"),
            None => line.to_owned(),
        })
        .collect();
    let plain = without_comments.replace("\\\"", "").replace("'\"'", "");
    plain.split('"').skip(first).step_by(2).collect()
}

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if extension.is_some_and(|extension| extensions.contains(&extension)) {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.file_name().is_none_or(|name| name != "tests.rs"));
    found
}
