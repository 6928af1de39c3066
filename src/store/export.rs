//! Everything that is stored about a user, as JSON. It contains no tokens, no hashes of tokens, and nothing about
//! other users.

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use serde_json::{Map, Value, json};

use super::{Result, Tx};
use crate::domain::user::UserId;

/// The sections with their queries. Columns that end in `_at` are times, those that begin with `is_` or `wants_` are
/// booleans. A test checks the schema: every table that refers to users must be here.
const PARTS: [(&str, &str); 11] = [
    (
        "profile",
        "SELECT id AS number_here, display_name AS name_at_spotify, spotify_id AS id_at_spotify,
             account_id AS account_id_at_spotify, address, suggested_address, created_at,
             bounces AS letters_come_back, bouncing_since AS no_letters_sent_since_at,
             sync_requested_at AS sync_requested_now_at, token_used_at AS token_uses_counted
         FROM users WHERE id = ?1",
    ),
    (
        "preferences",
        "SELECT wants_albums, wants_live, wants_remixes, wants_editions,
             singles_since AS singles_wanted_since_at,
             compilations_since AS compilations_wanted_since_at,
             appearances_since AS appearances_wanted_since_at, frequency, digest_hour,
             digest_weekday AS digest_weekday_0_is_monday, zone AS time_zone, last_digest,
             unsubscribed_at
         FROM users WHERE id = ?1",
    ),
    (
        "consent",
        "SELECT p.consent AS state, t.authorized_at AS given_at, t.expires_at AS access_ends_at,
             t.version AS times_renewed, t.expired_since AS refused_by_spotify_at,
             iif(t.refreshing_until > 0, t.refreshing_until, NULL) AS being_renewed_until_at,
             p.end_reason, p.ended_at, p.refused_since AS refused_since_at, p.spotify_error,
             p.spotify_error_until AS spotify_error_until_at, p.follows_read_at,
             p.follows_next_at, p.follows_failures, p.follows_suspect,
             p.follows_suspect_since AS follows_suspect_since_at
         FROM users p LEFT JOIN tokens t ON t.user_id = p.id WHERE p.id = ?1",
    ),
    (
        "follows",
        "SELECT a.name AS artist, f.artist AS id_at_spotify, f.since AS known_since_at
         FROM follows f LEFT JOIN artists a ON a.id = f.artist WHERE f.user_id = ?1
         ORDER BY a.name, f.artist",
    ),
    (
        "followed_until_lately",
        "SELECT a.name AS artist, u.artist AS id_at_spotify, u.since AS known_since_at, u.ended_at
         FROM unfollows u LEFT JOIN artists a ON a.id = u.artist WHERE u.user_id = ?1
         ORDER BY u.ended_at, u.artist",
    ),
    (
        "mutes",
        "SELECT a.name AS artist, m.artist AS id_at_spotify, m.since AS muted_at
         FROM mutes m LEFT JOIN artists a ON a.id = m.artist WHERE m.user_id = ?1
         ORDER BY a.name, m.artist",
    ),
    (
        "emails",
        "SELECT o.id AS number, o.kind, o.subject, r.title,
             (SELECT group_concat(value ->> 1, ', ') FROM json_each(r.artists)) AS artists,
             o.state, o.reason, o.enqueued_at, o.next_at AS not_before_at, o.finished_at,
             o.email_id AS in_email_number, o.attempts,
             iif(o.claimed_until > 0, o.claimed_until, NULL) AS being_sent_until_at
         FROM outbox o LEFT JOIN releases r ON o.kind = 'news' AND r.id = o.subject
         WHERE o.user_id = ?1 ORDER BY o.id",
    ),
    (
        "links_in_emails",
        "SELECT id AS number, purpose, address, created_at, expires_at, used_at
         FROM confirmation_links WHERE user_id = ?1 ORDER BY id",
    ),
    (
        "sessions",
        "SELECT created_at AS opened_at, seen_at AS last_used_at FROM sessions WHERE user_id = ?1
         ORDER BY created_at",
    ),
    (
        "feeds",
        "SELECT kind, made_at, read_at, changed_at FROM feeds WHERE user_id = ?1 ORDER BY kind",
    ),
    (
        "invitations",
        "SELECT id AS number, note, made_at, expires_at, used_at FROM invitations WHERE used_by = ?1
         ORDER BY id",
    ),
];

