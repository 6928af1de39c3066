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

CREATE TABLE users (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Spotify's `account_id`, which does not change; NULL if Spotify did not return one.
    account_id            TEXT UNIQUE,
    spotify_id            TEXT NOT NULL,
    display_name          TEXT NOT NULL,
    -- The confirmed address.
    address               TEXT,
    suggested_address     TEXT,
    created_at            INTEGER NOT NULL,
    sync_requested_at     INTEGER,

    -- Spotify access. `refused_since` with a good consent: the refusal is not believed yet
    -- (src/domain/consent.rs).
    consent               TEXT NOT NULL CHECK (consent IN ('granted', 'ended')),
    end_reason            TEXT CHECK (end_reason IN ('expired', 'revoked', 'unknown')),
    ended_at              INTEGER,
    refused_since         INTEGER,
    spotify_error         TEXT,
    spotify_error_until   INTEGER,
    token_used_at         INTEGER NOT NULL DEFAULT 0,

    -- The list of followed artists.
    follows_read_at       INTEGER,
    follows_next_at       INTEGER NOT NULL,
    follows_failures      INTEGER NOT NULL DEFAULT 0,
    follows_suspect       TEXT,
    follows_suspect_since INTEGER,

    -- What the user wants to be notified of. NULL in a *_since column means no.
    wants_albums          INTEGER NOT NULL DEFAULT 1,
    singles_since         INTEGER,
    compilations_since    INTEGER,
    appearances_since     INTEGER,
    wants_editions        INTEGER NOT NULL DEFAULT 0,
    wants_live            INTEGER NOT NULL DEFAULT 0,
    wants_remixes         INTEGER NOT NULL DEFAULT 0,

    -- When, and where.
    frequency             TEXT NOT NULL DEFAULT 'at_once' CHECK (frequency IN ('at_once', 'daily', 'weekly')),
    digest_hour           INTEGER NOT NULL DEFAULT 8 CHECK (digest_hour BETWEEN 0 AND 23),
    -- 0 is Monday.
    digest_weekday        INTEGER NOT NULL DEFAULT 4 CHECK (digest_weekday BETWEEN 0 AND 6),
    -- An IANA time zone; NULL means the instance's.
    zone                  TEXT,
    -- The last digest sent, such as daily:2026-11-27.
    last_digest           TEXT,
    unsubscribed_at       INTEGER,
    -- Emails in a row that were rejected because of the address, and since when there are so many that
    -- sending is suspended.
    bounces               INTEGER NOT NULL DEFAULT 0,
    bouncing_since        INTEGER
) STRICT;
CREATE UNIQUE INDEX users_by_spotify_id ON users (spotify_id) WHERE account_id IS NULL;

CREATE TABLE tokens (
    user_id          INTEGER PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    access_sealed    BLOB NOT NULL,
    expires_at       INTEGER NOT NULL,
    refresh_sealed   BLOB NOT NULL,
    authorized_at    INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    refreshing_until INTEGER NOT NULL DEFAULT 0,
    -- When the consent ended. The tokens are kept for another hour, in case Spotify was wrong.
    expired_since    INTEGER
) STRICT;

-- Authorization requests that have not returned from Spotify yet. Each is valid once, for ten minutes.
CREATE TABLE oauth_states (
    state_hash      BLOB PRIMARY KEY,
    browser_hash    BLOB NOT NULL,
    verifier_sealed BLOB NOT NULL,
    invitation      INTEGER,
    expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_states_by_expiry ON oauth_states (expires_at);

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Confirmation links in emails. The link is this row's id and a signature; the link itself is not stored.
CREATE TABLE confirmation_links (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose    TEXT NOT NULL CHECK (purpose IN ('confirm')),
    user_id    INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    -- NULL once the link is used.
    address    TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX confirmation_links_by_user ON confirmation_links (user_id);

CREATE TABLE invitations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,
    -- Who it is for, in the operator's words.
    note       TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    -- Deleted with the user, because the note may name them.
    used_by    INTEGER REFERENCES users ON DELETE CASCADE
) STRICT;
CREATE INDEX invitations_by_user ON invitations (used_by) WHERE used_by IS NOT NULL;

-- People who signed in at Spotify but are not on the app's allow list, and asked the operator for access.
CREATE TABLE access_requests (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- Identifies the sign-in attempt: one request for each.
    proof_hash BLOB NOT NULL UNIQUE,
    asked_at   INTEGER NOT NULL,
    -- The outbox row that tells the operator.
    alert_id   INTEGER
) STRICT;

-- Private feed addresses.
CREATE TABLE feeds (
    user_id    INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('atom', 'calendar')),
    token_hash BLOB NOT NULL UNIQUE,
    made_at    INTEGER NOT NULL,
    read_at    INTEGER,
    -- A hash of the content last served, and when it changed.
    version    BLOB,
    changed_at INTEGER,
    PRIMARY KEY (user_id, kind)
) STRICT, WITHOUT ROWID;

