-- Where PostgresStore keeps blobs. Run it once, by hand, by your migrations or by PostgresStore::create_schema.
CREATE TABLE IF NOT EXISTS sealed_sessions (
    id      bytea       NOT NULL PRIMARY KEY, -- 16 bytes that look random
    expires timestamptz NOT NULL,
    blob    bytea       NOT NULL              -- sealed; bytes 6 to 13 are its generation, in clear
);

-- Ciphertext does not compress; and of what is not compressed, substr reads no more than it needs.
ALTER TABLE sealed_sessions ALTER COLUMN blob SET STORAGE EXTERNAL;

-- For sweeping.
CREATE INDEX IF NOT EXISTS sealed_sessions_expires ON sealed_sessions (expires);
