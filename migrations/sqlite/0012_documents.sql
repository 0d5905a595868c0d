-- Documents. Moments are milliseconds since 1970 (UTC); document is documents.id, which is never given twice.

-- What a patient sent, and what staff said of it: waiting, accepted or rejected. uuid is the FHIR id of the document, pid and
-- patient say whose chart it was filed in: a document that staff moved to another chart is no longer what that patient sent.
CREATE TABLE anteroom_upload (
  document    BIGINT NOT NULL PRIMARY KEY,
  uuid        BLOB NOT NULL,
  pid         BIGINT NOT NULL,
  patient     BLOB NOT NULL,
  state       VARCHAR(8) NOT NULL,
  reason      VARCHAR(1000) NOT NULL DEFAULT '',
  client_id   VARCHAR(64) NOT NULL,
  created     BIGINT NOT NULL,
  decided     BIGINT NULL,
  decided_by  BLOB NULL
);
CREATE INDEX anteroom_upload_state ON anteroom_upload (state, created);
CREATE INDEX anteroom_upload_pid ON anteroom_upload (pid);
CREATE INDEX anteroom_upload_uuid ON anteroom_upload (uuid);

-- Whether the patient of this chart may see a document, where staff said so.
CREATE TABLE anteroom_share (
  document    BIGINT NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  shared      INT NOT NULL,
  changed     BIGINT NOT NULL,
  changed_by  BLOB NULL
);
