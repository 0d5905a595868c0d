-- Documents. Moments are milliseconds since 1970 (UTC); document is documents.id, which is never given twice.

-- What a patient sent, and what staff said of it: waiting, accepted or rejected. uuid is the FHIR id of the document, pid and
-- patient say whose chart it was filed in: a document that staff moved to another chart is no longer what that patient sent.
CREATE TABLE anteroom_upload (
  document    BIGINT NOT NULL PRIMARY KEY,
  uuid        BINARY(16) NOT NULL,
  pid         BIGINT NOT NULL,
  patient     BINARY(16) NOT NULL,
  state       VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason      VARCHAR(1000) NOT NULL DEFAULT '',
  client_id   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created     BIGINT NOT NULL,
  decided     BIGINT NULL,
  decided_by  BINARY(16) NULL,
  KEY state (state, created),
  KEY pid (pid),
  KEY uuid (uuid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Whether the patient of this chart may see a document, where staff said so.
CREATE TABLE anteroom_share (
  document    BIGINT NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  shared      INT NOT NULL,
  changed     BIGINT NOT NULL,
  changed_by  BINARY(16) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
