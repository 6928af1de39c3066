-- Hints of open catalogues: which artist to ask Spotify about now. None of it is shown to anybody.

-- Who an artist is elsewhere. A row without an mbid says that nobody knew, as of looked_up_at.
CREATE TABLE identities (
    artist          TEXT PRIMARY KEY REFERENCES artists ON DELETE CASCADE,
    mbid            TEXT,
    looked_up_at    INTEGER NOT NULL,
    look_up_next_at INTEGER NOT NULL,
    deezer          INTEGER,
    traced_at       INTEGER,
    trace_next_at   INTEGER NOT NULL DEFAULT 0,
    deezer_asked_at INTEGER,
    deezer_next_at  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_mbid ON identities (mbid) WHERE mbid IS NOT NULL;

-- One row for each thing that a source knows of an artist, unique for as long as the source may
-- tell it again. `released` is the day that the source names: if the album of that day was seen on
-- Spotify, the hint is confirmed.
CREATE TABLE hints (
    artist     TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    source     TEXT NOT NULL,
    key        TEXT NOT NULL,
    released   TEXT,
    given_at   INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,
    state      TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'confirmed', 'dropped')),
    settled_at INTEGER,
    PRIMARY KEY (artist, source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX hints_open ON hints (next_at) WHERE state = 'open';

-- The pace and the health of each source. A call is booked here before it is made.
CREATE TABLE hint_sources (
    source        TEXT PRIMARY KEY,
    next_at       INTEGER NOT NULL DEFAULT 0,
    calls         INTEGER NOT NULL DEFAULT 0,
    last_ok_at    INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    last_error_at INTEGER
) STRICT, WITHOUT ROWID;
