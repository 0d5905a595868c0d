-- Work on many patients at once: invitations. Times are seconds since 1970 (UTC).

-- Who wants what, and who is at it. ticket is the fingerprint of a form or an Idempotency-Key: the same one makes one job.
-- asked is the fingerprint of what was asked for.
CREATE TABLE anteroom_job (
  id          BINARY(16) NOT NULL PRIMARY KEY,
  ticket      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
  asked       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  enable      INT NOT NULL,
  attested    INT NOT NULL,
  staff       BIGINT NULL,
  actor       VARCHAR(64) NOT NULL,
  client_id   VARCHAR(64) NOT NULL DEFAULT '',
  grant_id    VARCHAR(64) NOT NULL DEFAULT '',
  request_id  VARCHAR(64) NOT NULL DEFAULT '',
  total       BIGINT NOT NULL,
  status      VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created     BIGINT NOT NULL,
  finished    BIGINT NULL,
  lease_by    VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NULL,
  lease_until BIGINT NULL,
  KEY status (status, created)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- One line a patient. outcome is empty until it is done; then what became of it, with the reasons as JSON where it was refused.
CREATE TABLE anteroom_job_item (
  job         BINARY(16) NOT NULL,
  number      BIGINT NOT NULL,
  pid         BIGINT NOT NULL,
  outcome     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  reasons     TEXT NULL,
  tries       INT NOT NULL DEFAULT 0,
  not_before  BIGINT NOT NULL DEFAULT 0,
  finished    BIGINT NULL,
  PRIMARY KEY (job, number),
  UNIQUE KEY once (job, pid),
  KEY outcome (job, outcome, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
