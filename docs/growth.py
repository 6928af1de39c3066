"""How the database grows with users and years: the table in docs/maintenance.md.

Usage: python3 docs/growth.py [USERS…]        (default: 5 500 50000; the last takes 7 GB and twenty minutes of processor time)

Creates databases from migrations/ with realistic rows, month by month, and measures the files. A user follows 100
artists, shared with more others the more users there are. An artist has 25 releases at the initial scan and
releases three a year, each of which is emailed to every follower. Three years are generated: notifications expire
after 13 months, so later years are like the third, and the first is like a year without retention.
"""

import os
import pathlib
import sqlite3
import sys
import tempfile

MIGRATIONS = sorted((pathlib.Path(__file__).resolve().parents[1] / "migrations").glob("*.sql"))
FOLLOWS = 100
BACK_CATALOGUE = 25
YEARS = 5
# Notifications are kept for 400 days (src/store/retention.rs), here in months.
KEPT_MONTHS = 13
MADE_YEARS = 3
# In milliseconds, as the database has it.
START = 1_795_000_000_000
MONTH = 30 * 24 * 3600 * 1000
# Most keys are in no order, and each row would be a page or more from the disk. Used as far as it is filled.
CACHE_KB = 1_000_000


def artists_of(people):
    """So many different artists: nearly 100 for each of a few, three for each of 50,000."""
    return min(FOLLOWS * people, int(320 * people ** 0.57))


class House:
    def __init__(self, file, people):
        self.file, self.people, self.artists = file, people, artists_of(people)
        self.database = sqlite3.connect(file, isolation_level=None)
        self.run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        self.run(f"PRAGMA cache_size = -{CACHE_KB}; PRAGMA locking_mode = EXCLUSIVE")
        for migration in MIGRATIONS:
            self.run(migration.read_text(encoding="utf-8"))
        self.run("CREATE TEMP TABLE numbered (n INTEGER PRIMARY KEY, id TEXT)")
        self.run("CREATE TEMP TABLE fresh (id TEXT, artist TEXT)")

    def run(self, script):
        self.database.executescript(script)

    def settle(self):
        """All users signed up, and every artist was checked once."""
        self.run(f"""
            BEGIN;
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {self.artists})
                INSERT INTO numbered SELECT n, substr(hex(randomblob(11)), 1, 22) FROM n;
            INSERT INTO artists (id, name, folded, tracked_since, checked_at, next_check_at, rate)
                SELECT id, 'Artist number ' || n, 'artist number ' || n, {START}, {START}, {START}, 0.06
                FROM numbered ORDER BY id;
            INSERT INTO artist_lists (artist, list, initial_scan_at, checked_at, next_check_at, total)
                SELECT id, 'albums', {START}, {START}, {START}, 25 FROM numbered ORDER BY id;
            INSERT INTO artist_lists (artist, list, unwanted_at)
                SELECT id, column1, {START} FROM numbered, (VALUES ('singles'), ('compilations'), ('appearances'));
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {self.people})
                INSERT INTO users (id, account_id, spotify_id, display_name, address, created_at, consent, follows_next_at)
                SELECT n, hex(randomblob(14)), hex(randomblob(13)), 'Person ' || n, 'person' || n || '@example.com',
                       {START}, 'granted', {START} FROM n;
            INSERT INTO tokens (user_id, access_sealed, expires_at, refresh_sealed, authorized_at, version)
                SELECT id, randomblob(380), {START}, randomblob(172), {START}, 1 FROM users;
            INSERT INTO sessions SELECT randomblob(32), id, {START}, {START} FROM users;
            INSERT INTO outbox (user_id, kind, subject, state, email_id, next_at, enqueued_at, finished_at)
                SELECT id, 'welcome', 'first', 'sent', id, {START}, {START}, {START} FROM users;
            WITH RECURSIVE k (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM k WHERE k < {FOLLOWS})
                INSERT OR IGNORE INTO follows
                SELECT p.id, a.id, {START} FROM users p, k
                JOIN numbered a ON a.n = 1 + (p.id * 7919 + k * k * 104729 + abs(random() % 1000)) % {self.artists};
            COMMIT""")
        for _ in range(BACK_CATALOGUE):
            self.put_out("1", START, is_news=0)
        self.run("""
            UPDATE artists SET last_album_on = '2026-11-27',
                last_album = (SELECT release FROM artist_releases WHERE artist = artists.id LIMIT 1)""")

    def put_out(self, who, seen_at, is_news):
        """The artists for which `who` is true release something."""
        self.run(f"""
            BEGIN;
            DELETE FROM fresh;
            INSERT INTO fresh SELECT substr(hex(randomblob(11)), 1, 22), id FROM numbered WHERE {who};
            INSERT INTO releases (id, title, kind, artists, date, tracks, cover, link)
                SELECT f.id, 'A title of middling length', 'album', json_array(json_array(f.artist, 'Artist number 12345')),
                       '2026-11-27', 12, 'https://i.scdn.co/image/' || lower(hex(randomblob(20))),
                       'https://open.spotify.com/album/' || f.id FROM fresh f ORDER BY f.id;
            INSERT INTO artist_releases (artist, release, seen_at, is_news)
                SELECT artist, id, {seen_at}, {is_news} FROM fresh ORDER BY artist;
            COMMIT""")

    def month(self, number):
        """A quarter of the artists release something; notifications are recorded, and old ones expire."""
        now = START + number * MONTH
        self.put_out(f"n % 4 = {number % 4}", now, is_news=1)
        self.run(f"""
            BEGIN;
            INSERT INTO outbox (user_id, kind, subject, state, email_id, attempts, next_at, enqueued_at, finished_at)
                SELECT o.user_id, 'news', f.id, 'sent', {number} * {self.people} + o.user_id, 1, {now}, {now}, {now}
                FROM fresh f JOIN follows o ON o.artist = f.artist ORDER BY o.user_id, f.id;
            COMMIT;
            DELETE FROM outbox WHERE state = 'sent' AND finished_at <= {now - KEPT_MONTHS * MONTH} AND kind = 'news';
            PRAGMA incremental_vacuum""")

    def size(self):
        return os.path.getsize(self.file)


def measure(people):
    """The sizes at the start and after each year that is made."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(os.path.join(folder, "dropday.db"), people)
        house.settle()
        sizes = [house.size()]
        for month in range(1, 12 * MADE_YEARS + 1):
            house.month(month)
            if month % 12 == 0:
                sizes.append(house.size())
        house.database.close()
        return sizes


def in_words(size):
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def main():
    print("| people | artists | at the start | after a year | after five years | five years without tidying up |")
    print("|---|---|---|---|---|---|")
    for people in [int(word) for word in sys.argv[1:]] or [5, 500, 50_000]:
        start, *made = measure(people)
        tidied = made[-1] + (YEARS - MADE_YEARS) * (made[-1] - made[-2])
        grown = start + YEARS * (made[0] - start)
        cells = [people, artists_of(people), *map(in_words, (start, made[0], tidied, grown))]
        print("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells) + " |", flush=True)


main()
