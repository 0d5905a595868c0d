-- What the whole FHIR surface needs: history, reviews, what may happen once, and what has been seen.

-- The state a record had before a write of this house, as the FHIR JSON that was served. Times are milliseconds.
CREATE TABLE anteroom_change (
  id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind          VARCHAR(24) NOT NULL,
  target        BLOB NOT NULL,
  pid           BIGINT NULL,
  version       VARCHAR(16) NOT NULL,
  updated       BIGINT NULL,
  body          LONGTEXT NOT NULL,
  method        VARCHAR(8) NOT NULL,
  replaced      BIGINT NOT NULL,
  replaced_by   VARCHAR(64) NOT NULL,
  client_id     VARCHAR(64) NOT NULL
);

-- What a patient asked for and staff have to look at. asked and known are JSON; activity is the row of OpenEMR's own
-- queue (onsite_portal_activity), where it has one.
CREATE TABLE anteroom_review (
  id            BLOB NOT NULL PRIMARY KEY,
  kind          VARCHAR(24) NOT NULL,
  pid           BIGINT NOT NULL,
  patient       BLOB NOT NULL,
  resource      VARCHAR(120) NOT NULL,
  asked         LONGTEXT NOT NULL,
  known         LONGTEXT NOT NULL,
  status        VARCHAR(16) NOT NULL,
  reason        TEXT NOT NULL,
  client_id     VARCHAR(64) NOT NULL,
  created       BIGINT NOT NULL,
  decided       BIGINT NULL,
  decided_by    BLOB NULL,
  activity      BIGINT NULL
);

-- What may be created once: the fingerprint of who asks and If-None-Exist, and what was created.
CREATE TABLE anteroom_condition (
  name          VARCHAR(64) NOT NULL PRIMARY KEY,
  resource      VARCHAR(120) NOT NULL,
  created       BIGINT NOT NULL
);

-- Requests that may come again: the fingerprint of who asks and Idempotency-Key, that of the request, and the answer.
CREATE TABLE anteroom_idempotency (
  name          VARCHAR(64) NOT NULL PRIMARY KEY,
  request       VARCHAR(64) NOT NULL,
  answer        LONGTEXT NULL,
  created       BIGINT NOT NULL
);

-- Rows of OpenEMR that were there: one that is not any more answers 410 to whose it was.
CREATE TABLE anteroom_seen (
  kind          VARCHAR(24) NOT NULL,
  row_id        BIGINT NOT NULL,
  pid           BIGINT NOT NULL,
  uuid          BLOB NULL,
  PRIMARY KEY (kind, row_id)
);

-- Whose record a line of the ledger is about, for the patient who asks who looked.
ALTER TABLE anteroom_audit ADD COLUMN patient BLOB NULL;
CREATE INDEX anteroom_audit_patient ON anteroom_audit (patient, id);

CREATE INDEX anteroom_change_target ON anteroom_change (target, id);
CREATE INDEX anteroom_review_pid ON anteroom_review (pid, status);
CREATE INDEX anteroom_review_status ON anteroom_review (status, created);
CREATE INDEX anteroom_review_activity ON anteroom_review (activity);
CREATE INDEX anteroom_condition_created ON anteroom_condition (created);
CREATE INDEX anteroom_idempotency_created ON anteroom_idempotency (created);
CREATE INDEX anteroom_seen_uuid ON anteroom_seen (uuid);
