-- Singles and EPs: since when a person wants to hear of them; and of an artist, when they were first
-- looked at for somebody who does.

ALTER TABLE people ADD COLUMN singles_since INTEGER;
