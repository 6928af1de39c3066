-- The pages: who may come, private addresses of feeds, what people asked for by a button.

-- Links that let somebody in. The link itself is not stored.
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
CREATE INDEX invitations_by_person ON invitations (used_by) WHERE used_by IS NOT NULL;
ALTER TABLE sign_ins ADD COLUMN invitation INTEGER;

-- People who are not on the app's list at Spotify, as they wrote themselves down for the operator.
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

-- Private addresses of a person's new albums, for programs that read them.
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

-- What feeds tell: news by the time it was seen, and when the words for a release last changed.
CREATE INDEX sightings_news ON sightings (seen_at) WHERE is_news;
ALTER TABLE releases ADD COLUMN changed_at INTEGER;

-- What the list of artists is searched and sorted by. `folded` is the name as it is compared
-- (domain/text.rs); NULL until the next tidying.
ALTER TABLE artists ADD COLUMN folded TEXT;
ALTER TABLE artists ADD COLUMN last_album TEXT;
ALTER TABLE artists ADD COLUMN last_album_on TEXT;
-- With `unwatched_at`, so that the lists of somebody who follows everybody are walked without a look at each.
CREATE INDEX artists_by_name ON artists (folded, id, unwatched_at);
CREATE INDEX artists_by_check ON artists (checked_at, id, unwatched_at);
CREATE INDEX artists_by_album ON artists (last_album_on, id, unwatched_at);
-- All that counting, reckoning and looking for the overdue need of every watched artist.
CREATE INDEX artists_watched ON artists
    (unwatched_at, checked_at, watched_since, failures, next_check_at, rate);
CREATE INDEX artists_unfinished ON artists (id)
    WHERE unwatched_at IS NULL AND failures = 0 AND last_failure IS NOT NULL;
UPDATE artists SET last_album =
    (SELECT r.id FROM sightings s JOIN releases r ON r.id = s.release
     WHERE s.artist = artists.id AND NOT s.appears AND r.kind = 'album' AND r.date <> ''
     ORDER BY r.date DESC, r.id LIMIT 1);
UPDATE artists SET last_album_on = (SELECT date FROM releases WHERE id = last_album);

-- When the person last asked to look for changes now.
ALTER TABLE people ADD COLUMN hurried_at INTEGER;

-- The outbox made anew, for one more kind of letter: a sample that somebody asked for.
CREATE TABLE outbox_anew (
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
-- The operator's page counts what was sent and tells what was refused lately, however much that is.
CREATE INDEX outbox_by_state ON outbox (state, settled_at) WHERE settled_at IS NOT NULL;
-- The letters that were settled last.
CREATE INDEX outbox_settled ON outbox (person, settled_at) WHERE state IN ('sent', 'refused');
