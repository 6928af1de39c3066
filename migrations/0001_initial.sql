-- The schema of Dropday 0.1.
--
-- Times are milliseconds since 1970 in UTC; release dates are text as Spotify gives them (1994, 1997-10,
-- 2026-11-27). Columns named *_sealed are encrypted (src/store/seal.rs), columns named *_hash are SHA-256.
-- AUTOINCREMENT where an id must never be used again, because links, emails or logs may still refer to it.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Users ----------------------------------------------------------------------------------------------------

CREATE TABLE people (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Spotify's `account_id`, which does not change; NULL if Spotify did not return one.
    account_id          TEXT UNIQUE,
    spotify_id          TEXT NOT NULL,
    display_name        TEXT NOT NULL,
    -- The confirmed address.
    address             TEXT,
    suggested_address   TEXT,
    created_at          INTEGER NOT NULL,
    hurried_at          INTEGER,

    -- Spotify access. `refused_since` with a good consent: the refusal is not believed yet
    -- (src/domain/consent.rs).
    consent             TEXT NOT NULL CHECK (consent IN ('good', 'ended')),
    ended_how           TEXT CHECK (ended_how IN ('expired', 'revoked', 'unsaid')),
    ended_at            INTEGER,
    refused_since       INTEGER,
    trouble             TEXT,
    trouble_until       INTEGER,
    lent_token_at       INTEGER NOT NULL DEFAULT 0,

    -- The list of followed artists.
    follows_read_at     INTEGER,
    follows_next_at     INTEGER NOT NULL,
    follows_failures    INTEGER NOT NULL DEFAULT 0,
    follows_doubt       TEXT,
    follows_doubt_since INTEGER,

    -- What the user wants to be notified of. NULL in a *_since column means no.
    wants_albums        INTEGER NOT NULL DEFAULT 1,
    singles_since       INTEGER,
    compilations_since  INTEGER,
    appearances_since   INTEGER,
    wants_editions      INTEGER NOT NULL DEFAULT 0,
    wants_live          INTEGER NOT NULL DEFAULT 0,
    wants_remixes       INTEGER NOT NULL DEFAULT 0,

    -- When, and where.
    rhythm              TEXT NOT NULL DEFAULT 'at_once' CHECK (rhythm IN ('at_once', 'daily', 'weekly')),
    letter_hour         INTEGER NOT NULL DEFAULT 8 CHECK (letter_hour BETWEEN 0 AND 23),
    -- 0 is Monday.
    letter_weekday      INTEGER NOT NULL DEFAULT 4 CHECK (letter_weekday BETWEEN 0 AND 6),
    -- An IANA time zone; NULL means the instance's.
    zone                TEXT,
    -- The last digest sent, such as daily:2026-11-27.
    last_digest         TEXT,
    unsubscribed_at     INTEGER,
    -- Emails in a row that were rejected because of the address, and since when there are so many that
    -- sending is suspended.
    bounces             INTEGER NOT NULL DEFAULT 0,
    bouncing_since      INTEGER
) STRICT;
CREATE UNIQUE INDEX people_by_spotify_id ON people (spotify_id) WHERE account_id IS NULL;

CREATE TABLE tokens (
    person           INTEGER PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    access_sealed    BLOB NOT NULL,
    expires_at       INTEGER NOT NULL,
    refresh_sealed   BLOB NOT NULL,
    authorized_at    INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    refreshing_until INTEGER NOT NULL DEFAULT 0,
    -- When the consent ended. The tokens are kept for another hour, in case Spotify was wrong.
    dead_since       INTEGER
) STRICT;

-- Authorization requests that have not returned from Spotify yet. Each is valid once, for ten minutes.
CREATE TABLE sign_ins (
    state_hash      BLOB PRIMARY KEY,
    browser_hash    BLOB NOT NULL,
    verifier_sealed BLOB NOT NULL,
    invitation      INTEGER,
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

-- Confirmation links in emails. The link is this row's id and a signature; the link itself is not stored.
CREATE TABLE links (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose    TEXT NOT NULL CHECK (purpose IN ('confirm')),
    person     INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    -- NULL once the link is used.
    address    TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX links_by_person ON links (person);

CREATE TABLE invitations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,
    -- Who it is for, in the operator's words.
    note       TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    -- Deleted with the user, because the note may name them.
    used_by    INTEGER REFERENCES people ON DELETE CASCADE
) STRICT;
CREATE INDEX invitations_by_person ON invitations (used_by) WHERE used_by IS NOT NULL;

-- People who signed in at Spotify but are not on the app's allow list, and asked the operator for access.
CREATE TABLE callers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- Identifies the sign-in attempt: one request for each.
    proof_hash BLOB NOT NULL UNIQUE,
    asked_at   INTEGER NOT NULL,
    -- The outbox row that tells the operator.
    told_in    INTEGER
) STRICT;

