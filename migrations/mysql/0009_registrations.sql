-- People who register themselves: what they typed, until there is a chart or the time is over. The id is also that of the
-- link in their letter (anteroom_link). address is the fingerprint of the mailbox, browser that of the browser that goes
-- on; invite and invite_hash are id and fingerprint of the link a later welcome carries. Times are seconds since 1970 (UTC).
CREATE TABLE anteroom_registration (
  id          BINARY(16) NOT NULL PRIMARY KEY,
  address     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fields      TEXT NOT NULL,
  browser     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  status      VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pid         BIGINT NULL,
  invite      BINARY(16) NOT NULL,
  invite_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  factor      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  undelivered BIGINT NULL,
  created     BIGINT NOT NULL,
  submitted   BIGINT NULL,
  expires     BIGINT NOT NULL,
  KEY status (status, created),
  KEY pid (pid),
  KEY expires (expires)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
