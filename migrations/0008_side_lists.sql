-- Compilations, and what artists appear on: lists that are looked at seldom, in calls of their own.

CREATE TABLE side_lists (
    artist      TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    list        TEXT NOT NULL CHECK (list IN ('compilations', 'appearances')),
    -- The first look, which is silent, for those who want it.
    baseline_at INTEGER,
    -- When a check last found that nobody wants it.
    unwanted_at INTEGER,
    looked_at   INTEGER,
    -- Spotify's `total` at the last look.
    total       INTEGER,
    next_at     INTEGER NOT NULL DEFAULT 0,
    failures    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (artist, list)
) STRICT, WITHOUT ROWID;

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