/// `None` if there is no such user.
pub fn of(tx: &Tx<'_>, user: UserId) -> Result<Option<Value>> {
    if super::users::find(tx, user)?.is_none() {
        return Ok(None);
    }
    let mut all = Map::new();
    all.insert("made_at".to_owned(), json!(tx.now().to_string()));
    for (part, sql) in PARTS {
        let mut found: Vec<Value> = tx.query_rows(sql, [user], read)?;
        let is_one = matches!(part, "profile" | "preferences" | "consent");
        let value = if is_one { found.pop().unwrap_or_default() } else { Value::Array(found) };
        all.insert(part.to_owned(), value);
    }
    Ok(Some(Value::Object(all)))
}

/// Finds a user by id, Spotify id or confirmed address.
pub fn who(tx: &Tx<'_>, named: &str) -> Result<Option<UserId>> {
    let sql = "SELECT id FROM users
               WHERE CAST(id AS TEXT) = ?1 OR spotify_id = ?1 OR account_id = ?1 OR address = ?1
               ORDER BY CAST(id AS TEXT) = ?1 DESC, id LIMIT 1";
    tx.query_optional(sql, params![named], |row| row.get(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Value> {
    let names = row.as_ref().column_names().enumerate();
    names.map(|(n, name)| Ok((name.to_owned(), shown(name, row.get_ref(n)?)))).collect()
}

fn shown(name: &str, value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(ms) if name.ends_with("_at") => {
            Timestamp::from_millisecond(ms).map_or(json!(ms), |at| json!(at.to_string()))
        }
        ValueRef::Integer(flag) if name.starts_with("wants_") || name.starts_with("is_") => {
            json!(flag != 0)
        }
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        // Hashes and encrypted values.
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrations;
    use crate::store::process_lock::OtherProcesses;
    use rusqlite::Connection;

    fn schema() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut conn, std::path::Path::new(":memory:"), OtherProcesses::Nobody)
            .unwrap();
        conn
    }

    fn column(conn: &Connection, sql: &str) -> Vec<String> {
        let mut rows = conn.prepare(sql).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(|name| name.unwrap()).collect()
    }

    /// The tables that refer to users, by a column of that name or a foreign key.
    fn tables(conn: &Connection) -> Vec<String> {
        column(
            conn,
            "SELECT DISTINCT t.name FROM sqlite_schema t WHERE t.type = 'table' AND (t.name = 'users'
                 OR EXISTS (SELECT 1 FROM pragma_table_info(t.name) c WHERE c.name IN ('user_id', 'users'))
                 OR EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name) f WHERE f.\"table\" = 'users'))",
        )
    }

    fn names_word(text: &str, word: &str) -> bool {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|found| found == word)
    }

    #[test]
    fn export_covers_all_user_columns_except_secrets() {
        let conn = schema();
        let tables = tables(&conn);
        assert!(tables.len() >= 10, "a test of nothing: {tables:?}");
        for table in tables {
            let of_table: String = PARTS
                .iter()
                .map(|(_, sql)| *sql)
                .filter(|sql| {
                    names_word(sql, &table)
                        && (sql.contains(&format!("FROM {table} "))
                            || sql.contains(&format!("JOIN {table} ")))
                })
                .collect();
            assert!(!of_table.is_empty(), "what {table} knows of a person is not exported");
            let info = format!("SELECT name || ' ' || type FROM pragma_table_info('{table}')");
            for found in column(&conn, &info) {
                let (name, kind) = found.split_once(' ').unwrap();
                assert!(
                    kind == "BLOB" || names_word(&of_table, name),
                    "{table}.{name} is not exported"
                );
                assert!(
                    kind != "BLOB" || !names_word(&of_table, name),
                    "{table}.{name} is a secret"
                );
            }
        }
    }

    #[test]
    fn every_export_part_is_readable() {
        let conn = schema();
        for (part, sql) in PARTS {
            conn.prepare(sql).unwrap_or_else(|error| panic!("{part}: {error}"));
        }
    }
}
