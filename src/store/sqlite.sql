-- The table of SqliteStore. It is an ordinary table and not WITHOUT ROWID, which is less efficient for large rows.
CREATE TABLE IF NOT EXISTS sealed_sessions (
    id      BLOB    NOT NULL PRIMARY KEY, -- 16 bytes that look random
    expires INTEGER NOT NULL,             -- milliseconds since 1970
    blob    BLOB    NOT NULL              -- encrypted, except for its generation in bytes 6 to 13
) STRICT;

-- For removing expired blobs.
CREATE INDEX IF NOT EXISTS sealed_sessions_expires ON sealed_sessions (expires);
