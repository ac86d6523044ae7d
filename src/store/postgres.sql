-- The tables of PostgresStore. Run this once: by hand, in your migrations, or with PostgresStore::create_schema.
CREATE TABLE IF NOT EXISTS sealed_sessions (
    id      bytea       NOT NULL PRIMARY KEY, -- 16 bytes that look random
    expires timestamptz NOT NULL,
    blob    bytea       NOT NULL              -- encrypted, except for its generation in bytes 6 to 13
);

-- Ciphertext does not compress, and substr reads only a part of a value that is stored uncompressed.
ALTER TABLE sealed_sessions ALTER COLUMN blob SET STORAGE EXTERNAL;

-- For removing expired blobs.
CREATE INDEX IF NOT EXISTS sealed_sessions_expires ON sealed_sessions (expires);

-- The log of revocations. A position is never used again, because the row with the highest one is never removed.
CREATE TABLE IF NOT EXISTS sealed_revocations (
    position bigint NOT NULL PRIMARY KEY,
    key      bigint NOT NULL,                                               -- looks random
    stamp    bigint NOT NULL CHECK (stamp BETWEEN 0 AND 4294967295),        -- seconds since 1970
    until    bigint NOT NULL CHECK (until BETWEEN 0 AND 4294967295)         -- seconds since 1970
);

-- For removing expired revocations.
CREATE INDEX IF NOT EXISTS sealed_revocations_until ON sealed_revocations (until);
