-- What a person wants to be told, when and where; letters to those who left; bounces.

ALTER TABLE people ADD COLUMN wants_albums INTEGER NOT NULL DEFAULT 1;
ALTER TABLE people ADD COLUMN wants_live INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN wants_remixes INTEGER NOT NULL DEFAULT 0;
-- As with singles: lists that nobody wants are not asked for.
ALTER TABLE people ADD COLUMN compilations_since INTEGER;
ALTER TABLE people ADD COLUMN appearances_since INTEGER;
ALTER TABLE people ADD COLUMN rhythm TEXT NOT NULL DEFAULT 'at_once'
    CHECK (rhythm IN ('at_once', 'daily', 'weekly'));
ALTER TABLE people ADD COLUMN letter_hour INTEGER NOT NULL DEFAULT 8
    CHECK (letter_hour BETWEEN 0 AND 23);
-- 0 is Monday.
ALTER TABLE people ADD COLUMN letter_weekday INTEGER NOT NULL DEFAULT 4
    CHECK (letter_weekday BETWEEN 0 AND 6);
-- An IANA name; NULL until the person or the house has one.
ALTER TABLE people ADD COLUMN zone TEXT;
-- The digest that was sent last: daily:2026-11-27.
ALTER TABLE people ADD COLUMN last_digest TEXT;
ALTER TABLE people ADD COLUMN unsubscribed_at INTEGER;
-- Letters in a row that the mail server refused for the address' sake; and since when so many that
-- none is sent to it any more.
ALTER TABLE people ADD COLUMN bounces INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN bouncing_since INTEGER;

CREATE TABLE mutes (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    artist TEXT NOT NULL REFERENCES artists ON DELETE CASCADE,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, artist)
) STRICT, WITHOUT ROWID;
CREATE INDEX mutes_by_artist ON mutes (artist);

-- Whether the release is somebody else's, and the artist only appears on it.
ALTER TABLE sightings ADD COLUMN appears INTEGER NOT NULL DEFAULT 0;

-- What is needed for the last letter to somebody who left, until it has left too.
CREATE TABLE farewells (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    artists INTEGER NOT NULL,
    -- Whether they took their consent back at Spotify themselves.
    withdrew INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;

-- The outbox made anew: more kinds of letters, and one more state.
CREATE TABLE outbox_anew (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    person        INTEGER REFERENCES people ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('confirm', 'welcome', 'news', 'sign_in_again',
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
INSERT INTO outbox_anew (id, person, kind, subject, state, letter, claimed_until, attempts, next_at,
                         reason, owed_at, settled_at)
    SELECT id, person, kind, subject, state, letter, claimed_until, attempts, next_at, reason, owed_at,
           settled_at
    FROM outbox;
-- Numbers of rows that are gone are not given out again.
DELETE FROM sqlite_sequence WHERE name = 'outbox_anew';
INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox_anew', seq FROM sqlite_sequence WHERE name = 'outbox';
DROP TABLE outbox;
ALTER TABLE outbox_anew RENAME TO outbox;
CREATE UNIQUE INDEX outbox_once ON outbox (coalesce(person, 0), kind, subject);
CREATE INDEX outbox_by_person ON outbox (person, kind);
CREATE INDEX outbox_owed ON outbox (person, kind, letter) WHERE state = 'owed';
CREATE INDEX outbox_by_letter ON outbox (letter) WHERE letter IS NOT NULL;
-- Who is here already needs no welcome.
INSERT INTO outbox (person, kind, subject, state, reason, next_at, owed_at, settled_at)
    SELECT id, 'welcome', 'first', 'dropped', 'was here before there were welcomes', created_at, created_at,
           created_at
    FROM people WHERE address IS NOT NULL;
