"""Writes NNNN.sql for each version of the tables: as the migrations made them, with rows in every table.

Usage: python3 tests/data/schemas/make.py        (Python 3.11 or later, whose SQLite knows STRICT)

A file is written once and then stays: it is what that version left on people's disks. To write one for a new
migration, add its rows below and run this again; files that are there are compared, and never changed.
"""

import pathlib
import sqlite3
import sys

HERE = pathlib.Path(__file__).resolve().parent
MIGRATIONS = sorted((HERE.parents[2] / "migrations").glob("*.sql"))

# Sealed with the key of 32 times the byte 7, by the Dropday of these versions.
KEY_CHECK = "012fe42a765bfc72a100574d8aea15346259685b7ccd1f29149029c1d209881f96e452555af465b8681b11feb79f5a12"
ACCESS_1 = "01fc9ac319d283fd55d7d512fb12dabe011db0db1802b5f9ae6ca153ecf88dba7fe8ecb6f035ee11b6e767fb7452ad6506"
REFRESH_1 = "016e9f8cb26761bd29f75db5db1987e014fe223319bb275c8d183e5f76fd703e32a3127cfcce107b7a7df8b3a54e042427e1"
ACCESS_2 = "012ba71d7bba7148eaa8564f7f27a2e2a75d8d4c6a117cbb7c44346c2b1fa0b2870d81f7026ef849ec2b6f0d1f72208e6c"
REFRESH_2 = "018aa3f735b0b3b7cfe7eca4da5a589d87c67862c9db1b91849f0b8839ae57e8684fe9f0add72102c31d4a77d0e713b50945"

# 2026-10-01T00:00:00Z, in milliseconds.
THEN = 1790812800000

