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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A link that works once. Its token is not here, only its fingerprint; address and bound are fingerprints of the
-- address it went to and of the credentials there were, and a link whose fingerprints no longer fit is dead.
CREATE TABLE anteroom_link (
  id            BINARY(16) NOT NULL PRIMARY KEY,
  token_hash    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
  purpose       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pid           BIGINT NULL,
  address       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bound         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  factor        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pin_hash      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  wrong         INT NOT NULL DEFAULT 0,
  created       BIGINT NOT NULL,
  expires       BIGINT NOT NULL,
  used          BIGINT NULL,
  ended         BIGINT NULL,
  KEY pid (pid, purpose),
  KEY expires (expires)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Letters, written in the transaction of what they tell about, and sent by the loop behind the server. told is JSON and
-- holds nothing secret: the token of a link is made again from the link's id when the letter is written.
CREATE TABLE anteroom_outbox (
  id            BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  message_id    VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
  letter        VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pid           BIGINT NULL,
  address       VARCHAR(320) NOT NULL,
  language      VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  told          TEXT NOT NULL,
  link          BINARY(16) NULL,
  status        VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tries         INT NOT NULL DEFAULT 0,
  not_before    BIGINT NOT NULL,
  claimed_until BIGINT NULL,
  claimed_by    VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NULL,
  answer        VARCHAR(255) NOT NULL DEFAULT '',
  created       BIGINT NOT NULL,
  finished      BIGINT NULL,
  KEY due (status, not_before),
  KEY pid (pid, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
