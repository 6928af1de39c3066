-- The start: people, their consent, whom they follow, what came out, what is owed to them.
-- Times are milliseconds since 1970 in UTC. Columns named *_sealed are encrypted (store/seal.rs).

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the number of somebody who left is never given to somebody else.
CREATE TABLE people (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id          TEXT UNIQUE,
    spotify_id          TEXT NOT NULL,
    display_name        TEXT NOT NULL,
    address             TEXT,
    suggested_address   TEXT,
    created_at          INTEGER NOT NULL,
    consent             TEXT NOT NULL CHECK (consent IN ('good', 'ended')),
    trouble             TEXT,
    trouble_until       INTEGER,
    lent_token_at       INTEGER NOT NULL DEFAULT 0,
    follows_read_at     INTEGER,
    follows_next_at     INTEGER NOT NULL,
    follows_failures    INTEGER NOT NULL DEFAULT 0,
    follows_doubt       TEXT,
    follows_doubt_since INTEGER
) STRICT;
CREATE UNIQUE INDEX people_by_spotify_id ON people (spotify_id) WHERE account_id IS NULL;

CREATE TABLE tokens (
    person           INTEGER PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    access_sealed    BLOB NOT NULL,
    expires_at       INTEGER NOT NULL,
    refresh_sealed   BLOB NOT NULL,
    authorized_at    INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    refreshing_until INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A trip to Spotify that has not come back: ten minutes, once.
CREATE TABLE sign_ins (
    state_hash      BLOB PRIMARY KEY,
    browser_hash    BLOB NOT NULL,
    verifier_sealed BLOB NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    person     INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_person ON sessions (person);

-- Links in letters. The link itself is this row's number under our signature: it is not stored.
CREATE TABLE links (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose    TEXT NOT NULL CHECK (purpose IN ('confirm')),
    person     INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    -- Gone once the link is used: it is the person's then, or nobody's.
    address    TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX links_by_person ON links (person);

CREATE TABLE artists (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    watched_since INTEGER NOT NULL,
    unwatched_at  INTEGER,
    checked_at    INTEGER,
    next_check_at INTEGER NOT NULL,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_failure  TEXT,
    claimed_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE follows (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist TEXT NOT NULL REFERENCES artists,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX follows_by_artist ON follows (artist);

-- Follows that ended lately. One that comes back soon goes on where it left off: a list that was
-- cut short must cost no news.
CREATE TABLE unfollows (
    person  INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since   INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    id      TEXT PRIMARY KEY,
    title   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    artists TEXT NOT NULL,
    date    TEXT NOT NULL,
    tracks  INTEGER,
    cover   TEXT,
    link    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which releases were seen on which artist's list: what decides whether one is new.
CREATE TABLE sightings (
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    release TEXT NOT NULL REFERENCES releases,
    seen_at INTEGER NOT NULL,
    is_news INTEGER NOT NULL,
    PRIMARY KEY (artist, release)
) STRICT, WITHOUT ROWID;
CREATE INDEX sightings_by_release ON sightings (release);

-- One row for each thing owed to a person, unique for ever by what it is about. Rows that leave in
-- one letter share its number, which is that of the first of them.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('confirm', 'news', 'sign_in_again')),
    subject       TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'sent', 'refused', 'dropped')),
    letter        INTEGER,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER NOT NULL,
    reason        TEXT,
    owed_at       INTEGER NOT NULL,
    settled_at    INTEGER,
    UNIQUE (person, kind, subject)
) STRICT;
CREATE INDEX outbox_owed ON outbox (person, kind, letter) WHERE state = 'owed';

-- Calls to Spotify, by when they may go out. Counted before they are made: a crash must not make
-- the day look emptier than it was.
CREATE TABLE calls (
    id     INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_by_bucket ON calls (bucket, at);
CREATE INDEX calls_by_time ON calls (at);

-- Pauses: `scope` is a bucket or 'all' for those that Spotify imposed, 'checks' for our own while it
-- is down. `failures` counts what led to ours.
CREATE TABLE pauses (
    scope    TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    cause    TEXT NOT NULL CHECK (cause IN ('rate_limit', 'quota', 'premium', 'outage')),
    failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
