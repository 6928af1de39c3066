//! Deletes copies of the database beside it, which upgrades and restores keep, and drafts of copies. What users
//! deleted is still in them.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::restore;
use crate::store::files::{LOGS, folder_of, sync_folder};
use crate::store::{Tx, migrations, snapshot};

/// How long a copy is kept.
const COPY_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 30);

/// No draft takes so long to write.
const DRAFT_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Deletes copies and drafts that were last changed so long ago, and returns their names. Files with any other name
/// are left alone.
pub fn delete_expired(tx: &Tx<'_>) -> io::Result<Vec<String>> {
    delete_beside(tx.path(), tx.now())
}

fn delete_beside(database: &Path, now: Timestamp) -> io::Result<Vec<String>> {
    let folder = folder_of(database);
    let Some(ours) = database.file_name().and_then(|name| name.to_str()) else {
        return Ok(Vec::new());
    };
    let mut deleted = Vec::new();
    for entry in folder.read_dir()? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let Some(retention) = name.strip_prefix(ours).and_then(retention_of) else { continue };
        let path = folder.join(&name);
        if has_expired(&path, retention, now) {
            match std::fs::remove_file(&path) {
                Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
                _ => deleted.push(name),
            }
        }
    }
    if !deleted.is_empty() {
        sync_folder(database)?;
    }
    deleted.sort();
    Ok(deleted)
}

/// How long a file is kept whose name continues like this after the database's; `None` if it is not one of ours.
fn retention_of(ending: &str) -> Option<SignedDuration> {
    let ending = LOGS.iter().find_map(|log| ending.strip_suffix(log)).unwrap_or(ending);
    let is_before = |name: &str| {
        name.strip_prefix(migrations::BEFORE).is_some_and(|version| is_digits(version, 4))
    };
    let is_draft = match ending.strip_suffix(snapshot::DRAFT) {
        Some(name) => is_before(name) || name == restore::DRAFT,
        None => ending == restore::DRAFT,
    };
    let is_copy = is_before(ending) || ending.strip_prefix(restore::REPLACED).is_some_and(is_time);
    match (is_draft, is_copy) {
        (true, _) => Some(DRAFT_RETENTION),
        (_, true) => Some(COPY_RETENTION),
        _ => None,
    }
}

/// `-20261126T045500Z`, and perhaps a number.
fn is_time(text: &str) -> bool {
    let Some((time, number)) = text.strip_prefix('-').and_then(|text| text.split_at_checked(16))
    else {
        return false;
    };
    let is_number = number.strip_prefix('-').is_some_and(|n| is_digits(n, n.len().max(1)));
    DateTime::strptime("%Y%m%dT%H%M%SZ", time).is_ok() && (number.is_empty() || is_number)
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_expired(path: &Path, retention: SignedDuration, now: Timestamp) -> bool {
    let Ok(file) = path.symlink_metadata() else { return false };
    let changed = Timestamp::from_second(file.mtime());
    file.is_file() && changed.is_ok_and(|changed| now.duration_since(changed) > retention)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);
    const DAY: u64 = 24 * 3600;

    fn file(folder: &Path, name: &str, age: u64) {
        let file = File::create(folder.join(name)).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.as_second().unsigned_abs());
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    }

    #[test]
    fn copies_expire_after_a_month_and_drafts_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        for (name, age) in [
            ("x.db.before-0009", 30 * DAY + 1),
            ("x.db.before-0010", 30 * DAY),
            ("x.db.replaced-20261001T000000Z", 31 * DAY),
            ("x.db.replaced-20261001T000000Z-wal", 31 * DAY),
            ("x.db.replaced-20261001T000000Z-2", 31 * DAY),
            ("x.db.replaced-20261101T000000Z", 29 * DAY),
            ("x.db.before-0010.part", DAY + 1),
            ("x.db.before-0011.part", DAY - 1),
            ("x.db.restoring", 2 * DAY),
            ("x.db.restoring.part-journal", 2 * DAY),
        ] {
            file(folder.path(), name, age);
        }
        let gone = delete_beside(&folder.path().join("x.db"), NOW).unwrap();
        let expected = [
            "x.db.before-0009",
            "x.db.before-0010.part",
            "x.db.replaced-20261001T000000Z",
            "x.db.replaced-20261001T000000Z-2",
            "x.db.replaced-20261001T000000Z-wal",
            "x.db.restoring",
            "x.db.restoring.part-journal",
        ];
        assert_eq!(gone, expected);
        assert_eq!(folder.path().read_dir().unwrap().count(), 3);
    }

    #[test]
    fn files_with_other_names_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "x.db",
            "x.db-wal",
            "x.db.lock",
            "x.key",
            "x.key.old",
            "x.db.part",
            "x.db.before",
            "x.db.before-10",
            "x.db.before-00100",
            "x.db.before-0010.gz",
            "x.db.before-0010.part-",
            "x.db.before-0010.part-x",
            "x.db.before-0010.partial",
            "x.db.replaced",
            "x.db.replaced-yesterday",
            "x.db.replaced-20261001T000000Z.gz",
            "x.db.replaced-20261001T000000Z.part",
            "x.db.replaced-20261001T00000éZ",
            "y.db.before-0010",
            "other.x.db.restoring",
            "x.db.restoring.bak",
        ];
        for name in names {
            file(folder.path(), name, 1000 * DAY);
        }
        std::fs::create_dir(folder.path().join("x.db.restoring")).unwrap();
        std::os::unix::fs::symlink("x.db", folder.path().join("x.db.before-0010")).unwrap();
        let later = NOW + SignedDuration::from_hours(24 * 365 * 100);
        assert_eq!(delete_beside(&folder.path().join("x.db"), later).unwrap(), [""; 0]);
        assert_eq!(folder.path().read_dir().unwrap().count(), names.len() + 2);
    }
}
