-- Singles and EPs: since when a person wants to hear of them; and of an artist, when they were first
-- looked at for somebody who does.

ALTER TABLE people ADD COLUMN singles_since INTEGER;

ALTER TABLE artists ADD COLUMN singles_baseline_at INTEGER;
-- Spotify's `total` where singles are asked for apart from the albums; where both are asked for
-- together, `total` is that of both.
ALTER TABLE artists ADD COLUMN singles_total INTEGER;
ALTER TABLE artists ADD COLUMN total_has_singles INTEGER NOT NULL DEFAULT 0;
-- When the albums were read and the singles had to be left for later; NULL once they were read too.
ALTER TABLE artists ADD COLUMN singles_left_at INTEGER;
