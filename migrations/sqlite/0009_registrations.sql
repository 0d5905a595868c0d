-- People who register themselves: what they typed, until there is a chart or the time is over. The id is also that of the
-- link in their letter (anteroom_link). address is the fingerprint of the mailbox, browser that of the browser that goes
-- on; invite and invite_hash are id and fingerprint of the link a later welcome carries. Times are seconds since 1970 (UTC).
CREATE TABLE anteroom_registration (
  id          BLOB NOT NULL PRIMARY KEY,
  address     VARCHAR(64) NOT NULL,
  fields      TEXT NOT NULL,
  browser     VARCHAR(64) NULL,
  status      VARCHAR(12) NOT NULL,
  pid         BIGINT NULL,
  invite      BLOB NOT NULL,
  invite_hash VARCHAR(64) NOT NULL,
  factor      VARCHAR(16) NOT NULL,
  undelivered BIGINT NULL,
  created     BIGINT NOT NULL,
  submitted   BIGINT NULL,
  expires     BIGINT NOT NULL
);
CREATE INDEX anteroom_registration_status ON anteroom_registration (status, created);
CREATE INDEX anteroom_registration_pid ON anteroom_registration (pid);
CREATE INDEX anteroom_registration_expires ON anteroom_registration (expires);
