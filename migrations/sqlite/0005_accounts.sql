-- Portal accounts: what is remembered of each, single-use links, letters that go out, and work on many patients at once.
-- Times are seconds since 1970 (UTC).

-- What OpenEMR's tables have no place for. registered: somebody registered and is not let in yet.
CREATE TABLE anteroom_account (
  pid           BIGINT NOT NULL PRIMARY KEY,
  invited       BIGINT NULL,
  first_login   BIGINT NULL,
  locked        BIGINT NULL,
  locked_reason VARCHAR(255) NOT NULL DEFAULT '',
  email_hold    BIGINT NULL,
  registered    BIGINT NULL,
  attested      BIGINT NULL,
  attested_by   VARCHAR(64) NOT NULL DEFAULT ''
);

-- A link that works once. Its token is not here, only its fingerprint; address and bound are fingerprints of the
-- address it went to and of the credentials there were, and a link whose fingerprints no longer fit is dead.
CREATE TABLE anteroom_link (
  id            BLOB NOT NULL PRIMARY KEY,
  token_hash    VARCHAR(64) NOT NULL UNIQUE,
  purpose       VARCHAR(16) NOT NULL,
  pid           BIGINT NULL,
  address       VARCHAR(64) NOT NULL,
  bound         VARCHAR(64) NOT NULL,
  factor        VARCHAR(16) NOT NULL,
  pin_hash      VARCHAR(64) NULL,
  wrong         INT NOT NULL DEFAULT 0,
  created       BIGINT NOT NULL,
  expires       BIGINT NOT NULL,
  used          BIGINT NULL,
  ended         BIGINT NULL
);
CREATE INDEX anteroom_link_pid ON anteroom_link (pid, purpose);
CREATE INDEX anteroom_link_expires ON anteroom_link (expires);

-- Letters, written in the transaction of what they tell about, and sent by the loop behind the server. told is JSON and
-- holds nothing secret: the token of a link is made again from the link's id when the letter is written.
CREATE TABLE anteroom_outbox (
  id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  message_id    VARCHAR(80) NOT NULL UNIQUE,
  letter        VARCHAR(24) NOT NULL,
  pid           BIGINT NULL,
  address       VARCHAR(320) NOT NULL,
  language      VARCHAR(8) NOT NULL,
  told          TEXT NOT NULL,
  link          BLOB NULL,
  status        VARCHAR(12) NOT NULL,
  tries         INT NOT NULL DEFAULT 0,
  not_before    BIGINT NOT NULL,
  claimed_until BIGINT NULL,
  claimed_by    VARCHAR(43) NULL,
  answer        VARCHAR(255) NOT NULL DEFAULT '',
  created       BIGINT NOT NULL,
  finished      BIGINT NULL
);
CREATE INDEX anteroom_outbox_due ON anteroom_outbox (status, not_before);
CREATE INDEX anteroom_outbox_pid ON anteroom_outbox (pid, id);
