//! Copies of the database beside it, which upgrades and restores keep, and drafts that were cut short. What users
//! deleted is in them still: they go.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::files::{AS_IT_LIES, LOGS, folder_of, sync_folder};
use super::{Tx, copy, migrations, restore};

/// A copy is kept for so long: enough to go back, and no longer than that.
const RETENTION: SignedDuration = SignedDuration::from_hours(24 * 30);

/// No draft is written for so long.
const WRITTEN_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a file beside the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it was before an upgrade or a restore.
    Copy,
    /// One that was not finished, or is being written.
    Draft,
}

/// What became of them.
#[derive(Debug)]
pub struct Forgotten {
    /// The names of those that went.
    pub gone: Vec<String>,
    /// Why the last that could not be removed is still there.
    pub kept: io::Result<()>,
}

/// Removes copies that were kept long enough and drafts that were cut short, by the time of their last
/// change. Files of any other name are left alone.
///
/// # Errors
/// Where the folder cannot be read.
pub fn forget(tx: &Tx<'_>) -> io::Result<Forgotten> {
    forget_beside(tx.path(), tx.now())
}

fn forget_beside(database: &Path, now: Timestamp) -> io::Result<Forgotten> {
    let folder = folder_of(database);
    let Some(ours) = database.file_name().and_then(|name| name.to_str()) else {
        return Ok(Forgotten { gone: Vec::new(), kept: Ok(()) });
    };
    let (mut gone, mut kept) = (Vec::new(), Ok(()));
    for entry in folder.read_dir()? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let Some(kind) = name.strip_prefix(ours).and_then(kind_of) else { continue };
        let path = folder.join(&name);
        if is_over(kind, &path, now) {
            match std::fs::remove_file(&path) {
                Ok(()) => gone.push(name),
                Err(why) if why.kind() == ErrorKind::NotFound => {}
                Err(why) => kept = Err(io::Error::new(why.kind(), format!("{name}: {why}"))),
            }
        }
    }
    if !gone.is_empty() {
        sync_folder(database)?;
    }
    gone.sort();
    Ok(Forgotten { gone, kept })
}

/// What a file is whose name goes on like this after the database's.
fn kind_of(ending: &str) -> Option<Kind> {
    let ending = LOGS.iter().find_map(|log| ending.strip_suffix(log)).unwrap_or(ending);
    let (begun, is_part) = match ending.rsplit_once(copy::DRAFT) {
        Some((begun, number)) if is_number(number) => (begun, true),
        _ => (ending, false),
    };
    let is_before = begun.strip_prefix(migrations::BEFORE).is_some_and(|n| is_digits(n, 4));
    let is_replaced = begun.strip_prefix(restore::REPLACED).is_some_and(is_when);
    match is_part {
        false if is_before || is_replaced => Some(Kind::Copy),
        false if begun == restore::DRAFT => Some(Kind::Draft),
        true if is_before || begun == restore::DRAFT => Some(Kind::Draft),
        _ => None,
    }
}

/// Nothing, or `-2` and so on.
fn is_number(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix('-').is_some_and(|n| !n.is_empty() && is_digits(n, n.len()))
}

/// `-20261126T045500Z`, and perhaps a number.
fn is_when(text: &str) -> bool {
    let parts =
        (text.get(..1), text.get(1..9), text.get(9..10), text.get(10..16), text.get(16..17));
    let (Some("-"), Some(day), Some("T"), Some(time), Some("Z")) = parts else { return false };
    is_digits(day, 8) && is_digits(time, 6) && text.get(17..).is_some_and(is_number)
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_over(kind: Kind, path: &Path, now: Timestamp) -> bool {
    let Ok(file) = path.symlink_metadata() else { return false };
    let longest = match kind {
        Kind::Copy => RETENTION,
        Kind::Draft => WRITTEN_FOR,
    };
    file.is_file()
        && changed_at(&file).is_some_and(|changed| now.duration_since(changed) > longest)
        && (kind == Kind::Copy || !is_held(path))
}

fn changed_at(file: &Metadata) -> Option<Timestamp> {
    Timestamp::from_second(file.mtime()).ok()
}

/// Whether somebody is writing it. Of another user's nobody can tell, and a day tells enough.
fn is_held(path: &Path) -> bool {
    let opened = OpenOptions::new().read(true).custom_flags(AS_IT_LIES).open(path);
    let is_locked = |file: File| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock));
    opened.is_ok_and(is_locked)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);
    const DAY: u64 = 24 * 3600;

    fn file(folder: &Path, name: &str, age: u64) -> File {
        let file = File::create(folder.join(name)).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.as_second().unsigned_abs());
        file.set_modified(now - Duration::from_secs(age)).unwrap();
        file
    }

    #[test]
    fn copies_go_after_a_month_and_drafts_after_a_day_unless_somebody_is_writing_them() {
        let folder = tempfile::tempdir().unwrap();
        for (name, age) in [
            ("x.db.before-0009", 30 * DAY + 1),
            ("x.db.before-0010", 30 * DAY),
            ("x.db.replaced-20261001T000000Z", 31 * DAY),
            ("x.db.replaced-20261001T000000Z-wal", 31 * DAY),
            ("x.db.replaced-20261001T000000Z-2", 31 * DAY),
            ("x.db.replaced-20261101T000000Z", 29 * DAY),
            ("x.db.before-0010.part", DAY + 1),
            ("x.db.before-0010.part-3", DAY + 1),
            ("x.db.before-0011.part", DAY - 1),
            ("x.db.restoring", 2 * DAY),
            ("x.db.restoring.part-journal", 2 * DAY),
        ] {
            file(folder.path(), name, age);
        }
        let held = file(folder.path(), "x.db.restoring.part", 2 * DAY);
        held.lock().unwrap();
        let gone = forget_beside(&folder.path().join("x.db"), NOW).unwrap().gone;
        let expected = [
            "x.db.before-0009",
            "x.db.before-0010.part",
            "x.db.before-0010.part-3",
            "x.db.replaced-20261001T000000Z",
            "x.db.replaced-20261001T000000Z-2",
            "x.db.replaced-20261001T000000Z-wal",
            "x.db.restoring",
            "x.db.restoring.part-journal",
        ];
        assert_eq!(gone, expected);
        assert_eq!(folder.path().read_dir().unwrap().count(), 4);
    }

    #[test]
    fn files_of_any_other_name_are_left_alone_however_old() {
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
        assert_eq!(forget_beside(&folder.path().join("x.db"), later).unwrap().gone, [""; 0]);
        assert_eq!(folder.path().read_dir().unwrap().count(), names.len() + 2);
    }
}
