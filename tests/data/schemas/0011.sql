BEGIN TRANSACTION;
CREATE TABLE artists (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    watched_since INTEGER NOT NULL,
    unwatched_at  INTEGER,
    baseline_at   INTEGER,
    checked_at    INTEGER,
    next_check_at INTEGER NOT NULL,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_failure  TEXT,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    total         INTEGER
, rate REAL, singles_baseline_at INTEGER, singles_total INTEGER, total_has_singles INTEGER NOT NULL DEFAULT 0, singles_left_at INTEGER, folded TEXT, last_album TEXT, last_album_on TEXT) STRICT, WITHOUT ROWID;
INSERT INTO "artists" VALUES('artist-r','Röyksopp',1790812800000,NULL,1790812800001,1790812800002,1790812800003,0,NULL,0,2,0.04,1790812800000,4,1,1790812800000,'royksopp','release-2','2026-09-30');
INSERT INTO "artists" VALUES('artist-s','Sade',1790812800000,NULL,NULL,NULL,1790812800003,1,'502',0,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "artists" VALUES('artist-t','Tricky',1790812800000,1790812800004,1790812800001,1790812800002,1790812800003,0,NULL,0,1,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE callers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- Of the trip to Spotify that ended in this: one row for each.
    proof_hash BLOB NOT NULL UNIQUE,
    asked_at   INTEGER NOT NULL,
    -- The letter that names them to the operator.
    told_in    INTEGER
) STRICT;
INSERT INTO "callers" VALUES(1,'Sanni','sanni@example.com',X'0000000000000000000000000000000000000000000000000000000000000000',1790812800000,7);
CREATE TABLE "calls" (
    id      INTEGER PRIMARY KEY,
    bucket  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    purpose TEXT NOT NULL DEFAULT 'other'
            CHECK (purpose IN ('asked', 'hint', 'first', 'turn', 'side', 'other'))
) STRICT;
INSERT INTO "calls" VALUES(1,'artist_albums',1790812800000,'other');
INSERT INTO "calls" VALUES(2,'following',1790812800001,'other');
INSERT INTO "calls" VALUES(3,'artist_albums',1790812800002,'hint');
INSERT INTO "calls" VALUES(4,'artist_albums',1790812800003,'side');
CREATE TABLE editions (
    release TEXT PRIMARY KEY REFERENCES releases ON DELETE CASCADE,
    album   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "editions" VALUES('release-3','release-1');
CREATE TABLE farewells (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    artists INTEGER NOT NULL,
    -- Whether they took their consent back at Spotify themselves.
    withdrew INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
INSERT INTO "farewells" VALUES(1,'gone@example.com',12,0,1790812800000);
CREATE TABLE feeds (
    person     INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('atom', 'calendar')),
    token_hash BLOB NOT NULL UNIQUE,
    made_at    INTEGER NOT NULL,
    read_at    INTEGER,
    -- What a reading found last, as a hash, and since when it is that.
    version    BLOB,
    changed_at INTEGER,
    PRIMARY KEY (person, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO "feeds" VALUES(1,'atom',X'0000000000000000000000000000000000000000000000000000000000000000',1790812800000,1790812800008,X'01',1790812800008);
INSERT INTO "feeds" VALUES(1,'calendar',X'03',1790812800000,NULL,NULL,NULL);
CREATE TABLE follows (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist TEXT NOT NULL REFERENCES artists,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
INSERT INTO "follows" VALUES(1,'artist-r',1790812800000);
INSERT INTO "follows" VALUES(1,'artist-s',1790812800000);
INSERT INTO "follows" VALUES(2,'artist-r',1790812800000);
CREATE TABLE hint_sources (
    source        TEXT PRIMARY KEY,
    next_at       INTEGER NOT NULL DEFAULT 0,
    calls         INTEGER NOT NULL DEFAULT 0,
    last_ok_at    INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    last_error_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "hint_sources" VALUES('deezer',1790812800000,12,1790812800000,0,NULL,NULL);
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
INSERT INTO "hints" VALUES('artist-r','deezer','4711','2026-10-02',1790812800000,1,1790812800005,'open',NULL);
INSERT INTO "hints" VALUES('artist-r','listenbrainz','x',NULL,1790812800000,3,1790812800000,'dropped',1790812800001);
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
INSERT INTO "identities" VALUES('artist-r','mbid-r',1790812800000,1790812800009,77,1790812800000,1790812800009,1790812800000,1790812800009);
INSERT INTO "identities" VALUES('artist-s',NULL,1790812800000,1790812800009,NULL,NULL,0,NULL,0);
CREATE TABLE invitations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,
    -- For whom it is, in the operator's words.
    note       TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    -- Who leaves takes theirs along, for its note may name them.
    used_by    INTEGER REFERENCES people ON DELETE CASCADE
) STRICT;
INSERT INTO "invitations" VALUES(1,X'0000000000000000000000000000000000000000000000000000000000000000','Aino',1790812800000,1790812800009,1790812800005,2);
INSERT INTO "invitations" VALUES(2,X'02','Veikko',1790812800000,1790812800009,NULL,NULL);
CREATE TABLE job_runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job        TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    result     TEXT NOT NULL CHECK (result IN ('ok', 'held_up', 'failed')),
    is_idle    INTEGER NOT NULL,
    did        TEXT NOT NULL
) STRICT;
INSERT INTO "job_runs" VALUES(1,'follows',1790812800000,1790812800005,'ok',0,'2 lists read');
CREATE TABLE lessons (
    bucket   TEXT PRIMARY KEY,
    spent    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    in_a_row INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "lessons" VALUES('artist_albums',60,1790812800000,1790812800009,1);
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
INSERT INTO "links" VALUES(1,'confirm',1,NULL,1790812800000,1790812800008,1790812800001);
INSERT INTO "links" VALUES(2,'confirm',2,'jonas@example.com',1790812800000,1790812800008,NULL);
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('key_check',X'012FE42A765BFC72A100574D8AEA15346259685B7CCD1F29149029C1D209881F96E452555AF465B8681B11FEB79F5A12');
CREATE TABLE mutes (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
INSERT INTO "mutes" VALUES(1,'artist-s',1790812800000);
CREATE TABLE "outbox" (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
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
INSERT INTO "outbox" VALUES(1,1,'confirm','1','sent',1,0,1,1790812800000,NULL,1790812800000,1790812800001);
INSERT INTO "outbox" VALUES(2,1,'news','release-2','sent',2,0,2,1790812800000,'slow',1790812800001,1790812800002);
INSERT INTO "outbox" VALUES(3,2,'confirm','2','owed',NULL,0,0,1790812800000,NULL,1790812800000,NULL);
INSERT INTO "outbox" VALUES(4,1,'consent_ends','1790812800000/30','owed',NULL,0,0,1790812800000,NULL,1790812800000,NULL);
INSERT INTO "outbox" VALUES(5,NULL,'operator','premium/2026-10-01','owed',NULL,0,0,1790812800000,NULL,1790812800000,NULL);
INSERT INTO "outbox" VALUES(6,1,'welcome','first','dropped',NULL,0,0,1790812800000,'was here before there were welcomes',1790812800000,1790812800000);
INSERT INTO "outbox" VALUES(7,NULL,'good_bye','1','owed',NULL,0,0,1790812800000,NULL,1790812800000,NULL);
INSERT INTO "outbox" VALUES(8,2,'news','release-3','unwanted',NULL,0,0,1790812800000,'an edition',1790812800000,1790812800000);
INSERT INTO "outbox" VALUES(9,1,'sample','1790812800000','owed',NULL,0,0,1790812800000,NULL,1790812800000,NULL);
CREATE TABLE "pauses" (
    scope    TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    cause    TEXT NOT NULL CHECK (cause IN ('rate_limit', 'quota', 'premium', 'endpoint', 'outage')),
    failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO "pauses" VALUES('all',1790812860000,'rate_limit',0);
INSERT INTO "pauses" VALUES('following',1790812800009,'endpoint',0);
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
, wants_editions INTEGER NOT NULL DEFAULT 0, ended_how TEXT CHECK (ended_how IN ('expired', 'revoked', 'unsaid')), ended_at INTEGER, refused_since INTEGER, singles_since INTEGER, wants_albums INTEGER NOT NULL DEFAULT 1, wants_live INTEGER NOT NULL DEFAULT 0, wants_remixes INTEGER NOT NULL DEFAULT 0, compilations_since INTEGER, appearances_since INTEGER, rhythm TEXT NOT NULL DEFAULT 'at_once'
    CHECK (rhythm IN ('at_once', 'daily', 'weekly')), letter_hour INTEGER NOT NULL DEFAULT 8
    CHECK (letter_hour BETWEEN 0 AND 23), letter_weekday INTEGER NOT NULL DEFAULT 4
    CHECK (letter_weekday BETWEEN 0 AND 6), zone TEXT, last_digest TEXT, unsubscribed_at INTEGER, bounces INTEGER NOT NULL DEFAULT 0, bouncing_since INTEGER, hurried_at INTEGER) STRICT;
INSERT INTO "people" VALUES(1,'account-m','martha','Martha','martha@example.com',NULL,1790812800000,'good',NULL,NULL,3,1790812800001,1790812800002,0,NULL,NULL,1,NULL,NULL,NULL,1790812800000,1,1,0,1790812800000,NULL,'weekly',20,4,'Europe/Oslo','weekly:2026-09-28',NULL,0,NULL,1790812800000);
INSERT INTO "people" VALUES(2,NULL,'jonas','Jonas',NULL,'jonas@example.com',1790812800000,'good','not on the list',1790812800009,0,NULL,1790812800002,2,'cut short',1790812800003,0,NULL,NULL,1790812800000,NULL,1,0,0,NULL,NULL,'at_once',8,4,NULL,NULL,NULL,0,NULL,NULL);
INSERT INTO "people" VALUES(3,NULL,'aino','Aino',NULL,NULL,1790812800000,'ended',NULL,NULL,0,NULL,1790812800000,0,NULL,NULL,0,'expired',1790812800001,NULL,NULL,1,0,0,NULL,NULL,'at_once',8,4,NULL,NULL,NULL,0,NULL,NULL);
CREATE TABLE releases (
    id      TEXT PRIMARY KEY,
    title   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    artists TEXT NOT NULL,
    date    TEXT NOT NULL,
    tracks  INTEGER,
    cover   TEXT,
    link    TEXT NOT NULL
, changed_at INTEGER) STRICT, WITHOUT ROWID;
INSERT INTO "releases" VALUES('release-1','Melody A.M.','album','[["artist-r","Röyksopp"]]','2001-10-08',10,NULL,'https://open.spotify.com/album/1',NULL);
INSERT INTO "releases" VALUES('release-2','The Inevitable End','album','[["artist-r","Röyksopp"]]','2026-09-30',12,'https://i.scdn.co/image/2','https://open.spotify.com/album/2',1790812800000);
INSERT INTO "releases" VALUES('release-3','Melody A.M. (Deluxe)','album','[["artist-r","Röyksopp"]]','2026-09-30',20,NULL,'https://open.spotify.com/album/3',NULL);
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    person     INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "sessions" VALUES(X'0000000000000000000000000000000000000000000000000000000000000000',1,1790812800000,1790812800007);
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
INSERT INTO "side_lists" VALUES('artist-r','compilations',1790812800000,NULL,1790812800000,3,1790812800009,0);
CREATE TABLE sightings (
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    release TEXT NOT NULL REFERENCES releases,
    seen_at INTEGER NOT NULL,
    is_news INTEGER NOT NULL, appears INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (artist, release)
) STRICT, WITHOUT ROWID;
INSERT INTO "sightings" VALUES('artist-r','release-1',1790812800000,0,1);
INSERT INTO "sightings" VALUES('artist-r','release-2',1790812800001,1,0);
CREATE TABLE sign_ins (
    state_hash      BLOB PRIMARY KEY,
    browser_hash    BLOB NOT NULL,
    verifier_sealed BLOB NOT NULL,
    expires_at      INTEGER NOT NULL
, invitation INTEGER) STRICT, WITHOUT ROWID;
INSERT INTO "sign_ins" VALUES(X'0000000000000000000000000000000000000000000000000000000000000000',X'0000000000000000000000000000000000000000000000000000000000000000',X'01',1790813400000,2);
CREATE TABLE tokens (
    person           INTEGER PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    access_sealed    BLOB NOT NULL,
    expires_at       INTEGER NOT NULL,
    refresh_sealed   BLOB NOT NULL,
    authorized_at    INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    refreshing_until INTEGER NOT NULL DEFAULT 0
, dead_since INTEGER) STRICT;
INSERT INTO "tokens" VALUES(1,X'01FC9AC319D283FD55D7D512FB12DABE011DB0DB1802B5F9AE6CA153ECF88DBA7FE8ECB6F035EE11B6E767FB7452AD6506',1790812800005,X'016E9F8CB26761BD29F75DB5DB1987E014FE223319BB275C8D183E5F76FD703E32A3127CFCCE107B7A7DF8B3A54E042427E1',1790812800000,4,0,NULL);
INSERT INTO "tokens" VALUES(2,X'012BA71D7BBA7148EAA8564F7F27A2E2A75D8D4C6A117CBB7C44346C2B1FA0B2870D81F7026EF849EC2B6F0D1F72208E6C',1790812800005,X'018AA3F735B0B3B7CFE7ECA4DA5A589D87C67862C9DB1B91849F0B8839AE57E8684FE9F0ADD72102C31D4A77D0E713B50945',1790812800000,1,0,1790812800000);
CREATE TABLE unfollows (
    person  INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist  TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since   INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
INSERT INTO "unfollows" VALUES(2,'artist-t',1790812800000,1790812800004);
CREATE UNIQUE INDEX people_by_spotify_id ON people (spotify_id) WHERE account_id IS NULL;
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX links_by_person ON links (person);
CREATE INDEX follows_by_artist ON follows (artist);
CREATE INDEX sightings_by_release ON sightings (release);
CREATE INDEX identities_by_mbid ON identities (mbid) WHERE mbid IS NOT NULL;
CREATE INDEX hints_open ON hints (next_at) WHERE state = 'open';
CREATE INDEX editions_by_album ON editions (album);
CREATE INDEX mutes_by_artist ON mutes (artist);
CREATE INDEX calls_by_bucket ON calls (bucket, at);
CREATE INDEX calls_by_time ON calls (at);
CREATE INDEX invitations_by_person ON invitations (used_by) WHERE used_by IS NOT NULL;
CREATE INDEX sightings_news ON sightings (seen_at) WHERE is_news;
CREATE INDEX artists_by_name ON artists (folded, id, unwatched_at);
CREATE INDEX artists_by_check ON artists (checked_at, id, unwatched_at);
CREATE INDEX artists_by_album ON artists (last_album_on, id, unwatched_at);
CREATE INDEX artists_watched ON artists
    (unwatched_at, checked_at, watched_since, failures, baseline_at, next_check_at, rate);
CREATE INDEX artists_unfinished ON artists (id)
    WHERE unwatched_at IS NULL AND failures = 0 AND last_failure IS NOT NULL;
CREATE UNIQUE INDEX outbox_once ON outbox (coalesce(person, 0), kind, subject);
CREATE INDEX outbox_by_person ON outbox (person, kind);
CREATE INDEX outbox_owed ON outbox (person, kind, letter) WHERE state = 'owed';
CREATE INDEX outbox_by_letter ON outbox (letter) WHERE letter IS NOT NULL;
CREATE INDEX outbox_by_state ON outbox (state, settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (person, settled_at) WHERE state IN ('sent', 'refused');
CREATE INDEX job_runs_by_job ON job_runs (job, id);
CREATE INDEX unfollows_by_artist ON unfollows (artist);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('people',3);
INSERT INTO "sqlite_sequence" VALUES('links',2);
INSERT INTO "sqlite_sequence" VALUES('farewells',1);
INSERT INTO "sqlite_sequence" VALUES('outbox',9);
INSERT INTO "sqlite_sequence" VALUES('invitations',2);
INSERT INTO "sqlite_sequence" VALUES('callers',1);
INSERT INTO "sqlite_sequence" VALUES('job_runs',1);
COMMIT;
PRAGMA application_id = 1148350320;
PRAGMA user_version = 11;