-- Private feed addresses.
CREATE TABLE feeds (
    person     INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('atom', 'calendar')),
    token_hash BLOB NOT NULL UNIQUE,
    made_at    INTEGER NOT NULL,
    read_at    INTEGER,
    -- A hash of the content last served, and when it changed.
    version    BLOB,
    changed_at INTEGER,
    PRIMARY KEY (person, kind)
) STRICT, WITHOUT ROWID;

-- What the goodbye email needs after the user is deleted, until it is sent.
CREATE TABLE farewells (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    address  TEXT NOT NULL,
    artists  INTEGER NOT NULL,
    -- Whether the user revoked access at Spotify.
    withdrew INTEGER NOT NULL,
    made_at  INTEGER NOT NULL
) STRICT;

-- Artists and releases -------------------------------------------------------------------------------------

CREATE TABLE artists (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    -- The name as it is searched and sorted (src/domain/text.rs).
    folded              TEXT NOT NULL,
    watched_since       INTEGER NOT NULL,
    -- Set while nobody follows the artist.
    unwatched_at        INTEGER,
    checked_at          INTEGER,
    next_check_at       INTEGER NOT NULL,
    failures            INTEGER NOT NULL DEFAULT 0,
    last_failure        TEXT,
    claimed_until       INTEGER NOT NULL DEFAULT 0,
    -- Expected releases per week.
    rate                REAL,
    last_album          TEXT,
    last_album_on       TEXT
) STRICT, WITHOUT ROWID;
-- One for each order of the artists page, with the name to search in.
CREATE INDEX artists_by_name ON artists (folded, id);
CREATE INDEX artists_by_check ON artists (checked_at, id, folded);
CREATE INDEX artists_by_album ON artists (last_album_on, id, folded);
-- Covers what planning and statistics read of every watched artist.
CREATE INDEX artists_watched ON artists
    (unwatched_at, checked_at, watched_since, failures, next_check_at, rate);
CREATE INDEX artists_unfinished ON artists (id)
    WHERE unwatched_at IS NULL AND failures = 0 AND last_failure IS NOT NULL;

