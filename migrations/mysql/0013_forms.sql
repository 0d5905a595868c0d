-- Forms and their signatures. Times are milliseconds since 1970 (UTC), except of tablets, which are seconds.

-- What OpenEMR's row of a form has no column for. document is onsite_documents.id; category that of the chart the form goes
-- to, 0 where none was chosen; put_by is users.id; filed the documents.id it became; reason why staff gave it back.
CREATE TABLE anteroom_form (
  document    BIGINT NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  template    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  category    BIGINT NOT NULL,
  put_by      BIGINT NOT NULL,
  reason      TEXT NOT NULL,
  filed       BIGINT,
  created     BIGINT NOT NULL,
  KEY filed (filed),
  KEY pid (pid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Who signed what, and when. hash is SHA3-512 of all that was signed; rows are never changed but for voided, when staff gave
-- the form back. witness is the member of staff who handed over the tablet.
CREATE TABLE anteroom_signature (
  id          BINARY(16) NOT NULL PRIMARY KEY,
  document    BIGINT NOT NULL,
  pid         BIGINT NOT NULL,
  patient     BINARY(16) NOT NULL,
  name        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  how         VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  picture     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  hash        VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  signed      BIGINT NOT NULL,
  client_id   VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  witness     BINARY(16),
  voided      BIGINT,
  KEY document (document),
  KEY pid (pid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Forms made here. body is the form as HTML with OpenEMR's names of inputs, as it is put before a patient.
CREATE TABLE anteroom_questionnaire (
  id          BINARY(16) NOT NULL PRIMARY KEY,
  title       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  category    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  body        MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  active      INT NOT NULL,
  made_by     BINARY(16) NOT NULL,
  created     BIGINT NOT NULL,
  changed     BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A tablet that is handed over for one form: the link is good once and for ten minutes. device is the fingerprint of what
-- the device that opened it holds.
CREATE TABLE anteroom_tablet (
  id          BINARY(16) NOT NULL PRIMARY KEY,
  token_hash  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  device      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
  document    BIGINT NOT NULL,
  pid         BIGINT NOT NULL,
  patient     BINARY(16) NOT NULL,
  made_by     BINARY(16) NOT NULL,
  created     BIGINT NOT NULL,
  expires     BIGINT NOT NULL,
  opened      BIGINT,
  ended       BIGINT,
  KEY token (token_hash),
  KEY device (device),
  KEY pid (pid),
  KEY expires (expires)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
