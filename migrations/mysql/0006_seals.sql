-- The seals of the ledger: one row for each block of lines, only ever added. `digests` holds, for each line in order, its
-- id (8 bytes, big endian) and the first 16 bytes of its SHA-256; `chain` ties the row to the one before it, `signature`
-- is made with a key that is in anteroom_key.
CREATE TABLE anteroom_audit_seal (
  id            BIGINT NOT NULL PRIMARY KEY,
  first_line    BIGINT NOT NULL,
  last_line     BIGINT NOT NULL,
  line_count    BIGINT NOT NULL,
  digests       MEDIUMBLOB NOT NULL,
  chain         BINARY(32) NOT NULL,
  signature     BINARY(32) NOT NULL,
  created       BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- For staff who ask what happened in a period.
ALTER TABLE anteroom_audit ADD KEY at (at);
