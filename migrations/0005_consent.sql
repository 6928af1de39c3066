-- How a consent ended, refusals that are not believed yet, and letters to the operator.

-- `refused_since` with a good consent: the brake holds it (domain/consent.rs).
ALTER TABLE people ADD COLUMN ended_how TEXT CHECK (ended_how IN ('expired', 'revoked', 'unsaid'));
ALTER TABLE people ADD COLUMN ended_at INTEGER;
ALTER TABLE people ADD COLUMN refused_since INTEGER;

-- Tokens of a consent that has ended, kept for an hour in case that Spotify was wrong.
ALTER TABLE tokens ADD COLUMN dead_since INTEGER;

-- The outbox made anew: the operator has no number, and there are more kinds of letters.
CREATE TABLE outbox_anew (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    person        INTEGER REFERENCES people ON DELETE CASCADE,
    kind          TEXT NOT NULL
                  CHECK (kind IN ('confirm', 'news', 'sign_in_again', 'consent_ends', 'operator')),
    subject       TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'sent', 'refused', 'dropped')),
    letter        INTEGER,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER NOT NULL,
    reason        TEXT,
    owed_at       INTEGER NOT NULL,
    settled_at    INTEGER,
    CHECK ((person IS NULL) = (kind = 'operator'))
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

-- Pauses made anew, for one more cause.
CREATE TABLE pauses_anew (
    scope    TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    cause    TEXT NOT NULL CHECK (cause IN ('rate_limit', 'quota', 'premium', 'endpoint', 'outage')),
    failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO pauses_anew (scope, until, cause, failures) SELECT scope, until, cause, failures FROM pauses;
DROP TABLE pauses;
ALTER TABLE pauses_anew RENAME TO pauses;