-- What the goodbye email needs after the user is deleted, until it is sent.
CREATE TABLE goodbye_emails (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    address  TEXT NOT NULL,
    artists  INTEGER NOT NULL,
    -- Whether the user revoked access at Spotify.
    withdrew INTEGER NOT NULL,
    made_at  INTEGER NOT NULL
) STRICT;

-- Artists and releases -------------------------------------------------------------------------------------

CREATE TABLE artists (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    -- The name as it is searched and sorted (src/domain/text.rs).
    folded        TEXT NOT NULL,
    tracked_since INTEGER NOT NULL,
    -- Set while nobody follows the artist.
    untracked_at  INTEGER,
    checked_at    INTEGER,
    next_check_at INTEGER NOT NULL,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_failure  TEXT,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    -- Expected releases per week.
    rate          REAL,
    last_album    TEXT,
    last_album_on TEXT
) STRICT, WITHOUT ROWID;
-- One for each order of the artists page, with the name to search in.
CREATE INDEX artists_by_name ON artists (folded, id);
CREATE INDEX artists_by_check ON artists (checked_at, id, folded);
CREATE INDEX artists_by_album ON artists (last_album_on, id, folded);
-- Covers what planning and statistics read of every watched artist.
CREATE INDEX artists_tracked ON artists
    (untracked_at, checked_at, tracked_since, failures, next_check_at, rate);
CREATE INDEX artists_unfinished ON artists (id)
    WHERE untracked_at IS NULL AND failures = 0 AND last_failure IS NOT NULL;

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
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    artist  TEXT NOT NULL REFERENCES artists,
    since   INTEGER NOT NULL,
    PRIMARY KEY (user_id, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX follows_by_artist ON follows (artist);

-- Follows that ended recently. One that comes back soon keeps its `since`, so that a truncated list
-- costs no news.
CREATE TABLE unfollows (
    user_id  INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    artist   TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since    INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX unfollows_by_artist ON unfollows (artist);

CREATE TABLE mutes (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since   INTEGER NOT NULL,
    PRIMARY KEY (user_id, artist)
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
CREATE TABLE artist_releases (
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    release TEXT NOT NULL REFERENCES releases,
    seen_at INTEGER NOT NULL,
    is_news INTEGER NOT NULL,
    -- Whether the artist only appears on somebody else's release.
    appears INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (artist, release)
) STRICT, WITHOUT ROWID;
CREATE INDEX artist_releases_by_release ON artist_releases (release);
CREATE INDEX artist_releases_news ON artist_releases (seen_at) WHERE is_news;

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
    user_id       INTEGER REFERENCES users ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('confirm', 'welcome', 'news', 'sample', 'sign_in_again',
                                                'consent_ends', 'goodbye', 'operator')),
    subject       TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'pending'
                  CHECK (state IN ('pending', 'sent', 'rejected', 'dropped', 'skipped')),
    email_id      INTEGER,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER NOT NULL,
    reason        TEXT,
    enqueued_at   INTEGER NOT NULL,
    finished_at   INTEGER,
    CHECK ((user_id IS NULL) = (kind IN ('operator', 'goodbye')))
) STRICT;
CREATE UNIQUE INDEX outbox_once ON outbox (coalesce(user_id, 0), kind, subject);
CREATE INDEX outbox_by_user ON outbox (user_id, kind);
CREATE INDEX outbox_pending ON outbox (user_id, kind, email_id) WHERE state = 'pending';
CREATE INDEX outbox_by_email ON outbox (email_id) WHERE email_id IS NOT NULL;
CREATE INDEX outbox_by_state ON outbox (state, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX outbox_finished ON outbox (user_id, finished_at) WHERE state IN ('sent', 'rejected');

-- Calls to Spotify -----------------------------------------------------------------------------------------

-- Calls by when they may go out. They are counted before they are made, so that a crash does not lose any.
CREATE TABLE api_calls (
    id      INTEGER PRIMARY KEY,
    bucket  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    purpose TEXT NOT NULL DEFAULT 'other'
            CHECK (purpose IN ('manual', 'hint', 'initial_scan', 'scheduled', 'secondary', 'other'))
) STRICT;
CREATE INDEX api_calls_by_bucket ON api_calls (bucket, at);
CREATE INDEX api_calls_by_time ON api_calls (at);

-- Pauses. `scope` is a bucket or 'all' for those that Spotify imposed, 'checks' for our own backoff during
-- an outage, whose `failures` it counts.
CREATE TABLE pauses (
    scope    TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    cause    TEXT NOT NULL CHECK (cause IN ('rate_limit', 'quota', 'premium', 'endpoint', 'outage')),
    failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The last lock-out of each bucket: how many calls Spotify really allows.
CREATE TABLE quota_lockouts (
    bucket      TEXT PRIMARY KEY,
    spent       INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    consecutive INTEGER NOT NULL
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
    artist      TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    source      TEXT NOT NULL,
    key         TEXT NOT NULL,
    released    TEXT,
    given_at    INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'confirmed', 'dropped')),
    finished_at INTEGER,
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
