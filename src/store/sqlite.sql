-- The table of SqliteStore. It is an ordinary table and not WITHOUT ROWID, which is less efficient for large rows.
CREATE TABLE IF NOT EXISTS sealed_sessions (
    id      BLOB    NOT NULL PRIMARY KEY, -- 16 bytes that look random
    expires INTEGER NOT NULL,             -- milliseconds since 1970
    blob    BLOB    NOT NULL              -- encrypted, except for its generation in bytes 6 to 13
) STRICT;

-- For removing expired blobs.
CREATE INDEX IF NOT EXISTS sealed_sessions_expires ON sealed_sessions (expires);

-- The log of revocations. AUTOINCREMENT never uses a position again.
CREATE TABLE IF NOT EXISTS sealed_revocations (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    key      INTEGER NOT NULL,                                       -- looks random
    stamp    INTEGER NOT NULL CHECK (stamp BETWEEN 0 AND 4294967295), -- seconds since 1970
    until    INTEGER NOT NULL CHECK (until BETWEEN 0 AND 4294967295)  -- seconds since 1970
) STRICT;

-- For removing expired revocations.
CREATE INDEX IF NOT EXISTS sealed_revocations_until ON sealed_revocations (until);
