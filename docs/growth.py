"""How the database grows with people and years: the table in docs/keeping.md.

Usage: python3 docs/growth.py [PEOPLE…]        (else 5 500 50000; needs some gigabytes and minutes for the last)

Makes databases from migrations/ with rows like real ones, month after month, and measures the files. A person
follows 100 artists, whom they share with others the more, the more people there are; an artist has 25 releases
when they are first looked at, and puts out three a year, each of which is told to everybody who follows them.
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
# What was told is kept for 400 days (src/store/upkeep.rs), here in months.
KEPT_MONTHS = 13
# Of more people than this one year is made: more would take hours.
MANY = 500


def artists_of(people):
    """So many different artists: nearly 100 for each of a few, three for each of 50,000."""
    return min(FOLLOWS * people, int(320 * people ** 0.57))


class House:
    def __init__(self, file, people):
        self.file, self.people, self.artists = file, people, artists_of(people)
        self.database = sqlite3.connect(file, isolation_level=None)
        self.run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        for migration in MIGRATIONS:
            self.run(migration.read_text(encoding="utf-8"))
        self.run("CREATE TEMP TABLE numbered (n INTEGER PRIMARY KEY, id TEXT)")
        self.run("CREATE TEMP TABLE fresh (id TEXT, artist TEXT)")

    def run(self, script):
        self.database.executescript(script)

    def settle(self):
        """Everybody is here, and every artist was looked at once."""
        self.run(f"""
            BEGIN;
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {self.artists})
                INSERT INTO numbered SELECT n, substr(hex(randomblob(11)), 1, 22) FROM n;
            INSERT INTO artists (id, name, watched_since, baseline_at, checked_at, next_check_at, total, rate)
                SELECT id, 'Artist number ' || n, 1795000000000, 1795000000000, 1795000000000, 1795000000000, 25, 0.06
                FROM numbered;
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {self.people})
                INSERT INTO people (id, account_id, spotify_id, display_name, address, created_at, consent, follows_next_at)
                SELECT n, hex(randomblob(14)), hex(randomblob(13)), 'Person ' || n, 'person' || n || '@example.com',
                       1795000000000, 'good', 1795000000000 FROM n;
            INSERT INTO tokens (person, access_sealed, expires_at, refresh_sealed, authorized_at, version)
                SELECT id, randomblob(380), 1795000000000, randomblob(172), 1795000000000, 1 FROM people;
            INSERT INTO sessions SELECT randomblob(32), id, 1795000000000, 1795000000000 FROM people;
            INSERT INTO outbox (person, kind, subject, state, letter, next_at, owed_at, settled_at)
                SELECT id, 'welcome', 'first', 'sent', id, 1795000000000, 1795000000000, 1795000000000 FROM people;
            WITH RECURSIVE k (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM k WHERE k < {FOLLOWS})
                INSERT OR IGNORE INTO follows
                SELECT p.id, a.id, 1795000000000 FROM people p, k
                JOIN numbered a ON a.n = 1 + (p.id * 7919 + k * k * 104729 + abs(random() % 1000)) % {self.artists};
            COMMIT""")
        for _ in range(BACK_CATALOGUE):
            self.put_out(is_news=0)

    def put_out(self, is_news):
        """Each artist puts something out."""
        self.run(f"""
            BEGIN;
            DELETE FROM fresh;
            INSERT INTO fresh SELECT substr(hex(randomblob(11)), 1, 22), id FROM numbered;
            INSERT INTO releases
                SELECT f.id, 'A title of middling length', 'album', json_array(json_array(f.artist, 'Artist number 12345')),
                       '2026-11-27', 12, 'https://i.scdn.co/image/' || lower(hex(randomblob(20))),
                       'https://open.spotify.com/album/' || f.id FROM fresh f;
            INSERT INTO sightings (artist, release, seen_at, is_news) SELECT artist, id, 1795000000000, {is_news} FROM fresh;
            COMMIT""")

    def month(self, number, tidies):
        """A quarter of the artists put something out, and it is told."""
        self.run(f"""
            BEGIN;
            DELETE FROM fresh;
            INSERT INTO fresh SELECT substr(hex(randomblob(11)), 1, 22), id FROM numbered WHERE n % 4 = {number % 4};
            INSERT INTO releases
                SELECT f.id, 'A title of middling length', 'album', json_array(json_array(f.artist, 'Artist number 12345')),
                       '2026-11-27', 12, 'https://i.scdn.co/image/' || lower(hex(randomblob(20))),
                       'https://open.spotify.com/album/' || f.id FROM fresh f;
            INSERT INTO sightings (artist, release, seen_at, is_news) SELECT artist, id, 1795000000000, 1 FROM fresh;
            INSERT INTO outbox (person, kind, subject, state, letter, attempts, next_at, owed_at, settled_at)
                SELECT o.person, 'news', f.id, 'sent', 1000, 1, {number}, {number}, {number}
                FROM fresh f JOIN follows o ON o.artist = f.artist;
            COMMIT""")
        if tidies:
            self.run(f"DELETE FROM outbox WHERE kind = 'news' AND owed_at <= {number - KEPT_MONTHS}")
            self.run("PRAGMA incremental_vacuum")

    def size(self):
        return os.path.getsize(self.file)


def measure(people, years, tidies):
    """The sizes at the start and after each year."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(os.path.join(folder, "dropday.db"), people)
        house.settle()
        sizes = [house.size()]
        for month in range(1, 12 * years + 1):
            house.month(month, tidies)
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
        years = YEARS if people <= MANY else 1
        tidied = [in_words(size) for size in measure(people, years, True)]
        grown = "not tried"
        if people <= MANY:
            # The years are alike: two of them say what each adds.
            first, second = measure(people, 2, False)[1:]
            grown = in_words(first + (YEARS - 1) * (second - first))
        after_years = tidied[YEARS] if people <= MANY else "not tried"
        cells = [people, artists_of(people), tidied[0], tidied[1], after_years, grown]
        print("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells) + " |", flush=True)


main()
