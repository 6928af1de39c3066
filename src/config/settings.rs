//! The merged settings, from which each section reads and checks its own keys. Errors are collected,
//! so that all of them are reported at once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use config::{Environment, File, FileFormat, Value, ValueKind};
use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use super::credentials::Credentials;
use super::{DEFAULTS, Fingerprints};

/// Earlier names of keys.
const RENAMED: [(&str, &str); 2] =
    [("mail.together", "mail.batch_window"), ("schedule.max_wait", "schedule.max_check_interval")];

pub(super) struct Settings {
    /// By full key, such as `web.listen`.
    values: BTreeMap<String, Value>,
    credentials: Credentials,
    errors: Vec<String>,
}

impl Settings {
    /// Merges the defaults, the default path of the database, the file and the environment, in this
    /// order.
    pub(super) fn merge(
        database: Option<&Path>,
        file: Option<&Path>,
        environment: Vec<(String, String)>,
        credentials: Credentials,
    ) -> Result<Self, String> {
        let defaults = || config::Config::builder().add_source(toml(DEFAULTS));
        let known = flatten(&defaults().build().map_err(|why| why.to_string())?.cache);
        let mut sources = defaults();
        if let Some(database) = database {
            let path = config::Config::builder().set_default("database.path", database.to_str());
            let path = path.and_then(|path| path.build()).map_err(|why| why.to_string())?;
            sources = sources.add_source(path);
        }
        if let Some(file) = file {
            sources = sources.add_source(toml(&read_file(file)?));
        }
        let ours = environment.into_iter().filter(|(name, _)| name.starts_with("DROPDAY_"));
        let environment = Environment::with_prefix("DROPDAY")
            .prefix_separator("_")
            .separator("__")
            .ignore_empty(true)
            .source(Some(ours.collect()));
        let merged = sources.add_source(environment).build().map_err(|why| why.to_string())?;
        let values = flatten(&merged.cache);
        let errors = unknown_keys(&known, &values).into_iter().collect();
        Ok(Self { values, credentials, errors })
    }

    pub(super) fn into_errors(self) -> Vec<String> {
        self.errors
    }

    pub(super) fn fingerprints(&self) -> Fingerprints {
        Fingerprints::of(&self.values)
    }

    pub(super) fn error(&mut self, message: impl Into<String>) {
        self.errors.push(message.into());
    }

    /// The value as text, without surrounding space; empty if not set.
    pub(super) fn text(&mut self, key: &str) -> String {
        self.raw(key).trim().to_owned()
    }

    /// Reports that the value must be `expected` where `convert` returns `None`.
    pub(super) fn check<T>(
        &mut self,
        key: &str,
        expected: impl Display,
        convert: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key);
        let value = convert(&text);
        if value.is_none() {
            self.error(format!("`{key}` is `{text}`; it must be {expected}"));
        }
        value
    }

    /// Like `check`; an empty value is `Some(None)`.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        expected: impl Display,
        convert: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        let is_empty = self.text(key).is_empty();
        if is_empty { Some(None) } else { self.check(key, expected, convert).map(Some) }
    }

    pub(super) fn parse<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T> {
        self.check(key, expected, |text| text.parse().ok())
    }

    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.check(key, expected, |text| text.parse().ok().filter(|n| range.contains(n)))
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.check(key, "true or false", |text| Value::from(text).into_bool().ok())
    }

    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        self.check(key, "a duration such as 1s, 250ms or 2m", |text| {
            humantime::parse_duration(text).ok()
        })
    }

    /// `range` is written like the values themselves, such as `"1day"..="60days"`.
    pub(super) fn duration_within(
        &mut self,
        key: &str,
        range: RangeInclusive<&str>,
    ) -> Option<SignedDuration> {
        let parse = |text: &str| humantime::parse_duration(text).ok();
        let (min, max) = (parse(range.start())?, parse(range.end())?);
        let expected = format!("a duration from {} to {}", range.start(), range.end());
        let duration = self
            .check(key, expected, |text| parse(text).filter(|given| (min..=max).contains(given)))?;
        SignedDuration::try_from(duration).ok()
    }

    pub(super) fn http_url(&mut self, key: &str) -> Option<Url> {
        self.check(key, "an http or https URL", http_url)
    }

    /// A list, or a text with commas, as in the environment.
    pub(super) fn list(&mut self, key: &str) -> Vec<String> {
        let items = match self.values.get(key).cloned().map(Value::into_array) {
            Some(Ok(items)) => {
                items.into_iter().filter_map(|item| item.into_string().ok()).collect()
            }
            _ => self.raw(key).split(',').map(str::to_owned).collect::<Vec<_>>(),
        };
        let items = items.iter().map(|item| item.trim().to_owned());
        items.filter(|item| !item.is_empty()).collect()
    }

    /// A secret that is set in `key`, in the file that `key_file` names, or as a credential; `None` if
    /// it is set nowhere.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        let (inline, file) = (self.raw(key), self.text(&format!("{key}_file")));
        match (inline.is_empty(), file.is_empty(), self.credential(key)) {
            (true, true, None) => None,
            (false, true, None) => Some(SecretString::from(inline)),
            (true, false, None) => {
                self.secret_in(Path::new(&file), format!("`{key}_file` names {file}"))
            }
            (true, true, Some(credential)) => {
                let what = format!("the credential `{key}` is {}", credential.display());
                self.secret_in(&credential, what)
            }
            (_, _, None) => {
                self.error(format!("`{key}` and `{key}_file` are both set: keep one of them"));
                None
            }
            (_, _, Some(credential)) => {
                self.error(format!(
                    "`{key}` or `{key}_file` is set, and there is also a credential of that name ({}): \
                     keep one of them",
                    credential.display()
                ));
                None
            }
        }
    }

    /// The file of a credential that is not blank.
    pub(super) fn credential(&self, key: &str) -> Option<PathBuf> {
        self.credentials.find(key)
    }

    fn raw(&mut self, key: &str) -> String {
        match self.values.get(key).cloned().map(Value::into_string) {
            Some(Ok(text)) => text,
            None => String::new(),
            Some(Err(_)) => {
                self.error(format!("`{key}` must be a single value"));
                String::new()
            }
        }
    }

    fn secret_in(&mut self, file: &Path, what: String) -> Option<SecretString> {
        match std::fs::read_to_string(file) {
            Ok(text) => Some(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(why) => {
                self.error(format!("{what}, which cannot be read: {why}"));
                None
            }
        }
    }
}