# What each version brought, after its migration.
ROWS = {
    1: f"""
        INSERT INTO meta VALUES ('key_check', x'{KEY_CHECK}');
        INSERT INTO people VALUES
            (1, 'account-m', 'martha', 'Martha', 'martha@example.com', NULL, {THEN}, 'good', NULL, NULL, 3,
             {THEN + 1}, {THEN + 2}, 0, NULL, NULL),
            (2, NULL, 'jonas', 'Jonas', NULL, 'jonas@example.com', {THEN}, 'good', 'not on the list', {THEN + 9}, 0,
             NULL, {THEN + 2}, 2, 'cut short', {THEN + 3});
        INSERT INTO tokens VALUES (1, x'{ACCESS_1}', {THEN + 5}, x'{REFRESH_1}', {THEN}, 4, 0),
                                  (2, x'{ACCESS_2}', {THEN + 5}, x'{REFRESH_2}', {THEN}, 1, 0);
        INSERT INTO sign_ins VALUES (zeroblob(32), zeroblob(32), x'01', {THEN + 600000});
        INSERT INTO sessions VALUES (zeroblob(32), 1, {THEN}, {THEN + 7});
        INSERT INTO links VALUES (1, 'confirm', 1, NULL, {THEN}, {THEN + 8}, {THEN + 1}),
                                 (2, 'confirm', 2, 'jonas@example.com', {THEN}, {THEN + 8}, NULL);
        INSERT INTO artists VALUES ('artist-r', 'Röyksopp', {THEN}, NULL, {THEN + 1}, {THEN + 2}, {THEN + 3}, 0, NULL, 0, 2),
                                   ('artist-s', 'Sade', {THEN}, NULL, NULL, NULL, {THEN + 3}, 1, '502', 0, NULL),
                                   ('artist-t', 'Tricky', {THEN}, {THEN + 4}, {THEN + 1}, {THEN + 2}, {THEN + 3}, 0, NULL, 0, 1);
        INSERT INTO follows VALUES (1, 'artist-r', {THEN}), (1, 'artist-s', {THEN}), (2, 'artist-r', {THEN});
        INSERT INTO unfollows VALUES (2, 'artist-t', {THEN}, {THEN + 4});
        INSERT INTO releases VALUES
            ('release-1', 'Melody A.M.', 'album', '[["artist-r","Röyksopp"]]', '2001-10-08', 10, NULL, 'https://open.spotify.com/album/1'),
            ('release-2', 'The Inevitable End', 'album', '[["artist-r","Röyksopp"]]', '2026-09-30', 12,
             'https://i.scdn.co/image/2', 'https://open.spotify.com/album/2');
        INSERT INTO sightings VALUES ('artist-r', 'release-1', {THEN}, 0), ('artist-r', 'release-2', {THEN + 1}, 1);
        INSERT INTO outbox VALUES
            (1, 1, 'confirm', '1', 'sent', 1, 0, 1, {THEN}, NULL, {THEN}, {THEN + 1}),
            (2, 1, 'news', 'release-2', 'sent', 2, 0, 2, {THEN}, 'slow', {THEN + 1}, {THEN + 2}),
            (3, 2, 'confirm', '2', 'owed', NULL, 0, 0, {THEN}, NULL, {THEN}, NULL);
        INSERT INTO calls (id, bucket, at) VALUES (1, 'artist_albums', {THEN}), (2, 'following', {THEN + 1});
        INSERT INTO pauses VALUES ('all', {THEN + 60000}, 'rate_limit', 0);
    """,
    2: f"""
        INSERT INTO identities VALUES
            ('artist-r', 'mbid-r', {THEN}, {THEN + 9}, 77, {THEN}, {THEN + 9}, {THEN}, {THEN + 9}),
            ('artist-s', NULL, {THEN}, {THEN + 9}, NULL, NULL, 0, NULL, 0);
        INSERT INTO hints VALUES ('artist-r', 'deezer', '4711', '2026-10-02', {THEN}, 1, {THEN + 5}, 'open', NULL),
                                 ('artist-r', 'listenbrainz', 'x', NULL, {THEN}, 3, {THEN}, 'dropped', {THEN + 1});
        INSERT INTO hint_sources VALUES ('deezer', {THEN}, 12, {THEN}, 0, NULL, NULL);
    """,
    3: """
        INSERT INTO releases VALUES ('release-3', 'Melody A.M. (Deluxe)', 'album', '[["artist-r","Röyksopp"]]',
                                     '2026-09-30', 20, NULL, 'https://open.spotify.com/album/3');
        INSERT INTO editions VALUES ('release-3', 'release-1');
        UPDATE people SET wants_editions = 1 WHERE id = 1;
    """,
    4: f"""
        UPDATE artists SET rate = 0.04 WHERE id = 'artist-r';
        INSERT INTO calls (bucket, at, purpose) VALUES ('artist_albums', {THEN + 2}, 'hint');
        INSERT INTO lessons VALUES ('artist_albums', 60, {THEN}, {THEN + 9}, 1);
    """,
    5: f"""
        INSERT INTO people (id, spotify_id, display_name, created_at, consent, follows_next_at, ended_how, ended_at)
            VALUES (3, 'aino', 'Aino', {THEN}, 'ended', {THEN}, 'expired', {THEN + 1});
        UPDATE people SET refused_since = {THEN} WHERE id = 2;
        UPDATE tokens SET dead_since = {THEN} WHERE person = 2;
        INSERT INTO outbox (person, kind, subject, next_at, owed_at) VALUES
            (1, 'consent_ends', '{THEN}/30', {THEN}, {THEN}), (NULL, 'operator', 'premium/2026-10-01', {THEN}, {THEN});
        INSERT INTO pauses VALUES ('following', {THEN + 9}, 'endpoint', 0);
    """,
    6: f"""
        UPDATE people SET singles_since = {THEN} WHERE id = 1;
        UPDATE artists SET singles_baseline_at = {THEN}, singles_total = 4, total_has_singles = 1,
            singles_left_at = {THEN} WHERE id = 'artist-r';
    """,
    7: f"""
        UPDATE people SET wants_live = 1, compilations_since = {THEN}, rhythm = 'weekly', letter_hour = 20,
            zone = 'Europe/Oslo', last_digest = 'weekly:2026-09-28' WHERE id = 1;
        INSERT INTO mutes VALUES (1, 'artist-s', {THEN});
        UPDATE sightings SET appears = 1 WHERE release = 'release-1';
        INSERT INTO farewells (address, artists, withdrew, made_at) VALUES ('gone@example.com', 12, 0, {THEN});
        INSERT INTO outbox (person, kind, subject, next_at, owed_at) VALUES (NULL, 'good_bye', '1', {THEN}, {THEN});
        INSERT INTO outbox (person, kind, subject, state, reason, next_at, owed_at, settled_at)
            VALUES (2, 'news', 'release-3', 'unwanted', 'an edition', {THEN}, {THEN}, {THEN});
    """,
    8: f"""
        INSERT INTO side_lists VALUES ('artist-r', 'compilations', {THEN}, NULL, {THEN}, 3, {THEN + 9}, 0);
        INSERT INTO calls (bucket, at, purpose) VALUES ('artist_albums', {THEN + 3}, 'side');
    """,
    9: f"""
        INSERT INTO invitations VALUES (1, zeroblob(32), 'Aino', {THEN}, {THEN + 9}, {THEN + 5}, 2),
                                       (2, x'02', 'Veikko', {THEN}, {THEN + 9}, NULL, NULL);
        UPDATE sign_ins SET invitation = 2;
        INSERT INTO callers VALUES (1, 'Sanni', 'sanni@example.com', zeroblob(32), {THEN}, 7);
        INSERT INTO feeds VALUES (1, 'atom', zeroblob(32), {THEN}, {THEN + 8}, x'01', {THEN + 8}),
                                 (1, 'calendar', x'03', {THEN}, NULL, NULL, NULL);
        UPDATE releases SET changed_at = {THEN} WHERE id = 'release-2';
        UPDATE artists SET folded = 'royksopp' WHERE id = 'artist-r';
        UPDATE people SET hurried_at = {THEN} WHERE id = 1;
        INSERT INTO outbox (person, kind, subject, next_at, owed_at) VALUES (1, 'sample', '{THEN}', {THEN}, {THEN});
    """,
    10: f"""
        INSERT INTO job_runs VALUES (1, 'follows', {THEN}, {THEN + 5}, 'ok', 0, '2 lists read');
    """,
    11: "",
}


def dump(version):
    """The database of a version, as text."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("PRAGMA foreign_keys = ON")
    for number, migration in enumerate(MIGRATIONS[:version], start=1):
        database.executescript(f"BEGIN; {migration.read_text(encoding='utf-8')}; {ROWS[number]}; COMMIT;")
    assert not database.execute("PRAGMA foreign_key_check").fetchall()
    empty = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
             if not database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
    assert not empty, f"no rows in {empty}"
    lines = "\n".join(database.iterdump())
    return f"{lines}\nPRAGMA application_id = {0x44726f70};\nPRAGMA user_version = {version};\n"


def main():
    for version in range(1, len(MIGRATIONS) + 1):
        file = HERE / f"{version:04}.sql"
        if file.exists():
            if file.read_text(encoding="utf-8") != dump(version):
                sys.exit(f"{file.name} is not what this would write: a released version does not change")
        else:
            file.write_text(dump(version), encoding="utf-8")
            print(f"wrote {file.name}")


main()