-- The state of each artist's lists of releases (src/domain/artist_list.rs).
CREATE TABLE artist_lists (
    artist          TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    list            TEXT NOT NULL CHECK (list IN ('albums', 'singles', 'compilations', 'appearances')),
    -- The last check that was silent about the back catalogue.
    initial_scan_at INTEGER,
    checked_at      INTEGER,
    next_check_at   INTEGER,
    -- When a check last ended before it came to this list.
    deferred_at     INTEGER,
    -- When a check last found that nobody wants it.
    unwanted_at     INTEGER,
    -- Spotify's `total` at the last check, of albums and singles if they were requested together.
    total           INTEGER,
    failures        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (artist, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX artist_lists_by_initial_scan ON artist_lists (list, initial_scan_at);

CREATE TABLE follows (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist TEXT NOT NULL REFERENCES artists,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX follows_by_artist ON follows (artist);

-- Follows that ended recently. One that comes back soon keeps its `since`, so that a truncated list
-- costs no news.
CREATE TABLE unfollows (
    person  INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since   INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX unfollows_by_artist ON unfollows (artist);

CREATE TABLE mutes (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX mutes_by_artist ON mutes (artist);

CREATE TABLE releases (
    id         TEXT PRIMARY KEY,
    title      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    artists    TEXT NOT NULL,
    date       TEXT NOT NULL,
    tracks     INTEGER,
    cover      TEXT,
    link       TEXT NOT NULL,
    -- When the text that feeds show last changed.
    changed_at INTEGER
) STRICT, WITHOUT ROWID;

-- Which releases were seen in which artist's lists. A release is new if it was not.
CREATE TABLE sightings (
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    release TEXT NOT NULL REFERENCES releases,
    seen_at INTEGER NOT NULL,
    is_news INTEGER NOT NULL,
    -- Whether the artist only appears on somebody else's release.
    appears INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (artist, release)
) STRICT, WITHOUT ROWID;
CREATE INDEX sightings_by_release ON sightings (release);
CREATE INDEX sightings_news ON sightings (seen_at) WHERE is_news;

-- Releases that are another edition of an album that was known before.
CREATE TABLE editions (
    release TEXT PRIMARY KEY REFERENCES releases ON DELETE CASCADE,
    album   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX editions_by_album ON editions (album);

-- Email ----------------------------------------------------------------------------------------------------

-- One row per user and thing to be notified of, unique forever. Rows that go out in one email share its
-- number, which is the id of the first of them.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL for email to somebody who is not a user.
    person        INTEGER REFERENCES people ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('confirm', 'welcome', 'news', 'sample', 'sign_in_again',
                                                'consent_ends', 'good_bye', 'operator')),
    subject       TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'owed'
                  CHECK (state IN ('owed', 'sent', 'refused', 'dropped', 'unwanted')),
    letter        INTEGER,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER NOT NULL,
    reason        TEXT,
    owed_at       INTEGER NOT NULL,
    settled_at    INTEGER,
    CHECK ((person IS NULL) = (kind IN ('operator', 'good_bye')))
) STRICT;
CREATE UNIQUE INDEX outbox_once ON outbox (coalesce(person, 0), kind, subject);
CREATE INDEX outbox_by_person ON outbox (person, kind);
CREATE INDEX outbox_owed ON outbox (person, kind, letter) WHERE state = 'owed';
CREATE INDEX outbox_by_letter ON outbox (letter) WHERE letter IS NOT NULL;
CREATE INDEX outbox_by_state ON outbox (state, settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (person, settled_at) WHERE state IN ('sent', 'refused');

-- Calls to Spotify -----------------------------------------------------------------------------------------

-- Calls by when they may go out. They are counted before they are made, so that a crash does not lose any.
CREATE TABLE calls (
    id      INTEGER PRIMARY KEY,
    bucket  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    purpose TEXT NOT NULL DEFAULT 'other'
            CHECK (purpose IN ('asked', 'hint', 'first', 'turn', 'side', 'other'))
) STRICT;
CREATE INDEX calls_by_bucket ON calls (bucket, at);
CREATE INDEX calls_by_time ON calls (at);

-- Pauses. `scope` is a bucket or 'all' for those that Spotify imposed, 'checks' for our own backoff during
-- an outage, whose `failures` it counts.
CREATE TABLE pauses (
    scope    TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    cause    TEXT NOT NULL CHECK (cause IN ('rate_limit', 'quota', 'premium', 'endpoint', 'outage')),
    failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The last lock-out of each bucket: how many calls Spotify really allows.
CREATE TABLE lessons (
    bucket   TEXT PRIMARY KEY,
    spent    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    in_a_row INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Hints of open catalogues ---------------------------------------------------------------------------------
-- They decide only which artist Spotify is asked about next, and are never shown.

-- The artist's ids elsewhere. A row without an mbid means that there was none at looked_up_at.
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

-- One row per thing that a source says about an artist, kept for as long as the source may repeat it.
-- A hint is confirmed once a release of the day `released` was seen on Spotify.
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

-- The rate limit and the health of each source. A call is counted before it is made.
CREATE TABLE hint_sources (
    source        TEXT PRIMARY KEY,
    next_at       INTEGER NOT NULL DEFAULT 0,
    calls         INTEGER NOT NULL DEFAULT 0,
    last_ok_at    INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    last_error_at INTEGER
) STRICT, WITHOUT ROWID;

-- Operation ------------------------------------------------------------------------------------------------

-- The last runs of each job: about twenty, of which those that found nothing to do count as one.
CREATE TABLE job_runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job        TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    result     TEXT NOT NULL CHECK (result IN ('ok', 'held_up', 'failed')),
    is_idle    INTEGER NOT NULL,
    did        TEXT NOT NULL
) STRICT;
CREATE INDEX job_runs_by_job ON job_runs (job, id);
