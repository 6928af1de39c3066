-- Whether anybody followed an artist lately is asked for each that is to be forgotten.

CREATE INDEX unfollows_by_artist ON unfollows (artist);
