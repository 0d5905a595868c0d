-- Anteroom's own tables, and nothing of OpenEMR's. Times are seconds since 1970 (UTC).
-- Secrets are here as SHA-256 in base64url only; the private signing keys are the exception that must be readable.

CREATE TABLE anteroom_client (
  client_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  name          VARCHAR(120) NOT NULL,
  kind          VARCHAR(16) NOT NULL,
  redirect_uris TEXT NOT NULL,
  scope         TEXT NOT NULL,
  secret_hash   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  verified      INT NOT NULL DEFAULT 0,
  created       BIGINT NOT NULL,
  disabled      BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_session (
  session_hash  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  pid           BIGINT NOT NULL,
  credential    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  auth_time     BIGINT NOT NULL,
  last_seen     BIGINT NOT NULL,
  ended         BIGINT NULL,
  KEY pid (pid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_authorization (
  id            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  visitor_hash  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  client_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  redirect_uri  TEXT NOT NULL,
  scope         TEXT NOT NULL,
  state         TEXT NOT NULL,
  nonce         TEXT NULL,
  challenge     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created       BIGINT NOT NULL,
  pid           BIGINT NULL,
  must_change   INT NOT NULL DEFAULT 0,
  credential    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  session_hash  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  auth_time     BIGINT NULL,
  finished      BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_grant (
  id            VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  client_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pid           BIGINT NOT NULL,
  scope         TEXT NOT NULL,
  credential    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  auth_time     BIGINT NOT NULL,
  created       BIGINT NOT NULL,
  ends          BIGINT NOT NULL,
  revoked       BIGINT NULL,
  KEY pid (pid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_code (
  code_hash     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  grant_id      VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  client_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  redirect_uri  TEXT NOT NULL,
  challenge     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  nonce         TEXT NULL,
  expires       BIGINT NOT NULL,
  wrong         INT NOT NULL DEFAULT 0,
  used          BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_token (
  token_hash    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  grant_id      VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind          VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  scope         TEXT NOT NULL,
  parent        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  issued        BIGINT NOT NULL,
  expires       BIGINT NOT NULL,
  first_used    BIGINT NULL,
  consumed      BIGINT NULL,
  revoked       BIGINT NULL,
  KEY grant_id (grant_id),
  KEY parent (parent)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_throttle (
  name          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  attempts      BIGINT NOT NULL,
  since         BIGINT NOT NULL,
  not_before    BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_audit (
  id            BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at            BIGINT NOT NULL,
  action        VARCHAR(40) NOT NULL,
  outcome       VARCHAR(16) NOT NULL,
  reason        VARCHAR(255) NOT NULL DEFAULT '',
  actor         VARCHAR(64) NOT NULL DEFAULT '',
  client_id     VARCHAR(64) NOT NULL DEFAULT '',
  grant_id      VARCHAR(36) NOT NULL DEFAULT '',
  resource      VARCHAR(120) NOT NULL DEFAULT '',
  request_id    VARCHAR(36) NOT NULL DEFAULT '',
  KEY actor (actor)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE anteroom_key (
  kid           VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  purpose       VARCHAR(16) NOT NULL,
  material      TEXT NOT NULL,
  created       BIGINT NOT NULL,
  retired       BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