pub(super) fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn toml(text: &str) -> File<config::FileSourceString, FileFormat> {
    File::from_str(text, FileFormat::Toml)
}

fn read_file(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|why| {
        let remedy = match why.kind() {
            ErrorKind::PermissionDenied => {
                "Make it readable for everyone (chmod 644) and put secrets into files of their own or pass \
                 them as credentials (docs/systemd.md), or run this command as its owner (sudo)"
            }
            _ => "Name another file with --config, or set the keys in the environment",
        };
        format!("the configuration {} cannot be read: {why}. {remedy}", file.display())
    })?;
    // Parse it on its own first, so that the error names the line.
    config::Config::builder().add_source(toml(&text)).build().map_err(|why| {
        let why = without_excerpt(&why.to_string());
        format!("the configuration {} is not valid TOML: {why}", file.display())
    })?;
    Ok(text)
}

/// Removes the line that a parser quotes, because it may contain a secret.
fn without_excerpt(message: &str) -> String {
    let is_quoted = |line: &str| {
        line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|')
    };
    message.lines().filter(|line| !is_quoted(line)).collect::<Vec<_>>().join(": ")
}

fn flatten(merged: &Value) -> BTreeMap<String, Value> {
    fn add(values: &mut BTreeMap<String, Value>, key: &str, value: &Value) {
        match &value.kind {
            ValueKind::Table(table) => {
                for (name, value) in table {
                    let dot = if key.is_empty() { "" } else { "." };
                    add(values, &format!("{key}{dot}{name}"), value);
                }
            }
            _ => {
                values.insert(key.to_owned(), value.clone());
            }
        }
    }
    let mut values = BTreeMap::new();
    add(&mut values, "", merged);
    values
}

/// Names unknown keys, and unknown sections as a whole.
fn unknown_keys(
    known: &BTreeMap<String, Value>,
    values: &BTreeMap<String, Value>,
) -> Option<String> {
    let is_section = |path: &str| known.keys().any(|key| key.starts_with(&format!("{path}.")));
    let mut unknown: Vec<String> = Vec::new();
    for key in values.keys().filter(|key| !known.contains_key(*key)) {
        let ends = key.match_indices('.').map(|(end, _)| end);
        let path = ends.map(|end| &key[..end]).find(|path| !is_section(path)).unwrap_or(key);
        let new = RENAMED.iter().find(|(old, _)| *old == path);
        let hint = new.map(|(_, new)| format!(" (did you mean `{new}`?)")).unwrap_or_default();
        unknown.push(format!("`{path}`{hint}"));
    }
    unknown.dedup();
    (!unknown.is_empty()).then(|| {
        format!(
            "unknown configuration keys: {}. `dropday check --defaults` prints all keys (in the \
             environment: DROPDAY_<SECTION>__<KEY>, with two underscores)",
            unknown.join(", ")
        )
    })
}
