-- Choosing whom to ask about: how often an artist puts something out, what calls were made for, and
-- what lock-outs taught about the calls that Spotify really allows.

-- Releases expected a week.
ALTER TABLE artists ADD COLUMN rate REAL;

ALTER TABLE calls ADD COLUMN purpose TEXT NOT NULL DEFAULT 'other'
    CHECK (purpose IN ('asked', 'hint', 'first', 'turn', 'other'));

CREATE TABLE lessons (
    bucket   TEXT PRIMARY KEY,
    spent    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    in_a_row INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
