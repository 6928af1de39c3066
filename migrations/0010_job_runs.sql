-- The last passes of each job and what they did: at most some twenty for each, and of those that found nothing
-- to do one.

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
