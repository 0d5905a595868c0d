-- What the whole FHIR surface needs: history, reviews, what may happen once, and what has been seen.

-- The state a record had before a write of this house, as the FHIR JSON that was served. Times are milliseconds.
CREATE TABLE anteroom_change (
  id            BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind          VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  target        BINARY(16) NOT NULL,
  pid           BIGINT NULL,
  version       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  updated       BIGINT NULL,
  body          LONGTEXT NOT NULL,
  method        VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  replaced      BIGINT NOT NULL,
  replaced_by   VARCHAR(64) NOT NULL,
  client_id     VARCHAR(64) NOT NULL,
  KEY target (target, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What a patient asked for and staff have to look at. asked and known are JSON; activity is the row of OpenEMR's own
-- queue (onsite_portal_activity), where it has one.
CREATE TABLE anteroom_review (
  id            BINARY(16) NOT NULL PRIMARY KEY,
  kind          VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pid           BIGINT NOT NULL,
  patient       BINARY(16) NOT NULL,
  resource      VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  asked         LONGTEXT NOT NULL,
  known         LONGTEXT NOT NULL,
  status        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason        TEXT NOT NULL,
  client_id     VARCHAR(64) NOT NULL,
  created       BIGINT NOT NULL,
  decided       BIGINT NULL,
  decided_by    BINARY(16) NULL,
  activity      BIGINT NULL,
  KEY pid (pid, status),
  KEY status (status, created),
  KEY activity (activity)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What may be created once: the fingerprint of who asks and If-None-Exist, and what was created.
CREATE TABLE anteroom_condition (
  name          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  resource      VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created       BIGINT NOT NULL,
  KEY created (created)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Requests that may come again: the fingerprint of who asks and Idempotency-Key, that of the request, and the answer.
CREATE TABLE anteroom_idempotency (
  name          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  request       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  answer        LONGTEXT NULL,
  created       BIGINT NOT NULL,
  KEY created (created)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Rows of OpenEMR that were there: one that is not any more answers 410 to whose it was.
CREATE TABLE anteroom_seen (
  kind          VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_id        BIGINT NOT NULL,
  pid           BIGINT NOT NULL,
  uuid          BINARY(16) NULL,
  PRIMARY KEY (kind, row_id),
  KEY uuid (uuid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Whose record a line of the ledger is about, for the patient who asks who looked.
ALTER TABLE anteroom_audit ADD COLUMN patient BINARY(16) NULL, ADD KEY patient (patient, id);
