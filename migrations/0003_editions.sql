-- Releases that are an album which was there already, as another edition; and who wants to hear of
-- them all the same.

CREATE TABLE editions (
    release TEXT PRIMARY KEY REFERENCES releases ON DELETE CASCADE,
    album   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX editions_by_album ON editions (album);

ALTER TABLE people ADD COLUMN wants_editions INTEGER NOT NULL DEFAULT 0;
