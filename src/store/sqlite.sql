-- Where SqliteStore keeps blobs. An ordinary table with an index on `id`, and not WITHOUT ROWID: rows are large, and
-- SQLite keeps large rows better so.
CREATE TABLE IF NOT EXISTS sealed_sessions (
    id      BLOB    NOT NULL PRIMARY KEY, -- 16 bytes that look random
    expires INTEGER NOT NULL,             -- milliseconds since 1970
    blob    BLOB    NOT NULL              -- sealed; bytes 6 to 13 are its generation, in clear
) STRICT;

-- For sweeping.
CREATE INDEX IF NOT EXISTS sealed_sessions_expires ON sealed_sessions (expires);
