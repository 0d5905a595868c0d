-- The seals of the ledger: one row for each block of lines, only ever added. `digests` holds, for each line in order, its
-- id (8 bytes, big endian) and the first 16 bytes of its SHA-256; `chain` ties the row to the one before it, `signature`
-- is made with a key that is in anteroom_key.
CREATE TABLE anteroom_audit_seal (
  id            INTEGER NOT NULL PRIMARY KEY,
  first_line    BIGINT NOT NULL,
  last_line     BIGINT NOT NULL,
  line_count    BIGINT NOT NULL,
  digests       BLOB NOT NULL,
  chain         BLOB NOT NULL,
  signature     BLOB NOT NULL,
  created       BIGINT NOT NULL
);

-- For staff who ask what happened in a period.
CREATE INDEX anteroom_audit_at ON anteroom_audit (at);
