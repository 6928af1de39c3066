-- Compilations, and what artists appear on: lists that are looked at seldom, in calls of their own.

-- The state of each artist's lists of releases (domain/artist_list.rs).
CREATE TABLE artist_lists (
    artist          TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    list            TEXT NOT NULL CHECK (list IN ('albums', 'singles', 'compilations', 'appearances')),
    -- The last check that was silent about the back catalogue.
    initial_scan_at INTEGER,
    checked_at      INTEGER,
    next_check_at   INTEGER,
    -- When a check last ended before it came to this list.
    deferred_at     INTEGER,
    -- When a check last found that no follower wants it.
    unwanted_at     INTEGER,
    -- Spotify's `total` at the last check; of albums and singles together, if they were fetched so.
    total           INTEGER,
    failures        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (artist, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX artist_lists_by_initial_scan ON artist_lists (list, initial_scan_at);

-- Calls made anew, for one more purpose.
CREATE TABLE calls_anew (
    id      INTEGER PRIMARY KEY,
    bucket  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    purpose TEXT NOT NULL DEFAULT 'other'
            CHECK (purpose IN ('asked', 'hint', 'first', 'turn', 'side', 'other'))
) STRICT;
INSERT INTO calls_anew (id, bucket, at, purpose) SELECT id, bucket, at, purpose FROM calls;
DROP TABLE calls;
ALTER TABLE calls_anew RENAME TO calls;
CREATE INDEX calls_by_bucket ON calls (bucket, at);
CREATE INDEX calls_by_time ON calls (at);
